package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/coverage"
	"github.com/auditbell/auditbell/handler/digest/publish"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/store"
)

// output is how a command prints, for commands with a table.
type output struct {
	Format string `enum:"auto,table,json" default:"auto" help:"auto (a table on a terminal, JSON in a pipe), table or json."`
	JSON   bool   `name:"json" help:"The same as --format json."`
}

func (o output) json(std Surroundings) bool { return o.JSON || asJSON(o.Format, std) }

// ruleLine is one rule in a listing.
type ruleLine struct {
	ID       string      `json:"rule"`
	UUID     string      `json:"sigma_id,omitempty"`
	Level    string      `json:"level"`
	Status   string      `json:"status,omitempty"`
	Alerts   bool        `json:"alerts"` // false: evaluated and counted only, switched off, or a filter
	Outcomes []string    `json:"outcomes"`
	Staged   *stagedLine `json:"staged,omitempty"` // of rules that do not alert, where there is a store to ask
	Title    string      `json:"title"`
	Author   string      `json:"author,omitempty"`
	Tags     []string    `json:"tags,omitempty"`
	Controls []string    `json:"controls,omitempty"`
	File     string      `json:"file"`
	LeftOut  rules.Why   `json:"left_out,omitempty"` // why it is not evaluated: other_source, misspelt, retired or broken
	Reason   string      `json:"reason,omitempty"`   // the same for people
	FedBy    []string    `json:"fed_by"`             // feeds that carry its own examples; empty: none does, or there are none
}

// stagedLine is what a rule would have sent.
type stagedLine struct {
	Matches int                 `json:"matches"`
	Days    []store.StagedCount `json:"days"`
}

// stagedDays is how far back listings count.
const stagedDays = 31

// rules needs no settings. Where there is a store, it also says what rules that do not alert matched.
func (c *rulesListCmd) rules(ctx context.Context, std Surroundings) error {
	chosen, err := c.load(std)
	if err != nil {
		return err
	}
	counts, asked := stagedCounts(ctx, std)
	lines := make([]ruleLine, len(chosen.all))
	for i, r := range chosen.all {
		lines[i] = lineOf(r, chosen.set)
		if asked && !r.Alerts() && !r.Off() {
			lines[i].Staged = stagedOf(counts, r.ID)
		}
	}
	if !c.json(std) {
		return cmp.Or(printRules(std.Out, lines, asked), printLeftOut(std.Out, chosen.left), chosen.verdict())
	}
	for _, left := range chosen.left {
		lines = append(lines, ruleLine{ID: left.ID, Title: left.Title, Outcomes: []string{}, File: left.Place, LeftOut: left.Why, Reason: left.Reason})
	}
	return cmp.Or(writeJSON(std.Out, lines), chosen.verdict())
}

// verdict is errNo when a rule is left out that was meant to be evaluated.
func (c chosenRules) verdict() error {
	if c.wrong() {
		return errNo
	}
	return nil
}

// printLeftOut ends the listing with what is not evaluated, and why.
func printLeftOut(out io.Writer, left []rules.Left) error {
	if len(left) == 0 {
		return nil
	}
	fmt.Fprintf(out, "\nLeft out: %d\n", len(left))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, l := range left {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.Why, notify.Clean(l.Place, false), notify.Clean(l.Reason, false), notify.Clean(l.Title, false))
	}
	return w.Flush()
}

func lineOf(r *rules.Rule, set *rules.Set) ruleLine {
	l := ruleLine{
		ID: r.ID, UUID: r.UUID, Level: string(r.Level), Status: r.Status, Alerts: r.Alerts() && !set.CountsOnly(r), Title: r.Title,
		Author: r.Author, Tags: r.Tags, Controls: r.Auditbell.Controls, File: r.Where(), Outcomes: []string{},
	}
	if r.Filter != nil { // it only narrows other rules
		l.Level, l.Alerts = "", false
	}
	for _, o := range r.Auditbell.Outcomes {
		l.Outcomes = append(l.Outcomes, string(o))
	}
	l.FedBy = []string{}
	for _, f := range coverage.FedBy(coverage.Feeds, publish.ExamplesOf(set, r)) {
		l.FedBy = append(l.FedBy, string(f))
	}
	return l
}

// stagedCounts asks the store, if settings name one. A store that does not answer only costs the column.
func stagedCounts(ctx context.Context, std Surroundings) (counts []store.StagedCount, asked bool) {
	s, err := openStore(std)
	if err == nil && s == nil {
		return nil, false
	}
	if err == nil {
		counts, err = s.Staged(ctx, time.Time{})
	}
	if err != nil {
		fmt.Fprintf(std.Err, "handler: what staged rules matched is not shown: %v\n", err)
	}
	if err != nil {
		return nil, false
	}
	// The days are those of the account's clock, which is known once it has answered.
	since := s.Now().UTC().AddDate(0, 0, -stagedDays).Format(time.DateOnly)
	return slices.DeleteFunc(counts, func(c store.StagedCount) bool { return c.Day < since }), true
}

// openStore opens the store alone; nil without COSMOS_ENDPOINT.
func openStore(std Surroundings) (*store.Store, error) {
	set := settings.New(std.Env)
	if set.Text(settings.Def{Name: "COSMOS_ENDPOINT"}) == "" {
		return nil, nil
	}
	options := app.ReadStore(set)
	if err := set.Err(); err != nil {
		return nil, err
	}
	options.Logger = newWorld(std).Log
	return store.Open(options)
}

func stagedOf(counts []store.StagedCount, rule string) *stagedLine {
	l := &stagedLine{Days: []store.StagedCount{}}
	for _, c := range counts {
		if c.Rule == rule {
			l.Matches += c.Matches
			l.Days = append(l.Days, c)
		}
	}
	return l
}

func printRules(out io.Writer, lines []ruleLine, staged bool) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	header := []string{"RULE", "LEVEL", "STATUS", "ALERTS", "OUTCOMES", "TITLE", "AUTHOR", "FILE", "FED BY", "CONTROLS"}
	column := fmt.Sprintf("WOULD HAVE ALERTED, %dD", stagedDays)
	fmt.Fprintln(w, strings.Join(withStaged(header, column, staged), "\t"))
	for _, l := range lines {
		outcomes := "all"
		if len(l.Outcomes) > 0 {
			outcomes = strings.Join(l.Outcomes, ",")
		}
		cells := []string{l.ID, l.Level, l.Status, yesNo(l.Alerts), outcomes, l.Title, l.Author, l.File, strings.Join(l.FedBy, ","), strings.Join(l.Controls, ", ")}
		count := ""
		if l.Staged != nil {
			count = fmt.Sprint(l.Staged.Matches)
		}
		cells = withStaged(cells, count, staged)
		for i := range cells {
			cells[i] = notify.Clean(cells[i], false /* lines */) // rules of others are others' text
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// withStaged puts the column of staged counts behind ALERTS.
func withStaged(cells []string, cell string, staged bool) []string {
	if !staged {
		return cells
	}
	return append(append(append([]string{}, cells[:4]...), cell), cells[4:]...)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
