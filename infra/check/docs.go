package check

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
)

var (
	makeCall   = regexp.MustCompile(`(?m)(?:^|[\x60&;] ?)make ([a-z][a-z-]*)`) // at the start of a command
	makeTarget = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
	tfVariable = regexp.MustCompile("`([a-z]+_[a-z_]+)( = [^`]*)?`")
)

// pages are those that tell people what to type and what to set.
var pages = []string{"docs/deploy.md", "docs/cost.md"}

// checkDocs holds what the pages tell people to type to what there is: Make targets, and names of variables and outputs.
func checkDocs(r *repo) ([]string, error) {
	targets, err := r.find(makeTarget, "Makefile", "infra/stages.mk")
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, page := range pages {
		calls, err := r.find(makeCall, page)
		if err != nil {
			return nil, err
		}
		for _, name := range calls {
			if !slices.Contains(targets, name) {
				problems = append(problems, fmt.Sprintf("%s says make %s; neither Makefile nor infra/stages.mk has that target", page, name))
			}
		}
		names, err := r.find(tfVariable, page)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if !r.named(name) {
				problems = append(problems, fmt.Sprintf("%s names `%s`, which is neither a variable nor an output of infra", page, name))
			}
		}
	}
	return problems, nil
}

// named reports whether a word of the pages is a variable or output, or something else that looks like one.
func (r *repo) named(name string) bool {
	return r.root.variables[name] != nil || r.root.outputs[name] != nil || r.watched.variables[name] != nil || r.above.variables[name] != nil ||
		r.schema["resource "+name] != nil
}

// find returns what the first group of an expression matches in the files.
func (r *repo) find(e *regexp.Regexp, paths ...string) ([]string, error) {
	var found []string
	for _, p := range paths {
		text, err := fs.ReadFile(r.fsys, p)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", p, err)
		}
		for _, m := range e.FindAllStringSubmatch(string(text), -1) {
			found = append(found, m[1])
		}
	}
	return found, nil
}
