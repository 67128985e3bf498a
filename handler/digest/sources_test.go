package digest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/source/blobs"
)

// TestEverySourceTellsTheSame sends one corpus through every source; each serves it as Azure does, over HTTP where it
// is asked over HTTP. What a report says of events must not depend on where they were read.
func TestEverySourceTellsTheSame(t *testing.T) {
	t.Parallel()
	w := source.Window{From: time.Date(2026, 10, 6, 0, 0, 0, 0, berlin), To: time.Date(2026, 10, 8, 0, 0, 0, 0, berlin)}
	records := digesttest.All(digesttest.Options{Seed: 51, Operations: 700, From: w.From.Add(-12 * time.Hour), To: w.To.Add(12 * time.Hour)})
	stored := newShelf()
	for _, r := range records {
		stored.put(t, digesttest.AppendREST(nil, r))
	}
	want := sayings(t, source.Files{Inputs: inputs(file("month.jsonl", text(records, digesttest.AppendREST)))}, digest.NewTally(w))
	if n, _ := want["summary"].(map[string]any); n["total_operations"].(float64) < 500 {
		t.Fatalf("%v entries prove little", n)
	}
	container, err := blobs.Open(storageOf(t, records)+"/insights-activity-logs", blobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]struct {
		source source.Source
		tally  *digest.Tally
	}{
		"activity-log":  {source.Each{Finder: managementOf(t, records), Window: w}, digest.NewTally(w)},
		"log-analytics": {source.Counted{LogAnalytics: workspaceOf(t, records), Window: w}, digest.NewTally(w)},
		"blobs":         {source.Files{Inputs: container.Inputs(t.Context(), w)}, digest.NewTally(w)},
		"store":         {digest.Stored{Hours: stored, Window: w}, digest.NewStoredTally(w)},
		"resource logs": {source.Files{Inputs: inputs(file("PT1H.json", text(records, digesttest.AppendRecord)))}, digest.NewTally(w)},
	} {
		if diff := cmp.Diff(want, sayings(t, s.source, s.tally)); diff != "" {
			t.Errorf("%s: (-files +%s) %s", name, name, diff)
		}
	}
}

// sayings is what a report of a source says of events, without the ids that a form does not have.
func sayings(t *testing.T, s source.Source, tally *digest.Tally) map[string]any {
	t.Helper()
	for b, err := range s.Entries(t.Context(), tally.Vocabulary) {
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range b.Unreadable {
			t.Fatal(p)
		}
		tally.Add(b)
	}
	all := jsonOf(t, digest.Build(tally, digest.Subject{Zone: berlin, RoleName: roleName}))
	delete(all, "redelivered") // a source that counts for itself does not say
	roles, _ := all["role_assignments"].(map[string]any)
	changes, _ := roles["changes"].([]any)
	for _, c := range changes {
		delete(c.(map[string]any), "event_id") // the export has none
	}
	return all
}

// managementOf is Azure Resource Manager with an Activity Log of these records, in pages of a hundred.
func managementOf(t *testing.T, records []digesttest.Record) source.ActivityLog {
	t.Helper()
	var server *httptest.Server
	window := regexp.MustCompile(`eventTimestamp ge '([^']+)' and eventTimestamp le '([^']+)'`)
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bounds := window.FindStringSubmatch(r.URL.Query().Get("$filter"))
		if bounds == nil {
			t.Errorf("asked %s", r.URL)
			return
		}
		subscription := strings.Split(r.URL.Path, "/")[2]
		var items []json.RawMessage
		for _, one := range records {
			if at := one.Time.Format(time.RFC3339Nano); one.Subscription == subscription && at >= bounds[1] && at <= bounds[2] {
				items = append(items, digesttest.AppendREST(nil, one))
			}
		}
		from, _ := strconv.Atoi(r.URL.Query().Get("$skiptoken"))
		to := min(from+100, len(items))
		page := map[string]any{"value": items[from:to]}
		if to < len(items) {
			next := *r.URL
			q := next.Query()
			q.Set("$skiptoken", strconv.Itoa(to))
			next.RawQuery = q.Encode()
			page["nextLink"] = server.URL + next.String()
		}
		_ = json.NewEncoder(w).Encode(page)
	}))
	t.Cleanup(server.Close)
	return source.ActivityLog{REST: asked(server), Scopes: subscriptionsOf(records)}
}

func asked(server *httptest.Server) source.REST {
	return source.REST{Client: server.Client(), Endpoint: server.URL, Token: func(context.Context) (string, error) { return "token", nil }}
}

