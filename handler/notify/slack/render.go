package slack

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	api "github.com/slack-go/slack"

	"github.com/auditbell/auditbell/handler/notify"
)

// The rules of this file:
//   - event text goes into rich_text and plain_text only, never into mrkdwn: mrkdwn has no escape for * _ ~ ` and :x:, so
//     a resource named *a* could not be shown as it is. Rich text is literal by construction, and identifiers copied out
//     of it are exact.
//   - blocks stand at the top level, not in an attachment with a colour bar: Slack folds long attachments behind "Show
//     more" with the buttons in them, and text beside an attachment is shown a second time instead of serving
//     notifications only. Severity is a word in the header.
//   - everything fits: one room after the other is tried until the blocks are below maxBlocks.

// Payload is what Slack is sent: the blocks it shows, and the text for notifications and screen readers.
type Payload struct {
	Text   string      `json:"text"`
	Blocks []api.Block `json:"blocks"`
}

// maxBlocks bounds the blocks' JSON. Slack's own limit is undocumented; msg_blocks_too_long came at 13,200 characters
// (slackapi/bolt-js issue #2509).
const maxBlocks = 12_000

// Limits of single slots, in code points (doc comments of @slack/types 3.2, block-kit/blocks.ts).
const (
	maxHeader = 150
	maxButton = 75
	maxText   = 3000
	// maxFallback is ours: notifications show less than two lines, and Slack splits texts beyond 4,000.
	maxFallback = 600
)

// room is how much of a message is shown. Values are code points, counts are lines.
type room struct {
	summary, news, facts, value, long, code, steps, step, print, url int

	actions bool
}

// rooms are tried from the first to the last; six facts are what a reader takes in at a glance, and what a phone shows.
// The last room fits whatever it is given: its 1,600 code points take at most six bytes each (\u003c), beside about
// 2,000 bytes of structure.
var rooms = [...]room{
	{summary: 600, news: notify.NewsFits, facts: 6, value: 300, long: 1500, code: 400, steps: 8, step: 200, print: 600, url: 3000, actions: true},
	{summary: 400, news: notify.NewsFits, facts: 6, value: 120, long: 600, code: 200, steps: 4, step: 120, print: 300, url: 1200, actions: true},
	{summary: 250, news: 250, facts: 6, value: 60, long: 200, code: 120, steps: 0, step: 0, print: 120, url: 0, actions: true},
	{summary: 250, news: 250, facts: 6, value: 60, long: 200, code: 120, steps: 0, step: 0, print: 120, url: 0},
}

// Render lays m out as Block Kit. The result is within Slack's limits whatever m holds.
func Render(m notify.Message) Payload {
	if m.Plain {
		return Payload{Text: escape.Replace(withoutShortcodes(notify.Cut(m.Lines(), maxText))), Blocks: []api.Block{}} // an edit clears the blocks that are there
	}
	p := Payload{Text: fallback(m.Fallback())}
	for _, r := range rooms {
		p.Blocks = r.blocks(m)
		if fits(p.Blocks) {
			break
		}
	}
	return p
}

// renderNews is the reply in the thread: the thread's first message tells the rest.
func renderNews(m notify.Message) Payload {
	p := Payload{Text: fallback(m.News)}
	for _, r := range rooms {
		p.Blocks = []api.Block{richText(section(plain(literal(m.News, r.news))))}
		if fits(p.Blocks) {
			break
		}
	}
	return p
}

// renderFollowUp is news where there is no thread: it names the alert that it belongs to.
func renderFollowUp(m notify.Message) Payload {
	if m.Plain {
		return Render(m)
	}
	p := Payload{Text: fallback(m.Title(maxHeader) + " — " + m.News)}
	for _, r := range rooms {
		body := section(bold(oneLine(m.Title(maxHeader), maxHeader)), plain("\n"+literal(m.News, r.news)))
		p.Blocks = compact(richText(body), r.buttons(m), r.smallPrint(m))
		if fits(p.Blocks) {
			break
		}
	}
	return p
}

// fits measures the JSON that slack-go will send, escapes included. Encoding twice costs some ten microseconds a message;
// an estimate would have to know what each character costs in JSON.
func fits(blocks []api.Block) bool {
	encoded, err := json.Marshal(blocks)
	return err == nil && len(encoded) < maxBlocks
}

// blocks is the reading order: what happened, when and how it ended, who and where, what to do, where to look, small print.
func (r room) blocks(m notify.Message) []api.Block {
	return compact(
		api.NewHeaderBlock(header(m)),
		r.summaryBlock(m),
		r.factsBlock(m),
		r.stepsBlock(m),
		r.buttons(m),
		r.actionsBlock(m),
		r.smallPrint(m),
	)
}

// header is the title in a header block's slot. What a longer stored form takes is taken from the headline, not from what holds.
func header(m notify.Message) *api.TextBlockObject {
	limit := maxHeader
	for over := stored(m.Title(limit)) - maxHeader; over > 0 && limit > maxHeader/2; over = stored(m.Title(limit)) - maxHeader {
		limit -= max(over/5, 1)
	}
	return plainText(m.Title(limit), maxHeader)
}

