package pdf_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carlos7ags/folio/core"
	"github.com/carlos7ags/folio/document"
	"github.com/carlos7ags/folio/reader"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"

	"github.com/auditbell/auditbell/handler/digest/pdf"
)

func text(s string) pdf.Text { return pdf.Text{Text: s} }

// sample has every kind of content, and a row that no page holds.
func sample(t *testing.T) *pdf.Document {
	t.Helper()
	d, err := pdf.New(pdf.Info{Title: "Titel <1> & Ω", Subject: "what", Author: "Contoso", Creator: "Auditbell", Created: time.Date(2026, 11, 1, 5, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	d.Heading(1, "Title")
	d.Box(0x1a6334, text("Head"), text(strings.Repeat("a statement of many words ", 40)))
	d.Heading(2, "Section")
	d.List([]pdf.Item{{Label: text("!"), Body: text("one")}, {Label: text("•"), Body: text(strings.Repeat("/a/path/that/is/long", 40))}})
	long := pdf.Cell{Texts: []pdf.Text{text(strings.Repeat("line\n", 150))}}
	d.Table(pdf.Table{Caption: "Cap", Named: true, Columns: []pdf.Column{{Title: "Name"}, {Title: "N", Right: true}}, Rows: slices.Values([][]pdf.Cell{
		{{Texts: []pdf.Text{text("a")}}, {Texts: []pdf.Text{text("1")}}},
		{long, {Picture: &pdf.Picture{Alt: "a day in words", Width: 50, Height: 8, Marks: []pdf.Mark{{Width: 5, Height: 5}}}}},
		{{Alt: "in words", Texts: []pdf.Text{text("3 √")}}, {}},
	})})
	d.Heading(3, "Part")
	d.Table(pdf.Table{Boxed: true, Columns: make([]pdf.Column, 40), Rows: slices.Values([][]pdf.Cell{make([]pdf.Cell, 40)})}) // narrower than its padding
	d.Paragraph(text(""))
	return d
}

func written(t *testing.T, d *pdf.Document) ([]byte, *reader.PdfReader) {
	t.Helper()
	var out bytes.Buffer
	if err := d.Write(&out); err != nil {
		t.Fatal(err)
	}
	r, err := reader.Parse(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), r
}

// TestStructure reads the structure back, with what the elements say of themselves.
func TestStructure(t *testing.T) {
	t.Parallel()
	_, r := written(t, sample(t))
	w := walk{r: r, t: t}
	root := w.dict(w.dict(r.Catalog()).Get("StructTreeRoot"))
	w.element(root.Get("K"), 0)
	want := `Document
 H1
 P
 P
 H2
 L
  LI
   Lbl
   LBody
  LI
   Lbl
   LBody
 Table
  Caption
  THead
   TR
    TH Column
    TH Column
  TBody
   TR
    TH Row
    TD
   TR
    TH Row
    TD
     Figure "a day in words"
   TR
    TH Row
     Span "in words"
    TD
 H3
 Table
  TBody
   TR
` + strings.Repeat("    TD\n", 40) + " P\n"
	if got := w.out.String(); got != want {
		t.Errorf("structure\n%s\nwant\n%s", got, want)
	}
}

// walk reads objects.
type walk struct {
	t   *testing.T
	r   *reader.PdfReader
	out strings.Builder
	ids map[string]bool // contents of pages that elements refer to
}

func (w *walk) dict(o core.PdfObject) *core.PdfDictionary {
	w.t.Helper()
	got, err := w.r.ResolveObject(o)
	d, ok := got.(*core.PdfDictionary)
	if stream, is := got.(*core.PdfStream); is {
		d, ok = stream.Dict, true
	}
	if err != nil || !ok {
		w.t.Fatalf("%v is %T, %v; want a dictionary", o, got, err)
	}
	return d
}

func (w *walk) name(o core.PdfObject) string {
	n, _ := o.(*core.PdfName)
	if n == nil {
		return ""
	}
	return n.Value
}

func (w *walk) element(o core.PdfObject, depth int) {
	d := w.dict(o)
	if w.name(d.Get("Type")) == "MCR" {
		if w.ids == nil {
			w.ids = map[string]bool{}
		}
		key := fmt.Sprint(d.Get("Pg").(*core.PdfIndirectReference).Num(), d.Get("MCID").(*core.PdfNumber).IntValue())
		if w.ids[key] {
			w.t.Errorf("content %s belongs to two elements", key)
		}
		w.ids[key] = true
		return
	}
	w.out.WriteString(strings.Repeat(" ", depth) + w.name(d.Get("S")))
	if a := d.Get("A"); a != nil {
		if scope := w.name(w.dict(a).Get("Scope")); scope != "" {
			w.out.WriteString(" " + scope)
		}
	}
	if alt, ok := d.Get("Alt").(*core.PdfString); ok {
		fmt.Fprintf(&w.out, " %q", alt.TextString())
	}
	w.out.WriteString("\n")
	for _, kid := range d.Get("K").(*core.PdfArray).All() {
		w.element(kid, depth+1)
	}
}

// TestArchive holds a file to what ISO 19005-3 asks for of level B where it is not of the fonts' own making, and to what
// tagged content is: nothing on a page is neither an element's nor an artifact.
func TestArchive(t *testing.T) {
	t.Parallel()
	file, r := written(t, sample(t))
	w := walk{r: r, t: t}
	catalog := w.dict(r.Catalog())
	w.element(w.dict(catalog.Get("StructTreeRoot")).Get("K"), 0)
	if !bytes.HasPrefix(file, []byte("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")) || r.Trailer().Get("ID") == nil || r.Trailer().Get("Encrypt") != nil { // 6.1.2, 6.1.3
		t.Error("the head or the trailer is not as it should be")
	}
	intents, err := r.ResolveObject(catalog.Get("OutputIntents"))
	if err != nil || w.name(w.dict(intents.(*core.PdfArray).At(0)).Get("S")) != "GTS_PDFA1" || w.dict(w.dict(intents.(*core.PdfArray).At(0)).Get("DestOutputProfile")).Get("N") == nil { // 6.2.3
		t.Error("no output intent")
	}
	meta, _ := r.ResolveObject(catalog.Get("Metadata"))
	xmp := meta.(*core.PdfStream)
	for _, want := range []string{"<pdfaid:part>3<", "<pdfaid:conformance>B<", "Titel &lt;1&gt; &amp; Ω", ">Contoso<", "2026-11-01T05:00:00Z"} { // 6.6.4
		if !strings.Contains(string(xmp.Data), want) || xmp.WillCompress() {
			t.Errorf("the metadata does not say %s", want)
		}
	}
	marked := 0
	for i := 1; i < r.MaxObjectNumber(); i++ {
		o, err := r.ResolveObject(core.NewPdfIndirectReference(i, 0))
		if err != nil {
			t.Fatal(err)
		}
		d, ok := o.(*core.PdfDictionary)
		switch {
		case !ok:
		case w.name(d.Get("Type")) == "FontDescriptor" && d.Get("FontFile2") == nil: // 6.2.11.4
			t.Errorf("font %v is not embedded", d.Get("FontName"))
		case w.name(d.Get("Subtype")) == "Type0" && d.Get("ToUnicode") == nil:
			t.Errorf("font %v does not say what its glyphs mean", d.Get("BaseFont"))
		case w.name(d.Get("Type")) == "Page":
			content, _ := r.ResolveObject(d.Get("Contents"))
			marked += inMarks(t, string(content.(*core.PdfStream).Data))
		}
	}
	if marked != len(w.ids) || marked == 0 {
		t.Errorf("%d marked contents, of which the structure has %d", marked, len(w.ids))
	}
}

// inMarks counts the contents of a page that are an element's, and reports what is outside of any mark.
func inMarks(t *testing.T, content string) (n int) {
	t.Helper()
	depth := 0
	for line := range strings.Lines(content) {
		switch {
		case strings.HasSuffix(line, "BDC\n"), strings.HasSuffix(line, "BMC\n"):
			depth++
			if strings.Contains(line, "/MCID") {
				n++
			}
		case line == "EMC\n":
			depth--
		}
		if depth != 1 && line != "EMC\n" {
			t.Errorf("%q is outside of a mark, or in two", line)
		}
	}
	return n
}

// TestGlyphs: no character shows as the sign for none.
func TestGlyphs(t *testing.T) {
	t.Parallel()
	d := sample(t)
	for r, want := range map[rune]bool{'a': true, '√': true, 'ß': true, 'И': true, '李': false, '✓': false, '🚀': false, '\ufffe': false} {
		if got := d.Shows(r); got != want {
			t.Errorf("%U: %t, want %t", r, got, want)
		}
	}
}

// TestAssets holds the packed files to where they are from.
func TestAssets(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]byte{"regular": goregular.TTF, "bold": gobold.TTF, "mono": gomono.TTF} {
		packed, err := os.Open("assets/" + name + ".ttf.gz")
		if err != nil {
			t.Fatal(err)
		}
		r, err := gzip.NewReader(packed)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not the font of golang.org/x/image: %v", name, err)
		}
	}
	d := document.NewDocument(document.PageSizeA4)
	d.AddPage()
	d.Info.Title = "x"
	d.SetPdfA(document.PdfAConfig{Level: document.PdfA3B})
	var out bytes.Buffer
	if _, err := d.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	r, err := reader.Parse(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want, _ := os.ReadFile("assets/srgb.icc")
	found := false
	for i := range r.MaxObjectNumber() + 1 {
		o, _ := r.ResolveObject(core.NewPdfIndirectReference(i, 0))
		stream, ok := o.(*core.PdfStream)
		found = found || ok && bytes.Equal(stream.Data, want)
	}
	if !found {
		t.Error("srgb.icc is not the profile that package folio/document writes")
	}
}

// TestHeadingsStandWithWhatFollows: wherever a page ends, no heading is the last thing on it.
func TestHeadingsStandWithWhatFollows(t *testing.T) {
	t.Parallel()
	for lines := range 60 {
		d, err := pdf.New(pdf.Info{Title: "x"})
		if err != nil {
			t.Fatal(err)
		}
		for range lines {
			d.Paragraph(text("a line"))
		}
		d.Heading(2, "Heading")
		d.Heading(3, "Another")
		switch lines % 3 {
		case 0:
			d.Table(pdf.Table{Caption: "Cap", Columns: []pdf.Column{{Title: "Column"}}, Rows: slices.Values([][]pdf.Cell{{{Texts: []pdf.Text{text(strings.Repeat("follows\n", 9))}}}})})
		case 1:
			d.List([]pdf.Item{{Label: text("!"), Body: text("follows")}})
		case 2:
			d.Box(0x1a6334, text("follows"), text("and more"))
		}
		_, r := written(t, d)
		for i := range r.PageCount() {
			page, err := r.Page(i)
			if err != nil {
				t.Fatal(err)
			}
			said, err := page.ExtractText()
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(said, "Heading") && (!strings.Contains(said, "Another") || !strings.Contains(said, "follows")) {
				t.Errorf("after %d lines page %d ends with a heading:\n%s", lines, i+1, said)
			}
		}
	}
}

// TestColumnsAreAsWideAsWhatTheyHold: a column whose every cell is long is wider than one of which a single cell is, and
// numbers take no more than their titles' words.
func TestColumnsAreAsWideAsWhatTheyHold(t *testing.T) {
	t.Parallel()
	d, err := pdf.New(pdf.Info{Title: "x"})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("words that are many ", 6)
	var rows [][]pdf.Cell
	for i := range 20 {
		row := []pdf.Cell{{Texts: []pdf.Text{text(long)}}, {Texts: []pdf.Text{text("quiet")}}}
		if i == 7 {
			row[1].Texts[0].Text = long + long
		}
		for range 6 {
			row = append(row, pdf.Cell{Texts: []pdf.Text{text("0")}})
		}
		rows = append(rows, row)
	}
	columns := []pdf.Column{{Title: "Control"}, {Title: "Verdict"}}
	for range 6 {
		columns = append(columns, pdf.Column{Title: "Delivery, 95 of 100", Right: true})
	}
	widths := d.Widths(pdf.Table{Columns: columns, Rows: slices.Values(rows)})
	if widths[0] < 2*widths[1] || widths[2] > 60 || widths[0] < 120 {
		t.Errorf("widths %.0f", widths)
	}
}

// TestNoColumnStarves: one row with a long list takes the width from no other column, and titles stay whole as long as there is
// room for them.
func TestNoColumnStarves(t *testing.T) {
	t.Parallel()
	d := sample(t)
	name, short, long := "Alert for creating or changing a network security group", "nsg-write", strings.Repeat("kubernetes-traces-removed, ", 20)
	rows := [][]pdf.Cell{{{Texts: []pdf.Text{text(name)}}, {Texts: []pdf.Text{text(long)}}}}
	for range 20 {
		rows = append(rows, []pdf.Cell{{Texts: []pdf.Text{text(name)}}, {Texts: []pdf.Text{text(short)}}})
	}
	if w := d.Widths(pdf.Table{Columns: []pdf.Column{{Title: "Control"}, {Title: "Rules"}}, Rows: slices.Values(rows)}); w[0] < w[1]/2 {
		t.Errorf("the names get %.0f, the list %.0f", w[0], w[1])
	}
	columns, row := make([]pdf.Column, 9), make([]pdf.Cell, 9)
	for i := range columns {
		columns[i].Title, row[i].Texts = "Opened", []pdf.Text{text(strings.Repeat("x", 60))}
	}
	columns[8].Title = "Acknowledgements"
	w := d.Widths(pdf.Table{Columns: columns, Rows: slices.Values([][]pdf.Cell{row})})
	if w[8] <= w[0] || w[0] < 30 {
		t.Errorf("widths %.0f: a title is broken", w)
	}
}
