package simulation

import (
	"fmt"
	"strings"
	"time"
)

// trace is what happened, one line for each step and each event of the world. Keeping the lines costs memory, so only the
// hash is kept unless a person will read them.
type trace struct {
	begun time.Time
	keep  bool
	lines []string
	sum   uint64
	met   map[fault]map[phase]int // how often each fault met each phase
}

func newTrace(keep bool) *trace {
	return &trace{begun: time.Now(), keep: keep, met: map[fault]map[phase]int{}}
}

func (t *trace) line(format string, args ...any) {
	since := time.Since(t.begun)
	text := fmt.Sprintf(format, args...)
	t.sum = digest(t.sum^uint64(since), text)
	if t.keep {
		t.lines = append(t.lines, fmt.Sprintf("day %02d %s  %s", since/(24*time.Hour)+1, t.begun.Add(since).UTC().Format("15:04:05.000"), text))
	}
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
func (t *trace) String() string { return strings.Join(t.lines, "\n") }
