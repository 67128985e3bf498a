package simulation

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// trace is what happened, one line for each step and each event of the world. Of a run that stopped, another goroutine reads it.
type trace struct {
	begun time.Time
	mu    sync.Mutex // lines
	lines []line
	sum   uint64
	met   map[fault]map[phase]int // how often each fault met each phase
}

type line struct {
	since time.Duration
	text  string
}

func newTrace() *trace { return &trace{begun: time.Now(), met: map[fault]map[phase]int{}} }

func (t *trace) line(format string, args ...any) {
	one := line{time.Since(t.begun), fmt.Sprintf(format, args...)}
	t.sum = digest(t.sum^uint64(one.since), one.text)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, one)
}

func (t *trace) step(s *step, v verdict) {
	if t.met[v.fault] == nil {
		t.met[v.fault] = map[phase]int{}
	}
	t.met[v.fault][s.phase]++
	became := ""
	switch v.fault {
	case "":
	case refused, forbidden:
		became = fmt.Sprintf("  ✗ answered %d", v.status)
	case late:
		became = fmt.Sprintf("  ✗ answered %s late", v.wait)
	default:
		became = "  ✗ " + string(v.fault)
	}
	t.line("%s  %-11s %s%s", s.instance.name, s.phase, s.what, became)
}

// String is the whole trace.
func (t *trace) String() string { return t.last(math.MaxInt) }

// last is the end of the trace, n lines at most.
func (t *trace) last(n int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var texts []string
	for _, one := range t.lines[max(len(t.lines)-n, 0):] {
		texts = append(texts, fmt.Sprintf("day %02d %s  %s", one.since/(24*time.Hour)+1, t.begun.Add(one.since).UTC().Format("15:04:05.000"), one.text))
	}
	return strings.Join(texts, "\n")
}

// difference is where two traces part, for a person; empty where they are the same.
func (t *trace) difference(o *trace) string {
	if t.sum == o.sum {
		return ""
	}
	a, b := strings.Split(t.String(), "\n"), strings.Split(o.String(), "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d\n%s\n%s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines and %d, the last are\n%s", len(a), len(b), slices.MaxFunc([][]string{a, b}, func(x, y []string) int { return len(x) - len(y) })[min(len(a), len(b)):])
}
