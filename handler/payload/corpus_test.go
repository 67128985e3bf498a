package payload_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
)

// The corpus is real or published payloads that nobody on this project wrote, with the readings that follow from them
// by fixed rules. It stays outside the repository; AUDITBELL_CORPUS names its folder.
func corpus(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("AUDITBELL_CORPUS")
	if dir == "" {
		t.Skip("AUDITBELL_CORPUS is not set: the corpus of published payloads was not read")
	}
	return dir
}

// expectation is what the corpus says of one item; null and empty mean that the payload does not tell.
type expectation struct {
	Category       string   `json:"category"`
	Operation      string   `json:"operation"`
	Outcome        string   `json:"outcome"`
	Level          string   `json:"level"`
	CallerAny      []string `json:"caller_any"`
	CallerIP       string   `json:"caller_ip"`
	SubscriptionID string   `json:"subscription_id"`
	ResourceGroup  string   `json:"resource_group"`
	ResourceID     string   `json:"resource_id"`
	Time           string   `json:"time"`
	CorrelationID  string   `json:"correlation_id"`
	EventID        string   `json:"event_id"`
	AlertRule      string   `json:"alert_rule"`
	Kind           string   `json:"kind"`
}

func (want expectation) check(e activity.Event) []string {
	var wrong []string
	compare := func(field, got, want string) {
		if want != "" && got != want {
			wrong = append(wrong, fmt.Sprintf("%s = %q, want %q", field, got, want))
		}
	}
	compare("category", string(e.Category), want.Category)
	compare("operation", e.Operation, want.Operation)
	compare("outcome", string(e.Outcome), want.Outcome)
	compare("level", string(e.Level), want.Level)
	compare("caller_ip", e.CallerIP, want.CallerIP)
	compare("subscription_id", e.SubscriptionID, want.SubscriptionID)
	compare("resource_group", e.ResourceGroup, want.ResourceGroup)
	compare("resource_id", e.ResourceID, want.ResourceID)
	compare("correlation_id", e.CorrelationID, want.CorrelationID)
	compare("event_id", e.EventID, want.EventID)
	alert, _ := activity.AzureAlert(e)
	compare("alert_rule", alert.Rule, want.AlertRule)
	compare("time", e.Time.UTC().Format("2006-01-02T15:04:05.")+fmt.Sprintf("%03dZ", e.Time.Nanosecond()/1e6), want.Time)
	if len(want.CallerAny) > 0 && !slices.Contains(want.CallerAny, e.Caller) {
		wrong = append(wrong, fmt.Sprintf("caller = %q, want any of %q", e.Caller, want.CallerAny))
	}
	return wrong
}

// kindInCorpus translates the corpus' word for a file's kind.
var kindInCorpus = map[string]payload.Kind{
	"activity": payload.Activity, "noise": payload.Noise, "handshake": payload.Handshake,
	"system_event": payload.SystemEvent, "invalid_json": payload.Invalid,
}

func TestCorpusManifest(t *testing.T) {
	t.Parallel()
	dir := corpus(t)
	var files []struct {
		File, Form, Kind string
		Expected         []expectation
	}
	readJSON(t, filepath.Join(dir, "events", "manifest.json"), &files)
	for _, f := range files {
		t.Run(f.File, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join(dir, f.File))
			if err != nil {
				t.Fatal(err)
			}
			readings := payload.Decode(data)
			if len(readings) != len(f.Expected) {
				t.Fatalf("%d readings, want %d: %v", len(readings), len(f.Expected), summary(readings))
			}
			for i, want := range f.Expected {
				checkReading(t, readings[i], f.Kind, want)
			}
		})
	}
}

func checkReading(t *testing.T, r payload.Reading, kind string, want expectation) {
	t.Helper()
	expected, fixed := kindInCorpus[kind]
	if kind == "mixed" {
		expected, fixed = payload.Activity, want.Kind == ""
	}
	if fixed && r.Kind != expected {
		t.Fatalf("kind = %v (%s), want %s", r.Kind, r.Reason, kind)
	}
	if !fixed && (r.Kind == payload.Activity || r.Kind == payload.Invalid) {
		t.Errorf("kind = %v (%s), want another Azure signal", r.Kind, r.Reason)
	}
	if r.Kind != payload.Activity {
		return
	}
	for _, wrong := range want.check(r.Event) {
		t.Error(wrong)
	}
}

func TestCorpusPanther(t *testing.T) {
	t.Parallel()
	dir := corpus(t)
	var set struct {
		Rules []struct {
			RuleID      string `json:"rule_id"`
			ActivityLog bool   `json:"activity_log"`
			Tests       []struct {
				Name       string
				Event      json.RawMessage
				Normalised expectation
			}
		}
	}
	readJSON(t, filepath.Join(dir, "panther", "rules_with_tests.json"), &set)
	for _, rule := range set.Rules {
		kind := "activity"
		if !rule.ActivityLog {
			kind = "noise" // a storage account's own log
		}
		for _, c := range rule.Tests {
			t.Run(rule.RuleID+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				readings := payload.Decode(c.Event)
				if len(readings) != 1 {
					t.Fatalf("%d readings, want 1", len(readings))
				}
				checkReading(t, readings[0], kind, c.Normalised)
			})
		}
	}
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
}

// summary describes readings in a failure.
func summary(readings []payload.Reading) string {
	lines := make([]string, len(readings))
	for i, r := range readings {
		lines[i] = fmt.Sprintf("%v %s %s", r.Kind, r.Event.Operation, r.Reason)
	}
	return strings.Join(lines, "; ")
}
