// Package webhook notifies a program of the operator's own: each alert, and each change of it, is one CloudEvent in JSON,
// signed so that the receiver knows who sent it and when.
//
// The receiver keeps state by subject: an event of type TypeUpdated replaces what the event of type TypeRaised said. The
// JSON is described by schema.json. Not for people, and not for chat systems with a format of their own.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// Destination is one receiver.
type Destination struct {
	poster *notify.Poster
	key    *settings.Secret // a pointer for the reason given at notify.Poster
}

var (
	_ notify.Destination = (*Destination)(nil)
	_ notify.Pinger      = (*Destination)(nil)
)

// Ping implements notify.Pinger.
func (d *Destination) Ping(ctx context.Context) error { return d.poster.Ping(ctx) }

// minSecret is what keeps a secret from being guessed: 16 random characters hold more than 80 bits.
const minSecret = 16

// Open is the notify.Opener of this package.
func Open(s *settings.Set, c *http.Client) notify.Destination {
	url := s.SecretURL(settings.Def{
		Name: "WEBHOOK_URL", Doc: "Address of your own service that receives every alert as a signed CloudEvent.",
		Hint: "give an https address that accepts POST",
	})
	key := s.Secret(settings.Def{
		Name: "WEBHOOK_SECRET", Doc: "Key of the HMAC-SHA256 signature with which your service knows that an alert is genuine.",
		Hint: "set it to at least 16 random characters, the same in your service",
	})
	switch {
	case url == "":
		return nil
	case len(key) < minSecret:
		s.Report(settings.Problem{
			Name: "WEBHOOK_SECRET", Reason: fmt.Sprintf("is shorter than %d characters", minSecret),
			Hint: "set it to random characters, such as those of: openssl rand -hex 32",
		})
		return nil
	}
	return &Destination{poster: notify.NewPoster(url, c), key: &key}
}

// Deliver implements notify.Destination. A change is told with or without news: for a program it is an edit.
func (d *Destination) Deliver(ctx context.Context, m notify.Message, prev notify.Ref) (notify.Ref, error) {
	ref, kind := prev, TypeUpdated
	if prev.Zero() {
		ref, kind = notify.Posted(m, notify.Confirmed), TypeRaised
	}
	body, err := encode(render(m, kind))
	if err != nil {
		return prev, notify.Permanent(fmt.Errorf("encode CloudEvent: %w", err))
	}
	// The time of sending, not of the alert: it is what the receiver checks for replays.
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	a, err := d.poster.Post(ctx, body,
		"Content-Type", "application/cloudevents+json; charset=utf-8",
		TimestampHeader, stamp,
		SignatureHeader, sign(d.key.Reveal(), stamp, body))
	if err != nil {
		return prev, fmt.Errorf("post to webhook: %w", err)
	}
	// A receiver may answer with anything, but a page means that something in between took the request.
	if a.WebPage() {
		return ref, notify.Fail(notify.Unconfirmed, errors.New("post to webhook: answered with a web page (hint: check WEBHOOK_URL and the proxy)"))
	}
	ref.State = notify.Confirmed
	return ref, nil
}
