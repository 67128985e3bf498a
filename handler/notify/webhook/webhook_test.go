package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/notifytest"
	"github.com/auditbell/auditbell/handler/notify/webhook"
	"github.com/auditbell/auditbell/handler/settings"
)

const (
	key  = "hunter2-hunter2-hunter2"
	path = "/alerts?key=hunter2hunter2"
)

func TestReceiverMeetsTheContract(t *testing.T) {
	t.Parallel()
	schema := compile(t)
	notifytest.Run(t, notifytest.Harness{
		State: notify.Confirmed,
		Open:  webhook.Open,
		Settings: func(base string) map[string]string {
			return map[string]string{"WEBHOOK_URL": base + path, "WEBHOOK_SECRET": key}
		},
		Secrets: []string{key, "hunter2"},
		Accept: func(r *http.Request, body []byte) (notifytest.Shown, error) {
			if r.URL.String() != path || r.Header.Get("Content-Type") != "application/cloudevents+json; charset=utf-8" {
				return notifytest.Shown{}, fmt.Errorf("%s as %s", r.URL, r.Header.Get("Content-Type"))
			}
			shown, err := read(body, schema)
			return shown, errors.Join(err, webhook.Verify(key, r.Header, body, time.Now()))
		},
		Answer: func(w http.ResponseWriter, _ notifytest.Shown) { w.WriteHeader(http.StatusNoContent) },
		Edits:  true,
	})
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// read takes an event as a receiver would: whoever shows the data escapes it, so that only links can act.
func read(body []byte, schema *jsonschema.Schema) (notifytest.Shown, error) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return notifytest.Shown{}, err
	}
	wrong := []error{schema.Validate(value)}
	var e webhook.Event
	if err := json.Unmarshal(body, &e); err != nil {
		return notifytest.Shown{}, err
	}
	shown := notifytest.Shown{Kind: notifytest.Post, Ref: notify.Ref{ID: e.Subject}}
	if e.Type == webhook.TypeUpdated {
		shown.Kind = notifytest.Edit
	}
	d := e.Data
	seen := []string{e.Subject, d.Text, d.Headline, d.Summary, notify.Result(d.Result).Word(), d.News}
	for _, f := range d.Facts {
		seen = append(seen, f.Name, f.Value, f.Time)
	}
	for _, l := range d.Links {
		seen = append(seen, l.Title)
		shown.Live = append(shown.Live, l.URL)
	}
	seen = append(append(seen, d.Steps...), d.Context...)
	shown.Text = strings.Join(seen, "\n")
	if len(body) > 64*1024 {
		wrong = append(wrong, fmt.Errorf("%d bytes", len(body)))
	}
	return shown, errors.Join(wrong...)
}

func TestRepeatedDeliveryHasTheSameID(t *testing.T) {
	t.Parallel()
	m := notifytest.Grant()
	first, again := webhook.Render(m), webhook.Render(m)
	if first.ID != again.ID {
		t.Errorf("the same content has the ids %s and %s; a receiver could not drop the second", first.ID, again.ID)
	}
	m.News = "Seen twice"
	if news := webhook.Render(m); news.ID == first.ID {
		t.Errorf("other content has the same id %s; a receiver would drop it", news.ID)
	}
}

func TestSettingsProblems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		env        map[string]string
	}{
		{"nothing set", "", nil},
		{"no secret", "WEBHOOK_SECRET: is shorter than 16 characters (hint: ", map[string]string{"WEBHOOK_URL": "https://a.example/"}},
		{"short secret", "WEBHOOK_SECRET: is shorter", map[string]string{"WEBHOOK_URL": "https://a.example/", "WEBHOOK_SECRET": "hunter2"}},
		{"plain http", "WEBHOOK_URL: must start with https://", map[string]string{"WEBHOOK_URL": "http://a.example/", "WEBHOOK_SECRET": key}},
	} {
		s := settings.New(func(name string) (string, bool) { v, ok := c.env[name]; return v, ok })
		if d := webhook.Open(s, http.DefaultClient); d != nil {
			t.Errorf("%s: Open returned a destination", c.name)
		}
		if got := s.Err(); c.want == "" && got != nil || c.want != "" && !strings.HasPrefix(fmt.Sprint(got), c.want) {
			t.Errorf("%s: problems %v, want %q", c.name, got, c.want)
		}
		if n := len(s.Declared()); n != 2 {
			t.Errorf("%s: %d settings declared, want 2", c.name, n)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_795_340_462, 0)
	body := []byte(`{"specversion":"1.0"}`)
	// Computed apart from this package: printf '1795340462.{"specversion":"1.0"}' | openssl dgst -sha256 -hmac KEY
	const good = "v1=3149ff20e15eb60ad2eda8efe736dbff83dfd784b92f2f4319cbc03ebb8276d2"
	stamp := strconv.FormatInt(now.Unix(), 10)
	for _, c := range []struct {
		name, secret, stamp, signature string
		body                           []byte
		at                             time.Time
		want                           string
	}{
		{"genuine", key, stamp, good, body, now, ""},
		{"second of two", key, stamp, "v1=00, " + good, body, now.Add(4 * time.Minute), ""},
		{"other secret", "other-other-other", stamp, good, body, now, "does not match"},
		{"other body", key, stamp, good, []byte("{}"), now, "does not match"},
		{"other time", key, "1795340463", good, body, now, "does not match"},
		{"replayed", key, stamp, good, body, now.Add(6 * time.Minute), "too old"},
		{"from the future", key, stamp, good, body, now.Add(-6 * time.Minute), "too old"},
		{"no time", key, "", good, body, now, "no timestamp"},
		{"no signature", key, stamp, "", body, now, "does not match"},
	} {
		h := http.Header{}
		h.Set(webhook.TimestampHeader, c.stamp)
		h.Set(webhook.SignatureHeader, c.signature)
		err := webhook.Verify(c.secret, h, c.body, c.at)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	m := notifytest.Grant()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := json.Marshal(webhook.Render(m)); err != nil {
			b.Fatal(err)
		}
	}
}

// A receiver needs the raw body, the two headers and the secret.
func ExampleVerify() {
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || webhook.Verify("a secret of your own", r.Header, body, time.Now()) != nil {
			fmt.Println("not from Auditbell")
			return
		}
		var e webhook.Event
		if json.Unmarshal(body, &e) == nil {
			fmt.Println(e.Type, e.Subject, e.Data.Severity, e.Data.Headline)
		}
	}))
	defer receiver.Close()

	env := map[string]string{"WEBHOOK_URL": receiver.URL, "WEBHOOK_SECRET": "a secret of your own"}
	s := settings.New(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	d := webhook.Open(s, notify.NewClient(http.DefaultTransport))
	m := notify.Message{ID: "a-7d3f", Severity: notify.High, Headline: "Owner role granted on prod-payments"}
	if _, err := d.Deliver(context.Background(), m, notify.Ref{}); err != nil {
		fmt.Println(err)
	}
	// Output: auditbell.alert.raised a-7d3f high Owner role granted on prod-payments
}
