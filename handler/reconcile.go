package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/reconcile"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/source"
)

const (
	// reconcileBudget leaves a minute of the function's four for what was begun: marking must not be cut short.
	reconcileBudget = 3 * time.Minute
	// reconcilePages bounds what one run asks of Azure. Reads are counted by subscription and identity, and other tools
	// of the same identity must not be starved.
	reconcilePages = 2000
	// patienceAzure is how long a run waits for Azure; a longer Retry-After is for the next run.
	patienceAzure = 5 * time.Second
)

// foundLate is how alerts say that reconciliation found them.
const foundLate = "found by reconciliation"

// unstored is the signal under which records are set aside that could not be recorded.
const unstored = "unstored"

var subscriptionID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// readReconciler reads what is compared with what Azure lists. Without subscriptions nothing is.
func readReconciler(s *settings.Set) *reconcile.Reconciler {
	r := &reconcile.Reconciler{Budget: reconcileBudget, Pages: reconcilePages}
	ids := settings.Def{
		Name: "RECONCILE_SUBSCRIPTIONS", Doc: "Ids of the subscriptions whose Activity Log is compared with what arrived, parted by commas; empty compares nothing.",
		Hint: "the ids, without /subscriptions/ before them; the identity needs Microsoft.Insights/eventtypes/values/read there",
	}
	for _, id := range words(s.Text(ids)) {
		if !subscriptionID.MatchString(id) {
			s.Report(settings.Problem{Name: ids.Name, Reason: fmt.Sprintf("%q is no subscription id", id), Hint: ids.Hint})
		}
		r.Subscriptions = append(r.Subscriptions, id)
	}
	feeds := settings.Def{Name: "RECONCILE_FEEDS", Default: "eventgrid", Doc: "Feeds that bring records of these subscriptions: eventgrid, eventhub, or both; what they should have brought and did not is missed."}
	for _, name := range words(s.Text(feeds)) {
		if !slices.Contains(reconcile.Feeds, reconcile.Feed(name)) {
			s.Report(settings.Problem{Name: feeds.Name, Reason: fmt.Sprintf("%q is no feed", name), Hint: "eventgrid, eventhub, or both"})
		}
		r.Feeds = append(r.Feeds, reconcile.Feed(name))
	}
	r.Ignore = words(s.Text(settings.Def{
		Name: "RECONCILE_IGNORE",
		Doc:  "Operations that the event subscription filters out, parted by commas: they are counted and, unless an export brings them, not fetched.",
	}))
	r.Lookback = s.Duration(settings.Def{
		Name: "RECONCILE_LOOKBACK", Default: "24h",
		Doc: "How far back the first run looks, 2136h (89 days) at most; a larger value later has the past done when there is time.",
	})
	r.Old = s.Duration(settings.Def{
		Name: "RECONCILE_SUMMARY_AGE", Default: "6h",
		Doc: "Age from which on what is found missing is told in one summary rather than one by one.",
	})
	r.Log.REST = readResourceManager(s, len(r.Subscriptions) > 0)
	return r
}

// words are the parts of a list, in lower case.
func words(list string) []string {
	return strings.FieldsFunc(strings.ToLower(list), func(c rune) bool { return c == ',' || c == ' ' })
}

// readResourceManager reads where Azure Resource Manager is, and who asks it. Without need nobody signs in.
func readResourceManager(s *settings.Set, needed bool) source.REST {
	endpoint := s.URL(settings.Def{Name: "ARM_ENDPOINT"}) // readLookups says what it is for
	place := placeOf(cloudOf(s.Text(portalDef)))
	client := notify.NewClient(http.DefaultTransport)
	client.Timeout = time.Minute // a page is some hundred kilobytes, and Azure takes its time
	rest := source.REST{Client: client, Endpoint: strings.TrimSuffix(endpoint, "/"), Patience: patienceAzure}
	switch {
	case !needed:
		return rest
	case strings.HasPrefix(endpoint, "http://"): // this machine: a stand-in, which wants no token of anybody's
		rest.Token = func(context.Context) (string, error) { return "stand-in", nil }
		return rest
	case endpoint == "":
		rest.Endpoint = place.resources
	}
	who := credential(s, s.Text(settings.Def{Name: "AZURE_CLIENT_ID"}))
	rest.Token = func(ctx context.Context) (string, error) { // azidentity keeps it until it ends
		t, err := who.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{rest.Endpoint + "/.default"}})
		return t.Token, err
	}
	return rest
}

// reconcileHours compares what is due. What it finds goes the way of every event, marked.
func reconcileHours(ctx context.Context, a *app, in host.Invocation) (host.Result, error) {
	if len(a.reconciler.Subscriptions) == 0 {
		in.Logger.Info("reconciliation is off: RECONCILE_SUBSCRIPTIONS is not set, so nobody can say that nothing was missed")
		return host.Result{}, nil
	}
	sum, err := a.reconcilerFor(attemptID(in), in.Logger).Run(ctx, attemptID(in))
	in.Logger.Info("reconciled", slog.Any("counts", sum))
	if err != nil {
		in.Logger.Warn("not everything could be compared; the next run goes on", "error", err)
	}
	if sum.Hours > 0 { // some could not be compared, which rings when it lasts
		err = nil
	}
	return host.Result{}, err
}

