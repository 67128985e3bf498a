package teams

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/notify"
)

// The rules of this file:
//   - event text is never escaped but goes where it needs none, see paragraph: what a backslash does in Markdown differs
//     between desktop and phones (microsoft/AdaptiveCards issues #4677, #5590; msteams-docs #5793).
//   - facts are columns, not a FactSet, which clips long values at 300 px; identifiers get lines of their own.
//   - the shrinking order is that of rooms; the last room fits whatever it is given.

// maxBody bounds the request. Teams takes about 28 KB "for everything" and does not say whether it counts UTF-8 or its own
// UTF-16, so half of that is ours: it holds either way. A usual alert takes 3 KB.
const maxBody = 14 * 1024

// maxTitle is what a button shows on a phone without being cut there.
const maxTitle = 20

// maxFallback is what fits into a notification.
const maxFallback = 300

// maxPlain bounds a message of lines only.
const maxPlain = 1500

// room is how much of a message is shown. Values are code points, counts are lines.
type room struct {
	headline, summary, news, facts, value, long, code, steps, step, print, url int
}

// rooms are tried from the first to the last: long values go first, then identifiers, steps and links. The last one
// fits always: its 1,500 code points take at most six bytes each, beside about 3,500 bytes of structure.
var rooms = [...]room{
	{headline: 200, summary: 600, news: notify.NewsFits, facts: 6, value: 300, long: 1500, code: 400, steps: 8, step: 200, print: 600, url: 2000},
	{headline: 200, summary: 400, news: notify.NewsFits, facts: 6, value: 120, long: 600, code: 200, steps: 4, step: 120, print: 300, url: 1000},
	{headline: 150, summary: 250, news: 250, facts: 6, value: 60, long: 200, code: 120, steps: 0, step: 0, print: 120, url: 0},
}

// Render lays m out as an Adaptive Card in the envelope that a workflow expects. The result is below 28 KB whatever m
// holds.
func Render(m notify.Message) Envelope {
	if m.Plain {
		text := lines(m.Lines(), maxPlain)
		return envelope(Card{FallbackText: fallback(m.Fallback()), Body: []Element{paragraph("", plain(text))}})
	}
	var e Envelope
	for _, r := range rooms {
		e = envelope(Card{FallbackText: fallback(m.Fallback()), Body: r.body(m), Actions: r.actions(m)})
		if fits(e) {
			break
		}
	}
	return e
}

// renderFollowUp is the compact card for news: which alert, what is new, the links.
func renderFollowUp(m notify.Message) Envelope {
	if m.Plain {
		return Render(m)
	}
	var e Envelope
	for _, r := range rooms {
		body := []Element{
			{Type: "Container", Style: style(m.Severity), Bleed: true, Items: []Element{paragraph("", bold(r.title(m)))}},
			paragraph("", plain(lines(m.News, r.news))),
		}
		e = envelope(Card{
			FallbackText: fallback(r.title(m) + " — " + m.News),
			Body:         append(body, r.smallPrint(m)...),
			Actions:      r.actions(m),
		})
		if fits(e) {
			break
		}
	}
	return e
}

// fits measures the request's body, escapes included.
func fits(e Envelope) bool {
	encoded, err := json.Marshal(e)
	return err == nil && len(encoded) < maxBody
}

// body is the reading order: what happened, when and how it ended, who and where, what to do, small print. Teams puts the
// buttons below it.
func (r room) body(m notify.Message) []Element {
	body := []Element{r.header(m)}
	if text := lines(m.Summary, r.summary); text != "" {
		body = append(body, paragraph("", plain(text)))
	}
	body = append(body, r.factLines(m)...)
	body = append(body, r.stepList(m)...)
	return append(body, r.smallPrint(m)...)
}

// header is a coloured band with the severity as a word in it: colour never stands alone.
func (r room) header(m notify.Message) Element {
	title := bold(r.title(m))
	title.Size = "large"
	heading := paragraph("", title)
	if heading.Type == "TextBlock" {
		heading.Style = "heading" // for screen readers; clients take it in 1.4 cards though it came with 1.5
	}
	items := []Element{heading}
	word, when := m.Status()
	if !when.IsZero() {
		word = strings.TrimPrefix(word+" · "+notify.Clock(when), " · ")
	}
	if word != "" {
		items = append(items, paragraph("none", plain(word)))
	}
	return Element{Type: "Container", Style: style(m.Severity), Bleed: true, Items: items}
}

