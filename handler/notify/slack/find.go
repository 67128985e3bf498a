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

// Types of what is kept beside our messages; members of the channel do not see it (docs.slack.dev, "Message metadata").
const (
	alertType  = "auditbell_alert"
	newsType   = "auditbell_news"
	recordType = "auditbell_record"
	restType   = "auditbell_rest" // what a message has no room for; never looked for
)

// metadata is the alert's id and revision, by which a message is found whose answer was lost.
func metadata(kind string, m notify.Message) api.MsgOption {
	if m.ID == "" {
		return api.MsgOptionCompose()
	}
	return api.MsgOptionMetadata(api.SlackMetadata{EventType: kind, EventPayload: map[string]any{"id": m.ID, "revision": m.Revision}})
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
// works without. An edit that finds its message gone posts the alert again (see Deliver), so what is not in a message's thread
// may be a message of its own; where the channel is set by its name, the thread's channel is where that is looked for.
func (d *Destination) Find(ctx context.Context, m notify.Message, s notify.Sought) (notify.Ref, int, error) {
	oldest := max(s.Since.Add(-clockSlip).Unix(), 0)
	if s.Thread.Zero() {
		return d.find(ctx, place{channel: d.channel, oldest: oldest, kind: alertType}, m, s)
	}
	in := place{channel: s.Thread.Channel, thread: s.Thread.ID, oldest: oldest, kind: newsType}
	if s.Record {
		in.kind = recordType
	}
	_, revision, err := d.find(ctx, in, m, s)
	if s.Record || revision > 0 || err != nil && !errors.Is(err, notify.ErrUnsearchable) {
		return s.Thread, revision, err
	}
	if in.thread, in.kind = "", alertType; channelID.MatchString(d.channel) {
		in.channel = d.channel
	}
	ref, revision, lost := d.find(ctx, in, m, s)
	if lost == nil && revision == 0 {
		lost = err
	}
	return ref, revision, lost
}

// find looks for a message of one kind.
func (d *Destination) find(ctx context.Context, in place, m notify.Message, s notify.Sought) (notify.Ref, int, error) {
	if !channelID.MatchString(in.channel) {
		return notify.Ref{}, 0, fmt.Errorf("%w: SLACK_CHANNEL is a name (hint: set it to the channel's id)", notify.ErrUnsearchable)
	}
	for range lookPages {
		page, next, err := d.web.messages(ctx, in, lookAt)
		if err != nil {
			return notify.Ref{}, 0, unsearched(explain("look for Slack message", err))
		}
		if ref, revision := among(page, in, m, s); revision > 0 || next == "" {
			return ref, revision, nil
		}
		in.cursor = next
	}
	return notify.Ref{}, 0, fmt.Errorf("%w: it has too many messages", notify.ErrUnsearchable)
}

// unsearched distinguishes a scope that the app does not have, and whatever else stays as it is, from trouble that passes.
func unsearched(err error) error {
	switch notify.KindOf(err) {
	case notify.Trouble, notify.NotSent, notify.Unanswered, notify.Unconfirmed, notify.Throttled:
		return err
	}
	return fmt.Errorf("%w: %w", notify.ErrUnsearchable, err)
}

// among finds a message of an alert: its own in whatever revision, though not the one whose thread was searched; a reply in m's.
func among(messages []found, in place, m notify.Message, s notify.Sought) (notify.Ref, int) {
	for _, have := range messages {
		if have.Metadata.EventType != in.kind || have.Metadata.EventPayload["id"] != m.ID || have.Timestamp == s.Thread.ID {
			continue
		}
		revision, _ := strconv.Atoi(fmt.Sprint(have.Metadata.EventPayload["revision"]))
		if in.kind == newsType && revision != m.Revision {
			continue
		}
		return notify.Ref{Channel: in.channel, ID: have.Timestamp, State: notify.Confirmed}, max(revision, 1)
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
