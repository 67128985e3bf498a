package digest

import (
	"bufio"
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"testing/fstest"

	"github.com/carlos7ags/folio/document"
	foliohtml "github.com/carlos7ags/folio/html"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
)

//go:embed paper.css
var paperStyle string

// PDF writes the report as a document for print and for archives: the page of HTML in a style for paper, laid out by
// package folio. It is tagged (headings, paragraphs, lists, tables and their rows) and states PDF/A-3b, whose rules folio
// checks before it writes. The bytes depend on nothing but the report.
func PDF(w io.Writer, r Report) error {
	var body bytes.Buffer
	glyphs, err := newGlyphs()
	if err != nil {
		return err
	}
	p := &page{out: bufio.NewWriter(&body), zone: r.Zone, text: glyphs.shown, paper: true}
	p.put(`<!doctype html><html lang="en"><head><style>` + paperStyle + `</style></head><body>`)
	p.blocks(r.Document())
	if glyphs.missing {
		p.element("p", "soft", `What this document's font has no sign for is written as \u and its number in Unicode; report.html shows it.`)
	}
	p.put("</body></html>")
	if err := p.out.Flush(); err != nil {
		return fmt.Errorf("write pdf: %w", err)
	}
	d := paper(&r)
	if err := d.AddHTML(body.String(), &foliohtml.Options{BaseFS: files(&r), PageWidth: document.PageSizeA4.Width, PageHeight: document.PageSizeA4.Height, StrictAssets: true}); err != nil {
		return fmt.Errorf("lay out pdf: %w", err)
	}
	if _, err := d.WriteToWithOptions(w, document.WriteOptions{Deterministic: true}); err != nil {
		return fmt.Errorf("write pdf: %w", err)
	}
	return nil
}

// files are what the page refers to: the fonts, which PDF/A wants embedded, and the pictures of days.
func files(r *Report) fstest.MapFS {
	all := fstest.MapFS{"regular.ttf": {Data: goregular.TTF}, "bold.ttf": {Data: gobold.TTF}, "mono.ttf": {Data: gomono.TTF}}
	for i := range r.Activity.Days[:min(len(r.Activity.Days), daysShown)] {
		all[fmt.Sprintf("day%d.svg", i)] = &fstest.MapFile{Data: []byte(r.Activity.daySVG(i))}
	}
	return all
}

// paper is an empty document: its language, titles and dates, and the standards that it states.
func paper(r *Report) *document.Document {
	d := document.NewDocument(document.PageSizeA4)
	d.Info = document.Info{
		Title: r.Heading(), Subject: r.Completeness.Verdict.Words() + ". " + r.Completeness.Statement, Author: r.Masthead.Organisation, Creator: "Auditbell", Producer: "Auditbell",
		CreationDate: r.GeneratedAt, ModDate: r.GeneratedAt, Language: "en",
	}
	d.SetTagged(true)
	d.SetAutoBookmarks(true)
	d.SetViewerPreferences(document.ViewerPreferences{DisplayDocTitle: true, OpenPage: -1})
	d.SetPdfA(document.PdfAConfig{Level: document.PdfA3B})
	return d
}

// glyphs tells what the document's font can show.
type glyphs struct {
	font    *sfnt.Font
	buffer  sfnt.Buffer
	missing bool
}

func newGlyphs() (*glyphs, error) {
	font, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("read font: %w", err)
	}
	return &glyphs{font: font}, nil
}

// shown is a text as the document can show it: what has no sign of its own is written as its number, so that two names
// that differ never look the same.
func (g *glyphs) shown(s string) string {
	s = strings.ReplaceAll(visible(s), "\u2060", "")
	if !strings.ContainsFunc(s, func(r rune) bool { return !g.has(r) }) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case g.has(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\u{%X}`, r)
			g.missing = true
		default:
			fmt.Fprintf(&b, `\u%04X`, r)
			g.missing = true
		}
	}
	return b.String()
}

func (g *glyphs) has(r rune) bool {
	if r == '\n' || ' ' <= r && r < 0x7f {
		return true
	}
	index, err := g.font.GlyphIndex(&g.buffer, r)
	return err == nil && index != 0
}
