package lookup

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/enrich"
)

// place is where a resource is: its subscription's name, its tags and those around it.
type place struct {
	subscription string
	tags         map[string]string // the resource's own, else its group's, else the subscription's
}

const keepPlaces = 10 * time.Minute

func isPlaced(e *activity.Event) bool { return guid().MatchString(e.SubscriptionID) }

func isNothing(err error) bool { return errors.Is(err, errNothing) }

// place names the subscription, and tells tags and owner of the resource.
func (s *Set) place(ctx context.Context, e *activity.Event) (alert.Learned, error) {
	id := tracked(e.ResourceID)
	p, err := s.places.get(ctx, activity.Lower(e.SubscriptionID+id), keepPlaces, func(ctx context.Context) (place, error) {
		return s.around(ctx, e, id)
	})
	if err != nil {
		return alert.Learned{}, err
	}
	found := alert.Learned{Names: map[string]string{e.SubscriptionID: p.subscription}}
	owner := s.owner(p.tags)
	if owner != "" {
		found.Facts = append(found.Facts, alert.Fact{Name: "Owner", Value: owner})
	}
	if text := tagText(p.tags); text != "" {
		found.Facts = append(found.Facts, alert.Fact{Name: "Tags", Value: text})
	}
	return found, nil
}

// container is a row: a subscription, a resource group or a resource.
type container struct {
	ID   string         `json:"id"`
	Name string         `json:"name"`
	Tags map[string]any `json:"tags"`
}

// around asks for the subscription, the resource group and the resource in one query; Resource Graph takes one union of
// resources and resourcecontainers (learn: "Understanding the Azure Resource Graph query language").
func (s *Set) around(ctx context.Context, e *activity.Event, id string) (place, error) {
	subscription := "/subscriptions/" + e.SubscriptionID
	containers := literal(subscription)
	if e.ResourceGroup != "" {
		containers += ", " + literal(subscription+"/resourceGroups/"+e.ResourceGroup)
	}
	text := "resourcecontainers | where id in~ (" + containers + ") | project id, name, tags"
	if id != "" {
		text += " | union (resources | where id =~ " + literal(id) + " | project id, name, tags)"
	}
	var rows []container
	if err := s.query(ctx, e.SubscriptionID, text, &rows); err != nil {
		return place{}, err
	}
	if len(rows) == 0 {
		return place{}, errNothing // nothing that we may read; Resource Graph does not say which
	}
	p := place{tags: map[string]string{}}
	slices.SortFunc(rows, func(x, y container) int { return cmp.Compare(len(x.ID), len(y.ID)) }) // inner tags win
	for _, r := range rows {
		if strings.EqualFold(r.ID, subscription) {
			p.subscription = r.Name
		}
		for name, value := range r.Tags {
			if text, ok := value.(string); ok {
				maps.DeleteFunc(p.tags, func(have, _ string) bool { return strings.EqualFold(have, name) }) // Azure does not tell cases apart
				p.tags[name] = text
			}
		}
	}
	return p, nil
}

// tracked is the resource that Resource Graph lists: the parent of /…/networkSecurityGroups/nsg/securityRules/r, "" for
// what is no resource.
func tracked(id string) string {
	head, tail, ok := strings.Cut(id, "/providers/")
	if !ok || !strings.HasPrefix(strings.ToLower(head), "/subscriptions/") {
		return ""
	}
	parts := strings.Split(tail, "/")
	if len(parts) < 3 || strings.EqualFold(parts[0], "microsoft.authorization") {
		return ""
	}
	return head + "/providers/" + strings.Join(parts[:3], "/")
}

// owner is the value of the first tag that the operator named.
func (s *Set) owner(tags map[string]string) string {
	for _, wanted := range s.ownerTag {
		for _, name := range slices.Sorted(maps.Keys(tags)) {
			if strings.EqualFold(name, wanted) && tags[name] != "" {
				return enrich.Shown(name, tags[name])
			}
		}
	}
	return ""
}

// tagText is "env=prod, team=payments", the first six by name. Azure's own hidden- tags are for the portal.
func tagText(tags map[string]string) string {
	const most = 6
	var all []string
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		if !strings.HasPrefix(strings.ToLower(name), "hidden-") {
			all = append(all, name+"="+enrich.Shown(name, tags[name]))
		}
	}
	return enrich.AndMore(all, most, ", ")
}

// probePlace counts the subscriptions that we may read. Resource Graph refuses nobody: it shows less.
func (s *Set) probePlace(ctx context.Context) (string, error) {
	var rows []container
	if err := s.query(ctx, "", "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | project id, name", &rows); err != nil {
		return "", err
	}
	if len(rows) == 0 {
		return "", &refusedError{"Resource Graph shows no subscription"}
	}
	var names []string
	for _, r := range rows {
		names = append(names, r.Name)
	}
	return " (" + enrich.AndMore(names, 4, ", ") + ")", nil
}
