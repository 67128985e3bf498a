package digest

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// alerts writes the alerts and what is counted of them. The list is written as it is made: each rule once as text, and what
// became of an alert only where something did.
func (j *jsonWriter) alerts(a *Alerts) {
	if a.List.Len() == 0 {
		j.member("alerts", a)
		return
	}
	counts, err := json.MarshalIndent(a, "  ", "  ")
	if err != nil {
		j.err = cmp.Or(j.err, err)
		return
	}
	j.name("alerts")
	j.raw(strings.TrimSuffix(string(counts), "\n  }") + ",\n    \"list\": [")
	rules := make([][]byte, len(a.List.rules))
	for i := range a.List.Len() {
		one, at := a.List.bare(i), a.List.row(a.List.place(i))
		if rules[at.rule] == nil {
			rules[at.rule] = j.indented(one.Rule)
		}
		if i > 0 {
			j.raw(",")
		}
		j.line = j.appendAlert(append(j.line[:0], "\n      {"...), &a.List, &one, writtenAlert{at, rules[at.rule]})
		if j.line = append(j.line, "\n      }"...); j.err == nil {
			_, j.err = j.out.Write(j.line)
		}
	}
	j.raw("\n    ]\n  }")
}

// writtenAlert is what an alert is written from, beside the numbers in it.
type writtenAlert struct {
	row  *alertRow
	rule []byte // as text
}

// appendAlert writes the members of an alert, as encoding/json does.
func (j *jsonWriter) appendAlert(b []byte, list *AlertList, a *Alert, from writtenAlert) []byte {
	row := from.row
	text := func(name string, always bool, refs ...uint32) {
		j.text = j.text[:0]
		for _, ref := range refs {
			j.text = list.texts.appendText(j.text, ref)
		}
		if len(j.text) > 0 || always {
			b = appendJSON(appendName(b, name), j.text)
		}
	}
	at := func(name string, at time.Time) {
		b = append(at.AppendFormat(append(appendName(b, name), '"'), time.RFC3339Nano), '"')
	}
	text("id", true, row.id)
	b = append(appendName(b, "rule"), from.rule...)
	b = appendJSON(appendName(b, "severity"), []byte(a.Severity))
	text("headline", true, row.headline)
	if !a.Happened.IsZero() {
		at("happened", a.Happened)
	}
	at("opened", a.Opened)
	b = appendJSON(appendName(b, "operation"), []byte(a.Operation))
	text("caller", false, row.caller)
	text("resource", false, row.scope, row.kind, row.name)
	if a.Outcome != "" {
		b = appendJSON(appendName(b, "outcome"), []byte(a.Outcome))
	}
	text("event_id", false, row.event)
	if a.JudgedBy != "" {
		b = appendJSON(appendName(b, "judged_by"), []byte(a.JudgedBy))
	}
	b = strconv.AppendInt(appendName(b, "operations"), a.Count, 10)
	b = strconv.AppendInt(appendName(b, "entries"), a.Records, 10)
	b = append(appendName(b, "deliveries"), j.indented(a.Deliveries)...)
	if len(a.Answers) > 0 {
		b = append(appendName(b, "answers"), j.indented(a.Answers)...)
	}
	return b
}

// indented is a member of an alert.
func (j *jsonWriter) indented(value any) []byte {
	if list, ok := value.([]Delivery); ok && list == nil {
		return nothing
	}
	text, err := json.MarshalIndent(value, "        ", "  ")
	if err != nil && j.err == nil {
		j.err = err
	}
	return []byte(escapeHidden(string(text)))
}

func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(append(append(b, "\n        \""...), name...), "\": "...)
}

// appendJSON appends a string as encoding/json writes it.
func appendJSON(b, s []byte) []byte {
	for _, c := range s {
		if c < ' ' || c >= 0x80 || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return append(b, quoted(string(s))...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

var nothing = []byte("null")
