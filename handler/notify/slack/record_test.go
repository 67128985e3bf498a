package slack_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/notifytest"
)

// thread opens a bot over a Slack that accepts, and returns what arrived there so far.
func thread(t *testing.T, from string) (d notify.Destination, arrived func() []notifytest.Shown) {
	t.Helper()
	var mu sync.Mutex
	var all []notifytest.Shown
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		shown, err := acceptCall(r.URL.Path, body)
		if err != nil {
			t.Errorf("Slack would refuse or misread this: %v\n%s", err, body)
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, shown)
		_, _ = fmt.Fprintf(w, `{"ok":true,"channel":%q,"ts":"1.%06d","message":{"text":"x"}}`, channel, len(all))
	}))
	t.Cleanup(server.Close)
	d, set := openWith(map[string]string{"SLACK_BOT_TOKEN": token, "SLACK_CHANNEL": channel, "SLACK_API_URL": server.URL + "/api", "SLACK_RECORD_FROM": from})
	if err := set.Err(); err != nil {
		t.Fatal(err)
	}
	return d, func() []notifytest.Shown {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

func record(t *testing.T, d notify.Destination, m notify.Message, text string) bool {
	t.Helper()
	r := d.(notify.Recorder)
	if _, wanted := r.Beside(m); !wanted {
		return false
	}
	if err := r.Record(t.Context(), m, notify.Ref{Channel: channel, ID: "1.000001"}, "", text); err != nil {
		t.Fatal(err)
	}
	return true
}

func TestRecordGoesIntoTheThreadFromASeverityOn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from     string
		severity notify.Severity
		want     bool
	}{
		{"", notify.High, true},
		{"", notify.Medium, false},
		{"never", notify.Critical, false},
		{"informational", notify.Informational, true},
		{"critical", notify.High, false},
		{"medium", "unknown", true},
	} {
		d, arrived := thread(t, c.from)
		m := notifytest.Grant()
		m.Severity = c.severity
		if kept := record(t, d, m, "{\n  \"id\": \"x\"\n}"); kept != c.want {
			t.Errorf("from %q, %s: kept %v, want %v", c.from, c.severity, kept, c.want)
		}
		if shown := arrived(); c.want && (len(shown) != 1 || shown[0].Kind != notifytest.Reply || !strings.Contains(shown[0].Text, "\"id\": \"x\"")) || !c.want && len(shown) > 0 {
			t.Errorf("from %q, %s: arrived %+v", c.from, c.severity, shown)
		}
	}
}

// TestHiddenFactsAreInTheThread has a message with more facts than it shows: it says how many are in the thread, where they are;
// without threads, and where a form has dropped some, it names the command that shows them.
func TestHiddenFactsAreInTheThread(t *testing.T) {
	t.Parallel()
	m := notify.Message{ID: "alert-1", Severity: notify.Medium, Headline: "Key Vault deleted"}
	for i := range 8 {
		m.Facts = append(m.Facts, notify.Fact{Name: fmt.Sprint("F", i), Value: fmt.Sprint("value-", i)})
	}
	d, arrived := thread(t, "")
	m.Beside = true
	if _, err := d.Deliver(t.Context(), m, notify.Ref{}); err != nil {
		t.Fatal(err)
	}
	if text := arrived()[0].Text; !strings.Contains(text, "… and 2 more in the thread") || strings.Contains(text, "value-6") {
		t.Errorf("the message is %q", text)
	}
	r := d.(notify.Recorder)
	rest, whole := r.Beside(m)
	if want := "F6: value-6\nF7: value-7"; rest != want || whole {
		t.Errorf("beside it stands %q, the record %v; want %q alone", rest, whole, want)
	}
	if err := r.Record(t.Context(), m, notify.Ref{Channel: channel, ID: "1.000001"}, rest, ""); err != nil {
		t.Fatal(err)
	}
	if shown := arrived()[1]; shown.Kind != notifytest.Reply || !strings.Contains(shown.Text, "F7: value-7") {
		t.Errorf("the thread has %+v", shown)
	}
	d, arrived = thread(t, "never")
	if rest, whole := d.(notify.Recorder).Beside(m); rest != "" || whole {
		t.Errorf("an operator who wants no threads gets %q, %v", rest, whole)
	}
	m.Beside = false
	if _, err := d.Deliver(t.Context(), m, notify.Ref{}); err != nil {
		t.Fatal(err)
	}
	if text := arrived()[0].Text; !strings.Contains(text, "… and 2 more: handler alerts show alert-1") {
		t.Errorf("the message is %q", text)
	}
}

// Whatever a record holds, Slack takes it, and nothing in it acts.
func TestRecordFitsAndIsDead(t *testing.T) {
	t.Parallel()
	d, arrived := thread(t, "informational")
	texts := append(notifytest.Payloads(), strings.Repeat("\"<\n", 5000), strings.Repeat("🔥", 9000), strings.Repeat("a", 100_000), strings.Repeat("line\n", 4000))
	for _, text := range texts {
		before := len(arrived())
		if !record(t, d, notify.Message{ID: text, Severity: notify.High}, text) {
			t.Errorf("%.40q is not there", text)
		}
		shown := arrived()[before]
		if len(shown.Live) > 0 {
			t.Errorf("%.40q brings %q to life", text, shown.Live)
		}
		if len(text) > 20_000 && !strings.HasSuffix(strings.TrimSpace(shown.Text), "…") {
			t.Errorf("nothing says that %.40q was cut", text)
		}
	}
}
