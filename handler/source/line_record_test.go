package source

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/payload"
)

// recordLines are lines of a storage export.
func recordLines(n int) [][]byte {
	var all [][]byte
	for _, r := range digesttest.All(digesttest.Options{Seed: 7, Operations: n}) {
		all = append(all, digesttest.AppendRecord(nil, r))
	}
	return all
}

// wrongly says what is wrong about ruling out a line: that somebody looks for it, or that it cannot be read, which is to
// be told.
func wrongly(line []byte, f *Filter) string {
	for _, r := range payload.Decode(line) {
		if r.Kind == payload.Invalid {
			return "it cannot be read: " + r.Reason
		}
		if r.Kind == payload.Activity && f.Holds(&r.Event) {
			return "it is looked for"
		}
	}
	return ""
}

func rulesOut(r *recordRuler, line []byte) bool {
	return r.rulesOut(append(bytes.Clone(line), make([]byte, padding)...), 0)
}

func TestRecordsAreRuledOut(t *testing.T) {
	t.Parallel()
	long := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	all, out := recordLines(2000), 0
	r := newRecordRuler(&Filter{Window: Window{To: long}})
	for _, line := range all {
		if rulesOut(r, line) {
			out++
		}
	}
	if share := float64(out) / float64(len(all)); share < 0.97 {
		t.Errorf("%.3f of usual records are ruled out by a window they are not in, want nearly all", share)
	}
}

// TestRulingOutAgreesOnDamage damages records in every way that could matter: none may be ruled out that payload finds, or
// cannot read.
func TestRulingOutAgreesOnDamage(t *testing.T) {
	t.Parallel()
	all := recordLines(400)
	middle := time.Date(2026, 10, 16, 0, 0, 0, 0, time.UTC)
	out := 0
	for name, f := range map[string]*Filter{
		"window":   {Window: Window{From: middle, To: middle.Add(240 * time.Hour)}},
		"never":    {Window: Window{To: middle.AddDate(-9, 0, 0)}},
		"outcome":  {Outcomes: []activity.Outcome{activity.Failed, activity.Started}},
		"category": {Categories: []activity.Category{activity.Policy, activity.Security}},
	} {
		rng, r := rand.New(rand.NewPCG(5, 6)), newRecordRuler(f)
		for i := range 3000 {
			line := bytes.Clone(all[i%len(all)])
			if i%4 > 0 {
				line = damage(rng, line)
			}
			if !rulesOut(r, line) {
				continue
			}
			out++
			if problem := wrongly(line, f); problem != "" {
				t.Fatalf("%s: ruled out, but %s\n%s", name, problem, line)
			}
		}
	}
	if out < 3000 {
		t.Errorf("only %d lines were ruled out: this tests nothing", out)
	}
}

func FuzzRulingOut(f *testing.F) {
	for _, line := range recordLines(6) {
		f.Add(line)
	}
	never := &Filter{Window: Window{To: time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)}}
	f.Fuzz(func(t *testing.T, line []byte) {
		if len(line) == 0 || line[0] != '{' || bytes.IndexByte(line, '\n') >= 0 {
			return
		}
		if rulesOut(newRecordRuler(never), line) {
			if problem := wrongly(line, never); problem != "" {
				t.Fatalf("ruled out, but %s", problem)
			}
		}
	})
}
