package store_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/turns"
)

// TestWindowsOfOneProcessDoNotRace changes one window a hundred times at once, as a batch of operations by one caller does: no
// change reads and writes more than once.
func TestWindowsOfOneProcessDoNotRace(t *testing.T) {
	t.Parallel()
	a := open(t)
	counted := &counting{transporter: a.server}
	s := a.another(t, counted)
	more := func(state []byte) ([]byte, error) {
		n, _ := strconv.Atoi(string(state)) // 0 where there is none
		return fmt.Append(nil, n+1), nil
	}
	if _, err := s.Window(t.Context(), "warm", more); err != nil {
		t.Fatal(err)
	}
	counted.asked.Store(0)
	const changes = 100
	errs := make([]error, changes)
	var wg sync.WaitGroup
	for i := range changes {
		wg.Go(func() { _, errs[i] = s.Window(t.Context(), "one", more) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if asked := counted.asked.Load(); asked != 2*changes {
		t.Errorf("%d requests for %d changes, want a read and a write for each", asked, changes)
	}
	if _, err := s.Window(t.Context(), "one", func(state []byte) ([]byte, error) {
		if string(state) != fmt.Sprint(changes) {
			t.Errorf("the window counts %s, want %d", state, changes)
		}
		return state, nil
	}); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Window(over, "one", more); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
}

// TestFindingsOfOneProcessDoNotRace has an alert take in sixty operations of one caller at once, and one after the other: the account
// is asked for the same.
func TestFindingsOfOneProcessDoNotRace(t *testing.T) {
	t.Parallel()
	const operations = 60
	asked := func(atOnce int) int64 {
		a := open(t)
		counted := &counting{transporter: a.server}
		s := a.another(t, counted)
		errs := make([]error, operations)
		turns.Each(t.Context(), operations, atOnce, func(ctx context.Context, i int) {
			e := event(i%10, activity.Succeeded)
			e.ID, e.CorrelationID = fmt.Sprint("e", i), fmt.Sprint("c", i)
			_, errs[i] = s.Take(ctx, mild(e), alert.Lease{})
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		return counted.asked.Load()
	}
	if one, all := asked(1), asked(operations); all != one {
		t.Errorf("%d requests for %d findings at once, %d when they follow one another", all, operations, one)
	}
}

// counting is an account that counts its requests.
type counting struct {
	transporter
	asked atomic.Int64
}

func (c *counting) Do(r *http.Request) (*http.Response, error) {
	c.asked.Add(1)
	return c.transporter.Do(r)
}
