package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/notify/slack"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
)

// slackPatience is how long an act may take: Slack shows the person a failure after three seconds (docs.slack.dev,
// "Handling user interaction", acknowledgment response) and does not send a click again by itself.
const slackPatience = 2500 * time.Millisecond

// largestInteraction bounds a click. Slack sends the whole message with it, at most some 40 KB when percent-encoded.
const largestInteraction = 256 << 10

// slackAction takes a click in a Slack message. Anybody can call it (authLevel anonymous, Slack sends no key), so
// nothing is believed, and nothing of the body logged, before the signature is verified. Every status travels inside
// the answer: a failed invocation would reach Slack as 500 and nobody would learn why.
func slackAction(ctx context.Context, a *app, in host.Invocation) (host.Result, error) {
	if a.slackSecret == "" {
		return refused(http.StatusNotFound, "not configured: SLACK_SIGNING_SECRET is not set"), nil
	}
	request, err := in.Request("req")
	if err != nil {
		return host.Result{}, err
	}
	if len(request.Body) > largestInteraction {
		return refused(http.StatusRequestEntityTooLarge, "too large"), nil
	}
	if err := slack.Verify(request.Headers, request.Body, a.slackSecret, a.pipeline.Now()); err != nil {
		in.Logger.Warn("slack action refused", "reason", err.Error(), "bytes", len(request.Body))
		return refused(http.StatusUnauthorized, "not signed by Slack"), nil
	}
	clicks, err := slack.Clicks(request.Body)
	if err != nil {
		in.Logger.Warn("slack action unreadable", "reason", err.Error(), "bytes", len(request.Body))
		return refused(http.StatusBadRequest, err.Error()), nil
	}
	ctx, cancel := context.WithTimeout(ctx, slackPatience)
	defer cancel()
	for _, c := range clicks {
		sum, err := a.pipeline.Act(ctx, c, pipeline.Batch{ID: attemptID(in), Logger: in.Logger})
		if err != nil {
			return a.notActed(in, err), nil
		}
		in.Logger.Info("acted", slog.Any("counts", sum))
	}
	return host.Response(http.StatusOK, ""), nil // an empty 200 leaves the message as it is; the edit comes by chat.update
}

// notActed tells Slack, which shows the person that it did not work, and us why.
func (a *app) notActed(in host.Invocation, err error) host.Result {
	switch {
	case errors.Is(err, pipeline.ErrForeign):
		in.Logger.Warn("slack action is none of ours", "error", err)
		return refused(http.StatusBadRequest, "not an action of ours")
	case errors.Is(err, alert.ErrUnknown):
		in.Logger.Warn("slack action on an alert that is gone", "error", err)
		return refused(http.StatusNotFound, "there is no such alert any more")
	}
	in.Logger.Error("slack action not stored; the person may click again", "error", err)
	return unavailable()
}

func refused(status int, reason string) host.Result {
	return host.Response(status, map[string]string{"error": reason})
}

// readActing reads what makes messages answer clicks. Without the secret nobody could tell Slack from anybody else, so
// messages carry no buttons.
func readActing(s *settings.Set) (settings.Secret, pipeline.Acting) {
	secret := s.Secret(settings.Def{
		Name: "SLACK_SIGNING_SECRET", Doc: "Secret with which Slack signs clicks; with it, messages have buttons that are answered by slack-action.",
		Hint: "copy the Signing Secret from the app's page Basic Information, and set its Interactivity Request URL to https://APP.azurewebsites.net/api/slack-action",
	})
	acting := pipeline.Acting{
		Interactive: secret != "",
		ExpectedFor: s.Duration(settings.Def{Name: "EXPECTED_FOR", Default: "168h", Doc: "How long \"Mark as expected\" keeps the same from ringing; 168h are seven days."}),
		Zone:        s.Zone(settings.Def{Name: "TIME_ZONE", Default: "UTC", Doc: "Time zone of the people who read, an IANA name such as Europe/Berlin."}),
	}
	if acting.ExpectedFor <= 0 || acting.ExpectedFor > exception.Longest {
		s.Report(settings.Problem{Name: "EXPECTED_FOR", Reason: "is not between one second and 366 days", Hint: "168h are seven days"})
	}
	return secret, acting
}

// readExceptions reads config/exceptions.yaml. Every problem is reported; none of the file is used until they are mended.
func readExceptions(s *settings.Set, config fs.FS, all []*rules.Rule, now time.Time) []exception.Exception {
	list, problems := exception.Read(config, knownRule(all), now)
	for _, err := range problems {
		found := settings.Problem{Name: "config/" + exception.File, Reason: err.Error()}
		if at := new(rules.Problem); errors.As(err, &at) {
			found = settings.Problem{Name: fmt.Sprintf("config/%s:%d", at.File, at.Line), Reason: at.Reason}
		}
		s.Report(found)
	}
	return list
}

// knownRule knows the rules that there are. Those of Azure Monitor are the operator's own and stand in Azure.
func knownRule(all []*rules.Rule) func(string) bool {
	known := make(map[string]bool, len(all))
	for _, r := range all {
		known[r.ID] = true
	}
	return func(id string) bool { return known[id] || pipeline.IsAzureRule(id) }
}
