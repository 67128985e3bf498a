package digest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/source"
)

var october = source.Window{From: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}

// file is an input in memory.
func file(name, text string) source.Input {
	return source.Input{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

func inputs(files ...source.Input) func(func(source.Input, error) bool) {
	return func(yield func(source.Input, error) bool) {
		for _, f := range files {
			if !yield(f, nil) {
				return
			}
		}
	}
}

func tallied(t *testing.T, w source.Window, s source.Source) *digest.Tally {
	t.Helper()
	tally := digest.NewTally(w)
	for b, err := range s.Entries(t.Context(), tally.Vocabulary) {
		if err != nil {
			t.Fatal(err)
		}
		tally.Add(b)
	}
	return tally
}

func text(records []digesttest.Record, write func([]byte, digesttest.Record) []byte) string {
	var b []byte
	for _, r := range records {
		b = append(write(b, r), '\n')
	}
	return string(b)
}

// seed is the compliance report as its first authors define it, with its keys.
type seed struct {
	Summary        digest.Summary           `json:"summary"`
	ByCategory     map[string]int64         `json:"by_category"`
	SecurityEvents map[string]digest.Family `json:"security_events"`
	HighRisk       []map[string]*string     `json:"high_risk_operations"`
}

// count makes the same report from the records themselves, as plainly as it can be said.
func count(records []digesttest.Record) seed {
	s := seed{ByCategory: map[string]int64{}, SecurityEvents: map[string]digest.Family{}}
	callers, seen := map[string]bool{}, map[string]bool{}
	family := map[string]map[string]bool{}
	for _, name := range []string{"Microsoft.Authorization/roleAssignments", "Microsoft.Authorization/policyAssignments", "Microsoft.KeyVault", "Microsoft.Network/networkSecurityGroups"} {
		family[name] = map[string]bool{}
	}
	for _, r := range records {
		if seen[r.EventID] || r.Time.Before(october.From) || !r.Time.Before(october.To) {
			continue
		}
		seen[r.EventID] = true
		caller := strings.ToLower(r.Caller)
		s.Summary.Total++
		s.ByCategory[r.Category]++
		if caller != "" {
			callers[caller] = true
		}
		switch r.Status {
		case "Succeeded":
			s.Summary.Successful++
		case "Failed":
			s.Summary.Failed++
		}
		for name, who := range family {
			if !strings.Contains(strings.ToLower(r.Operation), strings.ToLower(name)) {
				continue
			}
			f := s.SecurityEvents[name]
			f.Count++
			if r.Status == "Succeeded" {
				f.Successful++
			}
			s.SecurityEvents[name] = f
			who[caller] = true
		}
		if op := strings.ToLower(r.Operation); strings.Contains(op, "delete") || strings.Contains(op, "roleassignment") {
			at, resource := r.Time.Format(time.RFC3339Nano), strings.ToLower(r.Resource)
			s.HighRisk = append(s.HighRisk, map[string]*string{"timestamp": &at, "operation": &op, "caller": &caller, "resource": &resource, "status": &r.Status})
		}
	}
	s.Summary.UniqueCallers = int64(len(callers))
	for name, who := range family {
		f := s.SecurityEvents[name]
		for caller := range who {
			f.Callers = append(f.Callers, caller)
		}
		slices.Sort(f.Callers)
		s.SecurityEvents[name] = f
	}
	return s
}

func written(t *testing.T, r digest.Report) ([]byte, seed) {
	t.Helper()
	var out bytes.Buffer
	if err := digest.JSON(&out, r); err != nil {
		t.Fatal(err)
	}
	var s seed
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatalf("%v in\n%.2000s", err, out.Bytes())
	}
	return out.Bytes(), s
}

// inOrder sorts lists whose order the plain count does not define.
func (s seed) inOrder() seed {
	slices.SortFunc(s.HighRisk, func(a, b map[string]*string) int {
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		return bytes.Compare(x, y)
	})
	return s
}

func TestReportMeansWhatItAlwaysMeant(t *testing.T) {
	t.Parallel()
	records := digesttest.All(digesttest.Options{Seed: 11, Operations: 4000})
	tally := tallied(t, october, source.Files{Inputs: inputs(file("month.jsonl", text(records, digesttest.AppendREST)))})
	_, got := written(t, digest.Build(tally, digest.Subject{Now: october.To}))
	if diff := cmp.Diff(count(records).inOrder(), got.inOrder()); diff != "" {
		t.Errorf("(-plain count +report) %s", diff)
	}
	if got.Summary.Total < 5000 || len(got.HighRisk) < 100 {
		t.Errorf("the corpus is too small to prove anything: %+v, %d listed", got.Summary, len(got.HighRisk))
	}
}

func TestSameInputSameBytes(t *testing.T) {
	t.Parallel()
	records := digesttest.All(digesttest.Options{Seed: 12, Operations: 2500})
	month := text(records, digesttest.AppendREST)
	var first []byte
	for workers := 1; workers <= 4; workers++ {
		tally := tallied(t, october, source.Files{Inputs: inputs(file("month.jsonl", month)), Workers: workers})
		out, _ := written(t, digest.Build(tally, digest.Subject{Now: october.To}))
		if first == nil {
			first = out
		}
		if !bytes.Equal(first, out) {
			t.Fatalf("%d workers write another report than 1: %s", workers, cmp.Diff(string(first), string(out)))
		}
	}
}

// TestShapeOfInputDoesNotMatter reads the same records as lines, as one list, as record envelopes, gzip, in several files
// and with lines that are broken.
func TestShapeOfInputDoesNotMatter(t *testing.T) {
	t.Parallel()
	records := digesttest.All(digesttest.Options{Seed: 13, Operations: 1200})
	lines := text(records, digesttest.AppendREST)
	_, want := written(t, digest.Build(tallied(t, october, source.Files{Inputs: inputs(file("a", lines))}), digest.Subject{}))
	half := strings.Index(lines[len(lines)/2:], "\n") + len(lines)/2 + 1
	list := `{"value":[` + strings.ReplaceAll(strings.TrimSpace(lines), "\n", ",\n") + `],"nextLink":"x"}`
	for name, in := range map[string][]source.Input{
		"a list as the REST API answers": {file("list", list)},
		"an array":                       {file("array", list[len(`{"value":`):strings.LastIndex(list, `,"nextLink"`)])},
		"two files that overlap":         {file("a", lines[:half]), file("b", lines[strings.LastIndex(lines[:half-1], "\n")+1:])},
		"gzip":                           {file("a.gz", zipped(t, lines))},
		"a byte order mark":              {file("a", "\ufeff"+lines)},
		"spread over lines":              {file("a", spread(t, lines[:half])), file("b", lines[half:])},
		"blank lines and no last end":    {file("a", strings.ReplaceAll(strings.TrimSpace(lines), "\n", "\n\n\r\n"))},
	} {
		tally := tallied(t, october, source.Files{Inputs: inputs(in...)})
		_, got := written(t, digest.Build(tally, digest.Subject{}))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-lines +this) %s", name, diff)
		}
	}
}

