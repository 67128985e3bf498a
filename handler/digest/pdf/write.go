package pdf

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/carlos7ags/folio/core"
)

// Write writes the document. Its bytes depend on nothing but what was laid out.
func (d *Document) Write(w io.Writer) error {
	d.begin(0)
	d.number()
	profile, err := asset("srgb.icc")
	if err != nil {
		return err
	}
	var f file
	pages := f.reserve(len(d.pages))
	tree := f.structure(d, pages)
	f.pages(d, pages)
	catalog := dict("Type", name("Catalog"), "Pages", f.parent, "Lang", core.NewPdfTextString("en"), "MarkInfo", dict("Marked", core.NewPdfBoolean(true)),
		"ViewerPreferences", dict("DisplayDocTitle", core.NewPdfBoolean(true)), "StructTreeRoot", tree, "Outlines", f.outlines(d, pages), "PageMode", name("UseOutlines"),
		"Metadata", f.add(d.info.metadata()), "OutputIntents", core.NewPdfArray(f.intent(profile)))
	return f.write(w, f.add(catalog), f.add(d.info.dict()))
}

// number writes the numbers of the pages.
func (d *Document) number() {
	for i, p := range d.pages {
		t := Text{Text: fmt.Sprintf("%d / %d", i+1, len(d.pages)), Size: 8, Color: faint}
		p.content.WriteString("/Artifact <</Type /Pagination>> BDC\n")
		d.show(p, place{margin, pageHeight - 32, pageWidth - 2*margin, true}, []Text{t})
		p.content.WriteString("EMC\n")
	}
}

func (f *file) pages(d *Document, refs []*core.PdfIndirectReference) {
	f.parent = f.add(nil)
	fonts := dict()
	for i, face := range d.faces {
		fonts.Set(fmt.Sprintf("F%d", i), f.add(face.embedded.BuildObjects(f.add)))
	}
	resources := f.add(dict("Font", fonts))
	kids := core.NewPdfArray()
	for i, p := range d.pages {
		f.set(refs[i], dict("Type", name("Page"), "Parent", f.parent, "MediaBox", numbers(0, 0, pageWidth, pageHeight), "Resources", resources,
			"Contents", f.add(core.NewPdfStreamCompressed(p.content.Bytes())), "StructParents", core.NewPdfInteger(i), "Tabs", name("S")))
		kids.Add(refs[i])
	}
	f.set(f.parent, dict("Type", name("Pages"), "Kids", kids, "Count", core.NewPdfInteger(len(refs))))
}

// structure is the tree of elements, with the way back from the content of each page to its elements.
func (f *file) structure(d *Document, pages []*core.PdfIndirectReference) *core.PdfIndirectReference {
	root := f.add(nil)
	refs := map[*element]*core.PdfIndirectReference{}
	top := f.element(d.root, root, pages, refs)
	back := core.NewPdfArray()
	for i, p := range d.pages {
		elements := core.NewPdfArray()
		for _, e := range p.marked {
			elements.Add(refs[e])
		}
		back.Add(core.NewPdfInteger(i))
		back.Add(f.add(elements))
	}
	f.set(root, dict("Type", name("StructTreeRoot"), "K", top, "ParentTree", f.add(dict("Nums", back)), "ParentTreeNextKey", core.NewPdfInteger(len(pages))))
	return root
}

func (f *file) element(e *element, parent *core.PdfIndirectReference, pages []*core.PdfIndirectReference, refs map[*element]*core.PdfIndirectReference) *core.PdfIndirectReference {
	ref := f.add(nil)
	refs[e] = ref
	kids := core.NewPdfArray()
	for _, kid := range e.kids {
		switch kid := kid.(type) {
		case *element:
			kids.Add(f.element(kid, ref, pages, refs))
		case marked:
			kids.Add(dict("Type", name("MCR"), "Pg", pages[kid.page], "MCID", core.NewPdfInteger(kid.id)))
		}
	}
	o := dict("Type", name("StructElem"), "S", name(e.tag), "P", parent, "K", kids)
	if e.alt != "" {
		o.Set("Alt", core.NewPdfTextString(e.alt))
	}
	if e.scope != "" {
		o.Set("A", dict("O", name("Table"), "Scope", name(e.scope)))
	}
	if e.tag == "Figure" {
		o.Set("A", dict("O", name("Layout"), "Placement", name("Block"), "BBox", numbers(e.box[:]...)))
	}
	f.set(ref, o)
	return ref
}

