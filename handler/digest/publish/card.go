package publish

import (
	"cmp"
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/notify"
)

// digestCard is the summary that channels get: what the first page of the report says, and where the report is. key
// names the digest and its period.
func digestCard(r *digest.Report, l digest.Letter, key string) notify.Message {
	m := notify.Message{
		ID: "digest-" + key, Severity: notify.Informational, Headline: r.Completeness.Verdict.Words() + ": Activity Log digest, " + r.Period,
		Summary: r.Completeness.Statement + " " + r.Completeness.InTime.Words() + ": " + r.Completeness.InTime.Statement, Time: r.GeneratedAt, Context: []string{"SHA-256 of manifest.json: " + l.Manifest},
		Whole: "in the report that was mailed and archived",
	}
	for _, text := range []string{l.Timestamp, l.Log} {
		if text != "" {
			m.Context = append(m.Context, text)
		}
	}
	switch r.Completeness.Verdict {
	case digest.Incomplete:
		m.Severity = notify.Medium
	case digest.NotKnown:
		m.Severity = notify.Low
	}
	fact := func(p digest.Point) { m.Facts = append(m.Facts, notify.Fact{Name: pointName(p.Grave), Value: p.Text}) }
	matters, figures := r.Matters(), r.Figures()
	for _, p := range matters { // a channel shows the first few facts
		if p.Grave == digest.Act {
			fact(p)
		}
	}
	slices.SortStableFunc(figures, func(a, b digest.Figure) int {
		return cmp.Compare(slices.Index(last, a.Name), slices.Index(last, b.Name))
	})
	for _, f := range figures {
		value := f.Value
		if f.Change != "" {
			value += " (" + f.Change + ")"
		}
		m.Facts = append(m.Facts, notify.Fact{Name: f.Name, Value: value})
	}
	for _, p := range matters {
		if p.Grave != digest.Act {
			fact(p)
		}
	}
	for _, p := range r.Open() {
		if p.Grave == digest.Act {
			m.Steps = append(m.Steps, p.Text)
		}
	}
	if strings.HasPrefix(l.Archive, "https://") {
		m.Links = []notify.Link{{Title: "Archive", URL: l.Archive}}
	}
	return m
}

// last are the figures behind the others, in this order.
var last = []string{"Operations", "Callers"}

// pointName is the word in front of a point, where the report has a sign.
func pointName(g digest.Grave) string {
	switch g {
	case digest.Act:
		return "Look at"
	case digest.Note:
		return "Note"
	}
	return "Fine"
}
