package publish

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/email"
)

// mailEach sends one mail to each recipient.
func (j *digestJob) mailEach(ctx context.Context, m email.Mail, recipients []string) error {
	var errs []error
	for _, m.To = range recipients {
		who := mailTo(m.To)
		m.Try = strconv.Itoa(j.state.Unsent[who])
		errs = append(errs, j.send(ctx, who, func() error {
			_, err := j.mailer.Send(ctx, m)
			return err
		}))
	}
	return errors.Join(errs...)
}

// send sends the digest to one of its ends, and notes at once that it has it. It may have what it answered in a way that its service
// does not document: that is not sent again; nor is what it did not answer a second time.
func (j *digestJob) send(ctx context.Context, who string, send func() error) error {
	err := send()
	if err != nil {
		err = fmt.Errorf("%s: %w", who, err)
	}
	switch kind := notify.KindOf(err); {
	case err == nil, kind == notify.Unconfirmed:
		j.state.Note(who, j.Now())
	case kind == notify.Unanswered:
		if j.state.Silent(who) > 1 {
			j.state.Note(who, j.Now())
		}
	case errors.Is(err, notify.ErrUnsent):
		j.state.Lost(who)
	default:
		return err
	}
	var noted error
	j.state, noted = j.Record.Store.SettleDigest(context.WithoutCancel(ctx), j.state)
	return errors.Join(err, noted)
}
