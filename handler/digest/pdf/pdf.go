// Package pdf lays out tagged documents for paper and archives: headings, paragraphs, lists and tables on pages of A4, each
// with its place in the structure that screen readers go by (ISO 32000-1 §14.8), in the form that archives ask for
// (PDF/A-3b, ISO 19005-3). Fonts are subsets of the Go fonts; objects and subsets are written by package folio.
//
// It knows no report, and it cannot be written twice to: a document is laid out in order, then written once.
package pdf

import (
	"bytes"
	"fmt"
	"time"
)

// Info is what a document says about itself.
type Info struct {
	Title, Subject, Author, Creator string
	Created                         time.Time
}

// Color is red, green and blue, a byte each: 0x57606a.
type Color uint32

// Ink is the colour of text that has none.
const Ink Color = 0x1b1f24

const (
	rule  Color = 0xd5dae0
	faint Color = 0x57606a
	plate Color = 0xf5f7f9
)

// Text is a paragraph in one style. Line breaks in it are kept.
type Text struct {
	Text  string
	Size  float64 // of the font, in points; 0: 8.5
	Face  Face
	Color Color // 0: Ink
}

// Face is one of the document's fonts.
type Face int

// Faces. In Mono no two signs can be taken for each other.
const (
	Regular Face = iota
	Bold
	Mono
)

// Lengths are in points, from the upper left corner of a page.
const (
	pageWidth, pageHeight = 595.28, 841.89
	margin                = 42.5 // 15 mm
	bottom                = pageHeight - 52
	leading               = 1.35 // lines, in sizes of the font
)

// Document is a document that is being laid out.
type Document struct {
	info     Info
	faces    [3]face
	pages    []*page
	y        float64 // where the next block begins
	root     *element
	headings []bookmark
	waiting  []heading // to be written with what follows
}

type page struct {
	content bytes.Buffer
	marked  []*element // by the number of the marked content
}

// element is a node of the structure.
type element struct {
	tag   string
	alt   string     // what is said in place of the content
	scope string     // of a TH: Row or Column
	box   [4]float64 // of a Figure: left, bottom, right, top
	kids  []any      // *element, or marked: content on a page
}

type marked struct{ page, id int }

type bookmark struct {
	text string
	page int
	y    float64
}

// New begins a document.
func New(info Info) (*Document, error) {
	d := &Document{info: info, root: &element{tag: "Document"}}
	for i, name := range [...]string{"regular", "bold", "mono"} {
		parsed, err := fontNamed(name)
		if err != nil {
			return nil, err
		}
		d.faces[i] = newFace(parsed)
	}
	d.turn()
	return d, nil
}

// Shows reports whether every face has a sign for a character, which is no other character's.
func (d *Document) Shows(r rune) bool {
	for _, f := range d.faces {
		if r != '\n' && !f.has(r) {
			return false
		}
	}
	return true
}

func (e *element) add(tag string) *element {
	kid := &element{tag: tag}
	e.kids = append(e.kids, kid)
	return kid
}

// turn begins a page.
func (d *Document) turn() {
	d.pages = append(d.pages, &page{})
	d.y = margin
}

func (d *Document) page() *page { return d.pages[len(d.pages)-1] }

// need begins a page where less than a height is left on this one.
func (d *Document) need(height float64) {
	if d.y+height > bottom && d.y > margin {
		d.turn()
	}
}

// Heading begins a section. It is written with what follows, on one page with the beginning of that.
func (d *Document) Heading(level int, text string) {
	d.waiting = append(d.waiting, heading{level, text})
}

// heading is a heading that waits for what follows.
type heading struct {
	level int
	text  string
}

// Of headings by their level: the size, the space before, and what is left behind.
var (
	headingSizes  = [...]float64{20, 12, 10}
	headingBefore = [...]float64{0, 12, 7}
	headingBehind = [...]float64{0, 4, 0}
)

