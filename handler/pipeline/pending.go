package pipeline

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// Pending keeps acts that no alert keeps, and that are judged again until Azure has answered what they were about.
type Pending interface {
	PutPending(ctx context.Context, p alert.Pending) (ru float64, err error)
	ListPending(ctx context.Context, limit int) ([]alert.Pending, error)
	EndPending(ctx context.Context, p alert.Pending) (ru float64, err error)
}

// pendingAtOnce is how many acts are judged again together. A run of the timer goes on while there are more that have
// waited long enough: no number of acts delays the judgement of one.
const pendingAtOnce = 200

// keepPending notes that an act is to be judged again, or that it needs no more of it. The first is a part of being durable.
func (in *Intake) keepPending(ctx context.Context, b Batch, e activity.Event, waits bool, sum *Summary) (err error) {
	had, again := b.again[e.ID]
	var ru float64
	switch {
	case waits && !again:
		ru, err = in.pending.PutPending(ctx, alert.Pending{Event: e.Bounded(), Function: b.Function, Since: b.began.UTC(), Late: b.Late, Hold: b.Hold})
	case !waits && again:
		ru, err = in.pending.EndPending(ctx, had)
	}
	sum.RU += ru
	return err
}

// judgeAgain judges the acts that wait for an answer of Azure's as if they had come again.
func (in *Intake) judgeAgain(ctx context.Context, b Batch) (sum Summary, err error) {
	for in.pending != nil && ctx.Err() == nil {
		waiting, err := in.pending.ListPending(ctx, pendingAtOnce)
		if err != nil {
			return sum, err
		}
		one, err := in.judgeThese(ctx, b, waiting)
		sum.add(one)
		if n := len(waiting); err != nil || n < pendingAtOnce || !waiting[n-1].Over(in.judge.Now()) {
			return sum, err
		}
	}
	return sum, nil
}

// way is how acts came: through a function, as they happened or late.
type way struct {
	function, late string
	hold           alert.Hold
	unended        bool
}

// judgeThese hands in acts that came in one way as they came.
func (in *Intake) judgeThese(ctx context.Context, b Batch, waiting []alert.Pending) (sum Summary, err error) {
	by := map[way]map[string]alert.Pending{}
	for _, p := range waiting {
		in := way{p.Function, p.Late, p.Hold, p.Unended}
		if by[in] == nil {
			by[in] = map[string]alert.Pending{}
		}
		by[in][p.Event.ID] = p
	}
	var errs []error
	for _, came := range slices.SortedFunc(maps.Keys(by), func(x, y way) int {
		return cmp.Or(cmp.Compare(x.function, y.function), cmp.Compare(x.late, y.late), cmp.Compare(x.hold.Name, y.hold.Name), x.hold.Until.Compare(y.hold.Until))
	}) {
		again := Batch{ID: b.ID, Function: came.function, Late: came.late, Hold: came.hold, Logger: b.Logger, again: by[came]}
		for _, id := range slices.Sorted(maps.Keys(by[came])) {
			again.Events = append(again.Events, by[came][id].Event)
		}
		one, err := in.Handle(ctx, again)
		one.Received, one.Duplicate = 0, 0
		sum.add(one)
		errs = append(errs, err)
	}
	return sum, errors.Join(errs...)
}
