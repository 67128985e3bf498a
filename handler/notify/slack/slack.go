// Package slack notifies a Slack channel: through a bot token, which can edit and reply in threads, or through an incoming
// webhook, which can only post.
//
// It renders a notify.Message into Block Kit, knows Slack's error codes, and reads what Slack sends when somebody clicks
// in a message (interaction.go). It never retries or waits, and it does not decide what a click does.
package slack

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	api "github.com/slack-go/slack"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// Open is the notify.Opener of this package. The result is a *Destination with a bot token, another Destination with
// an incoming webhook, and nil with neither.
func Open(s *settings.Set, c *http.Client) notify.Destination {
	token := s.Secret(settings.Def{
		Name: "SLACK_BOT_TOKEN", Doc: "Token of the Slack app's bot user, which can edit messages and reply in threads; needs the scope chat:write.",
		Hint: "copy the Bot User OAuth Token (xoxb-…) from the app's page OAuth & Permissions",
	})
	channel := s.Text(settings.Def{
		Name: "SLACK_CHANNEL", Doc: "Channel the bot posts to, an id such as C0123456789 or a name such as #security-alerts.",
		Example: "#security-alerts", Hint: "set SLACK_CHANNEL and invite the app to that channel",
	})
	hook := s.SecretURL(settings.Def{
		Name: "SLACK_WEBHOOK_URL", Doc: "Incoming webhook of one Slack channel, instead of a bot token; it can post but never edit.",
		Hint: "copy the address from the app's page Incoming Webhooks",
	})
	base := s.URL(settings.Def{
		Name: "SLACK_API_URL", Doc: "Address of Slack's Web API; set it for GovSlack or a stand-in.", Default: api.APIURL,
		Hint: "leave it unset for slack.com",
	})
	from := recordRank(s)
	switch {
	case hook != "" && wrongHook(s, hook):
	case token != "" && hook != "":
		s.Report(settings.Problem{
			Name: "SLACK_WEBHOOK_URL", Reason: "is set beside SLACK_BOT_TOKEN",
			Hint: "remove one of the two; the bot token can edit messages, the webhook cannot",
		})
	case token != "" && channel == "":
		s.Report(settings.Problem{
			Name: "SLACK_CHANNEL", Reason: "is not set, but SLACK_BOT_TOKEN is",
			Hint: "set it to the channel's id and invite the app to that channel",
		})
	case token != "" && base != "":
		bot := newBot(token, channel, base, c)
		bot.recordFrom = from
		return bot
	case hook != "":
		return &incoming{notify.NewPoster(hook, c)}
	}
	return nil
}

const rightHook = "copy the address from the app's page Incoming Webhooks; it begins with https://hooks.slack.com/services/"

// wrongHook reports addresses that are no incoming webhook. A workflow's trigger takes fields of its own, answers
// {"ok":true} to anything that has them, and shows no blocks (slack.com/help, "Create workflows that start with a webhook").
func wrongHook(s *settings.Set, hook settings.Secret) bool {
	u, err := url.Parse(hook.Reveal())
	if err != nil {
		return false
	}
	host, kind := strings.ToLower(u.Hostname()), strings.SplitN(u.Path, "/", 3)
	switch {
	case strings.HasSuffix(host, "hooks.slack.com") && len(kind) > 1 && (kind[1] == "triggers" || kind[1] == "workflows"):
		s.Report(settings.Problem{Name: "SLACK_WEBHOOK_URL", Reason: "is the trigger of a Slack workflow, which shows no alerts", Hint: rightHook})
	case strings.HasSuffix(host, "webhook.office.com"), strings.HasSuffix(host, "logic.azure.com"), strings.HasSuffix(host, "powerplatform.com"):
		s.Report(settings.Problem{Name: "SLACK_WEBHOOK_URL", Reason: "is an address of Teams", Hint: rightHook})
	default:
		return false
	}
	return true
}

// Destination is a channel reached with a bot token.
type Destination struct {
	web        *web // a pointer, which prints no token
	channel    string
	recordFrom int // rank of the severity from which on the record goes into the thread
}

var (
	_ notify.Destination = (*Destination)(nil)
	_ notify.Editor      = (*Destination)(nil)
)

// Edits implements notify.Editor.
func (d *Destination) Edits() bool { return true }

func newBot(token settings.Secret, channel, base string, c *http.Client) *Destination {
	if !strings.HasSuffix(base, "/") {
		base += "/" // the method's name is appended as it is
	}
	return &Destination{web: &web{base, token, c}, channel: channel}
}

// In returns the same bot posting to another channel, which routes name.
func (d *Destination) In(channel string) notify.Destination {
	return &Destination{web: d.web, channel: channel, recordFrom: d.recordFrom}
}

// Deliver implements notify.Destination. Edits go where prev was posted, wherever In points now.
func (d *Destination) Deliver(ctx context.Context, m notify.Message, prev notify.Ref) (notify.Ref, error) {
	// A Ref without a channel is what an incoming webhook leaves behind: nothing that a bot could edit.
	if prev.Channel == "" || prev.ID == "" {
		return d.post(ctx, m)
	}
	err := d.edit(ctx, m, prev)
	switch {
	case gone[code(err)]:
		return d.post(ctx, m)
	case code(err) == "edit_window_closed":
		err = nil // the workspace forbids late edits; the thread still takes the news
	}
	edited := explain("edit Slack message", err)
	odd := notify.KindOf(edited) == notify.Unconfirmed // an edit is not repeated then, and the news would be nowhere
	if edited == nil {
		prev.State = notify.Confirmed
	}
	if !m.HasNews() || edited != nil && !odd {
		return prev, edited
	}
	// Failing here repeats the edit on the next try, which changes nothing, and then the reply.
	if err := d.reply(ctx, m, prev); err != nil {
		return prev, explain("reply in Slack thread", err)
	}
	return prev, edited
}

// gone are the codes after which an earlier message cannot be edited any more: a person deleted it, another app posted
// it before the token changed, its channel was archived or deleted or the app was removed from it. The alert is posted
// again in the channel that is configured today.
var gone = map[string]bool{
	"message_not_found": true, "cant_update_message": true, "channel_not_found": true, "is_archived": true, "channel_is_archived": true,
	"not_in_channel": true, "is_inactive": true,
}

// post posts a new message. The Ref has the channel's id.
func (d *Destination) post(ctx context.Context, m notify.Message) (notify.Ref, error) {
	channel, ts, err := d.web.send(ctx, d.channel, Render(m), metadata(alertType, m))
	if err != nil {
		return notify.Ref{}, explain("post to Slack", err)
	}
	return notify.Ref{Channel: channel, ID: ts, State: notify.Confirmed}, nil
}

// edit replaces blocks and text. Slack puts no "edited" mark on messages with blocks.
func (d *Destination) edit(ctx context.Context, m notify.Message, prev notify.Ref) error {
	_, _, err := d.web.send(ctx, prev.Channel, Render(m), metadata(alertType, m), api.MsgOptionUpdate(prev.ID))
	return err
}

// reply puts the news into the thread, which notifies those who follow it; an edit notifies nobody.
func (d *Destination) reply(ctx context.Context, m notify.Message, prev notify.Ref) error {
	_, _, err := d.web.send(ctx, prev.Channel, renderNews(m), metadata(newsType, m), api.MsgOptionTS(prev.ID))
	return err
}

// errUnreadable is for 2xx answers that are none of Slack's. The message may have arrived, so it is not sent again.
var errUnreadable = notify.Fail(notify.Unconfirmed, errors.New("answer is not Slack's"))
