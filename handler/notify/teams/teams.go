// Package teams tells a Teams channel through a Workflows webhook ("When a Teams webhook request is received").
//
// Such a webhook takes an Adaptive Card and gives nothing back: no handle, no edits, no threads, and not even the news
// that the card was shown, because 202 means only that the flow has started. So everything is checked and bounded before
// it is sent. Office 365 connectors, retired in 2026, are not supported.
package teams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// Destination is one channel, the one the workflow posts to.
type Destination struct {
	poster *notify.Poster
}

var _ notify.Destination = (*Destination)(nil)

// Open is the notify.Opener of this package.
func Open(s *settings.Set, c *http.Client) notify.Destination {
	url := s.SecretURL(settings.Def{
		Name: "TEAMS_WORKFLOW_URL", Doc: "Address of the Teams workflow that posts alerts to a channel; whoever knows it can post.",
		Hint: "create the workflow \"Post to a channel when a webhook request is received\" in the channel and copy its URL",
	})
	if url == "" {
		return nil
	}
	return &Destination{notify.NewPoster(url, c)}
}

// Deliver implements notify.Destination: what was posted cannot be edited, so news goes into a short card of its own.
func (d *Destination) Deliver(ctx context.Context, m notify.Message, prev notify.Ref) (notify.Ref, error) {
	if prev.Zero() {
		return notify.Posted(m), d.send(ctx, Render(m))
	}
	if !m.HasNews() {
		return prev, nil
	}
	return prev, d.send(ctx, renderFollowUp(m))
}

func (d *Destination) send(ctx context.Context, e Envelope) error {
	body, err := json.Marshal(e)
	if err != nil {
		return notify.Permanent(fmt.Errorf("encode Teams card: %w", err))
	}
	a, err := d.poster.Post(ctx, body)
	if err != nil {
		return fmt.Errorf("post to Teams workflow: %w%s", err, reason(a))
	}
	return accepted(a)
}

// accepted looks into answers with a 2xx status for refusals. Behind a workflow with a Response action, as with the
// connectors before, Teams' own throttling comes as 200 with a text that contains 429 (MicrosoftDocs/msteams-docs,
// connectors-using.md, "rate limiting").
func accepted(a notify.Answer) error {
	text := strings.ToLower(string(a.Body))
	switch {
	case a.Status == http.StatusOK && strings.Contains(text, "429"):
		return errors.New("post to Teams workflow: rate limited")
	case strings.Contains(text, "delivery failed"):
		return errors.New("post to Teams workflow: the workflow could not deliver the card")
	case strings.HasPrefix(strings.TrimSpace(text), "<"):
		// A sign-in or proxy page: whatever took the card, it was not a workflow.
		return errors.New("post to Teams workflow: answered with a web page (hint: check TEAMS_WORKFLOW_URL and the proxy)")
	}
	return nil
}

// errorCode is the code in Power Automate's {"error":{"code":"WorkflowTriggerIsNotEnabled",…}}; the message beside it
// may quote the request and is left out.
var errorCode = regexp.MustCompile(`^[A-Za-z]{3,60}$`)

func reason(a notify.Answer) string {
	var body struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(a.Body, &body) != nil || !errorCode.MatchString(body.Error.Code) {
		return ""
	}
	return ": " + body.Error.Code + hints[body.Error.Code]
}

// hints say what to do about Power Automate's codes.
var hints = map[string]string{
	"DirectApiAuthorizationRequired": " (hint: let the workflow's trigger accept anyone, the address is the secret)",
	"InvalidSharedAccessSignature":   " (hint: copy the workflow's URL again, including everything after the question mark)",
	"WorkflowNotFound":               " (hint: the workflow was deleted, create it again and set TEAMS_WORKFLOW_URL)",
	"WorkflowTriggerIsNotEnabled":    " (hint: turn the workflow on)",
}
