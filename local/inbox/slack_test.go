package inbox

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
)

func slackClient(url string) *slack.Client {
	return slack.New("xoxb-1-secret", slack.OptionAPIURL(url+"/slack/api/"))
}

func headline(text string) slack.Block {
	return slack.NewHeaderBlock(slack.NewTextBlockObject(slack.PlainTextType, text, false, false))
}

func prose(text string) slack.Block {
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, text, false, false), nil, nil)
}

// TestSlackClient runs the library that the handler uses against the stand-in.
func TestSlackClient(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	client := slackClient(url)
	who, err := client.AuthTestContext(t.Context())
	if err != nil || who.BotID == "" || who.TeamID == "" {
		t.Errorf("auth.test: got %+v, %v", who, err)
	}
	channel, ts, err := client.PostMessageContext(t.Context(), "#security",
		slack.MsgOptionText("fallback", false), slack.MsgOptionBlocks(headline("HIGH"), prose("*alice* did it")),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "alert", EventPayload: map[string]any{"id": "1"}}))
	if err != nil {
		t.Fatal(err)
	}
	if !channelID.MatchString(channel) || !timestamp.MatchString(ts) {
		t.Errorf("got channel %q and ts %q, want an id and a Slack timestamp", channel, ts)
	}
	_, reply, err := client.PostMessageContext(t.Context(), channel, slack.MsgOptionText("later", false), slack.MsgOptionTS(ts))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := client.UpdateMessageContext(t.Context(), channel, reply, slack.MsgOptionText("much later", false)); err != nil {
		t.Errorf("edit of a reply: %v", err)
	}
	attachment := slack.Attachment{Color: "#d13438", Fallback: "f", Blocks: slack.Blocks{BlockSet: []slack.Block{prose("in the bar")}}}
	if _, _, _, err := client.UpdateMessageContext(t.Context(), channel, ts, slack.MsgOptionBlocks(headline("DONE")), slack.MsgOptionAttachments(attachment)); err != nil {
		t.Errorf("edit with an attachment: %v", err)
	}
	info, err := client.GetConversationInfoContext(t.Context(), &slack.GetConversationInfoInput{ChannelID: channel})
	if err != nil || info.Name != "security" {
		t.Errorf("conversations.info: got %+v, %v, want the name the post gave", info, err)
	}
	var got []string
	for _, m := range s.Messages() {
		got = append(got, fmt.Sprintf("%s %s %s", m.Kind, m.Ref, m.Text))
		if strings.Contains(string(m.Body), "xoxb-") {
			t.Errorf("the token was kept: %s", m.Body)
		}
	}
	want := []string{"post " + ts + " HIGH\nalice did it", "thread " + ts + " later", "update " + reply + " much later", "update " + ts + " DONE\nin the bar"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestSlackRefuses(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	client := slackClient(url)
	channel, ts, err := client.PostMessageContext(t.Context(), "security", slack.MsgOptionText("x", false))
	if err != nil {
		t.Fatal(err)
	}
	accepted := len(s.Messages())
	text := slack.MsgOptionText("x", false)
	post := func(c *slack.Client, to string, o ...slack.MsgOption) func() error {
		return func() error { _, _, err := c.PostMessageContext(t.Context(), to, o...); return err }
	}
	update := func(to, which string, o ...slack.MsgOption) func() error {
		return func() error { _, _, _, err := client.UpdateMessageContext(t.Context(), to, which, o...); return err }
	}
	as := func(token string) *slack.Client { return slack.New(token, slack.OptionAPIURL(url+"/slack/api/")) }
	cases := []struct {
		name, why string
		do        func() error
		want      string
	}{
		{"no token", "", post(as(""), channel, text), "not_authed"},
		{"user's token", "only a bot's token may post as the app", post(as("xoxp-1"), channel, text), "invalid_auth"},
		{"token of nothing", "", post(as("xoxb-"), channel, text), "invalid_auth"},
		{"channel that is not there", "", post(client, "missing", text), "channel_not_found"},
		{"the same with a hash", "", post(client, "#missing", text), "channel_not_found"},
		{"no channel", "", post(client, "", text), "channel_not_found"},
		{"archived channel", "", post(client, "archived", text), "is_archived"},
		{"channel without the app", "", post(client, "private", text), "not_in_channel"},
		{"no text", "", post(client, channel), "no_text"},
		{"text too long", "", post(client, channel, slack.MsgOptionText(strings.Repeat("x", 40_001), false)), "msg_too_long"},
		{"edited text too long", "an edit may hold a tenth of a post", update(channel, ts, slack.MsgOptionText(strings.Repeat("x", 4_001), false)), "msg_too_long"},
		{"bad block", "", post(client, channel, slack.MsgOptionBlocks(headline(strings.Repeat("x", 151)))), "invalid_blocks"},
		{"too many characters", "", post(client, channel, slack.MsgOptionBlocks(prose(strings.Repeat("a", 2900)), prose(strings.Repeat("b", 2900)), prose(strings.Repeat("c", 2900)), prose(strings.Repeat("d", 2900)), prose(strings.Repeat("e", 2900)))), "msg_blocks_too_long"},
		{"blocks beside an attachment's text", "", post(client, channel, slack.MsgOptionAttachments(slack.Attachment{Text: "x", Blocks: slack.Blocks{BlockSet: []slack.Block{headline("x")}}})), "invalid_attachments"},
		{"101 attachments", "", post(client, channel, slack.MsgOptionAttachments(make([]slack.Attachment, 101)...)), "too_many_attachments"},
		{"edit of nothing", "", update(channel, "1700000000.000100", text), "message_not_found"},
		{"edit by the channel's name", "chat.update takes ids only; python-slack-sdk issue #696", update("security", ts, text), "channel_not_found"},
		{"edit to nothing", "", update(channel, ts), "no_text"},
		{"reply to nothing", "", post(client, channel, text, slack.MsgOptionTS("1700000000.000100")), "thread_not_found"},
		{"reply to nonsense", "", post(client, channel, text, slack.MsgOptionTS("0")), "invalid_thread_ts"},
		{"metadata too deep", "", post(client, channel, text, slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "a", EventPayload: map[string]any{"a": map[string]any{"b": map[string]any{}}}})), "invalid_metadata_format"},
		{"another method", "", func() error { return client.AddPinContext(t.Context(), channel, slack.ItemRef{Timestamp: ts}) }, "unknown_method"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := c.do(); err == nil || err.Error() != c.want {
				t.Errorf("%s\ngot %v, want %s", c.why, err, c.want)
			}
		})
	}
	if got := len(s.Messages()); got != accepted {
		t.Errorf("got %d messages, want %d: what is refused is not kept", got, accepted)
	}
}

