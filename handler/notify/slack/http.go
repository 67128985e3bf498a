package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/auditbell/auditbell/handler/notify"
)

// incoming is a channel reached through an incoming webhook. slack-go's own poster drops Slack's reason and puts the
// address into errors, so this is ours.
type incoming struct {
	poster *notify.Poster
}

var (
	_ notify.Destination = (*incoming)(nil)
	_ notify.Pinger      = (*incoming)(nil)
)

// Ping implements notify.Pinger.
func (d *incoming) Ping(ctx context.Context) error { return d.poster.Ping(ctx) }

// Deliver implements notify.Destination: what was posted cannot be edited, so news goes into a short message of its own.
// Actions are left out: what came of them could not be shown.
func (d *incoming) Deliver(ctx context.Context, m notify.Message, prev notify.Ref) (notify.Ref, error) {
	m.Actions = nil
	if prev.Zero() {
		return notify.Posted(m, notify.Accepted), d.send(ctx, Render(m))
	}
	if !m.HasNews() {
		return prev, nil
	}
	return prev, d.send(ctx, renderFollowUp(m))
}

func (d *incoming) send(ctx context.Context, p Payload) error {
	body, err := json.Marshal(struct {
		Payload
		Mrkdwn      bool `json:"mrkdwn"`
		UnfurlLinks bool `json:"unfurl_links"`
		UnfurlMedia bool `json:"unfurl_media"`
	}{Payload: p})
	if err != nil {
		return notify.Fail(notify.MessageRefused, fmt.Errorf("encode Slack message: %w", err))
	}
	a, err := d.poster.Post(ctx, body)
	text := string(bytes.TrimSpace(a.Body))
	switch {
	case err != nil:
		err = fmt.Errorf("post to Slack webhook: %w%s", err, reason(text))
		if kind, known := codeKind(text); known {
			err = notify.Fail(kind, err)
		}
		return err
	case text == "ok": // the whole documented answer (docs.slack.dev, "Sending messages using incoming webhooks")
		return nil
	}
	return fmt.Errorf("post to Slack webhook: %w", errUnreadable)
}

// webhookCode is the whole body of a webhook's refusal: "invalid_blocks", "no_service", "channel_is_archived".
var webhookCode = regexp.MustCompile(`^[a-z_]{3,40}$`)

// reason is empty unless the body is nothing but a code; anything else may quote the message.
func reason(body string) string {
	if !webhookCode.MatchString(body) {
		return ""
	}
	return ": " + body + hint(body)
}
