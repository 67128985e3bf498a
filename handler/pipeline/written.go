package pipeline

import (
	"context"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

// Written keeps what resources were when they were written, for the message about their deletion.
type Written interface {
	// NoteWritten keeps the bodies of a write, in the place of an earlier one of its resource.
	NoteWritten(ctx context.Context, e activity.Event) (ru float64, err error)
	// Written returns the bodies of the last write of a resource, and when it was; none: it is not known.
	Written(ctx context.Context, resource string) (bodies activity.Properties, at time.Time, ru float64, err error)
}

// namedByWrite are the types of resources whose deletion says only an id: what they were stands in the write.
var namedByWrite = []string{
	"microsoft.authorization/roleassignments", "microsoft.network/networksecuritygroups/securityrules", "/firewallrules",
}

// isNamedByWrite reports whether the event does something ("/write", "/delete") to such a resource, and did.
func isNamedByWrite(e *activity.Event, verb string) bool {
	kind, ok := strings.CutSuffix(e.Operation, verb)
	if !ok || e.ResourceID == "" || isCanary(e) {
		return false
	}
	for _, suffix := range namedByWrite {
		if strings.HasSuffix(kind, suffix) {
			return true
		}
	}
	return false
}

// noteWritten keeps what a write said of its resource. A note that fails is no reason to handle the event again.
func (in *Intake) noteWritten(ctx context.Context, b Batch, e activity.Event, sum *Summary) {
	if in.written == nil || b.Late != "" || e.Outcome != activity.Succeeded || !isNamedByWrite(&e, "/write") || !e.Properties.SaysWhat() {
		return
	}
	ru, err := in.written.NoteWritten(ctx, e.Bounded())
	if sum.RU += ru; err != nil {
		b.Logger.Warn("note what was written: its deletion will not name it", "event", e.ID, "error", err)
	}
}

// asWritten is a deletion with what its resource was when it was written last, where the record does not say it.
func (in *Intake) asWritten(ctx context.Context, b Batch, e activity.Event, met []alert.Rule, sum *Summary) whole {
	w := whole{event: e}
	if in.written == nil || len(met) == 0 || !isNamedByWrite(&e, "/delete") || e.Properties.SaysWhat() {
		return w
	}
	bodies, at, ru, err := in.written.Written(ctx, e.ResourceID)
	if sum.RU += ru; err != nil {
		b.Logger.Warn("read what was written: the deletion does not name it", "event", e.ID, "error", err)
	}
	if len(bodies) == 0 || at.After(e.Time.Time) {
		return w
	}
	w.event.Properties = e.Properties.With(bodies)
	w.note = "what it was is from its record of " + notify.Clock(at)
	return w
}
