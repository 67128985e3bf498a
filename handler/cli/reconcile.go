package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/azure"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/reconcile"
)

type reconcileCmd struct {
	Since   string   `default:"24h" help:"From when on: 24h, 7d, 2026-10-01 or a time in RFC 3339; 89 days at most." placeholder:"TIME"`
	Until   string   `help:"Up to when, not included; as --since. Without it, up to the last hour that Azure has listed." placeholder:"TIME"`
	Scope   []string `name:"scope" aliases:"subscription" help:"Subscription id, managementGroups/NAME or tenant; without it, those of SCOPES." placeholder:"SCOPE"`
	Records bool     `help:"List the records that are missing."`
	Apply   bool     `help:"Record and alert on what is missing, and write the ledger."`
	Yes     bool     `help:"With --apply: do not ask."`
	Format  string   `enum:"auto,table,json" default:"auto" help:"auto, table or json; auto is a table on a terminal and JSON Lines in a pipe."`
}

// reconcileLine is one hour of one subscription, or, with --records, one missing record.
type reconcileLine struct {
	Subscription string        `json:"subscription"`
	Hour         time.Time     `json:"hour"`
	Comparison   *compareLine  `json:"comparison,omitempty"`
	Record       *reconcileRow `json:"missing_record,omitempty"`
	Error        string        `json:"error,omitempty"`
}

// compareLine is what an hour came to.
type compareLine struct {
	Listed    int  `json:"listed"`
	Seen      int  `json:"seen"`
	Missed    int  `json:"missed"`
	Uncarried int  `json:"uncarried"`
	Ignored   int  `json:"ignored"`
	Recovered int  `json:"recovered"`
	Proven    bool `json:"proven"`
}

// reconcileRow is a record that is missing.
type reconcileRow struct {
	Time      time.Time `json:"time"`
	Operation string    `json:"operation"`
	Outcome   string    `json:"outcome,omitempty"`
	Caller    string    `json:"caller,omitempty"`
	Resource  string    `json:"resource,omitempty"`
	EventID   string    `json:"event_id,omitempty"`
}

// run compares by hand what the timer compares. It changes nothing unless it is told to.
func (c *reconcileCmd) run(ctx context.Context, std Surroundings) error {
	if c.Apply && !c.Yes && !terminal(std.In) {
		return misuse("--apply asks before it alerts, and no terminal is here to answer (hint: --yes)")
	}
	a, err := app.Open(newWorld(std))
	if err != nil {
		return err
	}
	if len(c.Scope) > 0 {
		if a.Reconcile.Reconciler.Scopes, err = scopes(c.Scope); err != nil {
			return err
		}
		a.Reconcile.Reconciler.Log.REST = azure.ResourceManager(newWorld(std).Settings, http.DefaultTransport, true)
	}
	if len(a.Reconcile.Reconciler.Scopes) == 0 {
		return misuse("there is no scope to compare (hint: --scope SCOPE, or set SCOPES)")
	}
	from, to, err := c.window(a.Now())
	if err != nil {
		return err
	}
	if ok, err := c.confirmed(ctx, std, from, to); err != nil || !ok {
		return cmp.Or(err, errNo)
	}
	r := a.Reconcile.For("command-"+fmt.Sprint(a.Now().UnixNano()), a.Log)
	r.Budget = to.Sub(from) + time.Hour // an operator waits as long as it takes
	out := newReconcileOutput(std, c)
	unproven := 0
	for hour := from; hour.Before(to); hour = hour.Add(time.Hour) {
		for _, scope := range r.Scopes {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if !out.hour(c.one(ctx, r, scope, hour)) {
				unproven++
			}
		}
	}
	if err := out.close(); err != nil {
		return err
	}
	if unproven > 0 {
		fmt.Fprintf(std.Err, "scope-hours that are not proven: %d%s\n", unproven, c.hint())
		return errNo
	}
	return nil
}

func (c *reconcileCmd) hint() string {
	if c.Apply {
		return ""
	}
	return " (hint: --apply records and alerts on what is missing)"
}

