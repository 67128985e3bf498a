package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

// send sends a message, with less and less in it while it is refused for what it holds. Whether the message or the
// destination is at fault is found by trying: a documented code says so, and what was refused before without one is tried
// in every form. A destination that refuses even a sentence of ours takes nothing.
func send(ctx context.Context, d notify.Destination, m notify.Message, have alert.Delivery) (ref notify.Ref, form notify.Form, err error) {
	prev := refTo(have)
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

// lookFor is for how long a message is looked for that was not answered; after that it counts as one that cannot be.
const lookFor = 24 * time.Hour

// found looks for a message that was sent whole and not answered, where the channel lets itself be searched: for the first one
// in the channel, for news in the thread of the first one, or for the message that replaced it. revision is 0 where it is not
// known to be there; absent says that it is known not to be, so that it may be sent again freely. An error says that it is not
// known now. A repeated edit changes nothing and is not looked for.
func found(ctx context.Context, d notify.Destination, m notify.Message, have alert.Delivery, now time.Time) (ref notify.Ref, revision int, absent bool, err error) {
	finder, can := d.(notify.Finder)
	if !can || have.Silences == 0 {
		return ref, 0, false, nil
	}
	sought := notify.Sought{Since: have.SilentSince}
	if have.Ref != "" {
		sought.Thread, m.Revision = refTo(have), have.Silent.Revision
	}
	ref, revision, err = finder.Find(ctx, m, sought)
	if errors.Is(err, notify.ErrUnsearchable) || err != nil && now.Sub(have.SilentSince) > lookFor {
		return ref, 0, false, nil
	}
	return ref, revision, err == nil && revision == 0, err
}

// refTo is where the message of a delivery is.
func refTo(have alert.Delivery) notify.Ref {
	return notify.Ref{Channel: have.Channel, ID: have.Ref, State: notify.State(have.State)}
}
