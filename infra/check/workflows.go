package check

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

var (
	uses       = regexp.MustCompile(`(?m)uses: +(\S+)(.*)$`)
	pinned     = regexp.MustCompile(`^[\w./-]+@[0-9a-f]{40}$`)
	toolLine   = regexp.MustCompile(`(?m)^([A-Z_]+)_VERSION\s*:=\s*(\S+)$`)
	versionKey = regexp.MustCompile(`(?m)^\s+(?:[a-z_-]*version): +"?(v?[0-9][0-9.]*)"?$`)
)

// checkWorkflows demands that every action is named by its commit, because a tag can be moved to other code, and that CI runs the versions of tools.mk.
func checkWorkflows(r *repo) ([]string, error) {
	paths, err := fs.Glob(r.fsys, ".github/workflows/*.yml")
	if err != nil {
		return nil, fmt.Errorf("list workflows: %w", err)
	}
	tools, err := fs.ReadFile(r.fsys, "tools.mk")
	if err != nil {
		return nil, fmt.Errorf("read the tools' versions: %w", err)
	}
	var versions []string
	for _, m := range toolLine.FindAllStringSubmatch(string(tools), -1) {
		versions = append(versions, m[2])
	}
	var problems []string
	for _, p := range paths {
		text, err := fs.ReadFile(r.fsys, p)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", p, err)
		}
		problems = append(problems, checkWorkflow(p, string(text), versions)...)
	}
	return problems, nil
}

func checkWorkflow(path, text string, versions []string) []string {
	var problems []string
	for _, m := range uses.FindAllStringSubmatch(text, -1) {
		if !pinned.MatchString(m[1]) || !strings.HasPrefix(strings.TrimSpace(m[2]), "# v") {
			problems = append(problems, fmt.Sprintf("%s uses %s; name the action by its commit, with the version in a comment: @<40 hex digits> # v1.2.3", path, m[1]))
		}
	}
	if strings.Contains(text, "go-version-file") {
		problems = append(problems, path+" takes Go's version from go.mod, which names the oldest that builds and not one without known faults; say go-version, as in tools.mk")
	}
	for _, m := range versionKey.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(versions, m[1]) && m[1] != nodeVersion {
			problems = append(problems, fmt.Sprintf("%s takes a tool of version %s, which tools.mk does not name", path, m[1]))
		}
	}
	return problems
}

// nodeVersion is of the runtime that the KQL parser needs; it is no tool of the Makefile.
const nodeVersion = "22"
