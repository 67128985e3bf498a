package source

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
)

var kqlWindow = regexp.MustCompile(`^AzureActivity\n\| where TimeGenerated >= datetime\(([^)]+)\)\n\| where TimeGenerated < datetime\(([^)]+)\)\n`)

// workspaceOf answers the query API over records, at most limit rows at once: more is an error beside partial tables.
func workspaceOf(t *testing.T, records []digesttest.Record, limit int, asked *atomic.Int64) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		var body struct{ Query string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		window := kqlWindow.FindStringSubmatch(body.Query)
		if r.Method != http.MethodPost || r.URL.Path != "/v1/workspaces/w-1/query" || r.Header.Get("Authorization") != "Bearer secret" || window == nil {
			t.Errorf("asked %s %s with %q", r.Method, r.URL.Path, body.Query)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		from, _ := time.Parse(time.RFC3339Nano, window[1])
		to, _ := time.Parse(time.RFC3339Nano, window[2])
		names := []string{"TimeGenerated", "OperationNameValue", "ActivityStatusValue", "CategoryValue", "Caller", "_ResourceId", "SubscriptionId", "CorrelationId", "EventDataId", "Level", "Properties", "Type"}
		var columns []map[string]string
		for _, name := range names {
			columns = append(columns, map[string]string{"name": name, "type": "string"})
		}
		rows := [][]any{}
		for _, one := range records {
			if !one.Time.Before(from) && one.Time.Before(to) {
				rows = append(rows, []any{
					one.Time.Format(time.RFC3339Nano), one.Operation, one.Status, one.Category, one.Caller, one.Resource,
					one.Subscription, one.Correlation, one.EventID, one.Level, `{"statusCode":"OK"}`, "AzureActivity",
				})
			}
		}
		answer := map[string]any{"tables": []any{map[string]any{"name": "PrimaryResult", "columns": columns, "rows": rows[:min(len(rows), limit)]}}}
		if len(rows) > limit {
			answer["error"] = map[string]string{"code": "PartialError"}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestLogAnalyticsFindsTheSameRecordsAsFiles(t *testing.T) {
	t.Parallel()
	records := digesttest.All(digesttest.Options{Seed: 11, Operations: 60})
	var text []byte
	for _, r := range records {
		text = append(digesttest.AppendREST(text, r), '\n')
	}
	var asked atomic.Int64
	server := workspaceOf(t, records, 2, &asked)
	from := LogAnalytics{Workspace: "w-1", REST: REST{Client: server.Client(), Endpoint: server.URL, Token: func(context.Context) (string, error) { return "secret", nil }}}
	f := Filter{Window: Window{From: records[0].Time.Add(-time.Hour), To: records[len(records)/8].Time}, Outcomes: []activity.Outcome{activity.Succeeded}}
	got, places := findAll(from, f)
	want, _ := findAll(Files{Inputs: texts(text)}, f)
	distinct := map[string]bool{}
	for _, id := range want {
		distinct[id] = true
	}
	have := map[string]bool{}
	for _, id := range got {
		have[id] = true
	}
	if diff := cmp.Diff(distinct, have); diff != "" || len(places) > 0 || len(want) == 0 {
		t.Errorf("found (-want +got) %v:\n%s", places, diff)
	}
	if asked.Load() < 5 {
		t.Errorf("asked %d times: no answer was cut short, so that nothing is shown", asked.Load())
	}
}

func TestKQLAsksInBothVocabularies(t *testing.T) {
	t.Parallel()
	got := KQL(Filter{
		Window: Window{From: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)}, Operations: []string{`role"assignments`, "x"},
		Outcomes: []activity.Outcome{activity.Failed}, Levels: []activity.Level{activity.Informational}, Callers: []string{"ada"},
	})
	want := strings.TrimLeft(`
AzureActivity
| where TimeGenerated >= datetime(2026-10-01T00:00:00Z)
| where OperationNameValue contains "role\"assignments" or OperationNameValue contains "x"
| where Level startswith "Inform"
| where ActivityStatusValue =~ "Failure" or ActivityStatusValue =~ "Failed"
| where strcat(Caller, ' ', Claims) contains "ada"
| order by TimeGenerated asc
`, "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
}
