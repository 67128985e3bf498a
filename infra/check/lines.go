package check

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// queriesOfLines are the files whose queries read lines of the handler's log.
var queriesOfLines = []string{"infra/watch.tf", "infra/evidence.tf", "infra/operations/*.kql", "docs/operations.md", "docs/completeness.md"}

var (
	asksMsg   = regexp.MustCompile(`\.msg\)? *(==|startswith|in) *(\([^)]*\)|"[^"]*")`)
	asksField = regexp.MustCompile(`\b(?:r|parse_json\(Message\))\.(?:counts\.)?([a-z_]+)|\br\[["']([a-z_]+)["']\]`)
	inQuotes  = regexp.MustCompile(`"([^"]+)"`)
)

// watcher is how an alert from outside is named.
var watcher = regexp.MustCompile(`(?m)^ +((?:auditbell|evidence)-[a-z-]+) = \{|"(slo-[a-z-]+)-\$`)

// checkRunbook demands a line in docs/operations.md for each alert that is raised from outside the app.
func checkRunbook(r *repo) ([]string, error) {
	runbook, err := fs.ReadFile(r.fsys, "docs/operations.md")
	if err != nil {
		return nil, fmt.Errorf("read the runbook: %w", err)
	}
	var problems []string
	for _, p := range []string{"infra/watch.tf", "infra/evidence.tf"} {
		text, err := fs.ReadFile(r.fsys, p)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", p, err)
		}
		for _, m := range watcher.FindAllStringSubmatch(string(text), -1) {
			if name := m[1] + m[2]; !strings.Contains(string(runbook), "`"+name) {
				problems = append(problems, fmt.Sprintf("docs/operations.md has no line for the alert %s (%s); say when it comes and what to do", name, p))
			}
		}
	}
	return problems, nil
}

// lines is the source of the handler, which has what it can log. Searching it for some forty texts takes a tenth of the time
// that finding everything in it would.
type lines string

func readLines(fsys fs.FS) (lines, error) {
	var all strings.Builder
	err := eachSource(fsys, func(_ string, text []byte) error {
		all.Write(text)
		return nil
	})
	return lines(all.String()), err
}

// checkLines holds queries over the log to what the code logs.
func checkLines(r *repo) ([]string, error) {
	l, err := readLines(r.fsys)
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, pattern := range queriesOfLines {
		paths, err := fs.Glob(r.fsys, pattern)
		if err != nil {
			return nil, fmt.Errorf("list queries: %w", err)
		}
		for _, p := range paths {
			text, err := fs.ReadFile(r.fsys, p)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", p, err)
			}
			problems = append(problems, l.problems(p, string(text))...)
		}
	}
	return problems, nil
}

// problems are what queries of one file ask for and no line has.
func (l lines) problems(file, text string) (problems []string) {
	for _, m := range asksMsg.FindAllStringSubmatch(text, -1) {
		for _, msg := range inQuotes.FindAllStringSubmatch(m[2], -1) {
			if !l.logs(msg[1], m[1] == "startswith") {
				problems = append(problems, fmt.Sprintf("%s asks for lines %q, and the handler logs none: the query finds nothing", file, msg[1]))
			}
		}
	}
	for _, m := range asksField.FindAllStringSubmatch(text, -1) {
		if name := m[1] + m[2]; !l.has(name) {
			problems = append(problems, fmt.Sprintf("%s asks for the field %q of a line, and no line has it: the query finds nothing", file, name))
		}
	}
	return problems
}

// logs reports whether a line has the message, or one that begins so.
func (l lines) logs(message string, begins bool) bool {
	end := `"`
	if begins {
		end = ""
	}
	for _, level := range []string{"Info", "Warn", "Error"} {
		if strings.Contains(string(l), "."+level+`("`+message+end) {
			return true
		}
	}
	return false
}

// has reports whether an attribute or a count may have the name. slog gives each line a msg.
func (l lines) has(name string) bool {
	return name == "msg" || strings.Contains(string(l), `"`+name+`"`) || strings.Contains(string(l), `json:"`+name+`,`)
}