func subscriptionsOf(records []digesttest.Record) []activity.Scope {
	var all []activity.Scope
	for _, r := range records {
		if id := activity.Scope(r.Subscription); !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// storageOf is a storage account with the export of these records: a blob for each subscription and hour.
func storageOf(t *testing.T, records []digesttest.Record) string {
	t.Helper()
	files := map[string][]byte{}
	for _, r := range records {
		name := fmt.Sprintf("resourceId=/SUBSCRIPTIONS/%s/%s/PT1H.json", strings.ToUpper(r.Subscription), r.Submitted.UTC().Format("y=2006/m=01/d=02/h=15/m=00"))
		files[name] = append(digesttest.AppendRecord(files[name], r), '\n')
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("comp") != "list" {
			_, _ = w.Write(files[strings.TrimPrefix(r.URL.Path, "/insights-activity-logs/")])
			return
		}
		w.Header().Set("Content-Type", "application/xml")
		_, _ = io.WriteString(w, `<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>`)
		for name := range files {
			_, _ = fmt.Fprintf(w, `<Blob><Name>%s</Name></Blob>`, name)
		}
		_, _ = io.WriteString(w, `</Blobs><NextMarker></NextMarker></EnumerationResults>`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// workspaceOf is a workspace with these records. It cannot run KQL; it knows the questions by their last words and
// answers them as their words say. That the words are KQL was checked with Microsoft's own parser.
func workspaceOf(t *testing.T, records []digesttest.Record) source.LogAnalytics {
	t.Helper()
	window := regexp.MustCompile(`TimeGenerated >= datetime\(([^)]+)\)\n\| where TimeGenerated < datetime\(([^)]+)\)`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Query string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		bounds := window.FindStringSubmatch(body.Query)
		if bounds == nil {
			t.Errorf("asked %q", body.Query)
			return
		}
		from, _ := time.Parse(time.RFC3339Nano, bounds[1])
		to, _ := time.Parse(time.RFC3339Nano, bounds[2])
		var within []digesttest.Record
		seen := map[string]bool{}
		for _, one := range records {
			if !one.Time.Before(from) && one.Time.Before(to) && !seen[one.EventID] {
				seen[one.EventID] = true
				within = append(within, one)
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"tables": []any{answerTo(body.Query, within)}})
	}))
	t.Cleanup(server.Close)
	return source.LogAnalytics{REST: asked(server), Workspace: "w"}
}

func answerTo(query string, records []digesttest.Record) map[string]any {
	counts := map[string]int{}
	listed := map[string]int{}
	stages := map[string]int{}
	var names []string
	for _, r := range records {
		op := strings.ToLower(r.Operation)
		risky := digest.Listed(op)
		switch {
		case strings.Contains(query, "by CategoryValue"):
			names = []string{"CategoryValue", "ActivityStatusValue", "Operation", "Who", "Scope", "Type", "N"}
			resource := ""
			if risky {
				resource = strings.ToLower(r.Resource)
			}
			counts[strings.Join([]string{r.Category, r.Status, op, strings.ToLower(r.Caller), strings.ToLower(r.Subscription), resource}, "\x00")]++
		case strings.Contains(query, "by Quarter"):
			names = []string{"Quarter", "N", "Listed"}
			at := r.Time.UTC().Truncate(15 * time.Minute).Format(time.RFC3339)
			counts[at]++
			if risky {
				listed[at]++
			}
		case strings.Contains(query, "by Stage"):
			names = []string{"Stage", "N"}
			life := strings.ToLower(r.Correlation + "|" + r.Operation + "|" + r.Resource)
			stages[life] = max(stages[life], map[string]int{"Started": 1, "Accepted": 2, "Active": 4, "Succeeded": 7, "Failed": 9}[r.Status])
		default:
			return rowsOf(query, records)
		}
	}
	for _, stage := range stages {
		counts[strconv.Itoa(stage)]++
	}
	var rows [][]any
	for key, n := range counts {
		var row []any
		for _, part := range strings.Split(key, "\x00") {
			row = append(row, part)
		}
		switch names[0] {
		case "Quarter":
			row = append(row, n, listed[key])
		case "Stage":
			stage, _ := strconv.Atoi(key)
			row = []any{stage, n}
		default:
			row = append(row, n)
		}
		rows = append(rows, row)
	}
	return table(names, rows)
}

// rowsOf answers a question for rows: those whose operation is asked for.
func rowsOf(_ string, records []digesttest.Record) map[string]any {
	names := []string{"TimeGenerated", "OperationNameValue", "ActivityStatusValue", "CategoryValue", "Caller", "_ResourceId", "SubscriptionId", "CorrelationId", "EventDataId", "Properties"}
	rows := [][]any{}
	for _, r := range records {
		if !digest.Listed(strings.ToLower(r.Operation)) {
			continue
		}
		properties := map[string]any{}
		for _, p := range r.Properties {
			properties[p.Name] = p.Value
		}
		text, _ := json.Marshal(properties)
		rows = append(rows, []any{r.Time.Format(time.RFC3339Nano), r.Operation, r.Status, r.Category, r.Caller, r.Resource, r.Subscription, r.Correlation, r.EventID, string(text)})
	}
	return table(names, rows)
}

func table(names []string, rows [][]any) map[string]any {
	var columns []map[string]string
	for _, name := range names {
		columns = append(columns, map[string]string{"name": name})
	}
	return map[string]any{"columns": columns, "rows": rows}
}
