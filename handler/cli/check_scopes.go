package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/reconcile"
)

// reconcileCheck says of every watched scope how far the comparison has come.
func reconcileCheck(ctx context.Context, a *app.App) []checkLine {
	const check = "reconcile"
	if len(a.Reconcile.Reconciler.Scopes) == 0 {
		return []checkLine{{check, true, "off: what arrives is not compared with what Azure lists (hint: set SCOPES)"}}
	}
	var lines []checkLine
	for _, scope := range a.Reconcile.Reconciler.Scopes {
		kept, err := a.Store.Reconciled(ctx, scope.Key())
		var s reconcile.State
		if err == nil {
			s, err = reconcile.ReadState(kept)
		}
		if err != nil {
			lines = append(lines, checkLine{check, false, string(scope) + ": " + err.Error()})
			continue
		}
		lines = append(lines, stateLine(string(scope), &s, a.Now()))
	}
	return lines
}

// compareWithin is how old the newest compared hour may be before a person should look.
const compareWithin = 4 * time.Hour

func stateLine(id string, s *reconcile.State, now time.Time) checkLine {
	line := checkLine{"reconcile", true, id + ": "}
	if s.Newest.IsZero() {
		line.Detail += "nothing was compared yet"
	} else {
		line.Detail += "compared up to " + s.Newest.Add(time.Hour).Format("2006-01-02 15:04 UTC")
		line.OK = now.Sub(s.Newest) < compareWithin
	}
	if hours := s.BackTo.Sub(s.Back) / time.Hour; hours > 0 {
		line.Detail += fmt.Sprintf(", %d hours of the past to do", hours)
	}
	for _, g := range s.Gaps {
		line.OK = false
		line.Detail += fmt.Sprintf("; %s to %s cannot be compared: %s", notify.Clock(g.From), notify.Clock(g.To), g.Reason)
	}
	if f := s.Fails; !f.Since.IsZero() {
		line.OK = false
		line.Detail += fmt.Sprintf("; failing since %s, %d tries: %s", notify.Clock(f.Since), f.Tries, f.Reason)
	}
	return line
}

// pollCheck says of the tenant and each management group how far its log has been read.
func pollCheck(ctx context.Context, a *app.App) []checkLine {
	var lines []checkLine
	for _, scope := range a.Poll.Scopes {
		ok, detail := a.Poll.Check(ctx, scope)
		lines = append(lines, checkLine{"tenant-activity", ok, scope.String() + ": " + detail})
	}
	return lines
}
