package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/notify"
)

// Types of events.
const (
	TypeRaised  = "auditbell.alert.raised"
	TypeUpdated = "auditbell.alert.updated"
)

// Event is a CloudEvent 1.0 in structured JSON (cloudevents/spec v1.0.2, json-format.md).
type Event struct {
	SpecVersion string `json:"specversion"`
	ID          string `json:"id"`
	Source      string `json:"source"`
	Type        string `json:"type"`
	Subject     string `json:"subject,omitempty"` // the alert's id, by which events belong together
	Time        string `json:"time,omitempty"`    // when the alert's event happened, RFC 3339
	ContentType string `json:"datacontenttype"`
	Data        Data   `json:"data"`
}

// Data is the alert. Nothing is escaped, as it is data: who shows it escapes it. Texts are without control characters and
// without what hides or reorders text.
type Data struct {
	Severity string   `json:"severity"` // informational, low, medium, high or critical
	Headline string   `json:"headline"`
	Summary  string   `json:"summary,omitempty"`
	Result   string   `json:"result,omitempty"` // ongoing, succeeded, failed or resolved
	Facts    []Fact   `json:"facts"`
	Links    []Link   `json:"links"`
	Steps    []string `json:"steps"`
	Context  []string `json:"context"`
	News     string   `json:"news,omitempty"` // what changed since the event before
	Text     string   `json:"text"`           // all of it in one line
}

// Fact is one detail; it has either a value or a time.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
	Time  string `json:"time,omitempty"`
	Code  bool   `json:"code,omitempty"` // an identifier
}

// Link is an https address.
type Link struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// Bounds of what is sent, in code points and items, on which a receiver can rely; schema.json repeats them. Together they
// keep an event below 64 KB, the size that every intermediary must forward (CloudEvents 1.0.2, "Size Limits"), even if
// every character takes four bytes; news is cut to maxText then.
const (
	maxEvent    = 63 << 10 // bytes, without the id
	maxNews     = notify.NewsFits
	maxHeadline = 300
	maxText     = 600
	maxAll      = 1000 // the whole alert in one line
	maxFacts    = 20
	maxName     = 40
	maxValue    = 280
	maxLong     = 1500 // of a list, of which an event has four at most
	maxItems    = 10
	maxItem     = 200
	maxTitle    = 40
	maxURL      = 2000
)

// Render makes the event that raises m.
func Render(m notify.Message) Event { return render(m, TypeRaised) }

// render makes the event of m. Its id is derived from what it says, so that a repeated delivery has the same one and the
// receiver can drop it, as CloudEvents asks for (source and id identify an event).
func render(m notify.Message, kind string) Event {
	e := Event{
		SpecVersion: "1.0", Source: "/auditbell", Type: kind, Subject: line(m.ID, maxHeadline),
		ContentType: "application/json", Data: data(m), Time: stamp(m.Time),
	}
	if encoded, err := encode(e); err == nil && len(encoded) > maxEvent {
		e.Data.News = text(m.News, maxText)
	}
	e.ID = identify(e)
	return e
}

// identify hashes the event without its id. The time of sending is not part of it.
func identify(e Event) string {
	encoded, err := encode(e)
	if err != nil {
		return e.Subject // cannot happen: an Event is strings and booleans
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:16])
}

// encode leaves < > & as they are: escaped for HTML they would take six bytes each, and this is no HTML.
func encode(e Event) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(e)
	return b.Bytes(), err
}

// data leaves out what has nothing to show, so that a receiver need not check for empty texts. Lists are never null.
func data(m notify.Message) Data {
	d := Data{
		Severity: string(severity(m.Severity)), Result: result(m.Result), Headline: line(m.Headline, maxHeadline),
		Summary: text(m.Summary, maxText), News: text(m.News, maxNews), Text: text(m.Fallback(), maxAll),
		Facts: []Fact{}, Links: []Link{}, Steps: items(m.Steps),
	}
	hidden := 0
	for _, f := range m.Facts {
		most := maxValue
		if f.Long {
			most = maxLong
		}
		value := text(f.Value, most)
		switch given := value != "" || !f.Time.IsZero(); {
		case given && len(d.Facts) < maxFacts:
			d.Facts = append(d.Facts, Fact{Name: line(f.Name, maxName), Value: value, Time: stamp(f.Time), Code: f.Code})
		case given:
			hidden++
		}
	}
	d.Context = items(append([]string{m.Rest(hidden)}, m.Context...))
	for _, l := range m.ShownLinks(maxTitle, maxURL) {
		d.Links = append(d.Links, Link{Title: l.Title, URL: l.URL})
	}
	return d
}

// severity folds unknown ones to medium, as Rank does.
func severity(s notify.Severity) notify.Severity {
	switch s {
	case notify.Informational, notify.Low, notify.High, notify.Critical:
		return s
	}
	return notify.Medium
}

// result leaves out what is not one of the four words of the schema.
func result(r notify.Result) string {
	if r.Word() == "" {
		return ""
	}
	return string(r)
}

// stamp is RFC 3339 in UTC, as CloudEvents wants times; empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// line and text are what may be shown on one line and on several.
func line(s string, limit int) string {
	return notify.Cut(strings.TrimSpace(notify.Clean(s, false)), limit)
}

func text(s string, limit int) string {
	return notify.Cut(strings.TrimSpace(notify.Clean(s, true)), limit)
}

func items(texts []string) []string {
	lines := make([]string, 0, min(len(texts), maxItems))
	for _, s := range texts {
		if shown := line(s, maxItem); shown != "" && len(lines) < maxItems {
			lines = append(lines, shown)
		}
	}
	return lines
}
