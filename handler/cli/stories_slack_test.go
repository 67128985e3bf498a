package cli

// What stories say about clicks in Slack: a person finds a button in the message as the channel shows it now, and
// Slack sends a signed request to slack-action.

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/local/inbox"
)

// slackShown is what Slack's answer to chat.postMessage would show of a message.
type slackShown struct {
	Blocks []struct {
		Type     string
		Text     struct{ Text string }
		Elements []slackElement
	}
}

type slackElement struct {
	Type     string
	ActionID string          `json:"action_id"`
	Text     json.RawMessage // an object in buttons, a string in plain_text elements of a context
	Value    string
	Confirm  *struct{ Text struct{ Text string } }
	Options  []struct {
		Text  struct{ Text string }
		Value string
	}
}

// latest is the newest state of the newest Slack message of the channel itself.
func (s *story) latest() (slackShown, inbox.Message, error) {
	var shown slackShown
	var found inbox.Message
	for _, m := range s.inbox.Messages() {
		if m.Destination == inbox.Slack && (m.Kind == inbox.Post || m.Kind == inbox.Update) {
			found = m
		}
	}
	if found.Body == nil {
		return shown, found, fmt.Errorf("there is no Slack message")
	}
	return shown, found, json.Unmarshal(found.Body, &shown)
}

// shown prints the newest Slack message: its headline, its small print without what changes between runs, its actions.
func (s *story) shown(*testscript.TestScript, []string) (string, error) {
	shown, _, err := s.latest()
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, b := range shown.Blocks {
		switch b.Type {
		case "header":
			fmt.Fprintln(&out, b.Text.Text)
		case "context":
			for _, part := range strings.Split(textOf(b.Elements[0].Text), " · ") {
				fmt.Fprintln(&out, " ", part)
			}
		case "actions":
			for _, e := range b.Elements {
				if strings.HasPrefix(e.ActionID, "auditbell-") {
					fmt.Fprintf(&out, "  [%s]\n", strings.TrimPrefix(e.ActionID, "auditbell-"))
				}
			}
		}
	}
	return out.String(), nil
}

// said prints what people who clicked were answered in words, one line each.
func (s *story) said(*testscript.TestScript, []string) (string, error) {
	var out strings.Builder
	for _, m := range s.inbox.Messages() {
		if m.Kind == inbox.Ephemeral {
			fmt.Fprintln(&out, m.Text)
		}
	}
	return out.String(), nil
}

func textOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var object struct{ Text string }
	_ = json.Unmarshal(raw, &object)
	return object.Text
}

// click ACTION[=LABEL] NAME clicks in the newest message, signed as Slack does; `click again` sends the last request
// once more, as it was. A third argument spoils the request: forged (another secret), unsigned, foreign (an action that
// is not ours), strange (a value that we never wrote), gone (an alert that the store does not have), deleted (a person has
// deleted the message meanwhile), late (the message still looks as at the click before), mute (no address says where the
// click can be answered), mute-gone and so on.
func (s *story) click(_ *testscript.TestScript, args []string) (string, error) {
	if args[0] != "again" {
		body, err := s.clicked(args)
		if err != nil {
			return "", err
		}
		secret := s.env["SLACK_SIGNING_SECRET"]
		if spoilt(args, "forged") {
			secret = "guessed"
		}
		s.request = signed(body, secret, s.now().Unix(), spoilt(args, "unsigned"))
	}
	return "1× " + post(s.open()+"/slack-action", s.request) + "\n", nil
}

func spoilt(args []string, how string) bool {
	return len(args) > 2 && strings.TrimPrefix(args[2], "mute-") == how
}

