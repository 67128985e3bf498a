package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/payload/transcode"
	"github.com/auditbell/auditbell/handler/rules"
)

type rulesTestCmd struct {
	output
	Folder string `arg:"" optional:"" name:"dir" help:"Folder or file of rules to test; the library without one."`
}

// tested is how one rule's examples went.
type tested struct {
	Rule     string         `json:"rule"`
	Title    string         `json:"title"`
	File     string         `json:"file"`
	Examples int            `json:"examples"`
	Forms    map[string]int `json:"forms"` // examples tried, by wire form; "as written" for the event itself
	Failures []failure      `json:"failures"`
}

// failure is an example that did not give what it must.
type failure struct {
	Place   string `json:"place"` // file:line
	Example string `json:"example"`
	Form    string `json:"form"`
	Must    bool   `json:"must_match"`
	Reason  string `json:"reason"`
}

// asWritten stands for no form: the event as the example writes it.
const asWritten activity.Form = "as written"

// run tries every example as it is written and in every wire form that can carry it; all must give the same verdict.
func (c *rulesTestCmd) run(ctx context.Context, std Surroundings) error {
	under, set, err := c.load()
	if under == nil && err != nil {
		return err
	}
	results := make([]tested, 0, len(under))
	for _, r := range under {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		results = append(results, testRule(r, set))
	}
	if printErr := c.print(std, results); printErr != nil {
		return printErr
	}
	if err != nil {
		return err // rules that could not be loaded, and therefore were not tested
	}
	if slices.ContainsFunc(results, func(t tested) bool { return len(t.Failures) > 0 }) {
		return errNo
	}
	return nil
}

// load returns the rules to test, and a set that has them beside the library, because correlations may count its
// rules. With an error it still returns the rules that can be tested.
func (c *rulesTestCmd) load() ([]*rules.Rule, *rules.Set, error) {
	library, err := rules.Library()
	if err != nil {
		return nil, nil, err
	}
	if c.Folder == "" {
		set, err := rules.Compile(library)
		return library, set, err
	}
	folder, err := readRuleFolder(c.Folder)
	if err != nil {
		return nil, nil, err
	}
	a := rules.Assemble(library, folder)
	under := slices.DeleteFunc(folder.Rules, func(r *rules.Rule) bool { return r.Filter != nil || !slices.Contains(a.All, r) })
	var problems []error
	for _, left := range rules.Wrong(a.Left) {
		problems = append(problems, fmt.Errorf("%s: %s", left.Place, left.Reason))
	}
	if len(under) == 0 && len(problems) == 0 {
		return nil, nil, fmt.Errorf("there is no rule in %s%s", c.Folder, leftOut(folder))
	}
	if len(under) == 0 {
		under = nil
	}
	return under, a.Set, errors.Join(problems...)
}

func testRule(r *rules.Rule, set *rules.Set) tested {
	x := r.Auditbell.Examples
	t := tested{Rule: shownID(r), Title: r.Title, File: r.Where(), Examples: len(x.Match) + len(x.NoMatch), Forms: map[string]int{}, Failures: []failure{}}
	if r.Off() {
		return t // it matches nothing, and need not
	}
	fields := fieldsOf(r, set)
	for _, form := range append([]activity.Form{asWritten}, transcode.Forms...) {
		if !transcode.Carries(form, fields) || form != asWritten && slices.ContainsFunc(fields, onlyDelivered) {
			continue
		}
		for i, one := range slices.Concat(x.Match, x.NoMatch) {
			t.try(trial{r, set, one, form, i < len(x.Match)})
		}
	}
	return t
}

// onlyDelivered recognises a field that an event does not keep: what is written in a form from an event lacks it.
func onlyDelivered(field string) bool { return strings.HasPrefix(field, "record.") }

