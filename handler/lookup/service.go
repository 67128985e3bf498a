package lookup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/turns"
)

// service is one end that is asked, and how it is treated: a few requests at a time, none while it rests.
//
// It rests when it asked us to wait (429 and 503 with Retry-After), when it failed several times in a row, and for long
// when it refused us as such. A single request after the rest decides whether it is over.
type service struct {
	known
	slots turns.Slots
	now   func() time.Time
	log   *slog.Logger

	mu      sync.Mutex
	until   time.Time
	failing int  // failures in a row
	refused bool // and not only busy
}

const (
	atOnce        = 6 // requests to one service
	failuresInRow = 4
	restAfter     = 30 * time.Second // that many failures
	restRefused   = 10 * time.Minute
)

// known is what tells one service from another.
type known struct {
	name  string
	hint  string // what to grant when it refuses
	whole bool   // a refusal is about us, not about one resource
}

func newService(k known, now func() time.Time, log *slog.Logger) *service {
	return &service{known: k, slots: turns.NewSlots(atOnce), now: now, log: log}
}

// call runs one request, unless the service rests.
func (s *service) call(ctx context.Context, request func(context.Context) error) error {
	if err := s.resting(); err != nil {
		return err
	}
	leave, ok := s.slots.Within(ctx, ctx.Done())
	if !ok {
		return ctx.Err()
	}
	defer leave()
	err := sort(ctx, request(ctx))
	s.judge(err)
	return err
}

func (s *service) resting() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.until.After(s.now()) {
		return nil
	}
	if s.refused {
		return &refusedError{s.name + " refused us; it is asked again in a few minutes"}
	}
	return errResting
}

// rest leaves the service alone for a while.
func (s *service) rest(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restLocked(d, false)
}

func (s *service) restLocked(d time.Duration, refused bool) {
	if until := s.now().Add(d); until.After(s.until) {
		s.until, s.refused = until, refused
	}
}

// judge draws the conclusions from one answer.
func (s *service) judge(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var wait *waitError
	var refused *refusedError
	switch {
	case err == nil, errors.Is(err, errNothing), errors.Is(err, errNotYet):
		s.failing = 0
	case errors.As(err, &refused):
		s.failing = 0
		if s.whole {
			s.restLocked(restRefused, true)
			s.log.Info("lookups refused; messages go out without what they would add", "service", s.name, "error", refused.reason, "hint", s.hint)
		}
	case errors.As(err, &wait):
		s.restLocked(wait.wait, false)
		s.log.Info("lookups wait, as the service asked", "service", s.name, "seconds", wait.wait.Seconds())
	case errors.Is(err, context.Canceled): // ours, not the service's
	default:
		if s.failing++; s.failing >= failuresInRow {
			s.restLocked(restAfter, false)
			s.log.Warn("lookups rest: the service fails", "service", s.name, "error", fmt.Sprint(err))
		}
	}
}
