package simulation

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A run of which no step returns is given up, with what is known of it.
func TestARunThatTakesNoStepIsGivenUp(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		left := make(chan struct{})
		defer close(left)
		out := attend(&Plan{Seed: 7}, time.Minute, func(_ chan<- Outcome, s *simulation) {
			s.trace = newTrace()
			s.scheduler = newScheduler(7, s.trace, &s.progress)
			for range 3 { // it goes on for a while
				<-time.After(50 * time.Second)
				s.progress.Add(1)
			}
			s.trace.line("instance-1  store read  rollups health")
			<-left
		})
		var r Report
		r.Add(out)
		f := r.First[Returns]
		if f.Seed != 7 || !strings.HasSuffix(f.Detail, "day 01 00:02:30.000  instance-1  store read  rollups health") {
			t.Errorf("found is %+v", f)
		}
		if r.Stopped == nil || r.Stopped.Seed != 7 || !strings.Contains(r.Stopped.Trace, "rollups health") {
			t.Errorf("stopped is %+v", r.Stopped)
		}
		if again := Again(7, "killed before it, post"); again != `go test ./local/simulation -run 'TestSeed$' -v -args -seed 7 -provoke "killed before it, post"` {
			t.Error(again)
		}
	})
}

// An invocation that waits for ever, and nothing else that could happen.
func TestAnInvocationThatNeverReturns(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		s := newScheduler(1, newTrace(), new(atomic.Int64))
		s.drain = func() bool { return false }
		s.running = 1
		if err := s.run(); err == nil || err.Error() != "1 invocations have not returned within a day" {
			t.Error(err)
		}
	})
}

func TestProvoke(t *testing.T) {
	p, err := Provoke("a batch that races itself, killed before it, post")
	if err != nil || len(p.moves) != 1 || len(p.faults) != 1 || len(p.phases) != 1 {
		t.Errorf("%+v %v", p, err)
	}
	for _, wrong := range []string{"post", "made up", "refused,"} {
		if p, err := Provoke(wrong); err == nil {
			t.Errorf("%q is read as %+v", wrong, p)
		}
	}
	plan := NewPlan(3, HubRetry{}, p)
	last := plan.Troubles[len(plan.Troubles)-1]
	if last.Faults[0] != killedBefore || last.Of[0] != post || last.To != plan.Length {
		t.Errorf("%+v", last)
	}
}

// The random end of an attempt's id is left out, whatever stands around it; everything else counts.
func TestWithoutAttempts(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "",
		`{"by":"instance-1-00012-ABCDEF27"}`: `{"by":"instance-1-00012-"}`,
		"instance-12-00012-ABCDEF27instance-1-00001-AAAAAAAA": "instance-12-00012-instance-1-00001-",
		"instance-1-00012":          "instance-1-00012",
		"instance-1-00012-ABCDEF2":  "instance-1-00012-ABCDEF2",
		"instance-1-00012-ABCDEF2a": "instance-1-00012-ABCDEF2a",
		"instance-1-0012-ABCDEF27":  "instance-1-0012-ABCDEF27",
		"instance-x":                "instance-x",
		"instance-":                 "instance-",
	} {
		if got := strings.Join(withoutAttempts(text), ""); got != want {
			t.Errorf("%q is compared as %q, want %q", text, got, want)
		}
	}
}

// Two texts are one digest only if they are the same, also where they are cut in other places.
func TestDigest(t *testing.T) {
	seen := map[uint64]string{}
	for _, texts := range [][]string{
		nil,
		{""},
		{"", ""},
		{"a"},
		{"a", ""},
		{"", "a"},
		{"a\x00"},
		{"\x00"},
		{"12345678"},
		{"12345678", ""},
		{"1234567", "8"},
		{"123456789"},
		{"1234567890123456"},
		{"12345678", "90123456"},
		{"\x00\x00\x00\x00\x00\x00\x00\x00"},
		{"\x00\x00\x00\x00\x00\x00\x00\x00\x00"},
	} {
		for was := range uint64(3) {
			name := strings.Join(texts, "|")
			sum := digest(was, texts...)
			if other, had := seen[sum]; had {
				t.Errorf("%q after %d is like %s", name, was, other)
			}
			seen[sum] = name
		}
	}
}
