package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/notify"
)

// KeepState keeps what Azure says of a resource, for lookups. Keeping it twice is keeping it once, and the order makes no
// difference.
type KeepState func(ctx context.Context, s activity.State) (ru float64, err error)

// ahead is how far a state may be dated after the account's clock. One of next year would be the newest forever.
const ahead = 15 * time.Minute

// keepState keeps a state without its secrets, bounded. What cannot be kept is set aside.
func (in *Intake) keepState(ctx context.Context, b Batch, s activity.State) (sum Summary, err error) {
	if now := in.judge.Now(); s.Time.After(now.Add(ahead)) {
		return in.asideState(ctx, b, s, "it is dated later than now")
	}
	s = boundedState(s)
	ru, err := in.states(ctx, s)
	if sum.RU += ru; errors.Is(err, activity.ErrUnstorable) && len(s.Resource) > 0 {
		s.Resource = nil // that the resource became something is kept, so that lookups ask Azure what
		ru, err = in.states(ctx, s)
		sum.RU += ru
	}
	switch {
	case errors.Is(err, activity.ErrUnstorable):
		aside, err := in.asideState(ctx, b, s, "the store does not take it")
		aside.RU += sum.RU
		return aside, err
	case err != nil:
		return sum, fmt.Errorf("state of %s: %w", s.ResourceID, err)
	}
	sum.States = 1
	return sum, nil
}

// boundedState is a state as it is kept.
func boundedState(s activity.State) activity.State {
	if s.Resource = redacted(s.Resource); len(s.Resource) > activity.KeepState {
		s.Resource = nil
	}
	if s.Health != nil {
		h := *s.Health
		for _, text := range []*string{&h.Previous, &h.Current, &h.Reason, &h.Context} {
			*text = notify.Cut(withoutSecrets(*text), 200)
		}
		s.Health = &h
	}
	return s
}

func (in *Intake) asideState(ctx context.Context, b Batch, s activity.State, why string) (Summary, error) {
	id := sha256.Sum256([]byte(string(s.Kind) + s.ResourceID + s.Time.Format(time.RFC3339Nano)))
	ru, err := in.log.Park(ctx, activity.Parked{
		ID: hex.EncodeToString(id[:16]), Signal: "invalid", Function: b.Function, At: in.judge.Now().UTC(), Size: len(s.Resource),
		Reason: fmt.Sprintf("Resource Notification %s of %s, at %s: %s", s.Kind, notify.Cut(s.ResourceID, 200), s.Time.Format(time.RFC3339), why),
	})
	return Summary{Parked: 1, RU: ru}, err
}