// compact drops blocks that have nothing to show: Slack rejects empty ones.
func compact(blocks ...api.Block) []api.Block {
	shown := make([]api.Block, 0, len(blocks))
	for _, b := range blocks {
		if b != nil {
			shown = append(shown, b)
		}
	}
	return shown
}

// summaryBlock is the result and the time, then the one sentence.
func (r room) summaryBlock(m notify.Message) api.Block {
	var parts []api.RichTextSectionElement
	word, when := m.Status()
	if word != "" {
		parts = append(parts, bold(word))
	}
	if !when.IsZero() {
		if word != "" {
			parts = append(parts, plain(" · "))
		}
		parts = append(parts, date(when))
	}
	if text := literal(m.Summary, r.summary); text != "" {
		if len(parts) > 0 {
			text = "\n" + text
		}
		parts = append(parts, plain(text))
	}
	if len(parts) == 0 {
		return nil
	}
	return richText(section(parts...))
}

// factsBlock is one line per fact, full width: two-column fields would let a long id run into its neighbour. They come most
// important first, so the first ones stay.
func (r room) factsBlock(m notify.Message) api.Block {
	var parts []api.RichTextSectionElement
	shown, hidden := r.split(m)
	for i, f := range shown {
		parts = append(parts, label(f.Name, i > 0), r.factValue(f))
	}
	switch rest := m.Rest(len(hidden)); {
	case rest == "":
	case m.Beside && m.Dropped == 0:
		parts = append(parts, italic(fmt.Sprintf("\n… and %d more in the thread", len(hidden))))
	default:
		parts = append(parts, italic("\n"+oneLine(rest, 200)))
	}
	if len(parts) == 0 {
		return nil
	}
	return richText(&api.RichTextQuote{Type: api.RTEQuote, Elements: parts})
}

// split divides the facts that have something to show into those that there is room for and the others.
func (r room) split(m notify.Message) (shown, hidden []notify.Fact) {
	for _, f := range m.Facts {
		switch {
		case r.factValue(f) == nil:
		case len(shown) == r.facts:
			hidden = append(hidden, f)
		default:
			shown = append(shown, f)
		}
	}
	return shown, hidden
}

// factValue is nil for a fact with nothing to show. Times come as a date element: Slack shows it in the reader's zone.
func (r room) factValue(f notify.Fact) api.RichTextSectionElement {
	if !f.Time.IsZero() {
		return date(f.Time)
	}
	limit := r.value
	switch {
	case f.Code:
		limit = r.code
	case f.Long:
		limit = r.long
	}
	value := oneLine(f.Value, limit)
	switch {
	case value == "":
		return nil
	case f.Code:
		return styled(value, api.RichTextSectionTextStyle{Code: true})
	}
	return plain(value)
}

// label begins a fact's line, in bold.
func label(name string, newLine bool) api.RichTextSectionElement {
	text := oneLine(name, 40)
	if text != "" {
		text += ": "
	}
	if newLine {
		text = "\n" + text
	}
	if text == "" {
		text = "– " // a fact without a name still has to begin its line
	}
	return bold(text)
}

// stepsBlock is the runbook as a numbered list, so that people can say "I am at 2".
func (r room) stepsBlock(m notify.Message) api.Block {
	var items []api.RichTextElement
	for _, step := range m.Steps {
		if text := oneLine(step, r.step); text != "" && len(items) < r.steps {
			items = append(items, section(plain(text)))
		}
	}
	if len(items) == 0 {
		return nil
	}
	return richText(section(bold("What to do")), numbered{Type: api.RTEList, Style: api.RTEListOrdered, Elements: items})
}

// buttons open links. Each needs an id of its own within the block; a click on it reaches us only where the app has
// interactivity turned on, and asks nothing then.
func (r room) buttons(m notify.Message) api.Block {
	var shown []api.BlockElement
	for i, l := range m.ShownLinks(maxButton, r.url) {
		button := api.NewButtonBlockElement(fmt.Sprintf("open-%d", i+1), "", plainText(l.Title, maxButton))
		button.URL = l.URL
		shown = append(shown, button)
	}
	if len(shown) == 0 {
		return nil
	}
	return api.NewActionBlock("", shown...)
}

// smallPrint is one element rather than one per line: elements are laid out with gaps, and ten is their limit.
func (r room) smallPrint(m notify.Message) api.Block {
	text := strings.Join(m.SmallPrint(), " · ")
	if text == "" {
		return nil
	}
	return api.NewContextBlock("", plainText(text, r.print))
}

// date uses the tokens of Slack's date element (docs.slack.dev, "Date element"): {date_short_pretty} says "today" and
// "yesterday", {time_secs} follows the reader's 12- or 24-hour clock.
func date(t time.Time) api.RichTextSectionElement {
	shown := notify.Clock(t)
	return api.NewRichTextSectionDateElement(t.Unix(), "{date_short_pretty} at {time_secs}", nil, &shown)
}
