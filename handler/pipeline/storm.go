package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

// Summaries stand for many alerts: those of a storm, which no channel could take one by one (alert.StormRule), those that a quiet
// time held back or a route gathers (alert.HeldRule), and those that waited until a channel was well again (alert.BacklogRule).
// They are one mechanism. A summary is an alert like any other: it counts each of its alerts exactly once, is posted once
// and edited as it grows, and every kind is written by the same function (summaryMessage).

const (
	waitingAtOnce = 20000 // alerts that one run looks at
	drain         = 60    // messages beyond the budget that a channel may still be told one by one, within a minute
	smallest      = 4     // alerts that are worth a summary
	foldedAtOnce  = 80    // alerts whose leases are held while they are counted
)

// bundle is what one summary takes in: alerts that one destination is not told one by one.
type bundle struct {
	destination string
	rule        alert.Rule
	actor       string
	family      string // operation family, or the name of the quiet time
	late        string // alert.Alert.Late: what is told late and what happens now are summed up apart
	alerts      []alert.Alert
	takes       func(a *alert.Alert, i int) bool // whether it still takes the i-th in, as it is now
}

// sumUp folds waiting alerts into summaries where there are too many for a channel, or where a quiet time ended.
func (c *Courier) sumUp(ctx context.Context, b Batch, waiting []alert.Alert) (sum Summary, err error) {
	var errs []error
	for _, one := range c.bundles(ctx, waiting) {
		if ctx.Err() != nil {
			break // the next run goes on
		}
		folded, err := c.fold(ctx, one, b)
		sum.add(folded)
		errs = append(errs, err)
	}
	if sum.Folded > 0 {
		b.Logger.Info("summed up alerts that channels could not take one by one, or that a quiet time held", "folded", sum.Folded)
	}
	return sum, errors.Join(errs...)
}

// bundles says which alerts are to be summed up, destination by destination.
func (c *Courier) bundles(ctx context.Context, waiting []alert.Alert) []bundle {
	var all []bundle
	for _, name := range slices.Sorted(maps.Keys(c.Destinations)) {
		var held, plain []alert.Alert
		for _, a := range waiting {
			switch {
			case !a.OwesFirst(name) || a.IsSummary() || a.Rule.ID == alert.CanaryRule: // a test that is only counted proves nothing
			case a.Grave(), a.Deliveries[name].HasOwn(): // nothing hides it: it has a message of its own
			case a.Deliveries[name].Held != "" && a.Deliveries[name].Due.After(c.now()): // something else of it is due
			case a.Deliveries[name].Held != "":
				held = append(held, a)
			default:
				plain = append(plain, a)
			}
		}
		all = append(all, grouped(name, held, heldBundle, 2)...)
		if len(plain) > max(0, c.room(ctx, name)-ordinary.floor(c.ends.of(name).atOnce(ctx, c.now())))+drain {
			all = append(all, grouped(name, plain, stormBundle, smallest)...)
		}
	}
	return all
}

// grouped puts alerts of one bundle together, gravest first, and leaves out bundles that are too small.
func grouped(destination string, alerts []alert.Alert, kind func(string, alert.Alert) bundle, atLeast int) []bundle {
	found := map[[4]string]*bundle{}
	var keys [][4]string
	for _, a := range alerts {
		one := kind(destination, a)
		one.late = a.Late
		key := [4]string{one.rule.ID, strings.ToLower(one.actor), one.family, one.late}
		if found[key] == nil {
			found[key] = &one
			keys = append(keys, key)
		}
		found[key].alerts = append(found[key].alerts, a)
	}
	var out []bundle
	for _, key := range keys {
		if one := found[key]; len(one.alerts) >= atLeast {
			slices.SortStableFunc(one.alerts, func(x, y alert.Alert) int {
				return cmp.Compare(notify.Severity(y.Rule.Severity).Rank(), notify.Severity(x.Rule.Severity).Rank())
			})
			out = append(out, *one)
		}
	}
	return out
}

// stormBundle sums up by actor and operation family: what one person or one broken script does to one service.
func stormBundle(destination string, a alert.Alert) bundle {
	family, _, _ := strings.Cut(a.Event.Operation, "/")
	return bundle{
		destination: destination, actor: a.Event.Caller, family: family,
		rule: alert.Rule{ID: alert.StormRule, Title: "Alert storm", GroupBy: summaryKey},
	}
}

// heldBundle sums up by quiet time. What a search of the past brings up over many runs is one summary a day.
func heldBundle(destination string, a alert.Alert) bundle {
	rule := alert.Rule{ID: alert.HeldRule, Title: "Held back", GroupBy: summaryKey}
	if a.Late != "" {
		rule.Window = 24 * time.Hour
	}
	return bundle{destination: destination, family: a.Deliveries[destination].Held, rule: rule}
}

// summaryKey are the fields of a stand-in event that tell summaries apart.
var summaryKey = []string{"caller", "operation", "properties.destination"}

// fold counts a bundle into its summary and hands the alerts' deliveries over to it, some at a time: their leases must not
// end meanwhile. After a crash in between the next run goes on: what was counted is not counted again.
func (c *Courier) fold(ctx context.Context, one bundle, b Batch) (sum Summary, err error) {
	for chunk := range slices.Chunk(one.alerts, foldedAtOnce) {
		one.alerts = chunk
		part, err := c.foldChunk(ctx, one, b)
		if sum.add(part); err != nil || ctx.Err() != nil {
			return sum, err // the next run goes on
		}
	}
	return sum, nil
}

