package pipeline

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/rules"
)

// correlated counts the event into every correlation that it belongs to and returns those whose threshold is met. A
// record that comes again is counted once: a window knows its members.
func (in *Intake) correlated(ctx context.Context, e *activity.Event) (met []*rules.Rule, ru float64, err error) {
	if isCanary(e) {
		return nil, 0, nil
	}
	met, err = in.judge.Rules.Count(e, in.judge.Now(), func(group string, add func(*rules.Window)) error {
		charge, err := in.counts.Window(ctx, group, func(state []byte) ([]byte, error) {
			var w rules.Window
			if state != nil {
				if err := json.Unmarshal(state, &w); err != nil {
					return nil, fmt.Errorf("read window: %w", err)
				}
			}
			add(&w)
			return json.Marshal(w)
		})
		ru += charge
		return err
	})
	if err != nil {
		return met, ru, fmt.Errorf("correlate: %w", err)
	}
	return met, ru, nil
}
