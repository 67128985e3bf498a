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
	logged    = regexp.MustCompile(`\.(?:Info|Warn|Error)\("([^"]+)"`)
	named     = regexp.MustCompile(`["` + "`" + `]([a-z][a-z_0-9]*)["` + "`" + `]|json:"([a-z_0-9]+)`)
	asksMsg   = regexp.MustCompile(`\.msg\)? *(==|startswith|in) *(\([^)]*\)|"[^"]*")`)
	asksField = regexp.MustCompile(`\b(?:r|parse_json\(Message\))\.(?:counts\.)?([a-z_]+)|\br\[["']([a-z_]+)["']\]`)
	inQuotes  = regexp.MustCompile(`"([^"]+)"`)
)

// lines are what the handler can log: messages, and names that an attribute or a count may have.
type lines struct {
	messages []string
	names    map[string]bool
}

func readLines(fsys fs.FS) (lines, error) {
	l := lines{names: map[string]bool{"msg": true, "function": true, "invocation": true, "counts": true}}
	err := eachSource(fsys, func(_ string, text []byte) error {
		for _, m := range logged.FindAllSubmatch(text, -1) {
			l.messages = append(l.messages, string(m[1]))
		}
		for _, m := range named.FindAllSubmatch(text, -1) {
			l.names[string(m[1])+string(m[2])] = true
		}
		return nil
	})
	return l, err
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
		if name := m[1] + m[2]; !l.names[name] {
			problems = append(problems, fmt.Sprintf("%s asks for the field %q of a line, and no line has it: the query finds nothing", file, name))
		}
	}
	return problems
}

func (l lines) logs(message string, prefix bool) bool {
	for _, m := range l.messages {
		if m == message || prefix && strings.HasPrefix(m, message) {
			return true
		}
	}
	return false
}