func spread(t *testing.T, lines string) string {
	t.Helper()
	var out bytes.Buffer
	for line := range strings.Lines(lines) {
		if err := json.Indent(&out, []byte(line), "", "  "); err != nil {
			t.Fatal(err)
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func TestUnreadableIsCountedAndPlaced(t *testing.T) {
	t.Parallel()
	records := digesttest.All(digesttest.Options{Seed: 14, Operations: 600})
	lines := strings.Split(strings.TrimSpace(text(records, digesttest.AppendREST)), "\n")
	lines[2] = lines[2][:len(lines[2])/2]
	lines[700] = "nonsense"
	lines[701] = `{"metricName":"x","time":"2026-10-01T00:00:00Z"}`
	tally := tallied(t, october, source.Files{Inputs: inputs(file("first", lines[0]), file("month.jsonl", strings.Join(lines, "\n")))})
	r := digest.Build(tally, digest.Subject{Source: "files"})
	c := r.Completeness
	if c.Unreadable != 2 || c.Complete || c.Other["metric"] != 1 {
		t.Errorf("unreadable %d, complete %v, other %v; want 2, false and one metric", c.Unreadable, c.Complete, c.Other)
	}
	var places []string
	for _, p := range c.Places {
		places = append(places, fmt.Sprint(p.Name, ":", p.Line))
	}
	if diff := cmp.Diff([]string{"month.jsonl:3", "month.jsonl:701"}, places); diff != "" {
		t.Errorf("places (-want +got) %s", diff)
	}
	if c.Verdict != digest.Incomplete || !strings.Contains(c.Statement, "2 items could not be read") {
		t.Errorf("statement: %s", c.Statement)
	}
}
