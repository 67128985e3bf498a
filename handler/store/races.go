package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
)

// raceRounds bounds how often a decision is taken again after losing a race.
const raceRounds = 12

// repeat takes a decision on what is there, and takes it again on what is there by then as long as the error is one of
// those. The pauses between grow from some 5 ms to half a second.
func (s *Store) repeat(ctx context.Context, what string, those func(error) bool, decide func(round int) error) error {
	var err error
	for round := range raceRounds {
		if err = decide(round); err == nil {
			return nil
		}
		if !those(err) || ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if err := s.pause(ctx, min(5*time.Millisecond<<round, 500*time.Millisecond)); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: lost %d races in a row: %w", what, raceRounds, err)
}

// decide is repeat for decisions about an alert that meet a race or an unclear reply. The charge is that of all rounds.
func (s *Store) decide(ctx context.Context, what string, decide func(round int) (alert.Decision, error)) (r alert.Decision, err error) {
	var ru float64
	err = s.repeat(ctx, what, lost, func(round int) (err error) {
		r, err = decide(round)
		ru += r.RU
		return err
	})
	r.RU = ru
	return r, err
}

// lost reports whether a decision met a race or an unclear reply and has to be taken again on what is there now.
func lost(err error) bool {
	kind := classify(err)
	for _, again := range []error{errExists, errConflict, errNotFound, errAmbiguous, errRetry} {
		if errors.Is(kind, again) {
			return true
		}
	}
	return false
}

// overtaken reports whether somebody else has written meanwhile, and nothing else is unclear.
func overtaken(err error) bool { return errors.Is(err, errConflict) || errors.Is(err, errExists) }
