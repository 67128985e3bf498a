package pipeline

import (
	"context"
	"fmt"

	"github.com/auditbell/auditbell/handler/activity"
)

// Gap alerts because hours of a scope cannot be compared with Azure; once a day for each. The caller may not notice the
// same gap a second time, so an error says that there was no alert.
func (w *Watch) Gap(ctx context.Context, b Batch, scope activity.Scope, detail string) error {
	err := w.raise(ctx, b, concern{
		kind: "gap", title: "Hours of " + scope.String() + " have not been compared with Azure", subject: scope.Key(), detail: detail, to: w.judge.everywhere(),
		steps: []string{
			"See whether the app's identity may still read the Activity Log there: infra's modules subscription and tenant give it that right.",
			"handler check says how far every scope has come; handler reconcile compares hours by hand.",
			"The Activity Log keeps 90 days: what is not compared until then stays unproven.",
		},
	})
	if err != nil {
		return fmt.Errorf("alert about ourselves: %w", err)
	}
	return nil
}

// Unread alerts because the Activity Log of a scope cannot be polled; once a day for each.
func (w *Watch) Unread(ctx context.Context, b Batch, scope activity.Scope, detail string) error {
	err := w.raise(ctx, b, concern{
		kind: "scope-unread", title: "The Activity Log of " + scope.String() + " cannot be read", subject: scope.Key(), detail: detail, to: w.judge.everywhere(),
		steps: []string{
			"The detail names the command that gives the missing right.",
			"handler check shows how far each scope has been read. The Activity Log keeps 90 days; reading goes on where it stopped.",
		},
	})
	if err != nil {
		return fmt.Errorf("alert about a scope: %w", err)
	}
	return nil
}

// Unmailed alerts because a digest has not reached all of its recipients; the caller notes that, so it is one alert for each
// digest.
func (w *Watch) Unmailed(ctx context.Context, b Batch, digest, detail string) error {
	return w.raise(ctx, b, concern{
		kind: "digest-unmailed", title: "The digest " + digest + " has not reached everybody", subject: digest, detail: detail, to: w.judge.everywhere(),
		steps: []string{
			"See whether the address is right and the mail service takes mail for it; the detail has its answer.",
			"Each recipient is tried again by itself every run, and gets the digest once. handler check says who is missing.",
		},
	})
}

// Unwitnessed alerts because fewer witnesses than wanted signed the transparency log; once a day.
func (w *Watch) Unwitnessed(ctx context.Context, b Batch, log, detail string) {
	w.notice(ctx, b, concern{
		kind: "log-unwitnessed", title: "Too few witnesses signed the log " + log, subject: log, detail: detail, to: w.judge.everywhere(),
		steps: []string{
			"See whether the witnesses that the detail names run, and whether their addresses and keys in TLOG_WITNESSES are right.",
			"A witness that says it has seen a longer log has seen another past: compare its checkpoint with the archive's.",
			"The log goes on; the next checkpoint that they sign covers what this one holds.",
		},
	})
}

// Unlogged alerts because hours or a digest could not be logged; once a day.
func (w *Watch) Unlogged(ctx context.Context, b Batch, log, detail string) {
	w.notice(ctx, b, concern{
		kind: "log-stopped", title: "The transparency log " + log + " cannot be written", subject: log, detail: detail, to: w.judge.everywhere(),
		steps: []string{
			"See whether the app's identity may use the key in TLOG_VAULT_KEY (Key Vault Crypto User) and write the archive.",
			"Hours are logged as soon as it works again, for seven days after their end.",
		},
	})
}
