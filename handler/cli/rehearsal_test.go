package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/local/cosmos"
)

// TestReplayForetellsWhatThePipelineRings runs the same month through `handler replay` and, each record at its own
// time, through the pipeline and the store on the stand-in for Cosmos DB.
func TestReplayForetellsWhatThePipelineRings(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	account, err := cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer account.Close()
	server := httptest.NewServer(account)
	defer server.Close()
	config := t.TempDir() // none: the library's rules and the usual route
	env := func(name string) (string, bool) {
		v, ok := map[string]string{
			"COSMOS_ENDPOINT": server.URL + "/", "COSMOS_KEY": "a2V5", "DELIVER_SCHEDULE": "*/30 * * * * *",
			"WEBHOOK_URL": server.URL, "WEBHOOK_SECRET": "0123456789abcdef0123456789abcdef",
		}[name] // an app needs a destination
		return v, ok
	}
	quiet := slog.New(slog.DiscardHandler)
	opened, err := app.Open(app.World{Settings: settings.New(env), Config: fstest.MapFS{}, Log: quiet, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	opened.Pipeline.Destinations = nil // what is alerted is the question, not what is sent

	x, err := newExplainer(t.Context(), ruleChoice{}, Surroundings{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: func(name string) (string, bool) {
		v, ok := map[string]string{"CONFIG_DIR": filepath.Join(config, "none"), "LOOKUPS": "off"}[name]
		return v, ok
	}})
	if err != nil {
		t.Fatal(err)
	}
	rehearsal := newRehearsal(x)
	events := monthOf(t, 150)
	for i := range events {
		rehearsal.read(&events[len(events)-1-i]) // newest first, as the REST API answers
	}
	foretold, err := rehearsal.play(false, false)
	if err != nil {
		t.Fatal(err)
	}

	var sum pipeline.Summary
	for i := range events {
		now = events[i].Time.Time
		one, err := opened.Pipeline.Handle(t.Context(), pipeline.Batch{ID: fmt.Sprint("batch-", i), Function: "test", Events: events[i : i+1], Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		sum.Opened += one.Opened
		sum.Recorded += one.Recorded
		sum.Matched += one.Matched
	}
	got := map[string]int{"events": foretold.Events, "matched": foretold.Matched, "alerts": foretold.Alerts}
	want := map[string]int{"events": sum.Recorded, "matched": sum.Matched, "alerts": sum.Opened}
	if diff := cmp.Diff(want, got); diff != "" || sum.Opened < 10 {
		t.Errorf("replay foresaw (-pipeline +replay), %d alerts:\n%s", got["alerts"], diff)
	}
	queryStore(t, events, env)
}

// queryStore asks the store for what the pipeline has recorded.
func queryStore(t *testing.T, events []activity.Event, env func(string) (string, bool)) {
	t.Helper()
	since, until := events[len(events)/4].Time, events[len(events)/2].Time
	want := map[string]bool{}
	for _, e := range events {
		if e.Outcome == activity.Succeeded && !e.Time.Before(since.Time) && e.Time.Before(until.Time) {
			want[e.ID] = true
		}
	}
	var out, complaints bytes.Buffer
	args := []string{"query", "--source", "store", "--status", "Success", "--since", since.Format(time.RFC3339), "--until", until.Format(time.RFC3339), "-c", "id"}
	if code := Run(t.Context(), args, Surroundings{Out: &out, Err: &complaints, Env: env}); code != exitDone {
		t.Fatalf("query --source store exits %d: %s", code, &complaints)
	}
	got := map[string]bool{}
	for line := range strings.Lines(out.String()) {
		var row struct{ ID string }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		got[row.ID] = true
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("query --source store (-recorded +listed):\n%s", diff)
	}
}

// monthOf is made-up records by time, each once: the pipeline counts a match of a record that comes again, too.
func monthOf(t *testing.T, operations int) []activity.Event {
	t.Helper()
	var events []activity.Event
	seen := map[string]bool{}
	for _, r := range digesttest.All(digesttest.Options{Seed: 5, Operations: operations}) {
		for _, e := range payload.Events(payload.Decode(digesttest.AppendREST(nil, r))) {
			if !seen[e.ID] {
				seen[e.ID] = true
				events = append(events, e)
			}
		}
	}
	for i := range events {
		// A month in an hour, so that operations meet in windows.
		events[i].Time = activity.At(time.Date(2026, 10, 1, 10, 0, i*12, 0, time.UTC))
	}
	return events
}
