package digest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf16"
)

// JSON writes the report for programs: the keys that the compliance report always had come first, each of the others
// stands for itself. The list of high-risk operations is written as it is made, one to a line, however long it is.
func JSON(w io.Writer, r Report) error {
	out := bufio.NewWriterSize(w, 64<<10)
	j := jsonWriter{out: out}
	j.member("period", r.Period)
	j.member("generated_at", r.GeneratedAt)
	j.member("summary", r.Summary)
	j.member("by_category", r.ByCategory)
	j.families(r.SecurityEvents)
	j.operations(r.HighRisk)
	j.member("name", r.Name)
	j.member("window", r.Window)
	j.member("time_zone", r.Zone.String())
	j.member("completeness", r.Completeness)
	j.member("operations", r.Lifecycles)
	j.member("by_outcome", r.ByOutcome)
	j.member("policy", r.Policy)
	j.member("role_assignments", r.Roles)
	j.member("deletions", r.Deletions)
	j.member("failures", r.Failures)
	j.member("top", r.Top)
	j.member("activity", r.Activity)
	j.alerts(&r.Alerts)
	j.member("exceptions", orEmpty(r.Exceptions))
	if len(r.Ends) > 0 {
		j.member("destinations", r.Ends)
	}
	j.member("staged", orEmpty(r.Staged))
	j.member("controls", orEmpty(r.Controls))
	if len(r.RuleSets) > 0 {
		j.member("rule_sets", r.RuleSets)
	}
	j.member("change", r.Change)
	j.raw("\n}\n")
	if j.err != nil {
		return fmt.Errorf("write json: %w", j.err)
	}
	return out.Flush()
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// jsonWriter writes one object, member by member. The first error sticks.
type jsonWriter struct {
	out  *bufio.Writer
	more bool
	line []byte
	text []byte
	err  error
}

func (j *jsonWriter) raw(text string) {
	if j.err == nil {
		_, j.err = j.out.WriteString(text)
	}
}

func (j *jsonWriter) name(name string) {
	if j.more {
		j.raw(",\n  ")
	} else {
		j.raw("{\n  ")
	}
	j.more = true
	j.raw(`"` + name + `": `)
}

func (j *jsonWriter) member(name string, value any) {
	text, err := json.MarshalIndent(value, "  ", "  ")
	if err != nil && j.err == nil {
		j.err = err
	}
	j.name(name)
	j.raw(escapeHidden(string(text)))
}

// escapeHidden writes the characters that visible shows as escapes of JSON: the value stays, and a reader sees it. Outside
// of strings there are none.
func escapeHidden(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r >= 0x7f && hidden(r) }) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if r >= 0x7f && hidden(r) {
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// families writes an object with the families' names as keys, in their own order.
func (j *jsonWriter) families(all []Family) {
	j.name("security_events")
	inner := jsonWriter{out: j.out, err: j.err}
	for _, f := range all {
		text, err := json.MarshalIndent(f, "    ", "  ")
		if err != nil && inner.err == nil {
			inner.err = err
		}
		if inner.more {
			inner.raw(",")
		} else {
			inner.raw("{")
		}
		inner.more = true
		inner.raw("\n    " + quoted(f.Name) + ": " + escapeHidden(string(text)))
	}
	inner.raw("\n  }")
	j.err = inner.err
}

func quoted(s string) string {
	text, _ := json.Marshal(s) // a string always marshals
	return escapeHidden(string(text))
}

// operations writes what the report has always listed: exactly these five members. Evidence ids are in operations.csv.
func (j *jsonWriter) operations(all Operations) {
	j.name("high_risk_operations")
	j.raw("[")
	first := true
	for op := range all.All() {
		b := j.line[:0]
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, "\n    {\"timestamp\": "...)
		if op.Time.IsZero() {
			b = append(b, "null"...)
		} else {
			b = append(op.Time.AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
		}
		b = appendText(append(b, `, "operation": `...), op.Operation)
		b = appendText(append(b, `, "caller": `...), op.Caller)
		b = appendText(append(b, `, "resource": `...), op.Resource)
		b = appendText(append(b, `, "status": `...), op.Status)
		j.line = append(b, '}')
		if j.err == nil {
			_, j.err = j.out.Write(j.line)
		}
	}
	if !first {
		j.raw("\n  ")
	}
	j.raw("]")
}

// appendText appends a JSON string, null for none.
func appendText(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x80 {
			return append(b, quoted(s)...)
		}
	}
	b = append(append(b, '"'), s...)
	return append(b, '"')
}
