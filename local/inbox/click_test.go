package inbox

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
)

const signingSecret = "8f742231b10e8888abcd99yyyzzz85a5"

// app is an app as slack-go would have one written: it verifies and reads what it gets.
func app(t *testing.T, status int) (*httptest.Server, chan slack.InteractionCallback) {
	t.Helper()
	got := make(chan slack.InteractionCallback, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		v, err := slack.NewSecretsVerifier(r.Header, signingSecret)
		if err == nil {
			_, _ = v.Write(body)
			err = v.Ensure()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		c, err := slack.InteractionCallbackParse(r)
		if err != nil {
			t.Errorf("slack-go cannot read the interaction: %v", err)
		}
		select {
		case got <- c:
		default:
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server, got
}

func words(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, text, false, false)
}

// posted is a message with a button, a link and a menu; it returns the inbox's id for it and Slack's ts.
func posted(t *testing.T, s *Server, address string) (id, ts string) {
	t.Helper()
	link := slack.NewButtonBlockElement("open-1", "", words("Open"))
	link.URL = "https://portal.azure.com/"
	actions := slack.NewActionBlock("b1", slack.NewButtonBlockElement("ack", "v1", words("Acknowledge")), link,
		slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, words("Snooze"), "snooze",
			slack.NewOptionBlockObject("1h", words("for 1 hour"), nil), slack.NewOptionBlockObject("8h", words("for 8 hours"), nil)))
	_, ts, err := slackClient(address).PostMessageContext(t.Context(), "#security", slack.MsgOptionText("x", false), slack.MsgOptionBlocks(headline("HIGH"), actions))
	if err != nil {
		t.Fatal(err)
	}
	all := s.Messages()
	return all[len(all)-1].ID, ts
}

func TestClicksReachTheAppSigned(t *testing.T) {
	t.Parallel()
	s, address := serve(t, Options{Now: time.Now}) // slack-go compares with the machine's clock
	end, got := app(t, http.StatusOK)
	s.Connect(App{URL: end.URL, SigningSecret: signingSecret})
	id, ts := posted(t, s, address)
	for _, c := range []struct{ body, action, value, option string }{
		{`{"action_id":"ack","user":"ana"}`, "ack", "v1", ""},
		{`{"action_id":"snooze","value":"8h","user":"ana"}`, "snooze", "", "8h"},
		{`{"action_id":"open-1","user":"ana"}`, "open-1", "", ""},
	} {
		if a := call(t, "POST "+address+"/api/messages/"+id+"/click", c.body); a.status != http.StatusNoContent {
			t.Fatalf("%s: %d %s", c.body, a.status, a.body)
		}
		in := <-got
		a := in.ActionCallback.BlockActions[0]
		if in.Type != slack.InteractionTypeBlockActions || in.User.Name == "" && in.User.ID == "" || in.Container.MessageTs != ts || in.TriggerID == "" || a.ActionTs == "" {
			t.Errorf("%s: interaction %+v", c.body, in)
		}
		if a.ActionID != c.action || a.Value != c.value || a.SelectedOption.Value != c.option {
			t.Errorf("%s: action %q, value %q, option %q", c.body, a.ActionID, a.Value, a.SelectedOption.Value)
		}
	}
}

func TestAClickGoesToTheMessageAsItStands(t *testing.T) {
	t.Parallel()
	s, address := serve(t, Options{Now: time.Now})
	end, _ := app(t, http.StatusOK)
	s.Connect(App{URL: end.URL, SigningSecret: signingSecret})
	id, ts := posted(t, s, address)
	if err := s.Click(t.Context(), id, Click{ActionID: "ack"}); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := slackClient(address).UpdateMessageContext(t.Context(), channelOf("security"), ts, slack.MsgOptionBlocks(headline("DONE"))); err != nil {
		t.Fatal(err)
	}
	if err := s.Click(t.Context(), id, Click{ActionID: "ack"}); !errors.Is(err, errNoClick) {
		t.Errorf("the button is gone from the message: %v", err)
	}
}

func TestWhatNobodyCouldClick(t *testing.T) {
	t.Parallel()
	s, address := serve(t, Options{Now: time.Now})
	end, _ := app(t, http.StatusOK)
	id, _ := posted(t, s, address)
	if err := s.Click(t.Context(), id, Click{ActionID: "ack"}); !errors.Is(err, errNoClick) {
		t.Errorf("nobody is connected: %v", err)
	}
	s.Connect(App{URL: end.URL, SigningSecret: signingSecret})
	for _, c := range []struct{ id, body string }{
		{"m999999", `{"action_id":"ack"}`},
		{id, `{"action_id":"other"}`},
		{id, `{"action_id":"snooze","value":"9h"}`},
		{id, `{"action_id":"snooze"}`},
		{id, `{"action_id":"ack","value":"forged"}`},
		{id, `{}`},
	} {
		if a := call(t, "POST "+address+"/api/messages/"+c.id+"/click", c.body); a.status != http.StatusNotFound {
			t.Errorf("%s on %s: %d %s", c.body, c.id, a.status, a.body)
		}
	}
	if a := call(t, "POST "+address+"/api/messages/"+id+"/click", `{"action":"ack"}`); a.status != http.StatusBadRequest {
		t.Errorf("a misspelt click: %d %s", a.status, a.body)
	}
}

func TestAFailureIsShownAsSlackWould(t *testing.T) {
	t.Parallel()
	s, address := serve(t, Options{Now: time.Now})
	id, _ := posted(t, s, address)
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	refusing, _ := app(t, http.StatusServiceUnavailable)
	taking, _ := app(t, http.StatusOK)
	for _, c := range []struct {
		app  App
		want string
	}{
		{App{URL: down.URL, SigningSecret: signingSecret}, "did not answer"}, {App{URL: refusing.URL, SigningSecret: signingSecret}, "503"}, {App{URL: taking.URL, SigningSecret: "guessed"}, "401"},
	} {
		s.Connect(c.app)
		a := call(t, "POST "+address+"/api/messages/"+id+"/click", `{"action_id":"ack"}`)
		if a.status != http.StatusBadGateway || !strings.Contains(a.body, c.want) || strings.Contains(a.body, signingSecret) {
			t.Errorf("%d %q, want 502 with %q", a.status, a.body, c.want)
		}
	}
}

// TestAnAppAnswersInWords has an app answer a click at its response_url: five times within 30 minutes, to who clicked alone.
func TestAnAppAnswersInWords(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s, address := serve(t, Options{Now: func() time.Time { return now }})
	end, got := app(t, http.StatusOK)
	s.Connect(App{URL: end.URL, SigningSecret: signingSecret, API: address})
	id, ts := posted(t, s, address)
	click := func() string {
		if err := s.Click(t.Context(), id, Click{ActionID: "ack"}); err != nil {
			t.Fatal(err)
		}
		return (<-got).ResponseURL
	}
	answer := func(to string) error {
		return slack.PostWebhookContext(t.Context(), to, &slack.WebhookMessage{ResponseType: slack.ResponseTypeEphemeral, Text: "no effect"})
	}
	to := click()
	for range responses {
		if a := call(t, "POST "+to, `{"response_type":"ephemeral","text":"no effect"}`); a.body != "{\"ok\":true}\n" {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if m := s.Messages()[1]; m.Kind != Ephemeral || m.Ref != ts || m.Text != "no effect" {
		t.Errorf("it is kept as %+v", m)
	}
	later := click()
	for text, try := range map[string][2]string{
		"used_url":          {to, `{"response_type":"ephemeral","text":"no effect"}`},
		"expired_url":       {to + "x", `{"response_type":"ephemeral","text":"no effect"}`},
		"invalid_arguments": {later, `{"response_type":"in_channel","text":"no effect"}`},
		"no_text":           {later, `{"response_type":"ephemeral"}`},
	} {
		if a := call(t, "POST "+try[0], try[1]); !strings.Contains(a.body, text) {
			t.Errorf("%s: %d %s", text, a.status, a.body)
		}
	}
	if err := answer(later); err != nil {
		t.Errorf("as slack-go answers: %v", err)
	}
	now = now.Add(responsesUpTo)
	if a := call(t, "POST "+later, `{"response_type":"ephemeral","text":"no effect"}`); !strings.Contains(a.body, "expired_url") {
		t.Errorf("after half an hour: %s", a.body)
	}
}

func TestClicksFromOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	_, address := serve(t, Options{})
	for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Host", "evil.example"}} {
		if a := call(t, "POST "+address+"/api/messages/m000001/click", `{"action_id":"ack"}`, headers...); a.status != http.StatusForbidden {
			t.Errorf("%v: %d", headers, a.status)
		}
	}
}
