package digest

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// book writes an Office Open XML workbook (ECMA-376) of plain tables as a stream: texts inline, no formulas, a bold head
// that stays in view, a filter over it. It is written here because the library for it, excelize v2.11.0, fills its
// tables of functions when the program starts, which is a third of the time until the first event is answered, whether
// a workbook is ever written or not. The tests read what is written here with that library.
type book struct {
	zip   *zip.Writer
	names []string
	title string
	made  time.Time
	err   error
}

func newBook(w io.Writer, title string, made time.Time) *book {
	return &book{zip: zip.NewWriter(w), title: title, made: made}
}

// part opens a file of the package. Its time is fixed: the same report is the same bytes.
func (b *book) part(name string) io.Writer {
	w, err := b.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		b.fail(err)
		return io.Discard
	}
	return w
}

func (b *book) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

// sheet writes a table as its rows come. Cells are texts and numbers.
func (b *book) sheet(name string, columns []string, rows iter.Seq[[]any]) {
	if b.err != nil {
		return
	}
	b.names = append(b.names, name)
	s := sheetWriter{out: bufio.NewWriter(b.part(fmt.Sprintf("xl/worksheets/sheet%d.xml", len(b.names))))}
	s.raw(xmlHead + `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0">` +
		`<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>`)
	s.raw(fmt.Sprintf(`<col min="1" max="%d" width="24" customWidth="1"/></cols><sheetData>`, len(columns)))
	head := make([]any, len(columns))
	for i, c := range columns {
		head[i] = c
	}
	s.row(head, ` s="1"`)
	for row := range rows {
		s.row(row, "")
	}
	s.raw(fmt.Sprintf(`</sheetData><autoFilter ref="A1:%s%d"/></worksheet>`, columnName(len(columns)), s.n))
	if err := errors.Join(s.err, s.out.Flush()); err != nil {
		b.fail(err)
	}
}

// sheetWriter writes the rows of one sheet.
type sheetWriter struct {
	out *bufio.Writer
	n   int // rows so far
	err error
}

func (s *sheetWriter) raw(text string) {
	if s.err == nil {
		_, s.err = s.out.WriteString(text)
	}
}

func (s *sheetWriter) row(cells []any, style string) {
	s.n++
	s.raw(`<row r="` + strconv.Itoa(s.n) + `">`)
	for i, cell := range cells {
		at := columnName(i+1) + strconv.Itoa(s.n)
		switch v := cell.(type) {
		case string:
			if v != "" {
				s.raw(`<c r="` + at + `"` + style + ` t="inlineStr"><is><t xml:space="preserve">` + xmlText(v) + `</t></is></c>`)
			}
		case int:
			s.raw(`<c r="` + at + `"><v>` + strconv.Itoa(v) + `</v></c>`)
		case int64:
			s.raw(`<c r="` + at + `"><v>` + strconv.FormatInt(v, 10) + `</v></c>`)
		case float64:
			s.raw(`<c r="` + at + `"><v>` + strconv.FormatFloat(v, 'g', -1, 64) + `</v></c>`)
		default:
			s.err = errors.Join(s.err, fmt.Errorf("a cell holds a %T", cell))
		}
	}
	s.raw(`</row>`)
}

// columnName counts A … Z, AA ….
func columnName(n int) string {
	name := ""
	for ; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}

// cellLimit is what a cell holds (Microsoft: "Excel specifications and limits").
const cellLimit = 32767

// xmlText is s as character data. What XML 1.0 cannot hold becomes a blank.
func xmlText(s string) string {
	if utf8.RuneCountInString(s) > cellLimit {
		s = string([]rune(s)[:cellLimit-1]) + "…"
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return ' '
		}
		return r
	}, s)
	return xmlEscaper.Replace(s)
}

// In an inline text _xHHHH_ is an escape (ECMA-376, ST_Xstring), so its first sign must be escaped itself.
var xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\r", "&#13;", "_x", "_x005F_x")

// close writes what holds the sheets together.
func (b *book) close() error {
	const types, relations = "http://schemas.openxmlformats.org/package/2006/content-types", "http://schemas.openxmlformats.org/package/2006/relationships"
	const office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	const sheetML = "application/vnd.openxmlformats-officedocument.spreadsheetml."
	var overrides, sheets, links strings.Builder
	for i, name := range b.names {
		n := i + 1
		fmt.Fprintf(&overrides, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="%sworksheet+xml"/>`, n, sheetML)
		fmt.Fprintf(&sheets, `<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, xmlText(name), n, n)
		fmt.Fprintf(&links, `<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%d.xml"/>`, n, office, n)
	}
	for _, part := range [][2]string{
		{"[Content_Types].xml", `<Types xmlns="` + types + `"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="` + sheetML + `sheet.main+xml"/>` +
			`<Override PartName="/xl/styles.xml" ContentType="` + sheetML + `styles+xml"/>` +
			`<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>` + overrides.String() + `</Types>`},
		{"_rels/.rels", `<Relationships xmlns="` + relations + `"><Relationship Id="rId1" Type="` + office + `/officeDocument" Target="xl/workbook.xml"/>` +
			`<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>`},
		{"docProps/core.xml", `<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" ` +
			`xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>` + xmlText(b.title) + `</dc:title><dc:creator>Auditbell</dc:creator>` +
			`<dcterms:created xsi:type="dcterms:W3CDTF">` + b.made.UTC().Format(time.RFC3339) + `</dcterms:created></cp:coreProperties>`},
		{"xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="` + office + `"><sheets>` + sheets.String() + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + relations + `">` + links.String() +
			fmt.Sprintf(`<Relationship Id="rId%d" Type="%s/styles" Target="styles.xml"/></Relationships>`, len(b.names)+1, office)},
		{"xl/styles.xml", `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>` +
			`<font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
			`<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf xfId="0"/><xf xfId="0" fontId="1" applyFont="1"/></cellXfs></styleSheet>`},
	} {
		if _, err := io.WriteString(b.part(part[0]), xmlHead+part[1]); err != nil {
			b.fail(err)
		}
	}
	return errors.Join(b.err, b.zip.Close())
}
