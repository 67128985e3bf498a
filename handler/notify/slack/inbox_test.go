package slack_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/notifytest"
	"github.com/auditbell/auditbell/local/inbox"
)

// The local inbox checks blocks by rules that were written apart from this package.
func TestInboxTakesEverything(t *testing.T) {
	t.Parallel()
	end, err := inbox.Open(inbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(end)
	t.Cleanup(server.Close)
	for name, env := range map[string]map[string]string{
		"bot":     {"SLACK_BOT_TOKEN": token, "SLACK_CHANNEL": "#security-alerts", "SLACK_API_URL": server.URL + "/slack/api/"},
		"webhook": {"SLACK_WEBHOOK_URL": server.URL + "/slack/webhook/T1/B1/x"},
	} {
		d, _ := openWith(env)
		for _, m := range notifytest.Hostile() {
			ref, err := d.Deliver(t.Context(), m, notify.Ref{})
			if err == nil {
				_, err = d.Deliver(t.Context(), m, ref)
			}
			if err != nil {
				t.Fatalf("%s: %v: %+v", name, err, m)
			}
		}
	}
}

func TestInboxShowsOneEditedMessageAndItsThread(t *testing.T) {
	t.Parallel()
	end, err := inbox.Open(inbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(end)
	t.Cleanup(server.Close)
	d, _ := openWith(map[string]string{"SLACK_BOT_TOKEN": token, "SLACK_CHANNEL": "#security-alerts", "SLACK_API_URL": server.URL + "/slack/api"})
	m := notifytest.Grant()
	ref, err := d.Deliver(t.Context(), m, notify.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	m.News, m.Result = "Failed after 3 s", notify.Failed
	if again, err := d.Deliver(t.Context(), m, ref); err != nil || again != ref {
		t.Fatalf("update = %+v, %v; want %+v", again, err, ref)
	}
	resp, err := http.Get(server.URL + "/api/messages")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var shown []inbox.Message
	if err := json.NewDecoder(resp.Body).Decode(&shown); err != nil || len(shown) != 3 {
		t.Fatalf("inbox holds %d messages, %v; want 3", len(shown), err)
	}
	for i, want := range []struct{ kind, text string }{{inbox.Post, m.Headline}, {inbox.Update, m.Headline}, {inbox.Thread, m.News}} {
		if got := shown[i]; got.Kind != want.kind || got.Ref != ref.ID || !strings.Contains(got.Text, want.text) {
			t.Errorf("message %d is a %s of %s, want a %s of %s with %q in:\n%s", i, got.Kind, got.Ref, want.kind, ref.ID, want.text, got.Text)
		}
	}
}
