package pipeline

import (
	"context"
	"fmt"
)

// Gap rings because nobody can say of a subscription that nothing was missed; once a day for each. Who calls it may not
// notice the same gap a second time, so an error says that it did not ring.
func (w *Watch) Gap(ctx context.Context, b Batch, subscription, detail string) error {
	err := w.tellOf(ctx, b, concern{
		kind: "gap", title: "Nobody can say that nothing was missed in subscription " + subscription, subject: subscription, detail: detail, to: w.judge.everywhere(),
		steps: []string{
			"See whether the app's identity may still read the Activity Log there: infra's module subscription gives it that right.",
			"handler check says how far every subscription has come; handler reconcile compares hours by hand.",
			"The Activity Log keeps 90 days: what is not compared until then stays unproven.",
		},
	})
	if err != nil {
		return fmt.Errorf("ring about ourselves: %w", err)
	}
	return nil
}
