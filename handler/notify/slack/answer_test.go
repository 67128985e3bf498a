package slack_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/slack"
	"github.com/auditbell/auditbell/handler/settings"
)

// trip is a transport that answers in place of Slack.
type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answering(client *http.Client) notify.Answerer {
	bot := map[string]string{"SLACK_BOT_TOKEN": token, "SLACK_CHANNEL": channel}
	return slack.Open(settings.New(func(name string) (string, bool) { v, ok := bot[name]; return v, ok }), client).(notify.Answerer)
}

// TestAClickIsAnsweredAtSlackAlone has clicks name addresses of all sorts, as who knows the signing secret could: nothing is sent
// to another host, and no token goes along.
func TestAClickIsAnsweredAtSlackAlone(t *testing.T) {
	t.Parallel()
	var sent string
	client := notify.NewClient(trip(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		sent = r.URL.Host + " " + string(body) + r.Header.Get("Authorization")
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"ok":true}`))}, err
	}))
	bot := answering(client)
	for address, taken := range map[string]bool{
		"https://hooks.slack.com/actions/T1/1/x":          true,
		"https://hooks.slack-gov.com/actions/T1/1/x":      true,
		"http://hooks.slack.com/actions/T1/1/x":           false,
		"https://hooks.slack.com.attacker.example/":       false,
		"https://hooks.slack.com@attacker.example/":       false,
		"https://attacker@hooks.slack.com/actions/T1/1/x": false,
		"https://hooks.slack.com:8443/actions/T1/1/x":     false,
		"https://attacker.example/#hooks.slack.com":       false,
		"http://127.0.0.1:7071/admin":                     false,
		"http://169.254.169.254/metadata":                 false,
		"https://slack.com/actions":                       false,
		"//hooks.slack.com/actions":                       false,
		"":                                                false,
		"://":                                             false,
	} {
		sent = ""
		err := bot.Answer(t.Context(), notify.Click{AnswerTo: settings.Secret(address)}, "@ana *bold* <!here> & more")
		if (err == nil) != taken || (sent != "") != taken {
			t.Errorf("%s: %v, sent %q", address, err, sent)
		}
		if taken && (!strings.Contains(sent, `"response_type":"ephemeral","replace_original":false`) || strings.Contains(sent, "<!here>") || strings.Contains(sent, "hunter2")) {
			t.Errorf("sent %s", sent)
		}
	}
}

// TestOnlySlacksYesIsOne has the address answer in every way; who clicked sees a warning mark where it was no yes.
func TestOnlySlacksYesIsOne(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		body   string
		yes    bool
	}{
		{200, `{"ok":true}`, true},
		{200, "ok", true},
		{200, `{"ok":false,"error":"expired_url"}`, false},
		{200, `{}`, false},
		{200, "", false},
		{200, "<!doctype html>", false},
		{404, `{"ok":false,"error":"used_url"}`, false},
		{500, "ok", false},
	} {
		client := notify.NewClient(trip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: c.status, Body: io.NopCloser(strings.NewReader(c.body))}, nil
		}))
		bot := answering(client)
		err := bot.Answer(t.Context(), notify.Click{AnswerTo: "https://hooks.slack.com/actions/T1/hunter2"}, "x")
		if (err == nil) != c.yes || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%d %s: %v", c.status, c.body, err)
		}
	}
}