// fieldsOf are the fields that decide the rule; of a correlation, those of the rules it counts and what distinguishes their
// events apart.
func fieldsOf(r *rules.Rule, set *rules.Set) []string {
	if r.Correlation == nil {
		return r.Reads()
	}
	var fields []string
	for _, name := range r.Correlation.Rules {
		for _, counted := range set.Rules() {
			if name == counted.ID || strings.EqualFold(name, counted.UUID) || name == counted.Name {
				fields = append(fields, counted.Reads()...)
			}
		}
	}
	return fields
}

// trial is one example in one form.
type trial struct {
	rule    *rules.Rule
	set     *rules.Set
	example rules.Example
	form    activity.Form
	must    bool
}

// try counts the trial unless the form cannot carry the example, and notes when it fails.
func (t *tested) try(one trial) {
	reason := ""
	got := one.set.Verdict(one.rule, one.example, func(e activity.Event) activity.Event {
		back, why := carry(e, one.form)
		if why != "" && reason == "" {
			reason = why
		}
		return back
	})
	if reason == notCarried {
		return
	}
	t.Forms[string(one.form)]++
	if reason == "" && got != one.must {
		reason = "does not match, but must"
		if got {
			reason = "matches, but must not"
		}
	}
	if reason != "" {
		place := fmt.Sprintf("%s:%d", one.rule.File, one.example.Line)
		t.Failures = append(t.Failures, failure{place, one.example.Name, string(one.form), one.must, reason})
	}
}

const notCarried = "the form cannot carry it"

// carry writes an event in a form and reads it back, as if Azure had delivered it.
func carry(e activity.Event, form activity.Form) (back activity.Event, reason string) {
	if form == asWritten {
		return e, ""
	}
	data, ok := transcode.As(e, form)
	if !ok {
		return e, notCarried
	}
	events := payload.Events(payload.Decode(data))
	if len(events) != 1 {
		return e, fmt.Sprintf("is read back as %d events", len(events))
	}
	return events[0], ""
}

func (c *rulesTestCmd) print(std Surroundings, results []tested) error {
	if c.json(std) {
		return writeJSON(std.Out, results)
	}
	w := tabwriter.NewWriter(std.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RESULT\tRULE\tEXAMPLES\tTRIED\tFORMS\tFILE")
	for _, t := range results {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%s\n", t.result(), notify.Clean(t.Rule, false), t.Examples, t.tried(), len(t.Forms), notify.Clean(t.File, false))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return sumUp(std.Out, results)
}

func (t *tested) tried() (n int) {
	for _, tried := range t.Forms {
		n += tried
	}
	return n
}

func (t *tested) result() string {
	switch {
	case len(t.Failures) > 0:
		return "FAILED"
	case t.tried() == 0:
		return "untested" // no examples, or switched off
	}
	return "ok"
}

// sumUp says what failed, each example once, and how much was tried.
func sumUp(out io.Writer, results []tested) error {
	forms := map[string]int{}
	examples, failed, untested := 0, 0, 0
	for _, t := range results {
		for form, n := range t.Forms {
			forms[form] += n
		}
		if t.tried() == 0 {
			untested++
		} else {
			examples += t.Examples
		}
		failed += printFailures(out, t.Failures)
	}
	var tried []string
	for _, form := range append([]activity.Form{asWritten}, transcode.Forms...) {
		tried = append(tried, fmt.Sprintf("%s %d", form, forms[string(form)]))
	}
	_, err := fmt.Fprintf(out, "%d rules, %d untested; %d examples, %d failed; tried %s\n", len(results), untested, examples, failed, strings.Join(tried, ", "))
	return err
}

// printFailures prints each example that failed with the forms in which it did, and returns how many there are.
func printFailures(out io.Writer, failures []failure) int {
	type key struct{ place, example, reason string }
	in := map[key][]string{}
	var order []key
	for _, f := range failures {
		k := key{f.Place, f.Example, f.Reason}
		if in[k] == nil {
			order = append(order, k)
		}
		in[k] = append(in[k], f.Form)
	}
	for _, k := range order {
		fmt.Fprintf(out, "%s: %q %s: %s\n", notify.Clean(k.place, false), notify.Clean(k.example, false), k.reason, strings.Join(in[k], ", "))
	}
	return len(order)
}
