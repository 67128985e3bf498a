package clicks

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/slack"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/settings"
)

// silent is a network on which nothing answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestWordsNeverKeepSlackWaiting has an act that fails at once, or after longer than Slack waits, while Slack takes no words: Slack is
// answered within its three seconds, by which it shows a warning mark where it is known by then that nothing was done.
func TestWordsNeverKeepSlackWaiting(t *testing.T) {
	t.Parallel()
	bot := map[string]string{"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_CHANNEL": "C1"}
	set := settings.New(func(name string) (string, bool) { v, ok := bot[name]; return v, ok })
	channel := slack.Open(set, notify.NewClient(silent{})).(notify.Answerer)
	for status, lasts := range map[string]time.Duration{`"statusCode":503`: 0, `"statusCode":200`: 5 * time.Second} {
		t.Run(status, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &Handler{Secret: "s", Now: time.Now, Answer: channel, Act: func(context.Context, notify.Click, pipeline.Batch) (pipeline.Summary, string, error) {
					<-time.After(lasts)
					return pipeline.Summary{}, "a word", errors.New("the store is down")
				}}
				serving := host.New(map[string]host.Func{"slack-action": h.Serve}, host.Options{Logger: slog.New(slog.DiscardHandler)})
				answer, began := httptest.NewRecorder(), time.Now()
				serving.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/slack-action", strings.NewReader(click(began))))
				if took := time.Since(began); took > 3*time.Second || answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), status) {
					t.Errorf("after %s: %d %s", took, answer.Code, answer.Body)
				}
				<-time.After(actFor)
			})
		})
	}
}

// click is the host's call with a click that Slack signed.
func click(at time.Time) string {
	body := `payload={"type":"block_actions","user":{"id":"U1"},"response_url":"https://hooks.slack.com/actions/1","actions":[{"action_id":"auditbell-acknowledge","value":"g.alert-a"}]}`
	mac := hmac.New(sha256.New, []byte("s"))
	fmt.Fprintf(mac, "v0:%d:%s", at.Unix(), body)
	headers := map[string][]string{"X-Slack-Request-Timestamp": {fmt.Sprint(at.Unix())}, "X-Slack-Signature": {"v0=" + hex.EncodeToString(mac.Sum(nil))}}
	envelope, err := json.Marshal(map[string]any{"Data": map[string]any{"req": map[string]any{"Method": "POST", "Headers": headers, "Body": body}}, "Metadata": map[string]any{}})
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(envelope)
}
