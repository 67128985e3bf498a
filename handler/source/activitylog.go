package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
)

// ActivityLog reads the Activity Log REST API of Azure Resource Manager, which keeps 90 days, of tenant, management
// groups and subscriptions: each has a log of its own. A scope that does not answer is Unreadable and costs nothing but
// its own events.
type ActivityLog struct {
	REST
	Scopes []activity.Scope
	Below  []string // management groups: every subscription below them is asked
}

var _ Finder = ActivityLog{}

// Versions of the API ("Activity Logs - List" and "Management Groups - Get Descendants" of the REST reference).
const (
	activityLogVersion = "2015-04-01"
	descendantsVersion = "2020-05-01"
)

// Retention is how far back the API reaches.
const Retention = 90 * 24 * time.Hour

// scopesAtOnce bounds the scopes whose pages are asked for at the same time, and pagesAhead the pages of each that wait for
// their turn, so that no more than scopesAtOnce × (pagesAhead+1) pages are in memory. Azure counts reads by subscription and
// identity, 250 at once and 25 each second ("Understand how Azure Resource Manager throttles requests"): subscriptions do
// not use up each other's, and of one scope one page is asked for at a time.
const (
	scopesAtOnce = 20
	pagesAhead   = 1
)

// Find implements Finder. The window must have a begin. The API takes a time range and one condition more; Pushed says
// which, and the others are applied here. Up to scopesAtOnce scopes are asked at the same time and yield their pages in
// turn, one each, however fast they answer: so none of them waits until another has yielded all it has.
func (a ActivityLog) Find(ctx context.Context, f Filter) iter.Seq2[*Found, error] {
	return func(yield func(*Found, error) bool) {
		asking, stop := context.WithCancel(ctx)
		next, done := iter.Pull2(a.distinct(asking, f.Subscriptions))
		var wg sync.WaitGroup
		defer wg.Wait()
		defer stop()
		defer done()
		var logs []chan *Found // that are being asked, by whose turn it is
		begin := func() bool {
			scope, err, more := next()
			if !more {
				return false
			}
			pages := make(chan *Found, pagesAhead)
			logs = append(logs, pages)
			wg.Go(func() {
				defer close(pages)
				a.pages(asking, scope, err, f, pages)
			})
			return true
		}
		for len(logs) < scopesAtOnce && begin() {
		}
		for len(logs) > 0 {
			pages := logs[0]
			logs = logs[1:]
			found, more := <-pages
			if !more {
				begin()
				continue
			}
			if logs = append(logs, pages); ctx.Err() == nil && !yield(found, nil) {
				return
			}
		}
		if ctx.Err() != nil {
			yield(nil, fmt.Errorf("read activity log: %w", ctx.Err()))
		}
	}
}

// distinct yields every scope once, and what could not be listed.
func (a ActivityLog) distinct(ctx context.Context, wanted []string) iter.Seq2[activity.Scope, error] {
	return func(yield func(activity.Scope, error) bool) {
		asked := map[activity.Scope]bool{}
		for scope, err := range a.scopes(ctx, wanted) {
			if err == nil && asked[scope] { // below two management groups
				continue
			}
			if asked[scope] = true; ctx.Err() != nil || !yield(scope, err) {
				return
			}
		}
	}
}

// scopes yields every scope to ask; of subscriptions only the wanted ones, when there are any. With an error it yields what
// could not be listed.
func (a ActivityLog) scopes(ctx context.Context, wanted []string) iter.Seq2[activity.Scope, error] {
	return func(yield func(activity.Scope, error) bool) {
		for _, one := range a.Scopes {
			if one = activity.Scope(strings.ToLower(string(one))); (one.Kind() != activity.SubscriptionKind || among(wanted, string(one))) && !yield(one, nil) {
				return
			}
		}
		for _, group := range a.Below {
			address := a.Endpoint + "/providers/Microsoft.Management/managementGroups/" + url.PathEscape(group) + "/descendants?api-version=" + descendantsVersion
			for address != "" {
				var page struct {
					Value    []struct{ Type, Name string }
					NextLink string
				}
				body, err := a.ask(ctx, http.MethodGet, address, nil)
				if err == nil {
					err = json.Unmarshal(body, &page)
				}
				if err != nil {
					yield(activity.Scope("subscriptions below management group "+group), err)
					break
				}
				for _, below := range page.Value {
					// The type is "Microsoft.Management/managementGroups/subscriptions" or "/subscriptions": the
					// reference shows both.
					id := strings.ToLower(below.Name)
					if strings.HasSuffix(below.Type, "/subscriptions") && among(wanted, id) && !yield(activity.Scope(id), nil) {
						return
					}
				}
				address = page.NextLink
			}
		}
	}
}

// pages sends the pages of one scope; what cannot be read is one of them.
func (a ActivityLog) pages(ctx context.Context, scope activity.Scope, err error, f Filter, to chan<- *Found) {
	send := func(found *Found) bool {
		select {
		case to <- found:
			return true
		case <-ctx.Done():
			return false
		}
	}
	unreadable := func(name string, err error) *Found {
		return &Found{Name: name, Unreadable: []Place{{Name: name, Reason: err.Error()}}}
	}
	if err != nil {
		send(unreadable(string(scope), err))
		return
	}
	for found, err := range a.List(ctx, scope, f) {
		if err != nil {
			found = unreadable(scope.String(), err)
		}
		if !send(found) {
			return
		}
	}
}

