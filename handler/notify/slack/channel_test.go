package slack_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/notifytest"
	"github.com/auditbell/auditbell/handler/notify/slack"
)

// This file is Slack as far as the suite needs it: it takes what chat.postMessage, chat.update and an incoming webhook
// take, and refuses what they would refuse or what would come to life in a client.

const (
	token   = "xoxb-1111-2222-hunter2hunter2"
	channel = "C0123456789"
	hook    = "/services/T0000/B0000/hunter2hunter2"
)

func TestBotMeetsTheContract(t *testing.T) {
	t.Parallel()
	var posted atomic.Int64
	notifytest.Run(t, notifytest.Harness{
		State: notify.Confirmed,
		Open:  slack.Open,
		Settings: func(base string) map[string]string {
			return map[string]string{"SLACK_BOT_TOKEN": token, "SLACK_CHANNEL": channel, "SLACK_API_URL": base + "/api"}
		},
		Secrets: []string{token, "hunter2"},
		Accept: func(r *http.Request, body []byte) (notifytest.Shown, error) {
			s, err := acceptCall(r.URL.Path, body)
			if s.Kind == notifytest.Post {
				s.Ref = notify.Ref{Channel: channel, ID: fmt.Sprintf("1795340462.%06d", posted.Add(1))}
			}
			return s, err
		},
		Answer: func(w http.ResponseWriter, s notifytest.Shown) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"ok":true,"channel":%q,"ts":%q,"message":{"text":"x"}}`, channel, s.Ref.ID)
		},
		Edits:   true,
		Replies: true,
	})
}

func TestIncomingWebhookMeetsTheContract(t *testing.T) {
	t.Parallel()
	notifytest.Run(t, notifytest.Harness{
		State:    notify.Accepted,
		Open:     slack.Open,
		Settings: func(base string) map[string]string { return map[string]string{"SLACK_WEBHOOK_URL": base + hook} },
		Secrets:  []string{hook, "hunter2"},
		Accept: func(r *http.Request, body []byte) (notifytest.Shown, error) {
			if r.URL.Path != hook || r.Header.Get("Content-Type") != "application/json; charset=utf-8" {
				return notifytest.Shown{}, fmt.Errorf("%s %s", r.URL.Path, r.Header.Get("Content-Type"))
			}
			return acceptHook(body)
		},
		Answer: func(w http.ResponseWriter, _ notifytest.Shown) { _, _ = fmt.Fprint(w, "ok") },
	})
}

func acceptCall(method string, body []byte) (notifytest.Shown, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return notifytest.Shown{}, err
	}
	shown, err := read(form.Get("text"), []byte(form.Get("blocks")))
	wrong := []error{err}
	for name, want := range map[string]string{
		"token": token, "channel": channel, "parse": "none", "mrkdwn": "false", "unfurl_links": "false", "unfurl_media": "false",
	} {
		if got := form.Get(name); got != want {
			wrong = append(wrong, fmt.Errorf("%s is %q, want %q", name, got, want))
		}
	}
	switch {
	case method == "/api/chat.update":
		shown.Kind, shown.Ref = notifytest.Edit, notify.Ref{Channel: channel, ID: form.Get("ts")}
	case method != "/api/chat.postMessage":
		wrong = append(wrong, fmt.Errorf("unknown method %s", method))
	case form.Has("thread_ts"):
		shown.Kind, shown.Ref = notifytest.Reply, notify.Ref{Channel: channel, ID: form.Get("thread_ts")}
	default:
		shown.Kind = notifytest.Post
	}
	return shown, errors.Join(wrong...)
}

func acceptHook(body []byte) (notifytest.Shown, error) {
	var in struct {
		Text   string          `json:"text"`
		Blocks json.RawMessage `json:"blocks"`
		Mrkdwn *bool           `json:"mrkdwn"`
		Unfurl *bool           `json:"unfurl_links"`
		Media  *bool           `json:"unfurl_media"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return notifytest.Shown{}, err
	}
	shown, err := read(in.Text, in.Blocks)
	shown.Kind = notifytest.Post
	for _, off := range []*bool{in.Mrkdwn, in.Unfurl, in.Media} {
		if off == nil || *off {
			err = errors.Join(err, errors.New("mrkdwn and unfurling are not off"))
		}
	}
	return shown, err
}

// block is any block or element; the reader below checks which names each type has.
type block struct {
	Type     string          `json:"type"`
	Text     json.RawMessage `json:"text"`
	Emoji    *bool           `json:"emoji"`
	Elements []block         `json:"elements"`
	URL      string          `json:"url"`
	ActionID string          `json:"action_id"`
	Style    any             `json:"style"`
	Stamp    int64           `json:"timestamp"`
	Format   string          `json:"format"`
	Fallback string          `json:"fallback"`
	Border   int             `json:"border"`
}

// reader walks blocks and collects what a person sees, what acts, and what Slack would refuse.
type reader struct {
	text  strings.Builder
	live  []string
	wrong []error
}

