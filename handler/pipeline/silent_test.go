package pipeline_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/settings"
)

// mute is a destination that may have taken every message and does not answer.
type mute struct {
	mu    sync.Mutex
	down  bool
	asked []string // ids of the messages that it did not answer
	got   []string
	pings int
}

func (m *mute) Deliver(_ context.Context, one notify.Message, prev notify.Ref) (notify.Ref, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		m.asked = append(m.asked, one.ID)
		return prev, notify.Fail(notify.Unanswered, errors.New("no answer in time"))
	}
	if prev.Zero() {
		m.got = append(m.got, one.ID)
	}
	return notify.Posted(one, notify.Accepted), nil
}

func (m *mute) Ping(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pings++; m.down {
		return errors.New("no answer in time")
	}
	return nil
}

// TestAnHourOfTimeOuts costs four posts, and what waited is sent afterwards, each once more at most.
func TestAnHourOfTimeOuts(t *testing.T) {
	t.Parallel()
	_, _, at, kept := storedHouse(t)
	end := &mute{down: true}
	p := wire(kept, &pipeline.Judge{Rules: compiled(t, rule), Routes: []settings.Route{{To: []string{"channel"}}}}, &pipeline.Composer{},
		pipeline.Channels{Destinations: map[string]notify.Destination{"channel": end}})
	const alerts = 40
	for n := range alerts {
		handle(t, p, "", began(n, at.now()))
		if n%4 == 0 {
			ticks(t, p, at, 1)
		}
	}
	for at.now().Before(time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC)) {
		ticks(t, p, at, 1)
	}
	if len(end.asked) > 4 || len(end.asked) < 3 || len(slices.Compact(slices.Sorted(slices.Values(end.asked)))) != len(end.asked) {
		t.Errorf("an hour of time-outs cost %d posts: %q", len(end.asked), end.asked)
	}
	if end.pings == 0 {
		t.Error("it was never asked whether it answers")
	}
	end.down = false
	ticks(t, p, at, 200)
	all, err := kept.AlertsOpened(t.Context(), time.Time{}, at.now())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if d, to := a.Deliveries["channel"]; to && (a.Behind() || d.Revision == 0 && d.Folded == "" || !d.Unconfirmed.IsZero()) {
			t.Errorf("%s (%s): %+v", a.ID, a.Event.ResourceGroup, d)
		}
	}
	slices.Sort(end.got)
	if twice := len(end.got) - len(slices.Compact(slices.Clone(end.got))); twice > 0 || len(end.got) == 0 {
		t.Errorf("%d messages, %d of them twice", len(end.got), twice)
	}
}
