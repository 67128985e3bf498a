package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	api "github.com/slack-go/slack"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// web calls the four methods of Slack's Web API that are used. slack-go makes the messages and their forms. Its client is
// not used: its errors name the address, it takes Retry-After as seconds only, and it is 1 MB of the program, because
// templates look methods up by name, so that the linker keeps all 500 of them.
type web struct {
	base   string // ends in a slash
	token  settings.Secret
	client *http.Client
}

// send posts a message to a channel, or changes one there (api.MsgOptionUpdate). The channel's id is in the answer, which
// chat.update needs where chat.postMessage takes a name too (slackapi/python-slack-sdk issue #1495). Everything that would
// interpret text is off: chat.update parses as a client does without parse=none ("Defaults to client, unlike
// chat.postMessage", docs.slack.dev chat.update).
func (w *web) send(ctx context.Context, channel string, p Payload, options ...api.MsgOption) (id, ts string, err error) {
	options = append(options, api.MsgOptionText(p.Text, false /* escaped by Render */), api.MsgOptionParse(false), api.MsgOptionDisableMarkdown(),
		api.MsgOptionDisableLinkUnfurl(), api.MsgOptionDisableMediaUnfurl())
	endpoint, form, err := api.UnsafeApplyMsgOptions(w.token.Reveal(), channel, w.base, options...)
	if err != nil {
		return "", "", notify.Fail(notify.MessageRefused, fmt.Errorf("encode Slack message: %w", err))
	}
	blocks, err := json.Marshal(p.Blocks) // which UnsafeApplyMsgOptions leaves to slack-go's client
	if err != nil {
		return "", "", notify.Fail(notify.MessageRefused, fmt.Errorf("encode Slack message: %w", err))
	}
	form.Set("blocks", string(blocks))
	var answer struct {
		reply
		Channel   string `json:"channel"`
		Timestamp string `json:"ts"`
	}
	if err = w.call(ctx, endpoint, form, &answer); err == nil && (answer.Timestamp == "" || answer.Channel == "") {
		err = errUnreadable // {"ok":true} alone, or a message that could not be found again
	}
	return answer.Channel, answer.Timestamp, err
}

// reply is what every answer of the Web API holds.
type reply struct{ api.SlackResponse }

// Err is a refusal, an api.SlackErrorResponse; or errUnreadable where the answer is neither that nor a success.
func (r reply) Err() error {
	if err := r.SlackResponse.Err(); err != nil || r.Ok {
		return err
	}
	return errUnreadable
}

// found is a message of a channel's history.
type found struct {
	Timestamp string `json:"ts"`
	Metadata  struct {
		EventType    string         `json:"event_type"`
		EventPayload map[string]any `json:"event_payload"`
	} `json:"metadata"`
}

// place is where messages are listed, and from where on.
type place struct {
	channel string
	thread  string // ts of the message whose replies are listed; empty: the messages of the channel
	oldest  int64  // Unix seconds
	cursor  string
	kind    string // of the messages that are looked for there
}

// messages returns a page of a channel's messages (conversations.history, the newest first) or of a thread
// (conversations.replies, the oldest first, before them the message itself), limit at most, with their metadata; next is the
// cursor of the page that follows, empty where there is none.
func (w *web) messages(ctx context.Context, in place, limit int) (page []found, next string, err error) {
	form := url.Values{
		"token": {w.token.Reveal()}, "channel": {in.channel}, "limit": {fmt.Sprint(limit)}, "inclusive": {"0"},
		"include_all_metadata": {"1"}, "oldest": {fmt.Sprintf("%d.000000", in.oldest)},
	}
	if in.cursor != "" {
		form.Set("cursor", in.cursor)
	}
	method := "conversations.history"
	if in.thread != "" {
		form.Set("ts", in.thread)
		method = "conversations.replies"
	}
	var answer struct {
		reply
		Messages []found `json:"messages"`
		HasMore  bool    `json:"has_more"`
		Metadata struct {
			Cursor string `json:"next_cursor"`
		} `json:"response_metadata"`
	}
	err = w.call(ctx, w.base+method, form, &answer)
	if next = answer.Metadata.Cursor; err == nil && answer.HasMore && next == "" {
		err = errUnreadable // there is more, and no way to it
	}
	return answer.Messages, next, err
}

// test says whether Slack answers.
func (w *web) test(ctx context.Context) error {
	return w.call(ctx, w.base+"auth.test", url.Values{"token": {w.token.Reveal()}}, &reply{})
}

// call posts a form. Its errors are notify.Send's, an api.SlackErrorResponse, or errUnreadable.
func (w *web) call(ctx context.Context, endpoint string, form url.Values, into interface{ Err() error }) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return notify.Fail(notify.NotSent, errors.New("SLACK_API_URL is not an address")) // err quotes the address
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := notify.Send(w.client, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer.Body, into); err != nil {
		return errUnreadable // err may quote the answer
	}
	return answer.Delayed(into.Err())
}
