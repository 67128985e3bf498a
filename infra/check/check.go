// Package check holds infra to the rest of the repository, offline and in milliseconds.
//
// Terraform's own tools need provider binaries that a bare machine does not have, and none of them knows that a function
// of infra is a folder of functions/, or that a setting which infra writes is one that the handler reads. Repo parses the
// HCL and tells each difference in a sentence that says what to do. It is not for what only Azure or the provider knows,
// such as allowed values and quotas: `tofu validate`, `tofu test` and a plan do that, in CI.
package check

import (
	"fmt"
	"io/fs"
	"slices"
)

// Options are what the checks need from elsewhere.
type Options struct {
	// Alerts reports whether the library has a rule that alerts for an operation that succeeded. It is a parameter
	// because infra imports nothing of the handler.
	Alerts func(operation string) bool
}

// repo is the repository as far as the checks look at it.
type repo struct {
	fsys fs.FS
	Options
	schema   schema
	root     *module   // infra
	watched  *module   // infra/modules/subscription
	above    *module   // infra/modules/tenant
	examples []*module // infra/examples/*
}

// checks are all the checks, each with the reason it exists.
var checks = []struct {
	name string
	why  string
	run  func(*repo) ([]string, error)
}{
	{"arguments", "a provider refuses what its schema does not have, but only where there is a provider", checkArguments},
	{"references", "a misspelt reference is found by a plan, and a variable that nothing reads by nobody", checkReferences},
	{"modules", "a caller and its module are changed in different files", checkModuleCalls},
	{"functions", "Event Grid and action groups call functions by the names of folders", checkFunctions},
	{"settings", "a setting that is misspelt is not an error anywhere: the app reads its default", checkSettings},
	{"alerts", "auditors compare operation names letter by letter", checkAlerts},
	{"above", "what is not watched above subscriptions is silent", checkAbove},
	{"cosmos", "the store's keys and rights are decided in two places", checkCosmos},
	{"policy", "what must never be switched on is switched on by one line", checkPolicy},
	{"public", "what the provider leaves open by default is open until it is decided", checkPublic},
	{"validations", "a validation that was never tripped may be one that cannot be", checkValidations},
	{"runs", "what only one of OpenTofu and Terraform takes fails where the other is used", checkRuns},
	{"queries", "a query that compares by case misses records in silence", checkQueries},
	{"lines", "a line of the log that is renamed leaves an alert that asks for it, and its silence looks like health", checkLines},
	{"runbook", "who is woken by an alert looks it up by its name", checkRunbook},
	{"mocks", "OpenTofu shares no mocks between files of tests, and copies by hand differ after a week", checkMocks},
	{"rights", "an apply that lacks a right fails after ten minutes, half done", checkDeployRights},
	{"registered", "an apply in a new subscription fails for a provider that is not registered", checkRegistered},
	{"choices", "a choice for a variable that an example lacks is not made, in silence", checkChoices},
	{"readers", "what the app may not read is alerted as the gravest that it could be, at every change", checkReaderRoles},
	{"workflows", "a tag of an action can be moved to other code, as trivy-action's was", checkWorkflows},
	{"docs", "a newcomer types what is written, to the letter", checkDocs},
	{"readme", "tables that people write by hand are wrong after a week", checkReadme},
}

// Repo checks the repository in fsys and returns one sentence for each thing wrong.
func Repo(fsys fs.FS, o Options) ([]string, error) {
	r, err := open(fsys, o)
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, c := range checks {
		found, err := c.run(r)
		if err != nil {
			return nil, fmt.Errorf("check %s: %w", c.name, err)
		}
		slices.Sort(found)
		problems = append(problems, slices.Compact(found)...)
	}
	return problems, nil
}

func open(fsys fs.FS, o Options) (*repo, error) {
	r := &repo{fsys: fsys, Options: o}
	var err error
	if r.schema, err = readSchema(providers); err != nil {
		return nil, err
	}
	if r.root, err = load(fsys, "infra"); err != nil {
		return nil, err
	}
	if r.watched, err = load(fsys, "infra/modules/subscription"); err != nil {
		return nil, err
	}
	if r.above, err = load(fsys, "infra/modules/tenant"); err != nil {
		return nil, err
	}
	dirs, err := fs.Glob(fsys, "infra/examples/*")
	if err != nil {
		return nil, fmt.Errorf("list examples: %w", err)
	}
	for _, dir := range dirs {
		m, err := load(fsys, dir)
		if err != nil {
			return nil, err
		}
		r.examples = append(r.examples, m)
	}
	return r, nil
}

// parts are the modules that make something, the root first.
func (r *repo) parts() []*module { return []*module{r.root, r.watched, r.above} }

// modules are all modules, the root first.
func (r *repo) modules() []*module { return append(r.parts(), r.examples...) }

// eachModule runs a check on every module.
func (r *repo) eachModule(check func(*module) []string) []string {
	var problems []string
	for _, m := range r.modules() {
		problems = append(problems, check(m)...)
	}
	return problems
}
