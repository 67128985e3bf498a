package pipeline

import (
	"cmp"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

// hold says whether a finding waits for the end of a quiet time or maintenance window: the one that ends last, if
// several match. Only the gravest rule is asked: a window for one rule must not hold back another that rings with it.
func (j *Judge) hold(f alert.Finding) alert.Hold {
	var h alert.Hold
	f.Also = nil
	now := j.Now()
	for i := range j.Quiet {
		q := &j.Quiet[i]
		if end, ok := q.Ends(now); ok && quieter(f, q.Below, notify.High) && matches(q.Match, f) && end.After(h.Until) {
			h = alert.Hold{Name: q.Name, Until: end}
		}
	}
	for i := range j.Maintenance {
		m := &j.Maintenance[i]
		if end, ok := m.Ends(now); ok && quieter(f, m.Below, notify.Critical) && matches(m.Match, f) && end.After(h.Until) {
			h = alert.Hold{Name: m.Name, Until: end}
		}
	}
	return h
}

// quieter reports whether the finding is less severe than below.
func quieter(f alert.Finding, below string, otherwise notify.Severity) bool {
	return notify.Severity(f.Rule.Severity).Rank() < cmp.Or(notify.Severity(below), otherwise).Rank()
}
