package exception

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// Store keeps exceptions that were made by a click, and counts what exceptions did.
type Store interface {
	Keeper
	Counter
}

// Keeper keeps exceptions that were made by a click.
type Keeper interface {
	Exceptions(ctx context.Context) ([]alert.Exception, error)
	// Except keeps x; keeping it twice is keeping it once.
	Except(ctx context.Context, x alert.Exception) error
	// EndException ends one now, once; alert.ErrUnknown when there is none.
	EndException(ctx context.Context, id string, by alert.Person) (alert.Exception, error)
}

// Counter counts what exceptions did.
type Counter interface {
	// Excepted counts e under the exception, once however often it is called.
	Excepted(ctx context.Context, exception string, e activity.Event) (ru float64, err error)
	// Lapse notes that e is a finding after the exception has expired, and returns the id of the first such event.
	Lapse(ctx context.Context, exception string, e activity.Event) (first string, err error)
}

// Book answers which findings are excepted. It is safe for concurrent use.
type Book struct {
	configured []Exception
	keeper     Store
	now        func() time.Time

	mu     sync.Mutex
	kept   []Exception
	read   time.Time         // when kept was read; zero: never
	stale  int               // how often kept was outdated by ourselves
	lapsed map[string]string // by exception: the event that announces its end, as far as this process knows
}

// NewBook makes a Book of what Read returned and what the keeper has.
func NewBook(configured []Exception, k Store, now func() time.Time) *Book {
	return &Book{configured: configured, keeper: k, now: now, lapsed: map[string]string{}}
}

// rereadEvery is how old the exceptions of the store may be: one that somebody makes through another instance applies
// here half a minute later at most.
const rereadEvery = 30 * time.Second

// Verdict is what exceptions make of a finding.
type Verdict struct {
	Left   []alert.Rule // the rules that no exception covers, in the order given
	By     []Exception  // the exceptions that cover the others
	Lapsed []Exception  // expired ones that would have covered Left, whose end was not announced yet
}

// Judge sorts the rules that e met. It reads the store only when its copy of the exceptions is old.
func (b *Book) Judge(ctx context.Context, e activity.Event, met []alert.Rule) (Verdict, error) {
	all, err := b.All(ctx)
	if err != nil {
		return Verdict{}, err
	}
	var v Verdict
	var expired []Exception
	for _, r := range met {
		by, over := b.find(all, &e, r.ID)
		if by == nil {
			v.Left = append(v.Left, r)
			expired = append(expired, over...)
			continue
		}
		v.By = appendNew(v.By, *by)
	}
	for _, x := range expired {
		first, err := b.lapse(ctx, x.ID, e)
		if err != nil {
			return Verdict{}, err
		}
		if first {
			v.Lapsed = appendNew(v.Lapsed, x)
		}
	}
	return v, nil
}

// find returns an exception that applies, or else those that no longer do.
func (b *Book) find(all []Exception, e *activity.Event, rule string) (by *Exception, over []Exception) {
	now := b.now()
	for i := range all {
		if x := &all[i]; x.Covers(e, rule) {
			if x.Active(now) {
				return x, nil
			}
			over = append(over, *x)
		}
	}
	return nil, over
}

func appendNew(list []Exception, x Exception) []Exception {
	if slices.ContainsFunc(list, func(have Exception) bool { return have.ID == x.ID }) {
		return list
	}
	return append(list, x)
}

// lapse reports whether e is the one that announces the end. A redelivery of it gets the same answer: its first
// delivery may have died before anybody was told.
func (b *Book) lapse(ctx context.Context, id string, e activity.Event) (bool, error) {
	b.mu.Lock()
	first := b.lapsed[id]
	b.mu.Unlock()
	if first == "" {
		var err error
		if first, err = b.keeper.Lapse(ctx, id, e); err != nil {
			return false, fmt.Errorf("note that exception %s has expired: %w", id, err)
		}
		b.mu.Lock()
		b.lapsed[id] = first
		b.mu.Unlock()
	}
	return first == e.ID, nil
}

// Count counts e under the exceptions that silenced it.
func (b *Book) Count(ctx context.Context, by []Exception, e activity.Event) (ru float64, err error) {
	for _, x := range by {
		charge, err := b.keeper.Excepted(ctx, x.ID, e)
		ru += charge
		if err != nil {
			return ru, fmt.Errorf("count exception %s: %w", x.ID, err)
		}
	}
	return ru, nil
}

// Keep keeps an exception that somebody made by a click. It applies here at once.
func (b *Book) Keep(ctx context.Context, x alert.Exception) error {
	defer b.forget() // whatever came of it
	return b.keeper.Except(ctx, x)
}

// End ends an exception that was made by a click, now. It no longer applies here at once.
func (b *Book) End(ctx context.Context, id string, by alert.Person) (Exception, error) {
	defer b.forget()
	x, err := b.keeper.EndException(ctx, id, by)
	return Of(x), err
}

// forget has the exceptions of the store read again.
func (b *Book) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.read, b.stale = time.Time{}, b.stale+1
}

// All lists every exception, the configured ones first.
func (b *Book) All(ctx context.Context) ([]Exception, error) {
	b.mu.Lock()
	kept, stale := b.kept, b.stale
	fresh := !b.read.IsZero() && b.now().Sub(b.read) < rereadEvery
	b.mu.Unlock()
	if fresh {
		return slices.Concat(b.configured, kept), nil
	}
	started := b.now()
	items, err := b.keeper.Exceptions(ctx)
	if err != nil {
		return nil, fmt.Errorf("read exceptions: %w", err)
	}
	kept = make([]Exception, len(items))
	for i, x := range items {
		kept[i] = Of(x)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stale == stale { // else one was made while we read, and what we read may lack it
		b.kept, b.read = kept, started
	}
	return slices.Concat(b.configured, kept), nil
}
