package payload

import (
	"fmt"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// notice says what of an event cannot be read, for people. Rules, windows and counts pass over an event without time,
// operation or outcome, so none may come without a word.
func (it *item) notice(r *Reading, m *members) {
	e := &r.Event
	if !e.Time.IsZero() && e.Outcome != "" && e.Operation != "" && !m.claims.lost && !it.props.lost && e.Form != activity.FormPowerShell {
		return
	}
	var missing []string
	say := func(absent bool, what string, raws ...[]byte) {
		raw := firstPresent(raws...)
		switch {
		case !absent:
		case len(it.text.word(raw)) == 0:
			missing = append(missing, "no "+what)
		default:
			missing = append(missing, fmt.Sprintf("no %s that can be read (%.60s)", what, raw))
			r.Lost = true
		}
	}
	top := &it.top
	say(e.Time.IsZero(), "time", m.raw(m.eventTimestamp), m.raw(m.time), m.raw(m.eventTime), top.raw(top.eventTime), top.raw(top.time))
	say(e.Operation == "", "operation", m.raw(m.operationName))
	say(e.Outcome == "", "outcome", m.raw(m.status), m.raw(m.resultType))
	if m.claims.lost {
		missing, r.Lost = append(missing, "no caller's claims that can be read"), true
	}
	if it.props.lost {
		missing, r.Lost = append(missing, "no properties that can be read"), true
	}
	if len(missing) > 0 {
		r.Notice = "the record has " + strings.Join(missing, ", ")
	}
	if e.Form == activity.FormPowerShell && (m.claims.lost || it.cutByDepth(m)) {
		r.Lost = true
		r.Notice = strings.TrimPrefix(r.Notice+"; ", "; ") + "PowerShell has cut objects: export with ConvertTo-Json -Depth 10"
	}
}
