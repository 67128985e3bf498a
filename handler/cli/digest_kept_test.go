package cli

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// TestKeptEventsComeBack keeps events with usual and with hostile texts, and asks for them again.
func TestKeptEventsComeBack(t *testing.T) {
	t.Parallel()
	texts := []string{
		"", "a", "8b77cac6-5977-4f6a-98ed-056aae398023", "8B77CAC6-5977-4f6a-98ed-056aae398023", "ovp1gle03l9kgc6g773v1hmbrs", "zzzzzzzzzzzzzzzzzzzzzzzzzz", "abcdefghijklmnopqrstuvwxyz234567",
		"\x00\x01\x02\x03\x04\x05\x06", "/subscriptions/s/providers/x.y/z/n", "/providers/", "Ä/ß/\u202e", `{"httpRequest":{"clientRequestId":"8b77cac6-5977-4f6a-98ed-056aae398023"}}`,
		"8b77cac6-5977-4f6a-98ed-056aae3980238b77cac6", "----------", "8b77cac6x5977x4f6ax98edx056aae398023",
	}
	dice := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same in every run
	one := func() string { return texts[dice.IntN(len(texts))] }
	var k keptEvents
	var want []activity.Event
	for i := range 600 {
		e := activity.Event{
			Form: activity.Form(one()), Category: activity.Category(one()), Level: activity.Level(one()), Operation: one(), OperationDisplay: one(), Outcome: activity.Outcome(one()), SubStatus: one(),
			Caller: one(), CallerType: activity.CallerType(one()), CallerObjectID: one(), CallerName: one(), CallerAppID: one(), TenantID: one(), CallerIP: fmt.Sprint(dice.IntN(50)),
			SubscriptionID: one(), ResourceGroup: one(), ResourceID: one() + one(), ResourceType: one(), ResourceName: one(), ID: one(), CorrelationID: one() + one(), EventID: one(),
		}
		if i%7 > 0 {
			e.Time = activity.At(time.Unix(int64(dice.Uint32()), int64(dice.IntN(1e9))).UTC())
		}
		if essence := one(); essence != "" {
			e.Properties = activity.Properties(essence)
		}
		if n := k.add(&e, e.Properties, 0, links{}); int(n) != i {
			t.Fatalf("event %d is number %d", i, n)
		}
		want = append(want, e)
	}
	for i := range want {
		if diff := cmp.Diff(want[i], k.event(int32(i))); diff != "" { //nolint:gosec // a loop
			t.Fatalf("event %d (-kept +again) %s", i, diff)
		}
	}
}

// TestStoriesAreDecidedApart holds decisions story by story to decisions over all events at once, on events of few chains
// and groups, where all is connected with all.
func TestStoriesAreDecidedApart(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same in every run
	for range 12 {
		d := deciding{ruled: &ruled{rules: []*alert.Rule{{ID: "a", Severity: "low"}, {ID: "b", Severity: "high"}}, named: map[string]uint32{}, numbers: map[string]uint32{}, linkage: newLinkage()}}
		d.judged = []judgement{{met: []uint32{0}, rest: []uint32{0}}, {met: []uint32{0, 1}, rest: []uint32{0, 1}}, {met: []uint32{0}}}
		var order []int32
		var all alert.Memory
		var opened []alert.Ref
		for i := range 60 {
			e := activity.Event{
				ID: fmt.Sprint("e", i), CorrelationID: fmt.Sprint("c", dice.IntN(12)), Operation: "x/y/write", ResourceID: fmt.Sprint("/r", dice.IntN(3)), ResourceGroup: fmt.Sprint("g", dice.IntN(3)),
				Caller: fmt.Sprint("p", dice.IntN(2)), Outcome: []activity.Outcome{activity.Started, activity.Succeeded, activity.Failed}[dice.IntN(3)],
				Time: activity.At(time.Date(2026, 10, 1, 0, i*dice.IntN(3), 0, 0, time.UTC)),
			}
			judge := uint32(dice.IntN(3)) //nolint:gosec // below three
			order = append(order, d.kept.add(&e, nil, judge, d.links(&e, d.judged[judge].rest)))
		}
		slices.SortStableFunc(order, func(a, b int32) int { return d.event(a).Time.Compare(d.event(b).Time.Time) })
		for _, n := range order {
			e, one := d.event(n), d.judged[d.kept.row(n).judge]
			if len(one.rest) == 0 && all.Known(e) == nil {
				continue
			}
			met := one.rest
			if len(met) == 0 {
				met = one.met
			}
			if decided := all.Take(d.finding(e, met), e.Time.Time); decided.Opened {
				opened = append(opened, decided.Alert.Ref())
			}
		}
		want, got := map[string][2]int{}, map[string][2]int{}
		for _, ref := range opened {
			want[ref.ID] = [2]int{all.Alert(ref).Count, all.Alert(ref).Records}
		}
		d.opened = func(a *alert.Alert, _ []string) { got[a.ID] = [2]int{a.Count, a.Records} }
		d.stories(order, d.decide)
		if diff := cmp.Diff(want, got); diff != "" || len(got) < 5 {
			t.Fatalf("%d alerts; (-at once +apart) %s", len(got), diff)
		}
	}
}
