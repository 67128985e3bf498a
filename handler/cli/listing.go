package cli

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/notify"
)

// column is one thing that there is to list of an event.
type column struct {
	name  string // as in the event's JSON
	also  string // what Azure's tools call it
	width int    // of most values, for tables
	of    func(*activity.Event) string
}

// eventColumns are all that can be listed, in the order of a table that shows everything.
var eventColumns = []column{
	{"time", "timestamp", 20, func(e *activity.Event) string { return sortable(e.Time) }},
	{"outcome", "status", 9, func(e *activity.Event) string { return string(e.Outcome) }},
	{"level", "", 13, func(e *activity.Event) string { return string(e.Level) }},
	{"category", "", 14, func(e *activity.Event) string { return string(e.Category) }},
	{"operation", "", 48, func(e *activity.Event) string { return e.Operation }},
	{"operation_display", "", 36, func(e *activity.Event) string { return e.OperationDisplay }},
	{"caller", "", 32, func(e *activity.Event) string { return e.Caller }},
	{"caller_type", "", 17, func(e *activity.Event) string { return string(e.CallerType) }},
	{"caller_ip", "", 15, func(e *activity.Event) string { return e.CallerIP }},
	{"subscription_id", "subscription", 36, func(e *activity.Event) string { return e.SubscriptionID }},
	{"resource_group", "group", 24, func(e *activity.Event) string { return e.ResourceGroup }},
	{"resource_type", "", 36, func(e *activity.Event) string { return e.ResourceType }},
	{"resource_name", "", 24, func(e *activity.Event) string { return e.ResourceName }},
	{"resource_id", "resource", 60, func(e *activity.Event) string { return e.ResourceID }},
	{"sub_status", "", 12, func(e *activity.Event) string { return e.SubStatus }},
	{"correlation_id", "", 36, func(e *activity.Event) string { return e.CorrelationID }},
	{"event_id", "", 36, func(e *activity.Event) string { return e.EventID }},
	{"submitted_at", "", 20, func(e *activity.Event) string { return sortable(e.SubmittedAt) }},
	{"form", "", 9, func(e *activity.Event) string { return string(e.Form) }},
	{"id", "", 32, func(e *activity.Event) string { return e.ID }},
	{"description", "", 60, func(e *activity.Event) string { return e.Description }},
}

// sortable is a time that sorts as text; "" for none.
func sortable(t activity.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.0000000Z")
}

// columnsNamed finds columns by name.
func columnsNamed(names []string) ([]column, error) {
	all := make([]column, 0, len(names))
	for _, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		i := slices.IndexFunc(eventColumns, func(c column) bool { return name == c.name || name != "" && name == c.also })
		if i < 0 {
			var known []string
			for _, c := range eventColumns {
				known = append(known, c.name)
			}
			return nil, misuse("unknown column %q (hint: %s)", name, strings.Join(known, ", "))
		}
		all = append(all, eventColumns[i])
	}
	return all, nil
}

// lister writes rows of text: a table, JSON Lines or CSV.
type lister interface {
	row(cells []string) error
	end() error
}

// newLister makes the lister of a format for columns of these names and widths.
func newLister(format string, std Surroundings, heads []head) lister {
	switch {
	case format == "csv":
		return newCSVLister(std.Out, heads)
	case asJSON(format, std):
		return &jsonLister{std.Out, heads}
	}
	_, plain := std.Env("NO_COLOR")
	return &tableLister{out: std.Out, heads: fit(heads, width(std.Out)), cut: width(std.Out) > 0, color: terminal(std.Out) && !plain}
}

// head is a column of a listing.
type head struct {
	name   string
	width  int
	number bool
}

type csvLister struct{ *csv.Writer }

func newCSVLister(out io.Writer, heads []head) *csvLister {
	w := csv.NewWriter(out)
	names := make([]string, 0, len(heads))
	for _, h := range heads {
		names = append(names, h.name)
	}
	_ = w.Write(names) // csv.Writer keeps its error for the end
	return &csvLister{w}
}

