package exception

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/auditbell/auditbell/handler/rules"
)

// File is where the configured exceptions stand in the config folder.
const File = "exceptions.yaml"

// Longest is how far ahead an exception may end: those who want it longer decide again, once a year.
const Longest = 366 * 24 * time.Hour

// Read reads the exceptions of the config folder; without the file there are none. One bad exception is one bad
// exception: it suppresses nothing and is left out, with everything that is wrong with it; the others apply. known says
// which rule ids there are: a misspelt one would except nothing, which would show at the next alert only.
func Read(folder fs.FS, known func(rule string) bool, now time.Time) (list []Exception, left []rules.Left) {
	text, err := fs.ReadFile(folder, File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, []rules.Left{{Place: File, Why: rules.Broken, Reason: "cannot be read: " + err.Error()}}
	}
	r := reader{known: known, now: now, first: map[string]int{}}
	root, err := document(text)
	if err != nil {
		line, reason := 1, err.Error()
		var load *yaml.LoadError
		if errors.As(err, &load) {
			line, reason = max(load.Mark.Line, 1), load.Message
		}
		r.problem(line, "cannot be read: %s", reason)
	}
	if root != nil {
		r.file(root)
	}
	for _, p := range rules.Problems(errors.Join(r.problems...)) {
		left = append(left, rules.Left{Place: p.Place(), Why: rules.Broken, Reason: p.Reason})
	}
	return r.list, left
}

// document is the file's one YAML document; nil when there is nothing but comments.
func document(text []byte) (*yaml.Node, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var n yaml.Node
	err = loader.Load(&n)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var second yaml.Node
	if err := loader.Load(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("expected one document, found a second one after ---")
	}
	if len(n.Content) == 0 || n.Content[0].Tag == "!!null" {
		return nil, nil
	}
	return &n, nil
}

// reader gathers the exceptions of the file and everything that is wrong with it.
type reader struct {
	known    func(string) bool
	now      time.Time
	list     []Exception
	first    map[string]int // line by id
	problems []error
}

func (r *reader) problem(line int, format string, args ...any) {
	r.problems = append(r.problems, &rules.Problem{File: File, Line: line, Reason: fmt.Sprintf(format, args...)})
}

func (r *reader) file(document *yaml.Node) {
	for name, value := range r.members(document.Content[0]) {
		if name.Value != "exceptions" {
			r.problem(name.Line, "%q is unknown; expected exceptions", name.Value)
			continue
		}
		if value.Kind != yaml.SequenceNode && value.Tag != "!!null" {
			r.problem(value.Line, "expected a list of exceptions")
			continue
		}
		for _, entry := range value.Content {
			r.entry(follow(entry))
		}
	}
}

// entry reads one exception. It counts only when nothing is wrong with it.
func (r *reader) entry(n *yaml.Node) {
	before := len(r.problems)
	x := Exception{Source: fmt.Sprintf("%s:%d", File, n.Line)}
	seen := map[string]bool{}
	var match string
	for name, value := range r.members(n) {
		seen[name.Value] = true
		switch name.Value {
		case "rules":
			x.Rules = r.ruleIDs(value)
		case "match":
			match = r.match(&x, value)
		case "owner":
			x.Owner = r.text(name, value)
		case "reason":
			x.Reason = r.text(name, value)
		case "ticket":
			x.Ticket = r.text(name, value)
		case "expires":
			x.Expires = r.expires(value)
		default:
			r.problem(name.Line, "%q is unknown; known are rules, match, owner, reason, ticket and expires", name.Value)
		}
	}
	for _, name := range []string{"rules", "match", "owner", "reason", "expires"} {
		if !seen[name] && n.Kind == yaml.MappingNode {
			r.problem(n.Line, "%s is missing; an exception has rules, match, owner, reason and expires", name)
		}
	}
	if len(r.problems) > before {
		return
	}
	x.ID = idOf(x, match)
	if line, twice := r.first[x.ID]; twice {
		r.problem(n.Line, "the same exception stands in line %d", line)
		return
	}
	r.first[x.ID] = n.Line
	r.list = append(r.list, x)
}

// idOf folds what an exception covers, for whom and until when; its reason may be reworded without a new id.
func idOf(x Exception, match string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %s", x.Rules, match, x.Owner, x.Expires))
	return "config-" + hex.EncodeToString(sum[:5])
}

// match reads the selection and returns it as YAML, which stands for it in the id.
func (r *reader) match(x *Exception, n *yaml.Node) string {
	selection, problems := rules.ReadSelection(n, File)
	r.problems = append(r.problems, problems...)
	x.match = selection
	written, err := yaml.Marshal(n)
	if err != nil {
		r.problem(n.Line, "match cannot be written again: %v", err)
	}
	return string(written)
}

func (r *reader) ruleIDs(n *yaml.Node) []string {
	nodes := n.Content
	if n.Kind != yaml.SequenceNode {
		nodes = []*yaml.Node{n}
	}
	var ids []string
	for _, node := range nodes {
		node = follow(node)
		id := node.Value
		switch {
		case node.Kind != yaml.ScalarNode || id == "":
			r.problem(node.Line, "rules: expected ids of rules, or \"*\"")
		case id == Every && len(nodes) > 1:
			r.problem(node.Line, "rules: \"*\" stands for all rules and goes alone")
		case id != Every && !r.known(id):
			r.problem(node.Line, "rules: there is no rule %q; `handler rules list` shows the ids", id)
		}
		ids = append(ids, id)
	}
	if len(nodes) == 0 {
		r.problem(n.Line, "rules: list the ids of rules, or \"*\"")
	}
	slices.Sort(ids)
	return ids
}

func (r *reader) text(name, n *yaml.Node) string {
	text := strings.TrimSpace(n.Value)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || text == "" {
		r.problem(n.Line, "%s is empty; write who decided, and why", name.Value)
	}
	return text
}

// expires reads a date. The exception applies until that day has ended, in UTC.
func (r *reader) expires(n *yaml.Node) time.Time {
	day, err := time.Parse(time.DateOnly, n.Value)
	if err != nil {
		r.problem(n.Line, "expires %q is no date such as 2026-12-31", n.Value)
		return time.Time{}
	}
	end := day.AddDate(0, 0, 1)
	if end.Sub(r.now) > Longest {
		r.problem(n.Line, "expires %s is more than 366 days ahead; decide again in a year", n.Value)
	}
	return end
}

// members yields a mapping's pairs; what is no mapping, and what stands twice, is a problem.
func (r *reader) members(n *yaml.Node) func(func(name, value *yaml.Node) bool) {
	return func(yield func(name, value *yaml.Node) bool) {
		if n = follow(n); n.Kind != yaml.MappingNode {
			r.problem(n.Line, "expected a mapping")
			return
		}
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i]
			if seen[name.Value] {
				r.problem(name.Line, "%q stands twice; only one would count", name.Value)
				continue
			}
			seen[name.Value] = true
			if !yield(name, follow(n.Content[i+1])) {
				return
			}
		}
	}
}

// follow resolves an alias.
func follow(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	return n
}
