package cli

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/enrich"
	"github.com/auditbell/auditbell/handler/source"
)

// audit is a question that auditors ask of the Activity Log. infra/queries holds the same questions for Log Analytics.
type audit struct {
	name     string
	title    string             // what the total counts
	period   time.Duration      // looked back over, unless the flags say otherwise
	narrow   source.Filter      // what an entry shows by itself
	outcomes []activity.Outcome // last states that an operation may have; none: any
	group    column             // what is counted by; none when its name is empty
	top      int                // groups shown; 0: all
	rows     []column
	limit    int // rows shown, unless the flags say otherwise
}

const day = 24 * time.Hour

// audits are in the order of the help.
var audits = []audit{
	{
		name: "roles", title: "Role assignment changes", period: 30 * day,
		narrow: source.Filter{Operations: []string{"microsoft.authorization/roleassignments/"}},
		group:  column{"change", "", 22, roleAct},
		rows: []column{
			at,
			{"change", "", 22, roleAct},
			who,
			{"role", "", 24, roleName},
			{"principal", "", 36, rolePrincipal},
			result,
			{"scope", "", 40, roleScope},
			what("resource_id"),
		},
		limit: 1000,
	},
	{
		name: "deletions", title: "Successful deletions", period: 7 * day,
		narrow: source.Filter{Operations: []string{"delete"}}, outcomes: []activity.Outcome{activity.Succeeded},
		group: column{"resource_type", "", 48, func(e *activity.Event) string { return e.ResourceType }},
		rows:  []column{at, who, what("operation"), what("resource_id")}, limit: 100,
	},
	{
		name: "failures", title: "Failed operations", period: day,
		narrow: source.Filter{}, outcomes: []activity.Outcome{activity.Failed},
		group: what("operation"), top: 10,
		rows: []column{at, who, what("operation"), what("resource_group"), {"code", "", 16, failureCode}, {"error", "", 60, failureText}}, limit: 100,
	},
	{
		name: "top", title: "Administrative operations", period: 7 * day,
		narrow: source.Filter{Categories: []activity.Category{activity.Administrative}},
		group:  what("operation"), top: 10,
	},
	{
		name: "callers", title: "Administrative operations", period: 30 * day,
		narrow: source.Filter{Categories: []activity.Category{activity.Administrative}},
		group:  column{"caller", "", 48, func(e *activity.Event) string { return strings.ToLower(e.Caller) }}, top: 20,
	},
	{
		name: "policy", title: "Policy evaluations that failed", period: 7 * day,
		narrow: source.Filter{Categories: []activity.Category{activity.Policy}}, outcomes: []activity.Outcome{activity.Failed},
		group: column{"effect", "", 16, policyEffect},
		rows:  []column{at, what("operation"), what("resource_group"), {"effect", "", 16, policyEffect}, {"assignment", "", 40, policyAssignment}, {"message", "", 60, policyText}}, limit: 100,
	},
	{
		name: "health", title: "Resource health changes", period: 7 * day,
		narrow: source.Filter{Categories: []activity.Category{activity.ResourceHealth}},
		group:  column{"current", "", 12, property("currentHealthStatus")},
		rows: []column{
			at,
			{"previous", "", 12, property("previousHealthStatus")},
			{"current", "", 12, property("currentHealthStatus")},
			{"cause", "", 18, property("cause")},
			what("operation"), what("resource_id"),
		}, limit: 100,
	},
	{
		name: "creations", title: "Resources created or changed", period: 7 * day,
		narrow: source.Filter{Operations: []string{"write"}}, outcomes: []activity.Outcome{activity.Succeeded},
		rows: []column{at, who, what("operation"), what("resource_group"), what("resource_id")}, limit: 100,
	},
}

// Columns that several audits have.
var (
	at     = what("time")
	who    = what("caller")
	result = what("outcome")
)

// what is the column of an event with this name.
func what(name string) column {
	return eventColumns[slices.IndexFunc(eventColumns, func(c column) bool { return c.name == name })]
}

func auditNames() string {
	names := make([]string, 0, len(audits))
	for _, a := range audits {
		names = append(names, a.name)
	}
	return strings.Join(names, ",")
}

// ask adds an audit's conditions to what the flags say. Outcomes are returned apart: each list must hold of the last state
// of an operation, which no single entry knows.
func (a *audit) ask(f source.Filter) (_ source.Filter, outcomes [][]activity.Outcome) {
	if len(f.Operations) == 0 {
		f.Operations = a.narrow.Operations
	}
	if len(f.Categories) == 0 {
		f.Categories = a.narrow.Categories
	}
	for _, any := range [][]activity.Outcome{f.Outcomes, a.outcomes} {
		if len(any) > 0 {
			outcomes = append(outcomes, any)
		}
	}
	f.Outcomes = nil
	return f, outcomes
}

func (a *audit) groupOf(e *activity.Event) string {
	if a.group.name == "" {
		return ""
	}
	return a.group.of(e)
}

func (a *audit) cellsOf(e *activity.Event) []string {
	cells := make([]string, len(a.rows))
	for i, column := range a.rows {
		cells[i] = column.of(e)
	}
	return cells
}

// roleAct says what became of a role assignment.
func roleAct(e *activity.Event) string {
	act := ""
	switch {
	case strings.HasSuffix(e.Operation, "/delete"):
		act = "Deleted"
	case strings.HasSuffix(e.Operation, "/write"):
		act = "Created"
	default:
		return ""
	}
	if e.Outcome == activity.Succeeded {
		return act
	}
	return "Not " + strings.ToLower(act) + " (" + cmp.Or(digest.Word(e.Outcome), "no outcome") + ")"
}

func roleName(e *activity.Event) string {
	if r := source.RoleChangeOf(e); r != nil {
		return cmp.Or(enrich.RoleName(r.Definition), r.Definition)
	}
	return ""
}

func rolePrincipal(e *activity.Event) string {
	r := source.RoleChangeOf(e)
	if r == nil || r.Kind == "" {
		return principal(r)
	}
	return r.Principal + " (" + r.Kind + ")"
}

func principal(r *source.RoleChange) string {
	if r == nil {
		return ""
	}
	return r.Principal
}

func roleScope(e *activity.Event) string {
	if r := source.RoleChangeOf(e); r != nil {
		return r.Scope
	}
	return ""
}

func failureCode(e *activity.Event) string {
	return cmp.Or(e.Properties.Text("statusCode"), e.Properties.Text("statusMessage", "error", "code"), e.SubStatus)
}

// failureText is what Azure said: mostly a REST error in JSON, sometimes plain text.
func failureText(e *activity.Event) string {
	p := e.Properties
	return cmp.Or(p.Text("statusMessage", "error", "message"), p.Text("statusMessage", "message"), p.Text("statusMessage"), p.Text("message"), e.Description)
}

// policyEffect is what the policy does; Azure writes it into the operation too.
func policyEffect(e *activity.Event) string {
	f, _ := activity.PolicyOf(*e)
	if len(f.Policies) > 0 {
		return cmp.Or(f.Policies[0].Effect, f.Effect)
	}
	return f.Effect
}

func policyAssignment(e *activity.Event) string {
	f, _ := activity.PolicyOf(*e)
	var names []string
	for _, p := range f.Policies {
		names = append(names, cmp.Or(p.AssignmentID, p.AssignmentName))
	}
	return strings.Join(names, " ")
}

func policyText(e *activity.Event) string {
	return cmp.Or(e.Properties.Text("message"), failureText(e))
}

func property(name string) func(*activity.Event) string {
	return func(e *activity.Event) string { return e.Properties.Text(name) }
}
