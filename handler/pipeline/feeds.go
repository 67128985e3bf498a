package pipeline

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// feedEvery is how often a process writes down what came in. It is what an instance that is killed may forget, which
// makes a feed look a little quieter than it was.
const feedEvery = 5 * time.Minute

// tallies are what came in since they were last written down. The zero value is ready.
type tallies struct {
	mu      sync.Mutex
	written map[string]time.Time
	pending map[string]int
}

// take adds n records of a function and returns how many are to be written down now; 0: not yet.
func (t *tallies) take(function string, n int, now time.Time) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.written == nil {
		t.written, t.pending = map[string]time.Time{}, map[string]int{}
	}
	t.pending[function] += n
	if t.pending[function] == 0 || now.Sub(t.written[function]) < feedEvery {
		return 0
	}
	due := t.pending[function]
	t.pending[function], t.written[function] = 0, now
	return due
}

// note keeps the feed's past. A failure costs a little of it and nothing else.
func (in *Intake) note(ctx context.Context, b Batch) (ru float64) {
	if b.Late != "" || b.again != nil {
		return 0 // what was looked up, or came before, says nothing of the feed
	}
	came := 0
	for i := range b.Events {
		if !isCanary(&b.Events[i]) { // what we send ourselves says nothing about a feed
			came++
		}
	}
	n := in.tallies.take(b.Function, came, in.judge.Now())
	if n == 0 {
		return 0
	}
	ru, err := in.counts.AddToFeed(ctx, b.Function, n, in.judge.Now())
	if err != nil {
		b.Logger.Warn("note what came in", "function", b.Function, "error", err)
	}
	return ru
}

// watchFeeds rings when a feed has fallen silent. Nobody else would notice: no event, no alert.
func (w *Watch) watchFeeds(ctx context.Context, b Batch) error {
	feeds, err := w.signs.Feeds(ctx)
	if err != nil {
		return err
	}
	for _, f := range feeds {
		expected, silent := f.Silent(w.judge.Now())
		if !silent {
			continue
		}
		w.notice(ctx, b, concern{
			kind: "feed-silent", title: "Nothing comes in through " + f.Name, subject: f.Name,
			detail: fmt.Sprintf("The last record came at %s; at this time of day about %.0f would have come since.", f.Last.Format(clockFormat), expected),
			to:     w.judge.everywhere(),
			steps: []string{
				"See whether the event subscription, diagnostic setting or action group still exists and delivers.",
				"The Activity Log itself keeps 90 days: what was missed can be read there.",
			},
		})
	}
	return nil
}
