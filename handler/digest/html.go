package digest

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"
)

//go:embed report.html.tmpl
var htmlTemplate string

// HTML writes the report as one page that needs nothing else: no script, no font, no picture from anywhere, which its
// content security policy makes the browser enforce. It follows the reader's light or dark setting and prints on white.
func HTML(w io.Writer, r Report) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"number": anyNumber, "seconds": seconds, "percent": percent,
		"when": func(at time.Time) string { return clock(at, r.Zone) },
		"day":  func(at time.Time) string { return at.In(r.Zone).Format("2 January 2006") },
		"heat": heatSVG, "share": share, "largest": largest, "trend": trendSVG, "delta": Metric.delta,
		"join": func(list []string) string { return strings.Join(list, ", ") },
		"name": lastSegment, "short": shortOperation, "sub": func(a, b int) int { return a - b },
		"question": func() string { return aliveQuestion },
	}).Parse(htmlTemplate)
	if err != nil {
		return fmt.Errorf("parse report template: %w", err)
	}
	cases := r.Cases()
	page := struct {
		Report
		Cases      []Case
		CaseCount  int
		Categories []Count
	}{r, slices.Collect(cases.First(casesShown)), cases.Len(), sorted(r.ByCategory)}
	if err := t.Execute(w, &page); err != nil {
		return fmt.Errorf("write html: %w", err)
	}
	return nil
}

// anyNumber is number for whatever kind of integer a template has at hand.
func anyNumber(n any) (string, error) {
	switch n := n.(type) {
	case int:
		return number(int64(n)), nil
	case int64:
		return number(n), nil
	}
	return "", fmt.Errorf("not a number: %T", n)
}

// casesShown bounds the list in documents for people; all of them are in operations.csv and report.xlsx.
const casesShown = 150

// sorted lists a map's counts, most first.
func sorted(m map[string]int64) []Count {
	list := []Count{}
	for name, n := range m {
		list = append(list, Count{name, n})
	}
	sortCounts(list)
	return list
}

// clock tells a time in the report's zone.
func clock(at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return "unknown"
	}
	return at.In(zone).Format("2006-01-02 15:04:05")
}

// largest is the largest number of a list, for the scale of its bars.
func largest(list []Count) int64 {
	most := int64(1)
	for _, c := range list {
		most = max(most, c.N)
	}
	return most
}

// share is the length of a bar in per cent; what is there at all is seen.
func share(n, most int64) string {
	if n <= 0 || most <= 0 {
		return "0"
	}
	return fmt.Sprintf("%.1f", max(100*float64(n)/float64(most), 0.7))
}

// lastSegment is the name of a resource.
func lastSegment(id string) string {
	id = strings.TrimRight(id, "/")
	return id[strings.LastIndexByte(id, '/')+1:]
}

// shortOperation drops the provider: "networksecuritygroups/securityrules/delete".
func shortOperation(op string) string {
	if provider, rest, ok := strings.Cut(op, "/"); ok && strings.Contains(provider, ".") {
		return rest
	}
	return op
}
