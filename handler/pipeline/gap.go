package pipeline

import "context"

// Gap says that something is wrong with what should prove that nothing was missed.
type Gap struct {
	Subject string // the subscription
	Detail  string
	Steps   []string
}

// Gaps rings for every gap, once a day for each subject, everywhere.
func (p *Pipeline) Gaps(ctx context.Context, b Batch, gaps []Gap) {
	for _, g := range gaps {
		p.notice(ctx, b, watch{kind: "gap", title: "Nobody can say that nothing was missed in " + g.Subject, subject: g.Subject,
			detail: g.Detail, to: p.everywhere(), steps: g.Steps})
	}
}
