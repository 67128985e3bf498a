package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/pipeline"
)

// Job is the timer function reconcile. What a comparison finds goes the way of every event, through the pipeline.
type Job struct {
	Reconciler *Reconciler
	Pipeline   Pipeline
	RollUp     func(ctx context.Context, recovered []activity.Event) error // counts old hours again; events in the order of their time
	Now        func() time.Time
}

// Pipeline is what the job asks of package pipeline.
type Pipeline interface {
	Handle(ctx context.Context, b pipeline.Batch) (pipeline.Summary, error)
	Gap(ctx context.Context, b pipeline.Batch, scope activity.Scope, detail string) error
}

// Run compares what is due. What it finds goes the way of every event, marked.
func (j *Job) Run(ctx context.Context, in host.Invocation) (host.Result, error) {
	if len(j.Reconciler.Scopes) == 0 {
		in.Logger.Info("reconciliation is off: SCOPES is not set, so hours are not compared with Azure")
		return host.Result{}, nil
	}
	sum, err := j.For(in.Attempt(), in.Logger).Run(ctx, in.Attempt())
	in.Logger.Info("reconciled", slog.Any("counts", sum))
	if err != nil {
		in.Logger.Warn("not everything could be compared; the next run goes on", "error", err)
	}
	if sum.Hours > 0 { // some could not be compared, which becomes an alert when it lasts
		err = nil
	}
	return host.Result{}, err
}

// For is the reconciler of one run.
func (j *Job) For(id string, log *slog.Logger) *Reconciler {
	r := *j.Reconciler
	batch := pipeline.Batch{ID: id, Function: "reconcile", Logger: log, Late: FoundLate}
	r.Take = func(ctx context.Context, events []activity.Event, old bool) error {
		b := batch
		if b.Events = events; old {
			b.Hold = alert.Hold{Name: "reconciliation", Until: j.Now().Add(budget)} // until this run is over
		}
		sum, err := j.Pipeline.Handle(ctx, b)
		log.Info("recovered", slog.Any("counts", sum))
		if err != nil {
			return err
		}
		return j.RollUp(ctx, events)
	}
	r.Park = func(ctx context.Context, e activity.Event, reason error) error { return j.setAside(ctx, e, reason) }
	r.Alert = func(ctx context.Context, g Gap) error {
		log.Error("gap", "scope", string(g.Scope), "from", g.From, "to", g.To, "reason", g.Reason)
		detail := fmt.Sprintf("From %s to %s: %s.", notify.Clock(g.From), notify.Clock(g.To), strings.TrimSuffix(g.Reason, "."))
		return j.Pipeline.Gap(ctx, batch, g.Scope, detail)
	}
	return &r
}

// setAside keeps a record that could not be recorded, with why.
func (j *Job) setAside(ctx context.Context, e activity.Event, reason error) error {
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("set record aside: %w", err)
	}
	sum := sha256.Sum256(text)
	_, err = j.Reconciler.Store.Park(ctx, activity.Parked{
		ID: hex.EncodeToString(sum[:16]), Signal: Unstored, Function: "reconcile", Reason: notify.FirstLine(reason), At: j.Now().UTC(), Size: len(text),
		Excerpt: activity.Excerpt(text),
	})
	return err
}