// TestSlackTellsWhere checks that the client can read the place of a mistake, as from the real API.
func TestSlackTellsWhere(t *testing.T) {
	t.Parallel()
	_, url := serve(t, Options{})
	_, _, err := slackClient(url).PostMessageContext(t.Context(), "C1", slack.MsgOptionBlocks(prose(strings.Repeat("x", 3001))))
	var refused slack.SlackErrorResponse
	if !errors.As(err, &refused) {
		t.Fatalf("got %T %v, want a SlackErrorResponse", err, err)
	}
	want := []string{"[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]"}
	if diff := cmp.Diff(want, refused.ResponseMetadata.Messages); diff != "" {
		t.Errorf("response_metadata.messages (-want +got):\n%s", diff)
	}
}

func TestSlackTakesJSON(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	at := url + "/slack/api/chat.postMessage"
	bearer := []string{"Authorization", "Bearer xoxb-1"}
	call(t, "POST "+at, `{"token":"xoxb-1","channel":"C1","text":"x"}`, bearer...)
	if m := s.Messages(); len(m) != 1 || strings.Contains(string(m[0].Body), "xoxb") {
		t.Errorf("got %v, want one message without the token that its body carried", m)
	}
	cases := []struct {
		name, why, body string
		headers         []string
		want            string
	}{
		{"token in the header", "", `{"channel":"C1","text":"x"}`, bearer, `"ok":true`},
		{"blocks in a string", "the reference calls them a JSON-encoded string", `{"channel":"C1","blocks":"[{\"type\":\"divider\"}]"}`, bearer, `"ok":true`},
		{"token in the body", "Slack does not look for it in JSON", `{"token":"xoxb-1","channel":"C1","text":"x"}`, nil, `"error":"not_authed"`},
		{"broken JSON", "", `{"channel":`, bearer, `"error":"invalid_json"`},
		{"blocks that are no list", "", `{"channel":"C1","text":"x","blocks":{"type":"divider"}}`, bearer, `"error":"invalid_blocks_format"`},
		{"channel of a number", "", `{"channel":1,"text":"x"}`, bearer, `"error":"invalid_arguments"`},
		{"another content type", "", `<a/>`, append([]string{"Content-Type", "text/xml"}, bearer...), `"error":"invalid_post_type"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := call(t, "POST "+at, c.body, c.headers...)
			if got.status != http.StatusOK || !strings.Contains(got.body, c.want) {
				t.Errorf("%s\ngot %d %s, want 200 with %s", c.why, got.status, got.body, c.want)
			}
		})
	}
}

// TestSlackStamps posts from many sides at a standing clock: every ts must be new and the list in their order.
func TestSlackStamps(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{Now: func() time.Time { return noon() }})
	client := slackClient(url)
	var posting sync.WaitGroup
	for range 50 {
		posting.Go(func() {
			if _, _, err := client.PostMessage("C1", slack.MsgOptionText("x", false)); err != nil {
				t.Error(err)
			}
		})
	}
	posting.Wait()
	last := ""
	for _, m := range s.Messages() {
		if m.Ref <= last {
			t.Errorf("ts %s follows %s", m.Ref, last)
		}
		last = m.Ref
	}
}

// TestSlackUpdateKeeps follows the rules of chat.update for what an edit leaves out.
func TestSlackUpdateKeeps(t *testing.T) {
	t.Parallel()
	s, url := serve(t, Options{})
	client := slackClient(url)
	bar := slack.Attachment{Color: "good", Text: "bar"}
	channel, ts, err := client.PostMessage("C1", slack.MsgOptionText("old", false), slack.MsgOptionBlocks(headline("old header")), slack.MsgOptionAttachments(bar))
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		why    string
		change slack.MsgOption
		want   string
	}{
		{"blocks alone leave the attachments", slack.MsgOptionBlocks(headline("new header")), "new header\nbar"},
		{"text alone takes the blocks away", slack.MsgOptionText("new", false), "new\nbar"},
		{"an empty list takes the attachments away", slack.MsgOptionCompose(slack.MsgOptionText("last", false), slack.MsgOptionAttachments([]slack.Attachment{}...)), "last"},
	}
	for _, step := range steps {
		if _, _, _, err := client.UpdateMessage(channel, ts, step.change); err != nil {
			t.Fatalf("%s: %v", step.why, err)
		}
		list := s.Messages()
		if got := list[len(list)-1].Text; got != step.want {
			t.Errorf("%s: got %q, want %q", step.why, got, step.want)
		}
	}
}
