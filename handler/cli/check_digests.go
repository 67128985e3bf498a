package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/digest/publish"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/store"
)

// digestCheck says of each digest whether that of the last period, and what is owed of those before, reached its recipients.
func digestCheck(ctx context.Context, a *app.App) (lines []checkLine) {
	for i := range a.Digests.List {
		d := &a.Digests.List[i]
		span := d.Due(a.Now())
		state, err := a.Store.DigestState(ctx, d.Name, span.Key)
		if err != nil {
			return append(lines, checkLine{"digests", false, err.Error()})
		}
		if one := digestLine(d, span, &state); one.Detail != "" {
			lines = append(lines, one)
		}
		owed, err := a.Digests.Record.Owed(ctx, d, span)
		if err != nil {
			return append(lines, checkLine{"digests", false, err.Error()})
		}
		for _, o := range owed {
			lines = append(lines, digestLine(d, o.Span, &o.State))
		}
	}
	return lines
}

// digestLine is empty for a digest that nothing was begun of.
func digestLine(d *settings.Digest, span settings.Span, state *store.DigestState) checkLine {
	name := fmt.Sprintf("%s of %s: ", d.Name, span.Key)
	switch missing := publish.Unmailed(d, state); {
	case !state.Sent.IsZero():
		return checkLine{"digests", true, name + "sent on " + state.Sent.Format(time.RFC3339)}
	case state.Reason != "" && state.Manifest != "" && len(missing) > 0:
		return checkLine{"digests", false, fmt.Sprintf("%shas not reached %s after %d tries: %s", name, strings.Join(missing, ", "), state.Attempts, state.Reason)}
	case state.Reason != "":
		return checkLine{"digests", false, fmt.Sprintf("%snot sent after %d tries: %s", name, state.Attempts, state.Reason)}
	}
	return checkLine{}
}
