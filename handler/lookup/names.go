package lookup

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// namesWithin bounds all questions about the names of a report.
	namesWithin = 20 * time.Second
	// objectsAtOnce are objects of one question. Microsoft Graph takes 1,000 and answers whole objects, of which those of
	// service principals are large: an answer that is cut at maxAnswer is asked for in halves.
	objectsAtOnce = 100
	// appsAtOnce is the most that Microsoft Graph takes in one filter (learn: "Use the $filter query parameter").
	appsAtOnce = 15
	// subscriptionsAtOnce fills a page of Resource Graph.
	subscriptionsAtOnce = 100
)

// NamesOf asks what people call subscriptions and principals, the latter by object id or, of apps, by client id, as far as the
// lookups place, principal and caller are on and may ask. The names are by id in lower case; err says what could not be asked.
func (s *Set) NamesOf(ctx context.Context, subscriptions, principals []string) (names map[string]string, err error) {
	ctx, cancel := context.WithTimeout(ctx, namesWithin)
	defer cancel()
	names = map[string]string{}
	var errs []error
	if s.looks("place") {
		errs = append(errs, about("names of subscriptions", s.nameAll(ctx, subscriptions, subscriptionsAtOnce, s.subscriptions, names)))
	}
	if s.looks("principal") || s.looks("caller") {
		errs = append(errs, about("names of principals", s.nameAll(ctx, principals, objectsAtOnce, s.directory, names)))
		rest := slices.DeleteFunc(slices.Clone(principals), func(id string) bool { return names[strings.ToLower(id)] != "" })
		errs = append(errs, about("names of apps", s.nameAll(ctx, rest, appsAtOnce, s.apps, names)))
	}
	return names, errors.Join(errs...)
}

// looks reports whether a lookup is on.
func (s *Set) looks(name string) bool {
	return slices.ContainsFunc(s.on, func(l lookup) bool { return l.name == name })
}

func about(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %s", what, short(err))
}

// nameAll asks about some ids at a time, the first error ends it. What cannot be read is asked for in halves.
func (s *Set) nameAll(ctx context.Context, ids []string, atOnce int, ask func(context.Context, []string, map[string]string) error, names map[string]string) error {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !guid().MatchString(id) })
	for some := range slices.Chunk(ids, atOnce) {
		err := ask(ctx, some, names)
		if errors.Is(err, errUnreadable) && len(some) > 1 {
			err = s.nameAll(ctx, some, (len(some)+1)/2, ask, names)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// subscriptions reads names of subscriptions that the identity may read; Resource Graph leaves out the others.
func (s *Set) subscriptions(ctx context.Context, ids []string, names map[string]string) error {
	paths := make([]string, len(ids))
	for i, id := range ids {
		paths[i] = literal("/subscriptions/" + id)
	}
	var rows []container
	if err := s.query(ctx, "", "resourcecontainers | where id in~ ("+strings.Join(paths, ", ")+") | project id, name, tags", &rows); err != nil {
		return err
	}
	for _, r := range rows {
		names[strings.TrimPrefix(strings.ToLower(r.ID), "/subscriptions/")] = r.Name
	}
	return nil
}

// directoryObject is what is read of an object in Microsoft Entra ID.
type directoryObject struct {
	Kind        string `json:"@odata.type"`
	ID          string `json:"id"`
	AppID       string `json:"appId"`
	DisplayName string `json:"displayName"` // null of what the app may not read
	UPN         string `json:"userPrincipalName"`
}

func (o *directoryObject) name() string {
	if o.DisplayName == "" {
		return ""
	}
	return o.DisplayName + qualified(o.Kind, o.UPN)
}

// directory reads names of users, groups and service principals (learn: Microsoft Graph, "directoryObject: getByIds", which
// needs Directory.Read.All, takes no $select and leaves out what there is not).
func (s *Set) directory(ctx context.Context, ids []string, names map[string]string) error {
	return s.objectsOf(ctx, http.MethodPost, "directoryObjects/getByIds", map[string]any{"ids": ids}, func(o directoryObject) { names[strings.ToLower(o.ID)] = o.name() })
}

// apps reads names of service principals by their app's client id (learn: Microsoft Graph, "List servicePrincipals").
func (s *Set) apps(ctx context.Context, ids []string, names map[string]string) error {
	filter := "servicePrincipals?$select=appId,displayName&$filter=appId%20in%20('" + strings.Join(ids, "','") + "')"
	return s.objectsOf(ctx, http.MethodGet, filter, nil, func(o directoryObject) { names[strings.ToLower(o.AppID)] = o.name() })
}

// objectsOf asks Microsoft Graph for a list of objects.
func (s *Set) objectsOf(ctx context.Context, method, path string, body any, each func(directoryObject)) error {
	var answer struct {
		Value []directoryObject `json:"value"`
	}
	err := s.azure.graph.call(ctx, func(ctx context.Context) error { return s.azure.ask(ctx, method, path, body, &answer) })
	for _, o := range answer.Value {
		each(o)
	}
	return err
}