// clicked is the form that Slack sends (docs.slack.dev, "block_actions payload"), cut to what matters and some that
// does not.
func (s *story) clicked(args []string) (string, error) {
	shown, m, err := s.latest()
	if err != nil {
		return "", err
	}
	if spoilt(args, "late") {
		shown = s.clickedIn
	}
	s.clickedIn = shown
	name, label, _ := strings.Cut(args[0], "=")
	action := map[string]any{"type": "button", "block_id": "b1", "action_ts": strconv.FormatInt(s.now().UnixMicro(), 10)}
	for _, b := range shown.Blocks {
		for _, e := range b.Elements {
			if e.ActionID != "auditbell-"+name {
				continue
			}
			action["action_id"], action["value"] = e.ActionID, e.Value
			for _, o := range e.Options {
				if o.Text.Text == label {
					action["type"], action["selected_option"] = "static_select", map[string]any{"value": o.Value}
					delete(action, "value")
				}
			}
		}
	}
	if action["action_id"] == nil {
		return "", fmt.Errorf("the message has no button %s", name)
	}
	if spoilt(args, "foreign") {
		action["action_id"] = "open-1"
	}
	if spoilt(args, "deleted") {
		s.inbox.Delete(m.Ref)
	}
	if spoilt(args, "gone") {
		action["value"] = "0000000000000000.alert-0000000000000000"
	}
	if spoilt(args, "strange") {
		action["value"] = "../../other.alert-1"
	}
	answer := ""
	if len(args) < 3 || !strings.HasPrefix(args[2], "mute") {
		answer = s.inbox.ResponseURL(s.env["SLACK_API_URL"], m.Channel, m.Ref)
	}
	payload, err := json.Marshal(map[string]any{
		"type": "block_actions", "response_url": answer, "api_app_id": "A1", "trigger_id": fmt.Sprint("t.", s.now().UnixNano(), ".", args),
		"user":      map[string]any{"id": "U" + strings.ToUpper(args[1]), "username": args[1], "team_id": "T1"},
		"container": map[string]any{"type": "message", "message_ts": m.Ref, "channel_id": "C1"},
		"message":   map[string]any{"ts": m.Ref, "text": "…", "blocks": []any{map[string]any{"type": "a block of next year"}}},
		"actions":   []any{action},
	})
	return url.Values{"payload": {string(payload)}}.Encode(), err
}

// signed wraps a form as the host does (functions: HTTP envelope), with Slack's headers.
func signed(body, secret string, at int64, unsigned bool) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%d:%s", at, body)
	headers := map[string][]string{
		"Content-Type":              {"application/x-www-form-urlencoded"},
		"X-Slack-Request-Timestamp": {strconv.FormatInt(at, 10)},
		"X-Slack-Signature":         {"v0=" + hex.EncodeToString(mac.Sum(nil))},
	}
	if unsigned {
		delete(headers, "X-Slack-Signature")
	}
	envelope, err := json.Marshal(map[string]any{"Data": map[string]any{"req": map[string]any{
		"Method": "POST",
		"Url":    "https://app.azurewebsites.net/api/slack-action", "Headers": headers, "Body": body,
	}}, "Metadata": map[string]any{}})
	if err != nil {
		panic(err) // strings always marshal
	}
	return envelope
}

// restart ends the handler; the next call starts another one, with the settings and config of then.
func (s *story) restart(*testscript.TestScript, []string) (string, error) {
	if s.server != nil {
		s.server.Close()
		s.server = nil
	}
	return "", nil
}

// app is what a command opens, on a machine whose clock is five minutes behind the store's: the store's decides.
func (s *story) app() (*app.App, error) {
	return app.Open(app.World{
		Settings: settings.New(func(name string) (string, bool) { v, ok := s.env[name]; return v, ok }),
		Config:   s.config, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return s.now().Add(-5 * time.Minute) },
	})
}

// exceptions prints `handler rules list --exceptions` at the story's time, its columns one blank apart; `exceptions end NAME`
// is `handler exceptions end` by that person, of the exception that ends last.
func (s *story) exceptions(_ *testscript.TestScript, args []string) (string, error) {
	a, err := s.app()
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if len(args) > 1 {
		all, err := a.Exceptions.All(context.Background())
		if err != nil || len(all) == 0 {
			return "", fmt.Errorf("no exception: %w", err)
		}
		end := exceptionsEndCmd{ID: slices.MaxFunc(all, func(x, y exception.Exception) int { return x.Expires.Compare(y.Expires) }).ID, Yes: true, By: args[1]}
		if err := end.endIn(context.Background(), a, Surroundings{Out: &out}); err != nil {
			return out.String() + err.Error() + "\n", nil
		}
		return out.String(), nil
	}
	err = (&rulesListCmd{Exceptions: true, output: output{Format: "table"}}).exceptions(context.Background(), a, Surroundings{Out: &out})
	var lines strings.Builder
	for line := range strings.Lines(out.String()) {
		fmt.Fprintln(&lines, strings.Join(strings.Fields(line), " "))
	}
	return lines.String(), err
}