// List yields the pages of one scope's own log; the window must have a begin. An error ends it: a *RefusedError where
// Azure said why.
func (a ActivityLog) List(ctx context.Context, scope activity.Scope, f Filter) iter.Seq2[*Found, error] {
	name := scope.String()
	query := url.Values{"api-version": {activityLogVersion}, "$filter": {odata(f)}}
	address := a.Endpoint + listPath(scope) + "?" + strings.ReplaceAll(query.Encode(), "+", "%20")
	return func(yield func(*Found, error) bool) {
		for item := int64(0); address != ""; {
			body, err := a.ask(ctx, http.MethodGet, address, nil)
			var next struct{ NextLink string }
			if err == nil {
				err = json.Unmarshal(body, &next)
			}
			if err != nil {
				yield(nil, explained(scope, err))
				return
			}
			found := readPage(name, body, &item, f)
			if !yield(found, nil) {
				return
			}
			address = next.NextLink
		}
	}
}

// listPath is where a scope's own log is listed: "Activity Logs - List" and "Tenant Activity Logs - List" of the REST
// reference. No page describes the list of a management group; that it answers under the group's resource id is known
// from practice, so a 404 there is explained (see explained).
func listPath(scope activity.Scope) string {
	return escapePath(scope.ResourceID()) + "/providers/Microsoft.Insights/eventtypes/management/values"
}

func escapePath(id string) string {
	parts := strings.Split(id, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// explained adds to a refusal what an operator can do about it.
func explained(scope activity.Scope, err error) error {
	refused := new(RefusedError)
	if !errors.As(err, &refused) {
		return err
	}
	switch kind := scope.Kind(); {
	case kind != activity.SubscriptionKind && (refused.Status == http.StatusForbidden || refused.Status == http.StatusUnauthorized):
		return fmt.Errorf("%w (hint: %s)", err, Grant(kind, scope.Name()))
	case kind == activity.GroupKind && refused.Status == http.StatusNotFound:
		return fmt.Errorf("%w (the management group does not exist, or Azure does not list its log here; hint: az account management-group show --name %s)", err, scope.Name())
	}
	return err
}

// Grant is the command that lets the app read the log of a scope of a kind.
func Grant(kind activity.ScopeKind, name string) string {
	const command = "az role assignment create --role Reader --scope %s --assignee-object-id OBJECT_ID --assignee-principal-type ServicePrincipal"
	switch kind {
	case activity.TenantKind:
		return "a Global Administrator with elevated access gives Reader once: " + fmt.Sprintf(command, "/providers/Microsoft.Insights")
	case activity.GroupKind:
		return fmt.Sprintf(command, "/providers/Microsoft.Management/managementGroups/"+name)
	}
	return fmt.Sprintf(command, "/subscriptions/"+name)
}

// readPage reads the items of a page, which are counted on from item.
func readPage(name string, body []byte, item *int64, f Filter) *Found {
	found := &Found{Name: name, Bytes: int64(len(body))}
	for _, reading := range payload.Decode(body) {
		*item++
		switch {
		case reading.Kind == payload.Invalid:
			found.Unreadable = append(found.Unreadable, Place{Name: name, Item: *item, Reason: reading.Reason})
		case reading.Kind == payload.Activity && f.Holds(&reading.Event):
			found.Events = append(found.Events, f.event(&reading))
		}
	}
	return found
}

// odata is the API's filter. It knows a time range and one of resourceGroupName, resourceProvider, resourceUri and
// correlationId; "no other syntax is allowed" (REST reference, Activity Logs - List). Its end is included, which
// Filter.Holds puts right.
func odata(f Filter) string {
	text := "eventTimestamp ge '" + f.Window.From.UTC().Format(time.RFC3339Nano) + "'"
	if !f.Window.To.IsZero() {
		text += " and eventTimestamp le '" + f.Window.To.UTC().Format(time.RFC3339Nano) + "'"
	}
	if name, value := pushed(f); name != "" {
		text += " and " + name + " eq '" + strings.ReplaceAll(value, "'", "''") + "'"
	}
	return text
}

// pushed is the one condition that goes to the API beside the time.
func pushed(f Filter) (name, value string) {
	if len(f.Resources) == 1 && activity.ParseResource(f.Resources[0]).Type != "" {
		return "resourceUri", f.Resources[0]
	}
	if len(f.Groups) == 1 {
		return "resourceGroupName", f.Groups[0]
	}
	return "", ""
}

// Pushed lists by their flags which conditions Azure applies, and which are applied here to everything that it sends.
func (a ActivityLog) Pushed(f Filter) (there, here []string) {
	there = []string{"time"}
	name, _ := pushed(f)
	for _, c := range []struct {
		flag   string
		set    bool
		pushed bool
	}{
		{"resource-group", len(f.Groups) > 0, name == "resourceGroupName"},
		{"resource", len(f.Resources) > 0, name == "resourceUri"},
		{"operation", len(f.Operations) > 0, false},
		{"status", len(f.Outcomes) > 0, false},
		{"category", len(f.Categories) > 0, false},
		{"level", len(f.Levels) > 0, false},
		{"caller", len(f.Callers) > 0, false},
	} {
		switch {
		case c.set && c.pushed:
			there = append(there, c.flag)
		case c.set:
			here = append(here, c.flag)
		}
	}
	return there, slices.Clip(here)
}
