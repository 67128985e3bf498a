package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// KeepState keeps what Azure says of a resource, beside what it said before: its newest states, and apart from them those
// of its health. They are forgotten when nothing was said for 90 days.
func (s *Store) KeepState(ctx context.Context, state activity.State) (ru float64, err error) {
	ru, err = s.changeWindow(ctx, statesRef(state.ResourceID, state.Kind.OfHealth()), keepParked, func(have []byte) ([]byte, error) {
		var all []activity.State
		if len(have) > 0 {
			if err := json.Unmarshal(have, &all); err != nil {
				return nil, fmt.Errorf("read states: %w", err)
			}
		}
		all, changed := activity.WithState(all, state)
		if !changed {
			return have, nil
		}
		return json.Marshal(all)
	})
	if err != nil {
		return ru, fmt.Errorf("keep state: %w", err)
	}
	return ru, nil
}

// States returns what Azure said of a resource, or of its health, in order of time; none when it said nothing. It is a
// point read.
func (s *Store) States(ctx context.Context, resourceID string, ofHealth bool) (all []activity.State, ru float64, err error) {
	var item windowItem
	seen, err := s.read(ctx, statesRef(resourceID, ofHealth), &item)
	switch {
	case errors.Is(err, errNotFound):
		return nil, seen.ru, nil
	case err == nil:
		err = json.Unmarshal(item.State, &all)
	}
	if err != nil {
		return nil, seen.ru, fmt.Errorf("read states: %w", err)
	}
	return all, seen.ru, nil
}

func statesRef(resourceID string, ofHealth bool) itemRef {
	of := "is "
	if ofHealth {
		of = "health "
	}
	sum := sha256.Sum256([]byte(of + strings.ToLower(resourceID)))
	return itemRef{containerRollups, "states-" + hex.EncodeToString(sum[:16]), "states"}
}
