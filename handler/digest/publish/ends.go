package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/outbox"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/store"
)

// MailAlerts raises an alert about mail that does not go out.
type MailAlerts interface {
	Unmailed(ctx context.Context, b pipeline.Batch, digest, detail string) error
}

// ends are the destinations that did not get everything, and the recipients whom the digest of the period before did not
// reach.
func (j *digestJob) ends(ctx context.Context, w source.Window) ([]digest.End, error) {
	healths, err := j.Record.Store.Healths(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(healths, func(x, y outbox.Health) int { return strings.Compare(x.Name, y.Name) })
	var all []digest.End
	for i := range healths {
		waiting, err := j.Record.Store.CountWaiting(ctx, healths[i].Name)
		if err != nil {
			return nil, err
		}
		_, configured := j.Destinations[healths[i].Name]
		if e := endOf(&healths[i], waiting, configured, w); !e.Quiet() {
			all = append(all, e)
		}
	}
	owed, err := j.Record.Owed(ctx, j.digest, j.span)
	for _, o := range owed {
		for _, to := range Unmailed(j.digest, &o.State) {
			all = append(all, digest.End{Name: to, Reason: fmt.Sprintf("the digest %s of %s was not sent to it: %s", j.digest.Name, o.Span.Key, o.State.Reason)})
		}
	}
	return all, err
}

func endOf(h *outbox.Health, waiting int, configured bool, w source.Window) digest.End {
	e := digest.End{
		Name: h.Name, Removed: !configured && waiting > 0, Unwell: h.Unwell, Waiting: waiting, Unconfirmed: h.Unconfirmed.Count, Reduced: h.Reduced, Reason: h.Reason,
	}
	if e.Reason == "" {
		e.Reason = h.Unconfirmed.Reason
	}
	for _, d := range h.Discarded {
		if w.Holds(d.At) {
			e.Discarded = append(e.Discarded, digest.Discard{Alert: d.Alert, Title: d.Title, At: d.At, By: d.By})
		}
	}
	return e
}

// Unmailed lists the recipients of a digest that do not have it.
func Unmailed(d *settings.Digest, state *store.DigestState) (all []string) {
	for _, to := range d.Recipients {
		if !state.Has(mailTo(to)) && !state.Has("mail") {
			all = append(all, to)
		}
	}
	return all
}

// mailTo is how a digest's state names the mail to a recipient.
func mailTo(to string) string { return "mail to " + to }

// triesBefore are tries after which a digest that cannot be sent is an alert; a recipient that is refused is one at once.
const triesBefore = 3

// complain raises one alert for a digest that cannot be sent. One that could not be stored is tried again by the next run.
func (j *digestJob) complain(ctx context.Context, cause error) {
	if j.MailAlerts == nil || !j.state.Reported.IsZero() || j.state.Attempts < triesBefore && !refusedIn(cause) {
		return
	}
	detail := strings.TrimSuffix(notify.FirstLine(errors.New(strings.ReplaceAll(cause.Error(), "\n", "; "))), ".") + "."
	if err := j.MailAlerts.Unmailed(ctx, pipeline.Batch{ID: j.owner, Logger: j.log}, j.digest.Name+" of "+j.span.Key, detail); err != nil {
		j.log.Error("alert about a digest", "digest", j.digest.Name, "error", err)
		return
	}
	j.state.Reported = j.Now().UTC()
}

// refusedIn reports whether a joined error holds a refusal.
func refusedIn(err error) bool {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return slices.ContainsFunc(many.Unwrap(), refusedIn)
	}
	return notify.IsPermanent(err)
}
