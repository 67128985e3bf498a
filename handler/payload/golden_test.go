package payload_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
)

var update = flag.Bool("update", false, "rewrite the golden readings; read the diff before committing it")

// golden is one reading as a golden file shows it.
type golden struct {
	Kind   string          `json:"kind"`
	Signal string          `json:"signal,omitempty"`
	Reason string          `json:"reason,omitempty"`
	Notice string          `json:"notice,omitempty"`
	Lost   bool            `json:"lost,omitempty"`
	Event  *activity.Event `json:"event,omitempty"`
	State  *activity.State `json:"state,omitempty"`
}

// samples returns the files of testdata: <form>/<case>.json, .jsonl or .csv, each with <case>.golden beside it.
func samples(t testing.TB) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir("testdata", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "fuzz" {
			return fs.SkipDir
		}
		if ext := filepath.Ext(path); ext == ".json" || ext == ".jsonl" || ext == ".csv" {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("find samples: %v (%d found)", err, len(files))
	}
	return files
}

// TestGolden reads every sample and compares the readings with its golden file, whose comment lines cite the fact that
// the sample stands for.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, file := range samples(t) {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			checkGolden(t, strings.TrimSuffix(file, filepath.Ext(file))+".golden", render(t, payload.Decode(data)))
		})
	}
}

// TestGoldenStreamed reads every sample with a Decoder, a few bytes at a time: it must tell the same as Decode.
func TestGoldenStreamed(t *testing.T) {
	t.Parallel()
	for _, file := range samples(t) {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := payload.Decode(data)
			if len(bytes.TrimSpace(data)) == 0 {
				want = nil // an empty file has no items; an empty delivery is a fault
			}
			got := stream(t, &trickle{data: data, step: 7})
			if diff := cmp.Diff(render(t, want), render(t, got)); diff != "" {
				t.Errorf("Decoder differs from Decode (-want +got):\n%s", diff)
			}
		})
	}
}

// trickle hands out a few bytes at a time.
type trickle struct {
	data []byte
	step int
}

func (r *trickle) Read(p []byte) (int, error) {
	n := min(len(p), len(r.data), r.step)
	copy(p, r.data[:n])
	r.data = r.data[n:]
	if n == 0 {
		return 0, errEOF
	}
	return n, nil
}

func checkGolden(t *testing.T, path, got string) {
	t.Helper()
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("every sample needs a golden file that begins with `# ` and the fact it stands for; then run with -update: %v", err)
	}
	cite, want := splitCitation(string(old))
	if cite == "" {
		t.Errorf("%s cites no fact: begin it with a line `# …`", path)
	}
	if *update {
		if err := os.WriteFile(path, []byte(cite+got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("readings differ from %s (-want +got):\n%s", path, diff)
	}
}

func splitCitation(s string) (cite, rest string) {
	for strings.HasPrefix(s, "#") {
		line, after, _ := strings.Cut(s, "\n")
		cite += line + "\n"
		s = after
	}
	return cite, s
}

// render writes readings as golden files hold them.
func render(t rapid.TB, readings []payload.Reading) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	for _, r := range readings {
		g := golden{Kind: r.Kind.String(), Signal: r.Signal, Reason: r.Reason, Notice: r.Notice, Lost: r.Lost, State: r.State}
		if r.Kind == payload.Activity {
			g.Event = &r.Event
		}
		if err := enc.Encode(g); err != nil {
			t.Fatalf("render %+v: %v", r, err)
		}
	}
	return b.String()
}