// outlines are the headings, beside the pages.
func (f *file) outlines(d *Document, pages []*core.PdfIndirectReference) *core.PdfIndirectReference {
	root, refs := f.add(nil), f.reserve(len(d.headings))
	o := dict("Type", name("Outlines"), "Count", core.NewPdfInteger(len(refs)))
	for i, h := range d.headings {
		item := dict("Title", core.NewPdfTextString(h.text), "Parent", root,
			"Dest", core.NewPdfArray(pages[h.page], name("XYZ"), core.NewPdfReal(margin), core.NewPdfReal(pageHeight-h.y), core.NewPdfNull()))
		if i > 0 {
			item.Set("Prev", refs[i-1])
		}
		if i+1 < len(refs) {
			item.Set("Next", refs[i+1])
		}
		f.set(refs[i], item)
	}
	if len(refs) > 0 {
		o.Set("First", refs[0])
		o.Set("Last", refs[len(refs)-1])
	}
	f.set(root, o)
	return root
}

// intent says what the colours look like: of a device's colours, PDF/A wants to know.
func (f *file) intent(srgb []byte) *core.PdfIndirectReference {
	profile := core.NewPdfStreamCompressed(srgb)
	profile.Dict.Set("N", core.NewPdfInteger(3))
	is := core.NewPdfLiteralString("sRGB IEC61966-2.1")
	return f.add(dict("Type", name("OutputIntent"), "S", name("GTS_PDFA1"), "OutputConditionIdentifier", is, "Info", is, "DestOutputProfile", f.add(profile)))
}

func (i Info) dict() *core.PdfDictionary {
	at := core.NewPdfLiteralString(i.Created.UTC().Format("D:20060102150405Z"))
	d := dict("CreationDate", at, "ModDate", at)
	for _, entry := range [][2]string{{"Title", i.Title}, {"Subject", i.Subject}, {"Author", i.Author}, {"Creator", i.Creator}, {"Producer", i.Creator}} {
		if entry[1] != "" {
			d.Set(entry[0], core.NewPdfTextString(entry[1]))
		}
	}
	return d
}

// metadata says the same as dict in XMP (ISO 16684-1), and which standard the file states.
func (i Info) metadata() *core.PdfStream {
	var b strings.Builder
	b.WriteString("<?xpacket begin=\"\ufeff\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n" + `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>3</pdfaid:part>
<pdfaid:conformance>B</pdfaid:conformance>
<dc:language><rdf:Bag><rdf:li>en</rdf:li></rdf:Bag></dc:language>
`)
	say := func(before, text, after string) {
		if text == "" {
			return
		}
		b.WriteString(before)
		_ = xml.EscapeText(&b, []byte(text)) // a Builder does not fail
		b.WriteString(after + "\n")
	}
	say(`<dc:title><rdf:Alt><rdf:li xml:lang="x-default">`, i.Title, "</rdf:li></rdf:Alt></dc:title>")
	say(`<dc:description><rdf:Alt><rdf:li xml:lang="x-default">`, i.Subject, "</rdf:li></rdf:Alt></dc:description>")
	say("<dc:creator><rdf:Seq><rdf:li>", i.Author, "</rdf:li></rdf:Seq></dc:creator>")
	say("<xmp:CreatorTool>", i.Creator, "</xmp:CreatorTool>")
	say("<pdf:Producer>", i.Creator, "</pdf:Producer>")
	at := i.Created.UTC().Format(time.RFC3339)
	say("<xmp:CreateDate>", at, "</xmp:CreateDate>")
	say("<xmp:ModifyDate>", at, "</xmp:ModifyDate>")
	b.WriteString("</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end=\"w\"?>")
	s := core.NewPdfStream([]byte(b.String()))
	s.Dict.Set("Type", name("Metadata"))
	s.Dict.Set("Subtype", name("XML"))
	return s
}

// dict is a dictionary of names and values in turn.
func dict(entries ...any) *core.PdfDictionary {
	d := core.NewPdfDictionary()
	for entry := range slices.Chunk(entries, 2) {
		d.Set(entry[0].(string), entry[1].(core.PdfObject))
	}
	return d
}

func name(s string) *core.PdfName { return core.NewPdfName(s) }

func numbers(all ...float64) *core.PdfArray {
	a := core.NewPdfArray()
	for _, n := range all {
		a.Add(core.NewPdfReal(n))
	}
	return a
}
