package lookup_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/lookup"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/rules/rulestest"
	"github.com/auditbell/auditbell/local/azure"
)

// TestEachTypeIsReadAndJudged has the acts of each rule of the library that reads a body come without one, on each type that the
// rule names, and Azure answer what the rule's example was asked for: it is read by the resource's id, once, and the rule matches.
func TestEachTypeIsReadAndJudged(t *testing.T) {
	t.Parallel()
	all, set := rulestest.Library(t)
	read := map[string]bool{}
	for _, r := range all {
		if !readsBody(r) || r.ID == "request-unreadable" { // Azure's answers can be read
			continue
		}
		for _, operation := range operationsOf(t, r) {
			e := act(operation)
			if !lookup.IsReadable(&e) || !slices.Contains(set.Possible(nil, &e), r) || slices.Contains(set.Match(nil, &e), r) {
				continue
			}
			body := bodyThatMeets(set, r, e)
			if body == "" && byPIM(r) {
				continue // a request for another kind of assignment than the rule's
			}
			if body == "" {
				t.Errorf("rule %s: no example says what %s could have been asked for", r.ID, operation)
				continue
			}
			b := openKnowing(t, azure.Directory{Bodies: map[string]string{e.ResourceID: body}}, func(o *lookup.Options) { o.Names = []string{alert.ResourceLookup} })
			found, open := b.look(t, e)
			if len(open) > 0 || !slices.Contains(set.Match(nil, with(e, string(found.Body))), r) {
				t.Errorf("rule %s: %s was answered %s, open %v, and the rule does not match", r.ID, operation, found.Body, open)
			}
			read[strings.TrimSuffix(operation, "/write")] = true
		}
	}
	if len(read) < 39 {
		t.Errorf("only %d types were read: %v", len(read), slices.Sorted(maps.Keys(read)))
	}
}

// schedules are requests to Privileged Identity Management; the library's examples of these rules are entries of its own log.
var schedules = []string{
	`{"properties":{"requestType":"AdminAssign","principalId":"` + ann + `","roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/` + owner + `","scheduleInfo":{"expiration":{"type":"NoExpiration"}}}}`,
	`{"properties":{"requestType":"AdminAssign","principalId":"` + ann + `","roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/` + owner + `","scheduleInfo":{"expiration":{"type":"AfterDuration","duration":"PT8H"}}}}`,
}

// bodyThatMeets is the request of one of the rule's examples by which the act meets it; empty: there is none.
func bodyThatMeets(set *rules.Set, r *rules.Rule, e activity.Event) string {
	if byPIM(r) {
		for _, body := range schedules {
			if slices.Contains(set.Match(nil, with(e, body)), r) {
				return body
			}
		}
	}
	for _, x := range r.Auditbell.Examples.Match {
		for _, step := range x.Steps {
			body := string(step.Event.Properties.Value("requestbody"))
			if strings.HasPrefix(body, `"`) {
				body = step.Event.Properties.Text("requestbody")
			}
			if body != "" && slices.Contains(set.Match(nil, with(e, body)), r) {
				return body
			}
		}
	}
	return ""
}

// with is the event with a request's body.
func with(e activity.Event, body string) *activity.Event {
	e.Properties = activity.Properties(`{"requestbody":` + body + `}`)
	activity.AddPIM(&e)
	return &e
}