// begin makes room for the beginning of a block, with the headings before it, and writes those.
func (d *Document) begin(height float64) {
	waiting := d.waiting
	d.waiting = nil
	for _, h := range waiting {
		t := Text{Text: h.text, Size: headingSizes[h.level-1], Face: Bold}
		height += headingBefore[h.level-1] + d.height(t, pageWidth-2*margin) + headingBehind[h.level-1]
	}
	d.need(min(height, bottom-margin))
	for _, h := range waiting {
		d.heading(h)
	}
}

func (d *Document) heading(h heading) {
	d.space(headingBefore[h.level-1])
	if h.level == 2 {
		d.headings = append(d.headings, bookmark{h.text, len(d.pages) - 1, d.y})
	}
	t := Text{Text: h.text, Size: headingSizes[h.level-1], Face: Bold}
	d.paragraph(d.root.add(fmt.Sprintf("H%d", h.level)), margin, pageWidth-2*margin, t)
	if h.level == 2 {
		d.rect(Mark{margin, d.y + 1, pageWidth - 2*margin, 0.6, rule})
	}
	d.y += headingBehind[h.level-1]
}

// space leaves a height free, but not at the top of a page.
func (d *Document) space(height float64) {
	if d.y > margin {
		d.y += height
	}
}

// Paragraph writes a paragraph.
func (d *Document) Paragraph(t Text) {
	d.begin(2 + min(d.height(t, pageWidth-2*margin), 2*t.lineHeight()))
	d.space(2)
	d.paragraph(d.root.add("P"), margin, pageWidth-2*margin, t)
	d.y += 2
}

// Box writes paragraphs on a plate, with an edge in a colour.
func (d *Document) Box(edge Color, all ...Text) {
	const pad = 9
	width, height := pageWidth-2*margin-2*pad, 2*pad-6.0
	for _, t := range all {
		height += d.height(t, width)
	}
	d.begin(5 + height)
	d.space(5)
	d.need(height)
	if height < bottom-margin { // a longer one has no plate
		d.rect(Mark{margin, d.y, pageWidth - 2*margin, height, plate})
		d.rect(Mark{margin, d.y, 4, height, edge})
	}
	d.y += pad - 3
	for _, t := range all {
		d.paragraph(d.root.add("P"), margin+pad+2, width, t)
	}
	d.y += pad - 3
}

// Item is an item of a list: a sign and what follows it.
type Item struct{ Label, Body Text }

// List writes a list.
func (d *Document) List(items []Item) {
	if len(items) == 0 {
		return
	}
	const indent = 11
	const kept = 60 // of an item that goes on on the next page
	first := d.height(items[0].Body, pageWidth-2*margin-indent)
	d.begin(2 + min(first, kept))
	list := d.root.add("L")
	d.space(2)
	for _, item := range items {
		li := list.add("LI")
		d.need(min(d.height(item.Body, pageWidth-2*margin-indent), kept))
		top, at := d.y, len(d.pages)
		d.paragraph(li.add("Lbl"), margin+2, indent, item.Label)
		if len(d.pages) == at {
			d.y = top
		}
		d.paragraph(li.add("LBody"), margin+indent, pageWidth-2*margin-indent, item.Body)
		d.y += 1.5
	}
	d.y += 2
}

// paragraph writes a paragraph, over as many pages as it takes.
func (d *Document) paragraph(e *element, x, width float64, t Text) {
	lines := d.wrap(t, width)
	for len(lines) > 0 {
		high := t.lineHeight()
		fit := int((bottom - d.y) / high)
		if fit < 1 {
			d.turn()
			continue
		}
		fit = min(fit, len(lines))
		d.lines(e, place{x, d.y, width, false}, lines[:fit])
		d.y += float64(fit) * high
		lines = lines[fit:]
	}
}

func (d *Document) height(t Text, width float64) float64 {
	return float64(len(d.wrap(t, width))) * t.lineHeight()
}
