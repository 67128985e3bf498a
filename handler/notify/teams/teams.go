// Package teams notifies a Teams channel through a Workflows webhook ("When a Teams webhook request is received").
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
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// Destination is one channel, the one the workflow posts to.
type Destination struct {
	poster *notify.Poster
}

var (
	_ notify.Destination = (*Destination)(nil)
	_ notify.Pinger      = (*Destination)(nil)
)

// Ping implements notify.Pinger.
func (d *Destination) Ping(ctx context.Context) error { return d.poster.Ping(ctx) }

// Open is the notify.Opener of this package.
func Open(s *settings.Set, c *http.Client) notify.Destination {
	address := s.SecretURL(settings.Def{
		Name: "TEAMS_WORKFLOW_URL", Doc: "Address of the Teams workflow that posts alerts to a channel; whoever knows it can post.",
		Hint: "create a workflow from the template \"Send webhook alerts to a channel\" and copy its URL",
	})
	if address == "" || retired(s, address) {
		return nil
	}
	return &Destination{notify.NewPoster(address, c)}
}

const rightURL = "create a workflow from the template \"Send webhook alerts to a channel\" and copy its URL, which is at environment.api.powerplatform.com"

// retired reports addresses that Teams no longer serves. The trigger addresses of workflows at logic.azure.com ended on
// 2025-11-30, those of Azure Logic Apps did not; which of the two it is cannot be seen, so that one is a warning.
func retired(s *settings.Set, address settings.Secret) bool {
	u, err := url.Parse(address.Reveal())
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	at := func(domain string) bool { return host == domain || strings.HasSuffix(host, "."+domain) }
	switch {
	case at("webhook.office.com"), at("outlook.office.com") && strings.HasPrefix(u.Path, "/webhook"):
		s.Report(settings.Problem{Name: "TEAMS_WORKFLOW_URL", Reason: "is the address of an Office 365 connector, which Microsoft retired", Hint: rightURL})
		return true
	case at("hooks.slack.com"):
		s.Report(settings.Problem{Name: "TEAMS_WORKFLOW_URL", Reason: "is an address of Slack", Hint: rightURL})
		return true
	case at("logic.azure.com"):
		s.Warn(settings.Problem{Name: "TEAMS_WORKFLOW_URL", Reason: "is at logic.azure.com, where workflows of Teams stopped on 2025-11-30; it works only if it is an Azure Logic App of your own", Hint: rightURL})
	}
	return false
}

// Deliver implements notify.Destination: what was posted cannot be edited, so news goes into a short card of its own.
func (d *Destination) Deliver(ctx context.Context, m notify.Message, prev notify.Ref) (notify.Ref, error) {
	if prev.Zero() {
		return notify.Posted(m, notify.Accepted), d.send(ctx, Render(m))
	}
	if !m.HasNews() {
		return prev, nil
	}
	return prev, d.send(ctx, renderFollowUp(m))
}

func (d *Destination) send(ctx context.Context, e Envelope) error {
	body, err := json.Marshal(e)
	if err != nil {
		return notify.Fail(notify.MessageRefused, fmt.Errorf("encode Teams card: %w", err))
	}
	a, err := d.poster.Post(ctx, body)
	if err != nil {
		return fmt.Errorf("post to Teams workflow: %w%s", sorted(a, err), reason(a))
	}
	return accepted(a)
}

// refusal is the one refusal that comes with a 2xx: behind a flow with a Response action, as with the connectors before,
// Teams' own status stands in a sentence (MicrosoftDocs/msteams-docs, connectors-using.md: "Webhook message delivery
// failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId …").
var refusal = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\s*"?Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error (\d{3})\b`)
})

// accepted reads a 2xx answer. Owners of flows add Response actions with any text, so every other text is a success.
func accepted(a notify.Answer) error {
	if a.WebPage() {
		return notify.Fail(notify.Unconfirmed, errors.New("post to Teams workflow: answered with a web page (hint: check TEAMS_WORKFLOW_URL and the proxy)"))
	}
	found := refusal().FindSubmatch(a.Body)
	if found == nil {
		return nil
	}
	err := fmt.Errorf("post to Teams workflow: Teams answered the workflow with status %s", found[1])
	switch status := string(found[1]); {
	case status == "429":
		return a.Delayed(notify.Fail(notify.Throttled, err))
	case status == "413":
		return notify.Fail(notify.MessageRefused, err)
	case status < "500":
		return notify.Fail(notify.Refused, err)
	}
	return a.Delayed(err)
}

// errorCode is the code in Power Automate's {"error":{"code":"WorkflowTriggerIsNotEnabled",…}}; the message beside it
// may quote the request and is left out.
var errorCode = regexp.MustCompile(`^[A-Za-z]{3,60}$`)

func flowCode(a notify.Answer) string {
	var body struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(a.Body, &body) != nil || !errorCode.MatchString(body.Error.Code) {
		return ""
	}
	return body.Error.Code
}

func reason(a notify.Answer) string {
	if code := flowCode(a); code != "" {
		return ": " + code + hints[code]
	}
	return ""
}

// sorted gives err the kind that Power Automate's code says.
func sorted(a notify.Answer, err error) error {
	switch code := flowCode(a); {
	case hints[code] != "":
		return notify.Fail(notify.DestinationRefused, err)
	case code == "InvalidBotAdaptiveCard", code == "RequestEntityTooLarge":
		return notify.Fail(notify.MessageRefused, err)
	}
	return err
}

// hints say what to do about Power Automate's codes.
var hints = map[string]string{
	"DirectApiAuthorizationRequired": " (hint: let the workflow's trigger accept anyone, the address is the secret)",
	"InvalidSharedAccessSignature":   " (hint: copy the workflow's URL again, including everything after the question mark)",
	"WorkflowNotFound":               " (hint: the workflow was deleted, create it again and set TEAMS_WORKFLOW_URL)",
	"WorkflowTriggerIsNotEnabled":    " (hint: turn the workflow on)",
}
