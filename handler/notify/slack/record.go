package slack

import (
	"context"
	"strings"
	"unicode/utf8"

	api "github.com/slack-go/slack"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// never is the word of SLACK_RECORD_FROM that no severity reaches.
const never = "never"

// recordRank reads from which severity on the record goes into the thread.
func recordRank(s *settings.Set) int {
	word := s.Choice(settings.Def{
		Name: "SLACK_RECORD_FROM", Default: string(notify.High),
		Doc:  "Severity from which on an alert's full record, without secrets, is put into its Slack thread, once: informational, low, medium, high, critical, or never.",
		Hint: "one of these words",
	}, string(notify.Informational), string(notify.Low), string(notify.Medium), string(notify.High), string(notify.Critical), never)
	if word == never || word == "" {
		return notify.Critical.Rank() + 1
	}
	return notify.Severity(word).Rank()
}

var _ notify.Recorder = (*Destination)(nil)

// threads reports whether the operator wants anything in threads beside news.
func (d *Destination) threads() bool { return d.recordFrom <= notify.Critical.Rank() }

// Beside implements notify.Recorder.
func (d *Destination) Beside(m notify.Message) (rest string, record bool) {
	if !d.threads() {
		return "", false
	}
	_, hidden := rooms[0].split(m)
	var lines []string
	for _, f := range hidden {
		value := f.Value
		if !f.Time.IsZero() {
			value = notify.Clock(f.Time)
		}
		lines = append(lines, strings.TrimPrefix(oneLine(f.Name, 40)+": ", ": ")+oneLine(value, rooms[0].long))
	}
	if m.Details != "" {
		lines = append(lines, m.Details)
	}
	return strings.Join(lines, "\n"), m.Severity.Rank() >= d.recordFrom
}

// Record implements notify.Recorder: a reply in the message's thread, which those read who want to know more. It is not
// an uploaded file: that would need the scope files:write and three calls, and could not be searched.
func (d *Destination) Record(ctx context.Context, m notify.Message, at notify.Ref, rest, record string) error {
	kind := recordType
	if record == "" {
		kind = restType
	}
	_, _, err := d.web.send(ctx, at.Channel, renderRecord(m, rest, record), metadata(kind, m), api.MsgOptionTS(at.ID))
	return explain("put record into Slack thread", err)
}

// maxPiece bounds a text element; a record is several of them in one block of code.
const maxPiece = 2900

// maxRest bounds what the message left out; the record has the remaining room.
const maxRest = 5000

// renderRecord is what the message left out, in lines, and the record as one block of code, cut to what a message holds.
func renderRecord(m notify.Message, rest, record string) Payload {
	title := "Full record"
	if record == "" {
		title = "More"
	}
	if m.ID != "" {
		title += " of " + notify.Cut(m.ID, 80)
	}
	p := Payload{Text: fallback(title)}
	for limit := 9000; limit > 0; limit -= 1500 {
		sections := []api.RichTextElement{section(bold(oneLine(title, maxHeader)))}
		left := limit
		if rest != "" {
			text := literal(rest, min(maxRest, limit))
			left -= utf8.RuneCountInString(text)
			sections = append(sections, section(pieces(text)...))
		}
		if record != "" {
			sections = append(sections, &api.RichTextPreformatted{Type: api.RTEPreformatted, Elements: pieces(literal(record, max(left, 1)))})
		}
		p.Blocks = []api.Block{richText(sections...)}
		if fits(p.Blocks) {
			break
		}
	}
	return p
}

// pieces cuts at line ends where there are any. An empty record is shown as one, because Slack refuses empty elements.
func pieces(text string) []api.RichTextSectionElement {
	var parts []api.RichTextSectionElement
	for utf8.RuneCountInString(text) > maxPiece {
		at := len(notify.Cut(text, maxPiece)) - len("…")
		if end := strings.LastIndexByte(text[:at], '\n'); end > 0 {
			at = end + 1
		}
		parts = append(parts, plain(text[:at]))
		text = text[at:]
	}
	if text == "" && parts == nil {
		text = "{}"
	}
	if text != "" {
		parts = append(parts, plain(text))
	}
	return parts
}