// title is the card's first line; a card without one looks broken.
func (r room) title(m notify.Message) string { return literal(m.Title(r.headline)) }

// style picks the band's colour; what each looks like is the theme's business.
func style(s notify.Severity) string {
	switch s.Rank() {
	case 1:
		return "emphasis"
	case 2:
		return "accent"
	case 3:
		return "warning"
	}
	return "attention"
}

// factLines are the facts in their order, most important first.
func (r room) factLines(m notify.Message) []Element {
	var (
		shown         []Element
		facts, hidden int
	)
	for _, f := range m.Facts {
		value, given := r.factValue(f)
		switch {
		case !given:
		case facts == r.facts:
			hidden++
		default:
			facts++
			shown = append(shown, factLine(line(f.Name, 40), value)...)
		}
	}
	if rest := m.Rest(hidden); rest != "" {
		shown = append(shown, paragraph("small", subtle(literal(rest))))
	}
	return shown
}

// factValue reports false for a fact with nothing to show. Times are in UTC: Teams knows no reader's zone in cards
// ("{{DATE()}} … isn't supported in Teams", learn, "Format cards in Teams").
func (r room) factValue(f notify.Fact) (Font, bool) {
	if !f.Time.IsZero() {
		return plain(notify.Clock(f.Time)), true
	}
	limit := r.value
	switch {
	case f.Code:
		limit = r.code
	case f.Long:
		limit = r.long
	}
	text := line(f.Value, limit)
	if f.Code {
		return code(text), text != ""
	}
	return plain(text), text != ""
}

// besideName is how long an identifier may be to stand beside its name: a GUID, which breaks at its hyphens.
const besideName = 36

// factLine sets the name in a column of its own, wide enough for "Correlation", so that values line up; on a phone they
// wrap within theirs.
func factLine(name string, value Font) []Element {
	if name == "" {
		return []Element{paragraph("small", value)}
	}
	if value.Type != "" && utf8.RuneCountInString(value.Text) > besideName {
		return []Element{paragraph("small", bold(name)), paragraph("none", value)}
	}
	return []Element{{Type: "ColumnSet", Spacing: "small", Columns: []Element{
		{Type: "Column", Width: "100px", Items: []Element{paragraph("", bold(name))}},
		{Type: "Column", Width: "stretch", Spacing: "small", Items: []Element{paragraph("", value)}},
	}}}
}

// stepList numbers the steps in the text itself: Markdown lists need a TextBlock, and clients indent them differently.
func (r room) stepList(m notify.Message) []Element {
	var shown []Element
	for _, step := range m.Steps {
		text := line(step, r.step)
		if text == "" || len(shown) == r.steps {
			continue
		}
		spacing := "none"
		if len(shown) == 0 {
			spacing = "small"
		}
		shown = append(shown, paragraph(spacing, plain(fmt.Sprintf("%d. %s", len(shown)+1, text))))
	}
	if len(shown) == 0 {
		return nil
	}
	return append([]Element{paragraph("medium", bold("What to do"))}, shown...)
}

// smallPrint is set apart by a line.
func (r room) smallPrint(m notify.Message) []Element {
	text := line(strings.Join(m.SmallPrint(), " · "), r.print)
	if text == "" {
		return nil
	}
	small := subtle(text)
	small.Size = "small"
	e := paragraph("medium", small)
	e.Separator = true
	return []Element{e}
}

// actions are the links. Action.Submit and Action.Execute would need a bot behind them; a workflow has none.
func (r room) actions(m notify.Message) []Action {
	var shown []Action
	for _, l := range m.ShownLinks(maxTitle, r.url) {
		shown = append(shown, Action{Type: "Action.OpenUrl", Title: notify.Cut(literal(l.Title), maxTitle), URL: l.URL})
	}
	return shown
}
