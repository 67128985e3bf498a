package slack_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	api "github.com/slack-go/slack"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/slack"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/local/inbox"
)

func webhookEnd(t *testing.T) (*inbox.Server, notify.Destination) {
	t.Helper()
	end, err := inbox.Open(inbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(end)
	t.Cleanup(server.Close)
	d, _ := openWith(map[string]string{"SLACK_WEBHOOK_URL": server.URL + "/slack/webhook/T1/B1/x"})
	return end, d
}

// The example of Slack's own page "Verifying requests from Slack" (docs.slack.dev).
const (
	exampleSecret    = "8f742231b10e8888abcd99yyyzzz85a5"
	exampleStamp     = 1531420618
	exampleSignature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
	exampleBody      = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&" +
		"user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2F" +
		"T1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)

func headers(stamp int64, signature string) http.Header {
	return http.Header{"X-Slack-Request-Timestamp": {strconv.FormatInt(stamp, 10)}, "X-Slack-Signature": {signature}}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	at := time.Unix(exampleStamp, 0)
	for _, c := range []struct {
		name string
		h    http.Header
		body string
		now  time.Time
		key  settings.Secret
		want string
	}{
		{"Slack's own example", headers(exampleStamp, exampleSignature), exampleBody, at, exampleSecret, ""},
		{"five minutes later", headers(exampleStamp, exampleSignature), exampleBody, at.Add(5 * time.Minute), exampleSecret, ""},
		{"a second more", headers(exampleStamp, exampleSignature), exampleBody, at.Add(301 * time.Second), exampleSecret, "timestamp is more"},
		{"from the future", headers(exampleStamp, exampleSignature), exampleBody, at.Add(-301 * time.Second), exampleSecret, "timestamp is more"},
		{"another timestamp", headers(exampleStamp+1, exampleSignature), exampleBody, at, exampleSecret, "signature is wrong"},
		{"another body", headers(exampleStamp, exampleSignature), exampleBody + "&x=1", at, exampleSecret, "signature is wrong"},
		{"another secret", headers(exampleStamp, exampleSignature), exampleBody, at, "guessed", "signature is wrong"},
		{"no secret", headers(exampleStamp, hexSignature("", exampleStamp, exampleBody)), exampleBody, at, "", "signature is wrong"},
		{"part of the signature", headers(exampleStamp, exampleSignature[:20]), exampleBody, at, exampleSecret, "no signature|signature is wrong"},
		{"an empty signature", headers(exampleStamp, "v0="), exampleBody, at, exampleSecret, "no signature"},
		{"another version", headers(exampleStamp, "v1="+exampleSignature[3:]), exampleBody, at, exampleSecret, "no signature"},
		{"not hexadecimal", headers(exampleStamp, "v0=xyz"), exampleBody, at, exampleSecret, "no signature"},
		{"no headers", http.Header{}, exampleBody, at, exampleSecret, "no timestamp"},
		{"an odd timestamp", http.Header{"X-Slack-Request-Timestamp": {"1e9"}}, exampleBody, at, exampleSecret, "no timestamp"},
	} {
		err := slack.Verify(c.h, []byte(c.body), c.key, c.now)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !oneOf(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "xyzz0") {
			t.Errorf("%s: the error quotes the body: %v", c.name, err)
		}
	}
}

func oneOf(text, wants string) bool {
	for _, want := range strings.Split(wants, "|") {
		if strings.Contains(text, want) {
			return true
		}
	}
	return false
}

func hexSignature(secret string, stamp int64, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%d:%s", stamp, body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// slack-go checks against the machine's clock; apart from that both must agree.
func TestVerifyAgreesWithSlackGo(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, c := range []struct {
		body, signed, secret string
		age                  time.Duration
	}{
		{"payload=%7B%7D", "payload=%7B%7D", "s", 0},
		{"payload=%7B%7D", "payload=%7B%7D", "s", 4 * time.Minute},
		{"payload=%7B%7D", "payload=%7B%7D", "s", 6 * time.Minute},
		{"payload=%7B%7D", "payload=%7B%7D", "s", -6 * time.Minute},
		{"payload=%7B%7D", "payload={}", "s", 0},
		{"payload=%7B%7D", "payload=%7B%7D", "other", 0},
		{"", "", "s", 0},
	} {
		stamp := now.Add(-c.age).Unix()
		h := headers(stamp, hexSignature(c.secret, stamp, c.signed))
		theirs := func() error {
			v, err := api.NewSecretsVerifier(h, "s")
			if err == nil {
				_, err = v.Write([]byte(c.body))
			}
			if err == nil {
				err = v.Ensure()
			}
			return err
		}()
		if ours := slack.Verify(h, []byte(c.body), "s", now); (ours == nil) != (theirs == nil) {
			t.Errorf("%+v: we say %v, slack-go says %v", c, ours, theirs)
		}
	}
}

func form(payload string) []byte { return []byte(url.Values{"payload": {payload}}.Encode()) }

// clicked is what Slack sends for a click, after the example of docs.slack.dev "block_actions payload".
const clicked = `{"type":"block_actions","user":{"id":"U1","username":"ana","name":"ana.b","team_id":"T1"},"api_app_id":"A1","token":"x",
	"container":{"type":"message","message_ts":"1763812800.000100","channel_id":"C1","is_ephemeral":false},"trigger_id":"12.34.ab",
	"team":{"id":"T1","domain":"d"},"channel":{"id":"C1","name":"security"},"message":{"type":"message","ts":"1763812800.000100","text":"…"},
	"state":{"values":{}},"response_url":"https://hooks.slack.com/actions/T1/1/x","actions":[%s]}`

const (
	button = `{"action_id":"auditbell-acknowledge","block_id":"b","text":{"type":"plain_text","text":"Acknowledge"},"value":"g.alert-a","type":"button","action_ts":"1763812900.1"}`
	choice = `{"type":"static_select","action_id":"auditbell-snooze","block_id":"b","selected_option":{"text":{"type":"plain_text","text":"for 1 hour"},"value":"1h.g.alert-a"},"action_ts":"1763812900.2"}`
	link   = `{"action_id":"open-1","block_id":"b","text":{"type":"plain_text","text":"Resource"},"type":"button","action_ts":"1763812900.3"}`
)

func TestClicks(t *testing.T) {
	t.Parallel()
	clicks, err := slack.Clicks(form(fmt.Sprintf(clicked, button+","+link+","+choice)))
	if err != nil || len(clicks) != 2 {
		t.Fatalf("%+v, %v; want the button and the choice, not the link", clicks, err)
	}
	for i, want := range []notify.Click{{Action: "acknowledge", Value: "g.alert-a"}, {Action: "snooze", Value: "1h.g.alert-a"}} {
		got := clicks[i]
		if got.Action != want.Action || got.Value != want.Value || got.ByID != "U1" || got.ByName != "ana" || got.Once == "" {
			t.Errorf("click %d: %+v", i, got)
		}
	}
	if clicks[0].Once == clicks[1].Once {
		t.Error("two actions of one request are taken for one click")
	}
	// slack-go reads the same out of it, so these are the places where Slack puts things.
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(form(fmt.Sprintf(clicked, choice)))))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	theirs, err := api.InteractionCallbackParse(r)
	if err != nil {
		t.Fatal(err)
	}
	a := theirs.ActionCallback.BlockActions[0]
	if a.ActionID != "auditbell-snooze" || a.SelectedOption.Value != clicks[1].Value || theirs.User.ID != clicks[1].ByID {
		t.Errorf("slack-go reads %+v", a)
	}
}

func TestWhatIsNotAClickOfOurs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		body []byte
		bad  bool
	}{
		{"a link button", form(fmt.Sprintf(clicked, link)), false},
		{"no actions", form(fmt.Sprintf(clicked, "")), false},
		{"a closed modal", form(`{"type":"view_closed","user":{"id":"U1"}}`), false},
		{"a slash command", []byte(exampleBody), true},
		{"JSON instead of a form", []byte(`{"type":"block_actions"}`), true},
		{"a payload that is no JSON", form("hello"), true},
		{"a payload of an odd type", form(`{"type":7}`), true},
		{"broken escapes", []byte("payload=%zz"), true},
		{"nothing", nil, true},
	} {
		clicks, err := slack.Clicks(c.body)
		if len(clicks) != 0 || errors.Is(err, slack.ErrNotInteraction) != c.bad {
			t.Errorf("%s: %v, %v; want an error: %v", c.name, clicks, err, c.bad)
		}
	}
}