// reconcilerFor is the reconciler of one run.
func (a *app) reconcilerFor(id string, log *slog.Logger) *reconcile.Reconciler {
	r := *a.reconciler
	batch := pipeline.Batch{ID: id, Function: "reconcile", Logger: log, Late: foundLate}
	r.Take = func(ctx context.Context, events []activity.Event, old bool) error {
		b := batch
		if b.Events = events; old {
			b.Hold = alert.Hold{Name: "reconciliation", Until: a.pipeline.Now().Add(reconcileBudget)} // until this run is over
		}
		sum, err := a.pipeline.Handle(ctx, b)
		log.Info("recovered", slog.Any("counts", sum))
		if err != nil {
			return err
		}
		return a.rollOld(ctx, events)
	}
	r.Park = func(ctx context.Context, e activity.Event, reason error) error { return a.setAside(ctx, e, reason) }
	r.Ring = func(ctx context.Context, g reconcile.Gap) error {
		log.Error("gap", "subscription", g.Subscription, "from", g.From, "to", g.To, "reason", g.Reason)
		detail := fmt.Sprintf("From %s to %s: %s.", notify.Clock(g.From), notify.Clock(g.To), strings.TrimSuffix(g.Reason, "."))
		return a.pipeline.Gap(ctx, batch, g.Subscription, detail)
	}
	return &r
}

// rollOld makes the rollups of hours anew that the timer rollup does not look at any more, so that a digest counts what was
// found so late.
func (a *app) rollOld(ctx context.Context, events []activity.Event) error {
	oldest := a.now().Add(-lateFor + recheckEvery*time.Hour)
	var last time.Time
	var sum rollupSum
	for i := range events { // they come in the order of their time
		hour := events[i].Time.UTC().Truncate(time.Hour)
		if !hour.Before(oldest) || hour.Equal(last) {
			continue
		}
		if err := a.rollHour(ctx, hour, true, &sum); err != nil {
			return err
		}
		last = hour
	}
	return nil
}

// setAside keeps a record that could not be recorded, with why.
func (a *app) setAside(ctx context.Context, e activity.Event, reason error) error {
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("set record aside: %w", err)
	}
	sum := sha256.Sum256(text)
	_, err = a.store.Park(ctx, activity.Parked{
		ID: hex.EncodeToString(sum[:16]), Signal: unstored, Function: "reconcile", Reason: firstLine(reason), At: a.now().UTC(), Size: len(text),
		Excerpt: string(text[:min(len(text), keepExcerpt)]),
	})
	return err
}

// reconcileCheck says of every subscription how far the comparison has come.
func (a *app) reconcileCheck(ctx context.Context) []checkLine {
	const check = "reconcile"
	if len(a.reconciler.Subscriptions) == 0 {
		return []checkLine{{check, true, "off: nobody compares what arrived with what Azure lists (hint: set RECONCILE_SUBSCRIPTIONS)"}}
	}
	var lines []checkLine
	for _, id := range a.reconciler.Subscriptions {
		kept, err := a.store.Reconciled(ctx, id)
		var s reconcile.State
		if err == nil {
			s, err = reconcile.ReadState(kept)
		}
		if err != nil {
			lines = append(lines, checkLine{check, false, id + ": " + err.Error()})
			continue
		}
		lines = append(lines, stateLine(id, &s, a.now()))
	}
	return lines
}

// compareWithin is how old the newest compared hour may be before somebody should look.
const compareWithin = 4 * time.Hour

func stateLine(id string, s *reconcile.State, now time.Time) checkLine {
	line := checkLine{"reconcile", true, id + ": "}
	if s.Newest.IsZero() {
		line.Detail += "nothing was compared yet"
	} else {
		line.Detail += "compared up to " + s.Newest.Add(time.Hour).Format("2006-01-02 15:04 UTC")
		line.OK = now.Sub(s.Newest) < compareWithin
	}
	if hours := s.BackTo.Sub(s.Back) / time.Hour; hours > 0 {
		line.Detail += fmt.Sprintf(", %d hours of the past to do", hours)
	}
	for _, g := range s.Gaps {
		line.OK = false
		line.Detail += fmt.Sprintf("; %s to %s cannot be compared: %s", notify.Clock(g.From), notify.Clock(g.To), g.Reason)
	}
	if f := s.Fails; !f.Since.IsZero() {
		line.OK = false
		line.Detail += fmt.Sprintf("; failing since %s, %d tries: %s", notify.Clock(f.Since), f.Tries, f.Reason)
	}
	return line
}