// foldChunk takes the leases first: what another instance delivers in this moment would be there twice. An alert that has
// become grave since it was listed, or that nothing holds any more, keeps its own message.
func (c *Courier) foldChunk(ctx context.Context, one bundle, b Batch) (sum Summary, err error) {
	mine, unleased := c.leaseChunk(ctx, one, b)
	_, sum, err = c.count(ctx, mine, b)
	return sum, errors.Join(unleased, err)
}

// count counts alerts whose leases this instance has in a summary, and hands their deliveries over to it. folded says of
// which: one that has become grave in this moment keeps its own message.
func (c *Courier) count(ctx context.Context, one bundle, b Batch) (folded []bool, sum Summary, err error) {
	folded = make([]bool, len(one.alerts))
	if len(one.alerts) == 0 {
		return folded, sum, nil
	}
	findings := make([]alert.Finding, len(one.alerts))
	for i := range one.alerts {
		findings[i] = c.finding(one, &one.alerts[i])
	}
	summary, ru, err := c.folding.Fold(ctx, findings)
	if sum.RU += ru; err != nil {
		return folded, sum, err
	}
	charges, errs := make([]float64, len(folded)), make([]error, len(folded))
	each(ctx, len(folded), func(ctx context.Context, i int) {
		took := false
		charges[i], errs[i] = c.queue.Settle(ctx, one.alerts[i].Ref(), b.ID, func(a *alert.Alert) {
			if took = a.Lease.Owner == b.ID && one.takes(a, i); took {
				a.Fold(one.destination, summary.ID)
			}
		})
		folded[i] = took && errs[i] == nil
	})
	for i := range folded {
		if sum.RU += charges[i]; folded[i] {
			sum.Folded++
		}
	}
	return folded, sum, errors.Join(errs...)
}

// leaseChunk is the bundle with those of its alerts whose leases this instance has taken.
func (c *Courier) leaseChunk(ctx context.Context, one bundle, b Batch) (mine bundle, err error) {
	leased, now, errs := make([]bool, len(one.alerts)), make([]alert.Alert, len(one.alerts)), make([]error, len(one.alerts))
	each(ctx, len(one.alerts), func(ctx context.Context, i int) {
		was := &one.alerts[i]
		a, ok, err := c.queue.Lease(ctx, was.Ref(), c.lease(b.ID))
		errs[i], now[i] = err, a
		if leased[i] = ok && one.stillTakes(&a, was); ok && !leased[i] {
			c.release(ctx, a.Ref(), b)
		}
	})
	mine = one
	mine.alerts = nil
	for i, a := range now {
		if leased[i] {
			mine.alerts = append(mine.alerts, a)
		}
	}
	mine.takes = func(a *alert.Alert, i int) bool { return one.stillTakes(a, &mine.alerts[i]) }
	return mine, errors.Join(errs...)
}

// release gives a lease back that nothing came of. If that fails the lease ends by itself.
func (c *Courier) release(ctx context.Context, ref alert.Ref, b Batch) {
	_, _ = c.queue.Settle(ctx, ref, b.ID, func(*alert.Alert) {})
}

// stillTakes reports whether the bundle takes an alert in as it is now, and as it was when the bundle was made.
func (one bundle) stillTakes(a, was *alert.Alert) bool {
	to := one.destination
	return a.OwesFirst(to) && !a.Deliveries[to].HasOwn() && a.Grave() == was.Grave() && a.Deliveries[to].Held == was.Deliveries[to].Held
}

// itemName is a destination's name within the id of an item, which is of [a-z0-9-] only.
func itemName(name string) string {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:8])
}

// finding is an event that stands for a whole alert within a summary.
func (c *Courier) finding(one bundle, a *alert.Alert) alert.Finding {
	rule := one.rule
	rule.Severity = a.Rule.Severity
	properties, _ := json.Marshal(map[string]string{"destination": one.destination})
	of := c.summed(a)
	return alert.Finding{
		Event: activity.Event{
			ID: "of-" + itemName(one.destination) + "-" + a.ID, Time: activity.At(of.At), Category: a.Event.Category,
			Operation: one.family, Caller: one.actor, ResourceName: of.Name, SubscriptionID: a.Event.SubscriptionID, Properties: properties,
		},
		Rule: rule, To: []string{one.destination}, Late: one.late, Of: of,
	}
}

// summed is an alert as a summary counts it.
func (c *Courier) summed(a *alert.Alert) alert.Summed {
	at := a.Event.Time.Time
	if at.IsZero() {
		at = a.Opened
	}
	title := strings.TrimPrefix(c.composer.Message(*a).Headline, reportedLate) // the summary says so
	return alert.Summed{
		Ref: a.Ref(), At: at.UTC(), Rule: a.Rule.ID, Title: a.Rule.Title, Severity: cmp.Or(a.Rule.Severity, string(notify.Medium)),
		Actor: cmp.Or(a.Event.Caller, a.Event.CallerName, a.Event.CallerObjectID), Name: notify.Cut(notify.Clean(title, false), longestTitle), Event: a.Event.ID,
	}
}