// What Render writes comes back as it was written.
func TestActionsAndClicksAgree(t *testing.T) {
	t.Parallel()
	blocks, err := json.Marshal(slack.Render(notify.Message{ID: "alert-a", Headline: "x", Actions: actions()}).Blocks)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range actions() {
		if !strings.Contains(string(blocks), `"action_id":"auditbell-`+a.Name+`"`) {
			t.Errorf("no button for %s in %s", a.Name, blocks)
		}
		pressed := fmt.Sprintf(`{"type":"button","action_id":"auditbell-%s","value":%q,"action_ts":"1"}`, a.Name, a.Value)
		clicks, err := slack.Clicks(form(fmt.Sprintf(clicked, pressed)))
		if err != nil || len(clicks) != 1 || clicks[0].Action != a.Name || clicks[0].Value != a.Value {
			t.Errorf("%s came back as %+v, %v", a.Name, clicks, err)
		}
	}
}

func FuzzClicks(f *testing.F) {
	for _, actions := range []string{button, choice, link, ""} {
		f.Add(form(fmt.Sprintf(clicked, actions)))
	}
	f.Add([]byte(exampleBody))
	f.Fuzz(func(t *testing.T, body []byte) {
		clicks, err := slack.Clicks(body)
		if err != nil && (len(clicks) > 0 || !errors.Is(err, slack.ErrNotInteraction)) {
			t.Errorf("%v beside %v", clicks, err)
		}
	})
}
