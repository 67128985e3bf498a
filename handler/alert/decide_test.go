package alert_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// row is one row of the table "What is decided" in DESIGN.md.
type row struct{ before, comes, operation, alert string }

func decisions(t *testing.T) []row {
	t.Helper()
	text, err := os.ReadFile("../../DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "| Before | Then comes | Operation | Alert |\n|---|---|---|---|\n")
	if !found {
		t.Fatal("DESIGN.md has no table of what is decided")
	}
	var rows []row
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) < 4 {
			break
		}
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		rows = append(rows, row{cells[0], cells[1], cells[2], cells[3]})
	}
	return rows
}

var feeds = map[string]activity.Form{"export": activity.FormRecords, "grid": activity.FormEventGrid, "action-group": activity.FormWebhookLegacy, "rest": activity.FormREST}

// recordOf reads "succeeded@9 export ip=203.0.113.7 id=again": an outcome, seconds after noon, a feed, and what differs
// from a record of Rob's that deletes a security group.
func recordOf(t *testing.T, text string, n int) activity.Event {
	t.Helper()
	words := strings.Fields(text)
	outcome, at, _ := strings.Cut(words[0], "@")
	seconds, err := strconv.Atoi(at)
	if err != nil || len(words) < 2 || feeds[words[1]] == "" {
		t.Fatalf("%q is no record", text)
	}
	e := event(fmt.Sprint("r", n), activity.Outcome(outcome), time.Duration(seconds)*time.Second)
	e.CallerIP, e.Form = "203.0.113.1", feeds[words[1]]
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "id":
			e.ID = value
		case "caller":
			e.Caller = value
		case "ip":
			e.CallerIP = value
		case "correlation":
			e.CorrelationID = value
		case "body":
			e.Properties = activity.Properties(fmt.Sprintf(`{"requestbody":{"access":%q}}`, value))
		case "health":
			e.Category, e.Caller, e.CallerIP = activity.ResourceHealth, "", ""
			e.Operation = "microsoft.resourcehealth/healthevent/" + value + "/action"
		default:
			t.Fatalf("%q in %q is not known", name, text)
		}
	}
	return e
}

func TestWhatDesignSaysIsDecided(t *testing.T) {
	t.Parallel()
	rows := decisions(t)
	if len(rows) < 20 {
		t.Fatalf("the table has %d rows", len(rows))
	}
	for _, r := range rows {
		var m alert.Memory
		n := 0
		for text := range strings.SplitSeq(r.before, ";") {
			if text = strings.TrimSpace(text); text != "" {
				n++
				m.Take(finding(recordOf(t, text, n)), noon)
			}
		}
		f := finding(recordOf(t, r.comes, n+1))
		operation := "new"
		at := m.State(f, noon).Chain.Place(f.Event, f.Group())
		if !at.First {
			operation = "same"
		}
		decided := m.Take(f, noon)
		became := "counted"
		switch {
		case decided.Duplicate:
			became = "duplicate"
		case decided.Opened:
			became = "opened"
		case decided.Changed:
			became = "changed"
		}
		if operation != r.operation || became != r.alert {
			t.Errorf("%s, then %s: %s operation, alert %s; DESIGN.md says %s, %s", r.before, r.comes, operation, became, r.operation, r.alert)
		}
	}
}

// TestDecideCompletesWhatWasCut kills the writer after each effect of each decision; the record comes again.
func TestDecideCompletesWhatWasCut(t *testing.T) {
	t.Parallel()
	records := []string{
		"started@0 export", "succeeded@9 grid", "succeeded@9 export", "started@20 export", "succeeded@25 export", "succeeded@26 grid ip=198.51.100.9",
		"succeeded@30 grid correlation=C-2", "started@28 export correlation=C-2",
	}
	var whole alert.Memory
	for i, text := range records {
		whole.Take(finding(recordOf(t, text, i)), noon)
	}
	want := summed(t, &whole, records)
	for cut := range records {
		for prefix := range 3 {
			var m alert.Memory
			for i, text := range records {
				f := finding(recordOf(t, text, i))
				if i == cut {
					_, effects := alert.Decide(m.State(f, noon), f, noon)
					for _, e := range effects[:min(prefix, len(effects))] {
						m.Apply(e, f)
					}
				}
				m.Take(f, noon)
				if m.Take(f, noon); m.Known(f.Event) == nil {
					t.Errorf("record %d is in no alert", i)
				}
			}
			if got := summed(t, &m, records); got != want {
				t.Errorf("cut at record %d after %d effects: %s, want %s", cut, prefix, got, want)
			}
		}
	}
}

// summed is what the alerts of the records count.
func summed(t *testing.T, m *alert.Memory, records []string) string {
	t.Helper()
	seen, text := map[string]bool{}, ""
	for i, r := range records {
		a := m.Known(recordOf(t, r, i))
		if !seen[a.ID] {
			seen[a.ID] = true
			text += fmt.Sprintf(" [%d operations %d records]", a.Count, a.Records)
		}
	}
	return text
}

func TestCountsAreExactAtAnySize(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 20, 21, 30, 200} {
		var m alert.Memory
		var last alert.Decision
		for i := range n {
			for _, text := range []string{"started@0 export", "accepted@1 export", "succeeded@2 export", "succeeded@2 grid"} {
				e := recordOf(t, text, 0)
				e.ID, e.CorrelationID = fmt.Sprint(text, i), fmt.Sprint("c", i)
				last = m.Take(finding(e), noon)
				m.Take(finding(e), noon) // and again
			}
		}
		if last.Alert.Count != n || last.Alert.Records != 4*n {
			t.Errorf("%d operations of four records count as %d and %d", n, last.Alert.Count, last.Alert.Records)
		}
	}
}
