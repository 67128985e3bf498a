package pipeline

import (
	"context"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

// send sends a message, with less and less in it while it is refused for what it holds. Whether the message or the
// destination is at fault is found by trying: a documented code says so, and what was refused before without one is tried
// in every form. A destination that refuses even a sentence of ours takes nothing.
func send(ctx context.Context, d notify.Destination, m notify.Message, have alert.Delivery) (ref notify.Ref, form notify.Form, err error) {
	prev := notify.Ref{Channel: have.Channel, ID: have.Ref, State: notify.State(have.State)}
	for _, form = range notify.Forms {
		ref, err = d.Deliver(ctx, m.In(form), prev)
		if !messageMayBeAtFault(notify.KindOf(err), have.Refused) {
			break
		}
	}
	return ref, form, err
}

// messageMayBeAtFault reports whether a failure is worth another form of the message, which was refused so many times
// before.
func messageMayBeAtFault(kind notify.Kind, before int) bool {
	switch kind {
	case notify.MessageRefused:
		return true
	case notify.Refused:
		return before > 0
	}
	return false
}

// found looks for a message that was sent whole and not answered, where the channel lets itself be searched. revision is 0
// where it is not known to be there; absent says that it is known not to be, so that it may be sent again freely.
func found(ctx context.Context, d notify.Destination, m notify.Message, have alert.Delivery) (ref notify.Ref, revision int, absent bool) {
	finder, can := d.(notify.Finder)
	if !can || have.Silences == 0 || have.Ref != "" {
		return ref, 0, false
	}
	ref, revision, err := finder.Find(ctx, m, have.SilentSince)
	return ref, revision, err == nil && revision == 0
}
