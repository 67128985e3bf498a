package digest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/source"
)

// TestFarTimesStopNoReport: who writes a record chooses its time. One that cannot be counted in nanoseconds is none, and is
// counted as such in a period without an end; no year wraps around, and every format is written.
func TestFarTimesStopNoReport(t *testing.T) {
	t.Parallel()
	lines, far := "", []string{"9999-12-31T23:59:59Z", "2262-04-12T00:00:00Z", "1677-01-01T00:00:00Z", "0001-01-01T00:00:01Z"}
	for i, at := range append(far, "2026-10-05T12:00:00Z") {
		lines += fmt.Sprintf(`{"eventDataId":"e%d","correlationId":"c%d","eventTimestamp":%q,"operationName":{"value":"Microsoft.Compute/disks/delete"},"status":{"value":"Succeeded"},"category":{"value":"Administrative"},"caller":"ann@contoso.example","resourceId":"/subscriptions/5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10/resourceGroups/rg"}`+"\n", i, i, at)
	}
	for _, c := range []struct {
		window           source.Window
		undated, outside int64
	}{
		{source.Window{}, 4, 0},
		{source.Window{From: october.From}, 2, 2},
		{source.Window{To: october.To}, 2, 2},
		{october, 0, 4},
	} {
		alerts := digest.AlertsOf(digest.Alert{ID: "a", Severity: "high", Happened: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), Opened: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), Operation: "microsoft.compute/disks/delete"})
		r := digest.Build(mustTally(c.window, source.Files{Inputs: inputs(file("a.jsonl", lines))}), digest.Subject{Source: "files", Zone: berlin, Now: localOctober.To, Evidence: &digest.Evidence{Alerts: alerts, Unsent: true}})
		if r.Completeness.Undated != c.undated || r.Completeness.Outside != c.outside {
			t.Errorf("%v: %d without a time, %d outside; want %d and %d", c.window, r.Completeness.Undated, r.Completeness.Outside, c.undated, c.outside)
		}
		for _, f := range digest.Formats {
			var out bytes.Buffer
			if err := f.Write(&out, r); err != nil {
				t.Errorf("%v: %s: %v", c.window, f.Name, err)
			}
			if f.Name == "csv" && (strings.Contains(out.String(), "1816") || strings.Contains(out.String(), "\n1")) {
				t.Errorf("%v: a year wraps around: %s", c.window, out.String())
			}
			if f.Name == "json" && !json.Valid(out.Bytes()) {
				t.Errorf("%v: not JSON: %s", c.window, out.String())
			}
		}
	}
}
