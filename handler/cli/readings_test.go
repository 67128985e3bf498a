package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

// Progress appears once reading takes longer than a moment, and leaves a clean line behind.
func TestProgressWaitsAndCleansUp(t *testing.T) {
	t.Parallel()
	var screen bytes.Buffer
	begun := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	passed := time.Duration(0)
	g := &gauge{out: &screen, total: 4096, started: begun, now: func() time.Time { return begun.Add(passed) }}
	source := g.watch(strings.NewReader(strings.Repeat("x", 4096)))
	read := func(n int64) {
		if _, err := io.CopyN(io.Discard, source, n); err != nil {
			t.Fatal(err)
		}
	}
	read(1024)
	if screen.Len() > 0 {
		t.Errorf("shows %q at once", screen.String())
	}
	passed = patience
	read(1024)
	if got := screen.String(); !strings.Contains(got, "reading") || !strings.Contains(got, "50%") {
		t.Errorf("shows %q, want half", got)
	}
	g.close()
	if got := screen.String(); strings.TrimSpace(got[strings.LastIndexByte(strings.TrimRight(got, "\r"), '\r')+1:]) != "" {
		t.Errorf("leaves %q", got)
	}
}

func TestNoProgressWithoutTerminal(t *testing.T) {
	t.Parallel()
	g := newGauge(nil, Surroundings{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}}, false)
	if g != nil {
		t.Error("a pipe gets progress")
	}
	if source := strings.NewReader("x"); g.watch(source) != io.Reader(source) {
		t.Error("reading is counted though nothing shows it")
	}
	g.close()
}
