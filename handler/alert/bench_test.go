package alert_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// costly is one decision whose cost is counted.
type costly struct {
	name   string
	state  alert.State
	f      alert.Finding
	allocs float64 // at most
}

// costs are the decisions that a finding may lead to. A busy alert has nineteen operations, and a further one joins it or
// ends, with a request's body in the record.
func costs() []costly {
	opens := finding(event("e1", activity.Succeeded, 0))
	var seen, one alert.Memory
	seen.Take(opens, noon)
	one.Take(finding(event("start", activity.Started, 0)), noon)
	ends := finding(event("end", activity.Succeeded, time.Second))
	all := []costly{
		{"duplicate", seen.State(opens, noon), opens, 0},
		{"opens", alert.State{}, opens, 20},
		{"ends", one.State(ends, noon), ends, 16},
	}
	var busy alert.Memory
	for n := range 20 {
		e := event(fmt.Sprint("start", n), activity.Started, time.Duration(n)*time.Second)
		e.CorrelationID, e.Form = fmt.Sprint("c", n), activity.FormRecords
		e.Properties = activity.Properties(`{"requestbody":{"properties":{"access":"Allow","sourceAddressPrefix":"*"}},"httpRequest":{"clientRequestId":"9c1f1c0e-0e2c-4f4c-8a3c-5b1c4a5b6c7d"}}`)
		begun := finding(e)
		e.ID, e.Outcome = fmt.Sprint("end", n), activity.Succeeded
		ended := finding(e)
		if n == 19 {
			all = append(all, costly{"busy, joins", busy.State(begun, noon), begun, 16})
			busy.Take(begun, noon)
			all = append(all, costly{"busy, ends", busy.State(ended, noon), ended, 16})
			break
		}
		busy.Take(begun, noon)
		busy.Take(ended, noon)
	}
	return all
}

// TestDecidingAllocatesLittle wants nothing for a duplicate. Other tests must not run beside it.
func TestDecidingAllocatesLittle(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	for _, c := range costs() {
		if got := testing.AllocsPerRun(100, func() { alert.Decide(c.state, c.f, noon) }); got > c.allocs {
			t.Errorf("%s: %v allocations, want %v at most", c.name, got, c.allocs)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, c := range costs() {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				alert.Decide(c.state, c.f, noon)
			}
		})
	}
}
