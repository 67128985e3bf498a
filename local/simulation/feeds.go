package simulation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/local/simulation/oracle"
)

// Feeds.
const (
	eventGrid   = "eventgrid-activity"
	hub         = "eventhub-activity"
	actionGroup = "actiongroup-alert"
)

// Delivery is one request of a feed, with all records in it.
type Delivery struct {
	At      time.Duration
	Feed    string
	Records []Record
	Again   []time.Duration // when the feed delivers it once more, although it was accepted
}

// Record is one record of an act on the wire.
type Record struct {
	Act  int
	JSON string
}

// given marks a delivery that is repeated without need: it is not tried again when it fails.
const given = -1

// gridRetries are Event Grid's pauses (learn: "Event Grid message delivery and retry"), for 24 hours.
var gridRetries = []time.Duration{10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour}

// groupRetries are those of action groups, which repeat a call after 408, 429, 503 and 504 and when there is no answer.
var groupRetries = []time.Duration{5 * time.Second, 20 * time.Second, 5 * time.Second, 40 * time.Second, 5 * time.Second}

// deliver makes the request, for the n-th time.
func (s *simulation) deliver(d *Delivery, n int) {
	i := s.someone()
	if i == nil {
		s.after(d, n, result{})
		return
	}
	for _, id := range slices.Compact(d.acts()) {
		a := &s.plan.Acts[id]
		s.trace.line("azure       act %d: %s, %s, by %s", a.ID, a.Kind, a.Resource, a.Actor)
	}
	s.invoke(i, d.Feed, d.envelope(), func(r result) { s.after(d, n, r) })
}

// after is what a feed does with the answer.
func (s *simulation) after(d *Delivery, n int, r result) {
	again, wait := d.retry(n, r, s.plan.HubRetry)
	if d.Feed == hub && !again && r.status == 0 && n != given && s.scheduler.random.IntN(2) == 0 {
		again, wait = true, 30*time.Second // the whole instance died, its checkpoint was never written
	}
	s.answered(d.Feed, d.acts(), r, !r.ok() && !again && n != given)
	if !r.ok() && again {
		s.scheduler.after(wait, func() { s.deliver(d, n+1) })
	}
}

// retry says whether the feed tries again after an answer, and when.
func (d *Delivery) retry(n int, r result, policy HubRetry) (again bool, wait time.Duration) {
	if r.ok() || n == given {
		return false, 0
	}
	switch d.Feed {
	case eventGrid:
		if n < len(gridRetries) {
			return true, gridRetries[n]
		}
	case actionGroup:
		passing := r.status == 0 || r.status == 408 || r.status == 429 || r.status == 503 || r.status == 504
		if n < len(groupRetries) && passing {
			return true, groupRetries[n]
		}
	case hub:
		return policy.pause(n)
	}
	return false, 0
}

// HubRetry is the retry policy in functions/eventhub-activity/function.json. Without one a batch that failed is gone: the
// listener goes on to the next (facts: Microsoft, "Reliable event processing", EventHubListener).
type HubRetry struct {
	Strategy                         string
	MaxRetryCount                    int
	DelayInterval                    string
	MinimumInterval, MaximumInterval string
}

// hubPatience is how many failures in a row the simulation watches of a policy that retries without end: a batch that
// failed so often holds its partition up for ever.
const hubPatience = 200

// pause is the wait before the n-th retry.
func (h HubRetry) pause(n int) (bool, time.Duration) {
	if h.Strategy == "" || h.MaxRetryCount >= 0 && n >= h.MaxRetryCount || n >= hubPatience {
		return false, 0
	}
	if h.Strategy == "fixedDelay" {
		return true, span(h.DelayInterval)
	}
	return true, min(span(h.MinimumInterval)<<min(n, 16), span(h.MaximumInterval))
}

// span reads hh:mm:ss.
func span(text string) time.Duration {
	var h, m, s int
	_, _ = fmt.Sscanf(text, "%d:%d:%d", &h, &m, &s) // unreadable: no pause
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
}

// answered notes what an invocation came to.
func (s *simulation) answered(function string, acts []int, r result, final bool) {
	s.trace.line("host        %s was answered %d", function, r.status)
	if r.ok() {
		for _, a := range acts {
			s.world.Arrivals = append(s.world.Arrivals, oracle.Arrival{Act: a, At: time.Now()})
		}
		return
	}
	s.world.Refusals = append(s.world.Refusals, oracle.Refusal{
		At: time.Now(), Function: function, Detail: strings.TrimSpace(fmt.Sprintf("%d %s", r.status, r.body)), Final: final, Acts: acts,
	})
}

func (d *Delivery) acts() []int {
	var acts []int
	for _, r := range d.Records {
		acts = append(acts, r.Act)
	}
	return acts
}

// envelope is the body that the Functions host posts for the delivery.
func (d *Delivery) envelope() []byte {
	var list []string
	for _, r := range d.Records {
		list = append(list, r.JSON)
	}
	switch d.Feed {
	case eventGrid:
		return envelope(d.Feed, "events", "["+strings.Join(list, ",")+"]")
	case hub:
		return envelope(d.Feed, "records", text([]string{`{"records":[` + strings.Join(list, ",") + `]}`}))
	}
	return request(d.Feed, list[0], map[string][]string{"Content-Type": {"application/json; charset=utf-8"}})
}

// envelope holds a binding under Data, quoted as the host's rule says (ScriptInvocationContextExtensions.cs); Metadata names
// the function.
func envelope(function, binding string, value any) []byte {
	sys := object{"MethodName": function, "UtcNow": "2026-01-01T00:00:00Z", "RandGuid": "00000000-0000-4000-8000-000000000000"}
	return []byte(text(object{"Data": object{binding: value}, "Metadata": object{"sys": sys}}))
}
