package slack_test

import (
	"context"
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
	kept, err := d.(notify.Recorder).Record(t.Context(), m, notify.Ref{Channel: channel, ID: "1.000001"}, func() string { return text })
	if err != nil {
		t.Fatal(err)
	}
	return kept
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

func TestRecordHasNoThreadToGoTo(t *testing.T) {
	t.Parallel()
	d, arrived := thread(t, "informational")
	kept, err := d.(notify.Recorder).Record(context.Background(), notifytest.Grant(), notify.Ref{ID: "from-a-webhook"}, func() string { return "{}" })
	if kept || err != nil || len(arrived()) > 0 {
		t.Errorf("kept %v, %v, arrived %v", kept, err, arrived())
	}
}

// Whatever a record holds, Slack takes it, and nothing in it acts.
func TestRecordFitsAndIsDead(t *testing.T) {
	t.Parallel()
	d, arrived := thread(t, "informational")
	texts := append(notifytest.Payloads(), "", strings.Repeat("\"<\n", 5000), strings.Repeat("🔥", 9000), strings.Repeat("a", 100_000), strings.Repeat("line\n", 4000))
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
