package cli

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/clicks"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/store"
)

func TestARefusedClickIsLoggedWithoutItsBody(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	p := pipeline.Offline(&pipeline.Judge{}, &pipeline.Composer{}, time.Now)
	p.Intake = pipeline.NewIntake(pipeline.Books{}, pipeline.Staff{Composer: p.Composer})
	h := &clicks.Handler{Secret: "s", Now: p.Now, Act: p.Act}
	serving := host.New(map[string]host.Func{"slack-action": h.Serve}, host.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	server := httptest.NewServer(serving.Handler())
	defer server.Close()
	now := time.Now().Unix()
	for _, c := range []struct {
		name, body, secret string
		at                 int64
		status             string
	}{
		{"wrong signature", "payload=hunter2", "guessed", now, `"statusCode":401`},
		{"stale", "payload=hunter2", "s", now - 301, `"statusCode":401`},
		{"no interaction", "payload=hunter2", "s", now, `"statusCode":400`},
		{"foreign", `payload={"type":"block_actions","user":{"id":"U1"},"actions":[{"action_id":"auditbell-hunter2","value":"hunter2"}]}`, "s", now, `"statusCode":400`},
		{"too large", "payload=hunter2" + strings.Repeat("x", clicks.Largest), "s", now, `"statusCode":413`},
	} {
		if got := post(server.URL+"/slack-action", signed(c.body, c.secret, c.at, false)); !strings.HasPrefix(got, "200 ") || !strings.Contains(got, c.status) {
			t.Errorf("%s: %s, want %s inside a 200", c.name, got, c.status)
		}
	}
	if got := strings.Count(log.String(), "level=WARN"); got != 4 {
		t.Errorf("%d warnings for 4 requests that an operator should know of:\n%s", got, &log)
	}
	if strings.Contains(log.String(), "hunter2") {
		t.Errorf("the log quotes a request:\n%s", &log)
	}
}

func TestExceptionsAreListedAndCounted(t *testing.T) {
	t.Parallel()
	all := []exception.Exception{
		{ID: "later", Owner: "ana\x1b[31m", Rules: []string{"*"}, Reason: "x", Ticket: "T-1", Expires: storyBegins.Add(time.Hour), Source: "exceptions.yaml:2"},
		{ID: "over", Owner: "bob", Rules: []string{"a", "b"}, Reason: "y", Expires: storyBegins},
	}
	lines := exceptionLines(all, map[string]store.Use{"later": {Exception: "later", Records: 3, Last: storyBegins}}, storyBegins)
	var table bytes.Buffer
	if err := printExceptions(&table, lines); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(table.String()), "\n")
	if len(rows) != 3 || !strings.HasPrefix(rows[1], "over ") || !strings.Contains(rows[1], "never") || !strings.Contains(rows[1], "expired") {
		t.Errorf("what ended first must stand first, and say that it was never used:\n%s", &table)
	}
	if !strings.Contains(table.String(), "x (T-1)") || strings.Contains(table.String(), "\x1b") {
		t.Errorf("the ticket is missing, or a name steers the terminal: %q", table.String())
	}
	encoded, err := json.Marshal(lines[1])
	if err != nil || !strings.Contains(string(encoded), `"used":3`) || !strings.Contains(string(encoded), `"state":"active"`) {
		t.Errorf("as JSON: %s, %v", encoded, err)
	}
	if got := exceptionCheck(all, nil, storyBegins); len(got) != 1 || !got[0].OK || !strings.HasPrefix(got[0].Detail, "1 active, 1 expired") {
		t.Errorf("check says %+v", got)
	}
	if got := exceptionCheck(nil, nil, storyBegins); got != nil {
		t.Errorf("check says %+v about nothing", got)
	}
}