// one compares an hour, or repairs it.
func (c *reconcileCmd) one(ctx context.Context, r *reconcile.Reconciler, scope activity.Scope, hour time.Time) []reconcileLine {
	line := reconcileLine{Subscription: string(scope), Hour: hour}
	var h reconcile.Hour
	var err error
	var missing []activity.Event
	if c.Apply {
		h, err = r.Repair(ctx, fmt.Sprintf("command-%d", time.Now().UnixNano()), scope, hour)
	} else {
		h, missing, err = r.Look(ctx, scope, hour)
	}
	if err != nil {
		line.Error = err.Error()
		return []reconcileLine{line}
	}
	line.Comparison = &compareLine{h.Listed, h.Seen, h.Missed, h.Uncarried, h.Ignored, h.Recovered, h.Proven()}
	lines := []reconcileLine{line}
	for i := range missing {
		if e := &missing[i]; c.Records {
			row := &reconcileRow{e.Time.Time, e.Operation, string(e.Outcome), e.Caller, e.ResourceID, e.EventID}
			lines = append(lines, reconcileLine{Subscription: string(scope), Hour: hour, Record: row})
		}
	}
	return lines
}

// window is the whole hours that are asked for.
func (c *reconcileCmd) window(now time.Time) (from, to time.Time, err error) {
	if from, err = moment(c.Since, now); err != nil {
		return from, to, err
	}
	if to, err = moment(c.Until, now); err != nil {
		return from, to, err
	}
	if closed := now.Add(-30 * time.Minute); to.IsZero() || to.After(closed) {
		to = closed
	}
	from, to = from.UTC().Truncate(time.Hour), to.UTC().Truncate(time.Hour)
	switch {
	case !from.Before(to):
		return from, to, misuse("there is no closed hour between %s and %s: Azure lists an hour about 30 minutes after its end", from.Format(time.RFC3339), to.Format(time.RFC3339))
	case now.Sub(from) > 89*24*time.Hour:
		return from, to, misuse("--since %s is too long ago: the Activity Log keeps 90 days", c.Since)
	}
	return from, to, nil
}

// confirmed asks before anything is changed.
func (c *reconcileCmd) confirmed(ctx context.Context, std Surroundings, from, to time.Time) (bool, error) {
	if !c.Apply || c.Yes {
		return true, nil
	}
	return ask(ctx, std, fmt.Sprintf("Record and alert on what is missing from %s to %s? [y/N] ", notify.Clock(from), notify.Clock(to)))
}

// reconcileOutput writes lines as a table or as JSON Lines.
type reconcileOutput struct {
	table *tabwriter.Writer // nil: JSON
	json  *json.Encoder
}

func newReconcileOutput(std Surroundings, c *reconcileCmd) *reconcileOutput {
	if asJSON(c.Format, std) {
		return &reconcileOutput{json: json.NewEncoder(std.Out)}
	}
	w := tabwriter.NewWriter(std.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SCOPE\tHOUR\tLISTED\tSEEN\tMISSED\tUNCARRIED\tIGNORED\tRECOVERED\tPROVEN")
	return &reconcileOutput{table: w}
}

// hour writes an hour's lines; false when the hour is not proven.
func (o *reconcileOutput) hour(lines []reconcileLine) (proven bool) {
	for i := range lines {
		l := &lines[i]
		if l.Comparison != nil {
			proven = l.Comparison.Proven
		}
		if o.table == nil {
			if err := o.json.Encode(l); err != nil {
				return false
			}
			continue
		}
		at := l.Hour.Format("2006-01-02 15:04")
		switch {
		case l.Error != "":
			fmt.Fprintf(o.table, "%s\t%s\t%s\n", l.Subscription, at, l.Error)
		case l.Record != nil:
			fmt.Fprintf(o.table, "\t%s\t%s %s %s %s\n", l.Record.Time.Format("15:04:05"), l.Record.Operation, l.Record.Outcome, l.Record.Caller, l.Record.Resource)
		default:
			n := l.Comparison
			fmt.Fprintf(o.table, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", l.Subscription, at, n.Listed, n.Seen, n.Missed, n.Uncarried, n.Ignored, n.Recovered, yesNo(n.Proven))
		}
	}
	return proven
}

func (o *reconcileOutput) close() error {
	if o.table == nil {
		return nil
	}
	return o.table.Flush()
}
