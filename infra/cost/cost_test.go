package cost

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
)

var update = flag.Bool("update", false, "rewrite the table of docs/cost.md")

const page = "../../docs/cost.md"

// TestThePageIsComputed holds docs/cost.md to the computation.
func TestThePageIsComputed(t *testing.T) { // not parallel: with -update it writes what the others read
	for mark, want := range map[string]string{"cost": Table(), "options": Options()} {
		before, rest, ok := strings.Cut(read(t, page), "<!-- "+mark+" -->\n")
		have, after, closed := strings.Cut(rest, "<!-- /"+mark+" -->")
		if !ok || !closed {
			t.Fatalf("docs/cost.md has no markers <!-- %[1]s --> and <!-- /%[1]s -->", mark)
		}
		if *update {
			if err := os.WriteFile(page, []byte(before+"<!-- "+mark+" -->\n"+want+"<!-- /"+mark+" -->"+after), 0o644); err != nil { //nolint:gosec // documentation
				t.Fatal(err)
			}
			continue
		}
		if have != want {
			t.Errorf("docs/cost.md is not what is computed; run go test ./infra/cost -update\n%s", want)
		}
	}
}

// TestAssumptionsAreTheDefaults holds what is computed with to what the module has.
func TestAssumptionsAreTheDefaults(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../variables*.tf")
	if err != nil {
		t.Fatal(err)
	}
	var variables string
	for _, p := range paths {
		variables += read(t, p)
	}
	for name, want := range map[string]int{"instance_memory_mb": memoryGB * 1024, "audit_retention_days": 730, "audit_soft_delete_days": 365, "max_events_per_batch": 10} {
		if got := defaultOf(t, variables, name); got != want {
			t.Errorf("%s is %d by default, computed with %d", name, got, want)
		}
	}
	checkSchedules(t, variables)
	var layout struct {
		Containers []struct {
			Name string
			TTL  int `json:"default_ttl_seconds"`
		}
	}
	if err := json.Unmarshal([]byte(read(t, "../containers.json")), &layout); err != nil {
		t.Fatal(err)
	}
	for _, c := range layout.Containers {
		if c.Name == "events" && c.TTL != storedDays*24*3600 {
			t.Errorf("events are kept for %d s, computed with %d days", c.TTL, storedDays)
		}
	}
}

// checkSchedules counts the runs of a day by the schedules themselves.
func checkSchedules(t *testing.T, variables string) {
	t.Helper()
	_, block, _ := strings.Cut(variables, `variable "schedules" {`)
	found := regexp.MustCompile(`(\w+)\s+= optional\(string, "([^"]+)"\)`).FindAllStringSubmatch(block[:strings.Index(block, "})")], -1)
	if len(found) != len(every) {
		t.Errorf("there are %d timers, computed with %d", len(found), len(every))
	}
	parser := cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	for _, m := range found {
		schedule, err := parser.Parse(m[2])
		if err != nil {
			t.Fatal(err)
		}
		runs, day := 0, time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
		for at := schedule.Next(day.Add(-time.Nanosecond)); at.Before(day.Add(24 * time.Hour)); at = schedule.Next(at) {
			runs++
		}
		if want := 24 * 3600 / every[m[1]]; float64(runs) != want {
			t.Errorf("%s runs %d times a day, computed with %v", m[1], runs, want)
		}
	}
}

// TestAlertsAreCounted holds the number of log query alerts, by how often they ask, to those that the module makes.
func TestAlertsAreCounted(t *testing.T) {
	t.Parallel()
	watch, evidence := read(t, "../watch.tf"), read(t, "../evidence.tf")
	often := len(regexp.MustCompile(`frequency\s*=\s*"PT5M"`).FindAllString(watch, -1))
	all := len(regexp.MustCompile(`frequency\s*=\s*"PT\w+"`).FindAllString(watch, -1))
	deletions := len(regexp.MustCompile(`(?m)^      evidence-\w+-delete = \{`).FindAllString(evidence, -1))
	if often != alertsEvery5 || all-often+deletions != alertsEvery15 {
		t.Errorf("%d alerts ask every five minutes and %d less often, computed with %d and %d", often, all-often+deletions, alertsEvery5, alertsEvery15)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func defaultOf(t *testing.T, variables, name string) int {
	t.Helper()
	m := regexp.MustCompile(`variable "` + name + `" \{[^}]*?default\s+= (\d+)`).FindStringSubmatch(variables)
	if m == nil {
		t.Fatalf("%s has no default", name)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTimersAreFree holds the sentence that the timers alone stay inside the free grant, and that three times as often
// they would not.
func TestTimersAreFree(t *testing.T) {
	t.Parallel()
	if s := (Size{Batch: 1}); functions(s) != 0 {
		t.Errorf("the timers alone cost %.2f", functions(s))
	}
	if often := 3.0 * month / 30 * memoryGB; often < Prices.FreeGBSeconds {
		t.Errorf("every ten seconds is %.0f GB-s, inside the free grant", often)
	}
}

// TestWhereAutoscaleIsLess finds the number of events of the page's sentence.
func TestWhereAutoscaleIsLess(t *testing.T) {
	t.Parallel()
	m := regexp.MustCompile(`above some (\d+) million events a month autoscale`).FindStringSubmatch(read(t, page))
	if m == nil {
		t.Fatal("docs/cost.md does not say from where on autoscale is less")
	}
	n, _ := strconv.Atoi(m[1])
	below, above := Size{Events: float64(n) * 0.8e6}, Size{Events: float64(n) * 1.2e6}
	if Serverless(below) > Autoscale(below) || Serverless(above) < Autoscale(above) {
		t.Errorf("at %d million: serverless %.0f and %.0f, autoscale %.0f and %.0f", n, Serverless(below), Serverless(above), Autoscale(below), Autoscale(above))
	}
}
