package source

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/payload"
)

// texts are files held in memory.
func texts(files ...[]byte) iter.Seq2[Input, error] {
	return func(yield func(Input, error) bool) {
		for i, text := range files {
			open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
			if !yield(Input{Name: fmt.Sprint("file", i), Open: open}, nil) {
				return
			}
		}
	}
}

// filters are conditions of every kind, each of which some made-up record meets.
func filters() map[string]Filter {
	records := digesttest.All(digesttest.Options{Seed: 7, Operations: 400})
	middle := records[len(records)/2]
	return map[string]Filter{
		"everything":    {},
		"window":        {Window: Window{From: middle.Time.Add(-24 * time.Hour), To: middle.Time}},
		"operation":     {Operations: []string{"roleassignments/write", "/delete"}},
		"short":         {Operations: []string{"/"}},
		"group":         {Groups: []string{strings.ToLower(middle.Group)}},
		"resource":      {Resources: []string{strings.ToLower(middle.Resource)}},
		"failed":        {Outcomes: []activity.Outcome{activity.Failed, activity.Canceled}},
		"policy":        {Categories: []activity.Category{activity.Policy}},
		"level":         {Levels: []activity.Level{activity.Error}},
		"caller":        {Callers: []string{strings.ToLower(records[3].Caller)}},
		"subscription":  {Subscriptions: []string{strings.ToLower(middle.Subscription)}},
		"two of them":   {Operations: []string{"delete"}, Outcomes: []activity.Outcome{activity.Succeeded}},
		"nothing there": {Operations: []string{"microsoft.nowhere/nothing"}},
	}
}

// TestFindAgreesWithReadingEverything holds both short cuts, the fast reader's and the search for text, to what payload
// reads and Filter decides.
func TestFindAgreesWithReadingEverything(t *testing.T) {
	t.Parallel()
	var files [][]byte
	for _, form := range []func([]byte, digesttest.Record) []byte{digesttest.AppendREST, digesttest.AppendRecord} {
		var text []byte
		for _, r := range digesttest.All(digesttest.Options{Seed: 7, Operations: 400}) {
			text = append(form(text, r), '\n')
		}
		files = append(files, text, append(append([]byte("["), bytes.ReplaceAll(bytes.TrimSpace(text), []byte("\n"), []byte(",\n"))...), ']'))
	}
	for name, f := range filters() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got, want []string
			for found, err := range (Files{Inputs: texts(files...), Workers: 2}).Find(t.Context(), f) {
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range found.Events {
					got = append(got, e.ID)
				}
			}
			for _, text := range files {
				for _, e := range payload.Events(payload.Decode(text)) {
					if f.Holds(&e) {
						want = append(want, e.ID)
					}
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
			if name != "nothing there" && len(want) == 0 {
				t.Error("no record meets the filter: the test shows nothing")
			}
		})
	}
}

// TestFindKnowsEverySample looks for each sample of payload's by each of its own values, one line to a file.
func TestFindKnowsEverySample(t *testing.T) {
	t.Parallel()
	samples, err := filepath.Glob("../payload/testdata/*/*.json")
	if err != nil || len(samples) < 10 {
		t.Fatalf("payload's samples are gone: %d, %v", len(samples), err)
	}
	for _, path := range samples {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		line := append(bytes.ReplaceAll(bytes.ReplaceAll(text, []byte("\r"), nil), []byte("\n"), nil), '\n')
		for _, e := range payload.Events(payload.Decode(text)) {
			f := Filter{
				Operations: []string{e.Operation}, Groups: []string{e.ResourceGroup}, Resources: []string{e.ResourceID}, Outcomes: []activity.Outcome{e.Outcome},
				Categories: []activity.Category{e.Category}, Levels: []activity.Level{e.Level}, Subscriptions: []string{e.SubscriptionID},
				Callers: []string{strings.ToLower(e.Caller)},
			}
			n := 0
			for found, err := range (Files{Inputs: texts(line, line)}).Find(t.Context(), f) {
				if err != nil {
					t.Fatal(err)
				}
				n += len(found.Events)
			}
			if n < 2 {
				t.Errorf("%s: event %s is found %d times by its own values, want 2", path, e.ID, n)
			}
		}
	}
}

func TestLowerASCIIFoldsEveryByteInEveryPlace(t *testing.T) {
	t.Parallel()
	var text []byte
	for c := range 256 {
		text = append(text, byte(c))
	}
	for shift := range 9 {
		for i, c := range lowerASCII(nil, text[shift:]) {
			want := text[shift+i]
			if 'A' <= want && want <= 'Z' {
				want += 'a' - 'A'
			}
			if c != want {
				t.Errorf("byte %#x becomes %#x, want %#x", text[shift+i], c, want)
			}
		}
	}
}

func TestFindNamesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	line := digesttest.AppendREST(nil, digesttest.All(digesttest.Options{Seed: 7, Operations: 1})[0])
	text := append(append(bytes.Clone(line), "\n{\"cut\": \n"...), line...)
	var places []Place
	for found, err := range (Files{Inputs: texts(text)}).Find(t.Context(), Filter{Operations: []string{"nothing"}}) {
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, found.Unreadable...)
	}
	if len(places) != 1 || places[0].Line != 2 || places[0].Reason == "" {
		t.Errorf("unreadable places = %+v, want line 2 with its reason", places)
	}
}

// BenchmarkFind looks for role assignments in 8 MB of each form of line, and for one hour, which no text tells.
func BenchmarkFind(b *testing.B) {
	for name, form := range map[string]func([]byte, digesttest.Record) []byte{"rest": digesttest.AppendREST, "records": digesttest.AppendRecord} {
		var text []byte
		records := digesttest.All(digesttest.Options{Seed: 7, Operations: 1200})
		for _, r := range records {
			text = append(form(text, r), '\n')
		}
		at := records[len(records)/2].Time
		for what, f := range map[string]Filter{
			"operation": {Operations: []string{"microsoft.authorization/roleassignments/write"}},
			"window":    {Window: Window{From: at, To: at.Add(time.Hour)}},
		} {
			b.Run(name+"/"+what, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					for _, err := range (Files{Inputs: texts(text)}).Find(b.Context(), f) {
						if err != nil {
							b.Fatal(err)
						}
					}
				}
			})
		}
	}
}
