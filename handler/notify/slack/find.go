package slack

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	api "github.com/slack-go/slack"

	"github.com/auditbell/auditbell/handler/notify"
)

// metadataType names what is kept beside our messages; members of the channel do not see it (docs.slack.dev, "Message
// metadata").
const metadataType = "auditbell_alert"

// metadata is the alert's id and revision, by which a message is found whose answer was lost.
func metadata(m notify.Message) api.MsgOption {
	if m.ID == "" {
		return api.MsgOptionCompose()
	}
	return api.MsgOptionMetadata(api.SlackMetadata{EventType: metadataType, EventPayload: map[string]any{"id": m.ID, "revision": m.Revision}})
}

var (
	_ notify.Finder = (*Destination)(nil)
	_ notify.Pinger = (*Destination)(nil)
)

// channelID is what conversations.history takes; it knows no names.
var channelID = regexp.MustCompile(`^[CG][A-Z0-9]{8,}$`)

const (
	lookAt    = 100         // messages of a page, which has to be read within a megabyte
	lookPages = 40          // a channel with more messages in that time cannot be searched
	clockSlip = time.Minute // between our clock and Slack's
)

// Find implements notify.Finder. It needs the scope channels:history (groups:history in a private channel), which the app
// works without.
func (d *Destination) Find(ctx context.Context, m notify.Message, since time.Time) (notify.Ref, int, error) {
	if !channelID.MatchString(d.channel) {
		return notify.Ref{}, 0, errors.New("look for Slack message: SLACK_CHANNEL is a name (hint: set it to the channel's id)")
	}
	oldest, cursor := max(since.Add(-clockSlip).Unix(), 0), ""
	for range lookPages {
		page, next, err := d.web.history(ctx, d.channel, oldest, lookAt, cursor)
		if err != nil {
			return notify.Ref{}, 0, explain("look for Slack message", err)
		}
		if ref, revision := d.among(page, m.ID); revision > 0 || next == "" {
			return ref, revision, nil
		}
		cursor = next
	}
	return notify.Ref{}, 0, errors.New("look for Slack message: the channel has too many messages to be searched")
}

// among finds the message of an alert. It is there in whatever revision.
func (d *Destination) among(messages []found, id string) (notify.Ref, int) {
	for _, have := range messages {
		if have.Metadata.EventType != metadataType || have.Metadata.EventPayload["id"] != id {
			continue
		}
		revision, _ := strconv.Atoi(fmt.Sprint(have.Metadata.EventPayload["revision"]))
		return notify.Ref{Channel: d.channel, ID: have.Timestamp, State: notify.Confirmed}, max(revision, 1)
	}
	return notify.Ref{}, 0
}

// pingFor bounds the wait for an answer that says nothing.
const pingFor = 5 * time.Second

// Ping implements notify.Pinger by auth.test, which needs no scope.
func (d *Destination) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingFor)
	defer cancel()
	err := d.web.test(ctx)
	var answer api.SlackErrorResponse
	switch kind := notify.KindOf(err); {
	case err == nil, errors.As(err, &answer):
		return nil
	case kind == notify.NotSent, kind == notify.Unanswered:
		return explain("ask Slack", err)
	}
	return nil
}
