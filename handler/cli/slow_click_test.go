package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/local/cosmos"
)

// slackKept is a Slack that takes every message and keeps the newest blocks.
type slackKept struct {
	mu     sync.Mutex
	newest string
}

func (s *slackKept) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest = form.Get("blocks")
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"ok":true,"channel":"C1","ts":"1764590400.000100"}`)),
	}, nil
}

func (s *slackKept) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest
}

// TestAClickIsAnsweredInTimeHoweverSlowTheStore clicks while the store takes its time, breaks off after it has written, or takes
// nothing. Slack shows a person a failure after three seconds: what was stored is never shown as failed, and what could not be
// stored in time is.
func TestAClickIsAnsweredInTimeHoweverSlowTheStore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		faults []cosmos.Fault
		status int
		stored bool
	}{
		"each request takes a second":             {[]cosmos.Fault{{Delay: time.Second}}, 200, true},
		"each request takes two seconds":          {[]cosmos.Fault{{Delay: 2 * time.Second}}, 200, true},
		"a reply is lost after the write":         {[]cosmos.Fault{{Method: http.MethodPost, After: true, Count: 1}}, 200, true},
		"a slow reply is lost after the write":    {[]cosmos.Fault{{Method: http.MethodPost, After: true, Count: 1, Delay: time.Second}, {Delay: time.Second}}, 200, true},
		"takes nothing":                           {[]cosmos.Fault{{Status: http.StatusServiceUnavailable}}, 503, false},
		"takes nothing, and is slow in saying so": {[]cosmos.Fault{{Status: http.StatusServiceUnavailable, Delay: 5 * time.Second}}, 200, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				channel := &slackKept{}
				account, handler := clickable(t, channel)
				value := regexp.MustCompile(`[0-9a-v]+\.alert-[0-9a-v]+`).FindString(channel.last())
				for _, f := range c.faults {
					account.Inject(f)
				}
				began := time.Now()
				answer := invoked(handler, "slack-action", signed(acknowledging(value), "s", began.Unix(), false))
				if took := time.Since(began); took > 3*time.Second || !strings.Contains(answer, fmt.Sprintf(`"statusCode":%d`, c.status)) {
					t.Errorf("after %s: %s, want %d within 3 s", took, answer, c.status)
				}
				<-time.After(time.Minute)
				account.ClearFaults()
				invoked(handler, "deliver", envelopeFor("deliver", nil))
				if stored := strings.Contains(channel.last(), "Acknowledged by @ana"); stored != c.stored {
					t.Errorf("stored: %v, want %v; Slack has %.300s", stored, c.stored, channel.last())
				}
			})
		})
	}
}

// clickable is a handler whose one alert is in a channel, and its account.
func clickable(t *testing.T, channel http.RoundTripper) (*cosmos.Server, http.Handler) {
	t.Helper()
	account, err := cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = account.Close() })
	env := map[string]string{
		"COSMOS_ENDPOINT": "http://localhost/", "COSMOS_KEY": "a2V5", "DELIVER_SCHEDULE": "*/30 * * * * *", "CANARY_AT": "off", "LOOKUPS": "off",
		"SLACK_BOT_TOKEN": "xoxb-story", "SLACK_CHANNEL": "security", "SLACK_SIGNING_SECRET": "s",
	}
	quiet := slog.New(slog.DiscardHandler)
	w := app.World{
		Settings: settings.New(func(name string) (string, bool) { v, ok := env[name]; return v, ok }),
		Config:   os.DirFS(eachByItself(t)), Log: quiet, Now: time.Now, Web: channel, Cosmos: account,
	}
	handler := app.NewServer(app.NewLazy(func() app.World { return w }, quiet), quiet).Handler()
	event := fmt.Sprintf(`[{"id":"e-1","subject":"/subscriptions/s/resourceGroups/rg/providers/Microsoft.Authorization/policyAssignments/p1","topic":"/subscriptions/s",
		"eventType":"Microsoft.Resources.ResourceWriteSuccess","eventTime":%q,"data":{"claims":{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":"rob@contoso.example"},
		"correlationId":"c-1","operationName":"Microsoft.Authorization/policyAssignments/write","subscriptionId":"s"}}]`, time.Now().UTC().Format(time.RFC3339))
	if answer := invoked(handler, "eventgrid-activity", envelopeFor("eventgrid-activity", []byte(event))); answer != "{}" {
		t.Fatalf("event: %s", answer)
	}
	return account, handler
}

// invoked is the answer to an invocation.
func invoked(handler http.Handler, function string, envelope []byte) string {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/"+function, bytes.NewReader(envelope)))
	return w.Body.String()
}

// acknowledging is the form of a click on Acknowledge.
func acknowledging(value string) string {
	payload, _ := json.Marshal(map[string]any{ // text always marshals
		"type": "block_actions", "trigger_id": "t.1", "user": map[string]any{"id": "U1", "username": "ana"},
		"container": map[string]any{"type": "message", "message_ts": "1764590400.000100", "channel_id": "C1"},
		"actions":   []any{map[string]any{"type": "button", "action_id": "auditbell-acknowledge", "value": value, "action_ts": "1764590401.000001"}},
	})
	return url.Values{"payload": {string(payload)}}.Encode()
}
