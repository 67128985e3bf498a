// Package clicks answers the buttons of Slack messages: it verifies who calls, reads the clicks, and hands them to the
// pipeline, which decides what they do.
package clicks

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/slack"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/turns"
)

// Handler is the function slack-action.
type Handler struct {
	Secret settings.Secret // empty: clicks are not answered
	Now    func() time.Time
	Act    func(context.Context, notify.Click, pipeline.Batch) (sum pipeline.Summary, word string, err error)
	Answer notify.Answerer // takes the words for who clicked; nil: they see a warning mark where nothing was done
}

// patience is how long an act may take: Slack shows the person a failure after three seconds (docs.slack.dev,
// "Handling user interaction", acknowledgment response) and does not send a click again by itself.
const patience = 2500 * time.Millisecond

// Largest bounds a click. Slack sends the whole message with it, at most some 40 KB when percent-encoded.
const Largest = 256 << 10

// Serve takes a click in a Slack message. Anybody can call it (authLevel anonymous, Slack sends no key), so
// nothing is believed, and nothing of the body logged, before the signature is verified. Every status travels inside
// the answer: a failed invocation would reach Slack as 500, without the reason.
func (h *Handler) Serve(ctx context.Context, in host.Invocation) (host.Result, error) {
	if h.Secret == "" {
		return host.Refuse(http.StatusNotFound, "not configured: SLACK_SIGNING_SECRET is not set"), nil
	}
	request, err := in.Request("req")
	if err != nil {
		return host.Result{}, err
	}
	if len(request.Body) > Largest {
		return host.Refuse(http.StatusRequestEntityTooLarge, "too large"), nil
	}
	if err := slack.Verify(request.Headers, request.Body, h.Secret, h.Now()); err != nil {
		in.Logger.Warn("slack action refused", "reason", err.Error(), "bytes", len(request.Body))
		return host.Refuse(http.StatusUnauthorized, "not signed by Slack"), nil
	}
	clicks, err := slack.Clicks(request.Body)
	if err != nil {
		in.Logger.Warn("slack action unreadable", "reason", err.Error(), "bytes", len(request.Body))
		return host.Refuse(http.StatusBadRequest, err.Error()), nil
	}
	done := make(chan host.Result, 1)
	turns.Go(context.WithoutCancel(ctx), func(ctx context.Context) { done <- h.act(ctx, in, clicks) })
	defer turns.Waited(ctx)
	select {
	case result := <-done:
		return result, nil
	case <-time.After(patience):
		// The store is slow. What it has taken must not be shown as failed; the edit of the message shows what was stored.
		in.Logger.Warn("slack action answered before it was stored")
		return host.Response(http.StatusOK, ""), nil
	}
}

// actFor bounds an act whose click is answered already.
const actFor = 20 * time.Second

func (h *Handler) act(ctx context.Context, in host.Invocation, clicks []notify.Click) host.Result {
	ctx, cancel := context.WithTimeout(ctx, actFor)
	defer cancel()
	for _, c := range clicks {
		sum, word, err := h.Act(ctx, c, pipeline.Batch{ID: in.Attempt(), Logger: in.Logger})
		said := h.say(ctx, in, c, word)
		if err != nil {
			if mark := notActed(in, err); !said {
				return mark
			}
			continue
		}
		in.Logger.Info("acted", slog.Any("counts", sum))
	}
	return host.Response(http.StatusOK, "") // an empty 200 leaves the message as it is; the edit comes by chat.update
}

// say answers who clicked in words that no other reader sees, and reports whether the channel took them.
func (h *Handler) say(ctx context.Context, in host.Invocation, c notify.Click, word string) bool {
	if word == "" || h.Answer == nil {
		return false
	}
	if err := h.Answer.Answer(ctx, c, word); err != nil {
		in.Logger.Warn("the person who clicked was not answered in words", "error", err)
		return false
	}
	return true
}

// notActed logs the reason and returns the answer for which Slack shows the person a warning mark.
func notActed(in host.Invocation, err error) host.Result {
	switch {
	case errors.Is(err, pipeline.ErrForeign):
		in.Logger.Warn("slack action is none of ours", "error", err)
		return host.Refuse(http.StatusBadRequest, "not an action of ours")
	case errors.Is(err, alert.ErrUnknown):
		in.Logger.Warn("slack action on an alert that is gone", "error", err)
		return host.Refuse(http.StatusNotFound, "there is no such alert any more")
	}
	in.Logger.Error("slack action not stored; the person may click again", "error", err)
	return host.Unavailable()
}

// Read reads what makes messages answer clicks. Without the secret a call of Slack's could not be distinguished from any other, so
// messages carry no buttons.
func Read(s *settings.Set) (settings.Secret, pipeline.Acting) {
	secret := s.Secret(settings.Def{
		Name: "SLACK_SIGNING_SECRET", Doc: "Secret with which Slack signs clicks; with it, messages have buttons that are answered by slack-action.",
		Hint: "copy the Signing Secret from the app's page Basic Information, and set its Interactivity Request URL to https://APP.azurewebsites.net/api/slack-action",
	})
	acting := pipeline.Acting{
		Interactive: secret != "",
		ExpectedFor: s.Duration(settings.Def{Name: "EXPECTED_FOR", Default: "168h", Doc: "How long \"Mark as expected\" keeps the same from being alerted; 168h are seven days."}),
		Zone:        s.Zone(settings.Def{Name: "TIME_ZONE", Default: "UTC", Doc: "Time zone of the people who read, an IANA name such as Europe/Berlin."}),
	}
	if acting.ExpectedFor <= 0 || acting.ExpectedFor > exception.Longest {
		s.Report(settings.Problem{Name: "EXPECTED_FOR", Reason: "is not between one second and 366 days", Hint: "168h are seven days"})
	}
	return secret, acting
}
