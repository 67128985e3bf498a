package notify

import (
	"fmt"
	"strings"
	"unicode"
)

// plainWidth is how wide a line of Plain gets, in terminal columns. A word longer than that stays whole on a line of its
// own: an identifier or address that was cut in two could not be copied.
const plainWidth = 80

// maxPlain bounds single texts of Plain, in code points.
const maxPlain = 2000

// Plain is the message as text for terminals, mail and logs that people read. It ends in a line break. No text in it can
// move a cursor, change a colour or hide another: control characters are gone.
func Plain(m Message) string {
	var p printer
	p.wrap("", "", plainLine(m.Title(maxPlain)))
	p.wrap("", "", status(m))
	p.wrap("", "", plainLine(m.Summary))
	if news := plainLine(m.News); news != "" {
		p.wrap("New: ", "     ", news)
	}
	p.facts(m.Facts)
	p.steps(m.Steps)
	if links := m.ShownLinks(40, maxPlain); len(links) > 0 {
		p.gap()
		for _, l := range links {
			p.wrap(l.Title+": ", "  ", l.URL)
		}
	}
	if print := m.SmallPrint(); len(print) > 0 {
		p.gap()
		p.wrap("", "", Cut(strings.Join(print, " · "), maxPlain))
	}
	return p.String()
}

// status is the line under the headline; empty when facts tell it all.
func status(m Message) string {
	word, when := m.Status()
	if when.IsZero() {
		return word
	}
	return strings.TrimPrefix(word+" · "+Clock(when), " · ")
}

// plainLine keeps no line breaks: an event must not be able to fake a line of ours.
func plainLine(text string) string { return Cut(strings.TrimSpace(Clean(text, false)), maxPlain) }

// printer collects lines; gap sets a group of them apart.
type printer struct{ strings.Builder }

func (p *printer) gap() { p.WriteByte('\n') }

// wrap prints text behind first, and further lines behind rest; nothing if there is no text.
func (p *printer) wrap(first, rest, text string) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return
	}
	line, gap := first, ""
	for _, word := range words {
		if width(line+gap+word) > plainWidth && strings.TrimSpace(line) != "" {
			p.WriteString(strings.TrimRight(line, " ") + "\n")
			line, gap = rest, ""
		}
		line += gap + word
		gap = " "
	}
	p.WriteString(line + "\n")
}

// maxName is how far names push values to the right.
const maxName = 16

// facts prints names in one column and values in the next.
func (p *printer) facts(facts []Fact) {
	column := 0
	for _, f := range facts {
		column = max(column, min(width(plainLine(f.Name)), maxName))
	}
	first := true
	for _, f := range facts {
		value := plainLine(f.Value)
		if !f.Time.IsZero() {
			value = Clock(f.Time)
		}
		if value == "" {
			continue
		}
		if first {
			p.gap()
			first = false
		}
		name := Cut(plainLine(f.Name), maxName)
		pad := strings.Repeat(" ", max(column-width(name), 0))
		p.wrap("  "+name+pad+"  ", strings.Repeat(" ", column+4), value)
	}
}

// steps numbers what there is to do.
func (p *printer) steps(steps []string) {
	n := 0
	for _, step := range steps {
		text := plainLine(step)
		if text == "" {
			continue
		}
		if n++; n == 1 {
			p.WriteString("\nWhat to do\n")
		}
		number := fmt.Sprintf("  %d. ", n)
		p.wrap(number, strings.Repeat(" ", len(number)), text)
	}
}

// width is the number of terminal columns of text: none for what combines with the character before, two for East Asian
// wide characters and emoji (Unicode TR 11).
func width(text string) int {
	columns := 0
	for _, r := range text {
		switch {
		case r < 0x300:
			columns++
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case wide(r):
			columns += 2
		default:
			columns++
		}
	}
	return columns
}

// wide covers the blocks that matter for names: Hangul, CJK, full-width forms, emoji.
func wide(r rune) bool {
	return 0x1100 <= r && r <= 0x115f || 0x2e80 <= r && r <= 0xa4cf || 0xac00 <= r && r <= 0xd7a3 || 0xf900 <= r && r <= 0xfaff ||
		0xfe30 <= r && r <= 0xfe6f || 0xff00 <= r && r <= 0xff60 || 0xffe0 <= r && r <= 0xffe6 || 0x1f300 <= r && r <= 0x1faff ||
		0x20000 <= r && r <= 0x3fffd
}