func read(text string, raw []byte) (notifytest.Shown, error) {
	r := &reader{}
	r.fallback(text)
	var blocks []block
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&blocks); err != nil {
		r.fail("blocks: %v", err)
	}
	if len(blocks) == 0 || len(blocks) > 50 || len(raw) >= 12_000 {
		r.fail("%d blocks in %d bytes", len(blocks), len(raw))
	}
	for _, b := range blocks {
		r.block(b)
	}
	if whole, err := json.Marshal(map[string]any{"text": text, "blocks": json.RawMessage(raw)}); err != nil || checkMessage(whole) != nil {
		r.fail("not of Slack's schema: %v", errors.Join(err, checkMessage(whole)))
	}
	return notifytest.Shown{Text: r.text.String(), Live: r.live}, errors.Join(r.wrong...)
}

func (r *reader) fail(format string, args ...any) {
	r.wrong = append(r.wrong, fmt.Errorf(format, args...))
}

var (
	entity    = regexp.MustCompile(`&(amp|lt|gt);`)
	shortcode = regexp.MustCompile(`:([+-]1|100|1234|[a-z0-9_+-]*[a-z][a-z0-9_+-]*):`)
)

// fallback checks the message's text, which Slack reads as mrkdwn.
func (r *reader) fallback(text string) {
	if n := utf8.RuneCountInString(text); n == 0 || n > 4000 {
		r.fail("text has %d characters", n)
	}
	if rest := entity.ReplaceAllString(text, ""); strings.ContainsAny(rest, "<>&") {
		r.live = append(r.live, "control characters in text: "+text)
	}
	if found := shortcode.FindString(text); found != "" {
		r.live = append(r.live, "emoji in text: "+text)
	}
}

func (r *reader) block(b block) {
	defer r.text.WriteString("\n")
	switch b.Type {
	case "header":
		r.plain(b.Text, 150)
	case "context":
		r.count(b, 10)
		for _, e := range b.Elements {
			r.plainElement(e, 3000)
		}
	case "actions":
		r.count(b, 25)
		r.buttons(b.Elements)
	case "rich_text":
		r.count(b, 50)
		for _, e := range b.Elements {
			r.rich(e)
		}
	default:
		r.fail("block %q is not one that is sent", b.Type)
	}
}

func (r *reader) count(b block, most int) {
	if len(b.Elements) == 0 || len(b.Elements) > most {
		r.fail("%s has %d elements", b.Type, len(b.Elements))
	}
}

func (r *reader) buttons(buttons []block) {
	var ids []string
	for _, b := range buttons {
		if b.Type != "button" || len(b.URL) > 3000 || slices.Contains(ids, b.ActionID) {
			r.fail("button %+v", b)
		}
		ids = append(ids, b.ActionID)
		r.live = append(r.live, b.URL)
		r.plain(b.Text, 75)
	}
}

// plain checks a plain_text object within limit code points, counted as Slack may store them.
func (r *reader) plain(raw json.RawMessage, limit int) {
	var b block
	if err := json.Unmarshal(raw, &b); err != nil {
		r.fail("text object: %v", err)
	}
	r.plainElement(b, limit)
}

func (r *reader) plainElement(b block, limit int) {
	var text string
	if err := json.Unmarshal(b.Text, &text); err != nil || b.Type != "plain_text" || b.Emoji == nil || *b.Emoji {
		r.fail("text object %+v is not plain text without emoji", b)
	}
	stored := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
	if n := utf8.RuneCountInString(stored); n == 0 || n > limit {
		r.fail("plain text has %d of %d characters: %q", n, limit, text)
	}
	if found := shortcode.FindString(text); found != "" {
		r.live = append(r.live, "emoji: "+text)
	}
	r.write(text)
}

func (r *reader) rich(b block) {
	switch b.Type {
	case "rich_text_section", "rich_text_quote", "rich_text_preformatted":
		if len(b.Elements) == 0 {
			r.fail("empty section")
		}
		for _, e := range b.Elements {
			r.inline(e)
		}
	case "rich_text_list":
		for i, e := range b.Elements {
			fmt.Fprintf(&r.text, "\n%d. ", i+1)
			r.rich(e)
		}
	default:
		r.fail("rich text element %q is not one that is sent", b.Type)
	}
}

// inline knows text and dates: links, mentions, broadcasts and emoji are elements of their own and never sent.
func (r *reader) inline(b block) {
	switch b.Type {
	case "text":
		var text string
		if err := json.Unmarshal(b.Text, &text); err != nil || text == "" || utf8.RuneCountInString(text) > 3000 {
			r.fail("text element %s: %v", b.Text, err)
		}
		r.write(text)
	case "date":
		if b.Stamp == 0 || b.Fallback == "" || !strings.Contains(b.Format, "{time") || b.URL != "" {
			r.fail("date %+v", b)
		}
		r.write(b.Fallback)
	default:
		r.live = append(r.live, b.Type+" element")
	}
}

// tag is what Slack would act on in mrkdwn; no slot holds mrkdwn, and still none may hold this.
var tag = regexp.MustCompile(`<[!@#a-zA-Z/]`)

func (r *reader) write(text string) {
	if tag.MatchString(text) {
		r.live = append(r.live, "tag: "+text)
	}
	r.text.WriteString(text)
}
