package pdf

import (
	"fmt"
	"strings"

	"github.com/carlos7ags/folio/font"
)

// face is a font with the widths of its characters at hand: laying out asks for each of them several times.
type face struct {
	embedded *font.EmbeddedFont
	widths   map[rune]float64 // in sizes of the font; of characters that the font cannot show: -1
	owners   map[uint16]rune  // the first character of each glyph
}

func newFace(parsed font.Face) face {
	f := face{font.NewEmbeddedFont(parsed), map[rune]float64{}, map[uint16]rune{}}
	for r := rune(' '); r <= 0xffff; r++ {
		if index := parsed.GlyphIndex(r); index != 0 && f.owners[index] == 0 {
			f.owners[index] = r
		}
	}
	return f
}

// advance is a character's width, and -1 where the font has no glyph for it or the glyph is another character's too.
func (f face) advance(r rune) float64 {
	width, ok := f.widths[r]
	if !ok {
		width = -1
		if index := f.embedded.Face().GlyphIndex(r); index != 0 && f.owners[index] == r {
			width = float64(f.embedded.Face().GlyphAdvance(index)) / float64(f.embedded.Face().UnitsPerEm())
		}
		f.widths[r] = width
	}
	return width
}

func (f face) has(r rune) bool { return f.advance(r) >= 0 }

// width is a text's in points.
func (d *Document) width(t Text, text string) float64 {
	f, sum := d.faces[t.Face], 0.0
	for _, r := range text {
		sum += max(f.advance(r), 0)
	}
	return sum * t.size()
}

func (t Text) size() float64 {
	if t.Size == 0 {
		return 8.5
	}
	return t.Size
}

func (t Text) lineHeight() float64 { return t.size() * leading }

// wrap breaks a text into lines: at spaces, and within a word that is wider than a line, if it can be, behind one of the
// signs that divide names. A line that was broken at a space ends with it, so that what is read aloud or copied is whole.
func (d *Document) wrap(t Text, width float64) []Text {
	var lines []Text
	for _, paragraph := range strings.Split(t.Text, "\n") {
		line, used := "", 0.0
		end := func() {
			next := t
			next.Text = line
			lines = append(lines, next)
			line, used = "", 0
		}
		for _, word := range strings.SplitAfter(paragraph, " ") {
			wide := d.width(t, strings.TrimRight(word, " "))
			if line != "" && used+wide > width {
				end()
			}
			for wide > width && word != "" {
				at := d.breakAt(t, word, width)
				line, word = word[:at], word[at:]
				end()
				wide = d.width(t, strings.TrimRight(word, " "))
			}
			line += word
			used += d.width(t, word)
		}
		end()
	}
	return lines
}

// breakAt is where a word is broken that a line cannot hold: one character at least.
func (d *Document) breakAt(t Text, word string, width float64) int {
	fit, nice, used := 0, 0, 0.0
	for i, r := range word {
		used += d.width(t, string(r))
		if used > width && i > 0 {
			break
		}
		fit = i + len(string(r))
		if strings.ContainsRune(divides, r) {
			nice = fit
		}
	}
	if nice > fit/4 {
		return nice
	}
	return fit
}

// widest is the width of a text's widest word, of the widest part of a word behind the signs that divide names, and of its
// widest line were it never broken.
func (d *Document) widest(t Text) (word, part, line float64) {
	for paragraph := range strings.SplitSeq(t.Text, "\n") {
		line = max(line, d.width(t, paragraph))
		for one := range strings.SplitSeq(paragraph, " ") {
			word = max(word, d.width(t, one))
			for len(one) > 0 {
				end := strings.IndexAny(one, divides) + 1
				if end == 0 {
					end = len(one)
				}
				part = max(part, d.width(t, one[:end]))
				one = one[end:]
			}
		}
	}
	return word, part, line
}

// divides are the signs that divide names, behind which they are broken.
const divides = "/.@-_:,"

// place is where lines stand on a page.
type place struct {
	x, top, width float64
	right         bool // they end at the right edge
}

// lines writes lines on this page, as one piece of an element's content.
func (d *Document) lines(e *element, at place, lines []Text) {
	d.mark(e)
	d.show(d.page(), at, lines)
	d.page().content.WriteString("EMC\n")
}

// show draws lines.
func (d *Document) show(p *page, at place, lines []Text) {
	for _, line := range lines {
		left := at.x
		if at.right {
			left += at.width - d.width(line, strings.TrimRight(line.Text, " "))
		}
		baseline := pageHeight - at.top - line.size()*1.02
		fmt.Fprintf(&p.content, "BT /F%d %.4g Tf %s rg %.2f %.2f Td <%x> Tj ET\n", line.Face, line.size(), line.Color.or(Ink), left, baseline,
			d.faces[line.Face].embedded.EncodeString(line.Text))
		at.top += line.lineHeight()
	}
}

// mark begins content of an element. It ends with EMC.
func (d *Document) mark(e *element) {
	p := d.page()
	e.kids = append(e.kids, marked{len(d.pages) - 1, len(p.marked)})
	fmt.Fprintf(&p.content, "/%s <</MCID %d>> BDC\n", e.tag, len(p.marked))
	p.marked = append(p.marked, e)
}

// picture draws a picture; one without words is for the eye alone.
func (d *Document) picture(parent *element, x, top float64, all *Picture) {
	draw := func() {
		for _, m := range all.Marks {
			d.page().fill(Mark{x + m.X, top + m.Y, m.Width, m.Height, m.Color})
		}
	}
	if all.Alt == "" {
		d.page().artifact(draw)
		return
	}
	figure := parent.add("Figure")
	figure.alt = all.Alt
	figure.box = [4]float64{x, pageHeight - top - all.Height, x + all.Width, pageHeight - top}
	d.mark(figure)
	draw()
	d.page().content.WriteString("EMC\n")
}

// rect fills a rectangle that is no content: a rule, a plate.
func (d *Document) rect(m Mark) {
	d.page().artifact(func() { d.page().fill(m) })
}

// artifact is what is there for the eye alone.
func (p *page) artifact(draw func()) {
	p.content.WriteString("/Artifact BMC\n")
	draw()
	p.content.WriteString("EMC\n")
}

func (p *page) fill(m Mark) {
	fmt.Fprintf(&p.content, "%s rg %.2f %.2f %.2f %.2f re f\n", m.Color, m.X, pageHeight-m.Y-m.Height, m.Width, m.Height)
}

func (c Color) or(other Color) Color {
	if c == 0 {
		return other
	}
	return c
}

func (c Color) String() string {
	part := func(shift int) float64 { return float64(c>>shift&0xff) / 255 }
	return fmt.Sprintf("%.3f %.3f %.3f", part(16), part(8), part(0))
}
