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

// Two kinds of summary (alert.StormRule, alert.HeldRule) stand for many alerts: those of a storm, which no channel could take and nobody could read one
// by one, and those that a quiet time held back. A summary is an alert like any other: it counts each of its alerts
// exactly once, is posted once and edited as it grows.

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
			case a.Deliveries[name].Held != "" && a.Deliveries[name].Due.After(c.now()): // something else of it is due
			case a.Deliveries[name].Held != "":
				held = append(held, a)
			case a.Grave(), a.Deliveries[name].Silences > 0: // a flood hides nothing: each has a message of its own; this one may be there
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
	mine, findings, unleased := c.leaseChunk(ctx, one, b)
	if len(mine) == 0 {
		return sum, unleased
	}
	summary, ru, err := c.folding.Fold(ctx, findings)
	if sum.RU += ru; err != nil {
		return sum, errors.Join(unleased, err)
	}
	folded, charges, errs := make([]bool, len(mine)), make([]float64, len(mine)), make([]error, len(mine))
	each(ctx, len(mine), func(ctx context.Context, i int) {
		charges[i], errs[i] = c.queue.Settle(ctx, mine[i].Ref(), b.ID, func(a *alert.Alert) {
			if folded[i] = a.Lease.Owner == b.ID && one.stillTakes(a, &mine[i]); folded[i] {
				a.Fold(one.destination, summary.ID)
			}
		})
	})
	for i := range mine {
		if sum.RU += charges[i]; folded[i] && errs[i] == nil {
			sum.Folded++
		}
	}
	return sum, errors.Join(append(errs, unleased)...)
}

// leaseChunk returns the alerts of a bundle whose leases this instance has taken, and the findings that stand for them.
func (c *Courier) leaseChunk(ctx context.Context, one bundle, b Batch) (mine []alert.Alert, findings []alert.Finding, err error) {
	leased, errs := make([]bool, len(one.alerts)), make([]error, len(one.alerts))
	each(ctx, len(one.alerts), func(ctx context.Context, i int) {
		was := &one.alerts[i]
		a, ok, err := c.queue.Lease(ctx, was.Ref(), c.lease(b.ID))
		errs[i] = err
		if leased[i] = ok && one.stillTakes(&a, was); ok && !leased[i] {
			c.release(ctx, a.Ref(), b)
		}
	})
	for i, a := range one.alerts {
		if leased[i] {
			mine, findings = append(mine, a), append(findings, one.finding(a))
		}
	}
	return mine, findings, errors.Join(errs...)
}

// release gives a lease back that nothing came of. If that fails the lease ends by itself.
func (c *Courier) release(ctx context.Context, ref alert.Ref, b Batch) {
	_, _ = c.queue.Settle(ctx, ref, b.ID, func(*alert.Alert) {})
}

// stillTakes reports whether the bundle takes an alert in as it is now, and as it was when the bundle was made.
func (one bundle) stillTakes(a, was *alert.Alert) bool {
	to := one.destination
	return a.OwesFirst(to) && a.Deliveries[to].Silences == 0 && a.Grave() == was.Grave() && a.Deliveries[to].Held == was.Deliveries[to].Held
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
func (one bundle) finding(a alert.Alert) alert.Finding {
	rule := one.rule
	rule.Severity = a.Rule.Severity
	properties, _ := json.Marshal(map[string]string{"destination": one.destination})
	return alert.Finding{
		Event: activity.Event{
			ID: "of-" + itemName(one.destination) + "-" + a.ID, Time: a.Event.Time, Category: a.Event.Category,
			Operation: one.family, Caller: one.actor, ResourceName: cmp.Or(a.Event.ResourceName, a.Event.ResourceGroup, a.Rule.Title),
			SubscriptionID: a.Event.SubscriptionID, Properties: properties,
		},
		Rule: rule, To: []string{one.destination}, Late: one.late, Detail: titled(a),
	}
}

// titled says of a grave alert what it is; of the others a summary names resources only.
func titled(a alert.Alert) string {
	if !a.Grave() {
		return ""
	}
	return a.Rule.Title
}
