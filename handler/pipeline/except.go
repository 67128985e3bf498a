package pipeline

import (
	"context"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/notify"
)

// except takes from f the rules that exceptions cover; silent is true when none is left. What was silenced is counted
// under its exceptions. An operation that rang already is told to its end: whoever was told that it began must not be
// left with it.
//
// An act of which it is open what it was about is not counted: it is judged again.
func (in *Intake) except(ctx context.Context, b Batch, f *alert.Finding, open bool) (sum Summary, silent bool, err error) {
	if in.judge.Exceptions == nil || isCanary(&f.Event) {
		return sum, false, nil
	}
	v, err := in.judge.Exceptions.Judge(ctx, f.Event, append([]alert.Rule{f.Rule}, f.Also...))
	if err != nil {
		return sum, false, err
	}
	for _, x := range v.Lapsed {
		f.Notes = append(f.Notes, lapsed(x))
	}
	if len(v.By) == 0 {
		return sum, false, nil
	}
	known, ru, err := in.alerts.Known(ctx, f.Event)
	if sum.RU += ru; err != nil || known {
		return sum, false, err
	}
	if open && len(v.Left) == 0 {
		return sum, true, nil
	}
	ru, err = in.judge.Exceptions.Count(ctx, v.By, f.Event)
	if sum.RU += ru; err != nil {
		return sum, false, err
	}
	if len(v.Left) > 0 {
		*f = in.judge.Only(*f, v.Left)
		return sum, false, nil
	}
	sum.Excepted++
	for _, x := range v.By {
		b.Logger.Info("excepted", "exception", x.ID, "rule", f.Rule.ID, "event", f.Event.ID, "correlation", f.Event.CorrelationID)
	}
	return sum, true, nil
}

// lapsed is how the first finding after an exception's end says so.
func lapsed(x exception.Exception) string {
	if x.EndedBy != "" {
		return "alerts again: " + x.EndedBy + " withdrew the exception of " + x.Owner + " at " + notify.Clock(x.Expires)
	}
	return "rings again: the exception of " + x.Owner + " (" + notify.Cut(x.Reason, 120) + ") expired at " + notify.Clock(x.Expires)
}
