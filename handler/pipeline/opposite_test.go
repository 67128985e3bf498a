package pipeline_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/settings"
)

// TestTheLaterOfTwoClicksHolds has two people decide the opposite within a second, and their clicks be stored in either order: what
// the later one decided holds, the message names both, no exception is left that it does not show, and who is overtaken by then is
// answered in words.
func TestTheLaterOfTwoClicksHolds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		at   []time.Duration // of carl's "expected", bob's withdrawal and ana's "expected", in the order in which they are stored
		by   []string
		held bool
		word string
	}{
		"a withdrawal after, stored before": {[]time.Duration{0, 900, 500}, []string{"carl", "bob", "ana"}, false, "No effect: Marked as expected by @ana"},
		"a withdrawal after, stored after":  {[]time.Duration{0, 500, 900}, []string{"carl", "ana", "bob"}, false, ""},
		"a withdrawal before, stored after": {[]time.Duration{0, 900, 500}, []string{"carl", "ana", "bob"}, true, "No effect: Withdrawn as expected by @bob"},
		"a withdrawal before, stored first": {[]time.Duration{0, 500, 900}, []string{"carl", "bob", "ana"}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept, _, clock := meteredStore(t)
			book := exception.NewBook(nil, kept, kept.Now)
			p := wire(kept, &pipeline.Judge{Rules: library(t), Routes: []settings.Route{{To: []string{"*"}}}, Exceptions: book},
				&pipeline.Composer{Acting: pipeline.Acting{Interactive: true, Expect: true, ExpectedFor: time.Hour}},
				pipeline.Channels{Destinations: map[string]notify.Destination{"slack": &uneditable{edits: true, at: clock.now}}})
			b := pipeline.Batch{ID: "one", Function: "feed", Logger: slog.New(slog.DiscardHandler)}
			opened := b
			opened.Events = []activity.Event{grantRecord("grant", activity.Succeeded, activity.FormRecords, clock.now(), assignment(ownerRole))}
			if _, err := p.Handle(t.Context(), opened); err != nil {
				t.Fatal(err)
			}
			all, err := kept.AlertsOpened(t.Context(), clock.now().Add(-time.Hour), clock.now().Add(time.Hour))
			if err != nil || len(all) != 1 {
				t.Fatalf("%d alerts, %v", len(all), err)
			}
			ref, noon, word := all[0].Ref(), clock.now(), ""
			for i, by := range c.by {
				clock.advance(noon.Add(c.at[i] * time.Millisecond).Sub(clock.now()))
				action := map[string]string{"bob": "withdraw"}[by]
				if action == "" {
					action = "expect"
				}
				b.ID = by
				if _, word, err = p.Act(t.Context(), notify.Click{Action: action, Value: ref.Group + "." + ref.ID, ByID: by, ByName: by, Once: by}, b); err != nil {
					t.Fatal(err)
				}
			}
			clock.advance(noon.Add(time.Minute).Sub(clock.now()))
			a, err := kept.Alert(t.Context(), ref)
			if err != nil {
				t.Fatal(err)
			}
			have, held := a.Standing(alert.Expected, clock.now())
			if held != c.held || held && have.By.ID != "ana" {
				t.Errorf("expected holds: %v, by %s", held, have.By)
			}
			if print := strings.Join(p.Message(a).Context, "\n"); !strings.Contains(print, "@ana") || !strings.Contains(print, "@bob") {
				t.Errorf("the message names %s", print)
			}
			if !strings.HasPrefix(word, c.word) || (word == "") != (c.word == "") {
				t.Errorf("the last one to be stored was answered %q, want %q", word, c.word)
			}
			exceptions, err := kept.Exceptions(t.Context())
			for _, x := range exceptions {
				if x.Expires.After(clock.now()) != (held && x.Owner.ID == "ana") {
					t.Errorf("the exception of %s ends at %s", x.Owner, x.Expires)
				}
				if x.EndedBy != nil && x.EndedBy.ID != "bob" {
					t.Errorf("the exception of %s was ended by %s, who did not withdraw it", x.Owner, x.EndedBy)
				}
			}
			if err != nil || len(exceptions) != 2 {
				t.Errorf("%d exceptions, %v", len(exceptions), err)
			}
		})
	}
}