// row keeps spreadsheets from taking for a formula what an attacker wrote into a name (OWASP: CSV injection).
func (l *csvLister) row(cells []string) error {
	safe := make([]string, 0, len(cells))
	for _, cell := range cells {
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
			cell = "'" + cell
		}
		safe = append(safe, cell)
	}
	return l.Write(safe)
}

func (l *csvLister) end() error {
	l.Flush()
	return l.Error()
}

// jsonLister writes one object per line, its members in the order of the columns; what is empty is left out.
type jsonLister struct {
	out   io.Writer
	heads []head
}

func (l *jsonLister) row(cells []string) error {
	line := []byte{'{'}
	for i, cell := range cells {
		if cell == "" {
			continue
		}
		if len(line) > 1 {
			line = append(line, ',')
		}
		line = fmt.Appendf(line, "%q:", l.heads[i].name)
		if l.heads[i].number {
			line = append(line, cell...)
			continue
		}
		text, err := json.Marshal(cell)
		if err != nil {
			return err
		}
		line = append(line, text...)
	}
	_, err := l.out.Write(append(line, "}\n"...))
	return err
}

func (l *jsonLister) end() error { return nil }

// tableLister pads rows to widths that are known before, so that it needs to keep none.
type tableLister struct {
	out        io.Writer
	heads      []head
	cut, color bool
	begun      bool
}

// gap stands between the columns of a table.
const gap = "  "

// fit narrows the widest columns until all fit into so many characters; 0 is room enough.
func fit(heads []head, room int) []head {
	heads = slices.Clone(heads)
	for i := range heads {
		heads[i].width = max(heads[i].width, len(heads[i].name))
	}
	for room > 0 {
		total := -len(gap)
		for _, h := range heads {
			total += h.width + len(gap)
		}
		widest := slices.MaxFunc(heads, func(a, b head) int { return cmp.Compare(a.width, b.width) })
		if total <= room || widest.width <= 8 {
			break
		}
		heads[slices.Index(heads, widest)].width--
	}
	return heads
}

func (l *tableLister) row(cells []string) error {
	if !l.begun {
		l.begun = true
		names := make([]string, 0, len(l.heads))
		for _, h := range l.heads {
			names = append(names, strings.ToUpper(strings.ReplaceAll(h.name, "_", " ")))
		}
		if err := l.line(names); err != nil {
			return err
		}
	}
	return l.line(cells)
}

func (l *tableLister) line(cells []string) error {
	var b strings.Builder
	for i, cell := range cells {
		h := l.heads[i]
		cell = notify.Clean(cell, false /* lines */) // nothing in a name may steer the terminal
		if h.name == "time" && len(cell) > 20 {
			cell = cell[:19] + "Z"
		}
		if l.cut {
			cell = shorten(cell, h.width)
		}
		pad := strings.Repeat(" ", max(h.width-utf8.RuneCountInString(cell), 0))
		switch {
		case h.number:
			cell = pad + cell
		case i < len(cells)-1:
			cell += pad
		}
		b.WriteString(l.painted(cell))
		if i < len(cells)-1 {
			b.WriteString(gap)
		}
	}
	_, err := fmt.Fprintln(l.out, strings.TrimRight(b.String(), " "))
	return err
}

// painted colors what went wrong.
func (l *tableLister) painted(cell string) string {
	if word := strings.TrimSpace(cell); l.color && (word == string(activity.Failed) || word == string(activity.Critical) || word == string(activity.Error)) {
		return "\x1b[31m" + cell + "\x1b[0m"
	}
	return cell
}

func (l *tableLister) end() error { return nil }

// shorten cuts text to n characters. What distinguishes resources and operations stands at their end.
func shorten(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	if strings.Contains(text, "/") {
		return "…" + string(runes[len(runes)-n+1:])
	}
	return string(runes[:n-1]) + "…"
}

// ago is how long a period is, for people.
func ago(d time.Duration) string {
	if d%(24*time.Hour) == 0 && d > 24*time.Hour {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return fmt.Sprintf("%dh", d/time.Hour)
}
