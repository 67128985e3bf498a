package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
)

// rollupsRead counts how often each rollup is read, and the requests.
type rollupsRead struct {
	http.Handler

	mu   sync.Mutex
	read map[string]int
}

func (r *rollupsRead) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	if item := regexp.MustCompile(`/docs/(hour-\d\d)$`).FindStringSubmatch(in.URL.Path); in.Method == http.MethodGet && item != nil {
		r.mu.Lock()
		r.read[in.Header.Get("X-Ms-Documentdb-Partitionkey")+item[1]]++
		r.mu.Unlock()
	}
	r.Handler.ServeHTTP(out, in)
}

// TestDigestOverTwoRuleSets changes the rules within a day. Its digest says until when which were in force, from the rollups, each of
// which it reads once; of the records of hours that are rolled up it reads none.
func TestDigestOverTwoRuleSets(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.fill(t, small())
	first, second := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	for _, run := range []struct {
		at  time.Time
		set string
	}{{time.Date(2026, 10, 31, 12, 10, 0, 0, time.UTC), first}, {time.Date(2026, 11, 1, 6, 10, 0, 0, time.UTC), second}} {
		o.clock.Store(run.at.Unix())
		o.Digests.Rollups.RuleSet = run.set
		if _, err := o.Digests.Rollups.Run(t.Context(), invocation()); err != nil {
			t.Fatal(err)
		}
	}
	reads := &rollupsRead{Handler: o.account, read: map[string]int{}}
	o.meter.Handler = reads
	o.meter.since()
	o.clock.Store(time.Date(2026, 11, 1, 7, 0, 0, 0, time.UTC).Unix())
	if _, err := o.digests.Run(t.Context(), invocation()); err != nil {
		t.Fatal(err)
	}
	requests, ru := o.meter.since()
	if t.Logf("a digest of a day: %d requests, %.0f RU", requests, ru); ru > 2600 { // every hour is counted again: all of it came at once
		t.Errorf("a digest of a day takes %.0f RU, want 2600 at most", ru)
	}
	for item, n := range reads.read {
		if strings.Contains(item, "20261031") && n != 1 {
			t.Errorf("%s is read %d times", item, n)
		}
	}
	if len(reads.read) < 24 {
		t.Errorf("%d rollups are read, want those of a day", len(reads.read))
	}
	folders, _ := filepath.Glob(filepath.Join(o.archive, "daily", "2026-10-31", "*"))
	if len(folders) != 1 {
		t.Fatal(folders)
	}
	text, err := os.ReadFile(filepath.Join(folders[0], "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		RuleSets []digest.RuleSpan `json:"rule_sets"`
	}
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)
	want := []digest.RuleSpan{{RuleSet: first, From: day, To: day.Add(12 * time.Hour)}, {RuleSet: second, From: day.Add(12 * time.Hour), To: day.Add(24 * time.Hour)}}
	if len(report.RuleSets) != 2 || report.RuleSets[0] != want[0] || report.RuleSets[1] != want[1] {
		t.Errorf("the report names the rules %v, want %v", report.RuleSets, want)
	}
	page, err := os.ReadFile(filepath.Join(folders[0], "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	if said := "The rules changed within the period, of which 2 sets were in force (SHA-256 abababab from 31 October 00:00 to 31 October 12:00; cdcdcdcd from"; !bytes.Contains(page, []byte(said)) {
		t.Errorf("the report lacks %q", said)
	}
}
