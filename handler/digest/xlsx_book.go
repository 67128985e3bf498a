package digest

import (
	"archive/zip"
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
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
	cut   int // cells that did not hold their text
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

// sheet writes a table as its rows come. Cells are texts, numbers and wallTimes.
func (b *book) sheet(name string, columns []Column, rows iter.Seq[[]any]) {
	if b.err != nil {
		return
	}
	b.names = append(b.names, sheetName(name))
	s := sheetWriter{out: bufio.NewWriter(b.part(fmt.Sprintf("xl/worksheets/sheet%d.xml", len(b.names)))), cut: &b.cut}
	s.raw(xmlHead + `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="` + officeNames + `"><sheetViews><sheetView workbookViewId="0">` +
		`<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>`)
	for i, c := range columns {
		s.raw(fmt.Sprintf(`<col min="%d" max="%d" width="%d" customWidth="1"/>`, i+1, i+1, c.Kind.width()))
	}
	s.raw(`</cols><sheetData>`)
	head := make([]any, len(columns))
	for i, c := range columns {
		head[i] = c.Title
	}
	s.row(head, ` s="1"`)
	for row := range rows {
		s.row(row, "")
	}
	if s.n == 1 {
		s.row(make([]any, len(columns)), "") // a table has a row, if only an empty one
	}
	s.raw(`</sheetData><tableParts count="1"><tablePart r:id="rId1"/></tableParts></worksheet>`)
	if err := errors.Join(s.err, s.out.Flush()); err != nil {
		b.fail(err)
	}
	b.table(columns, s.n)
}

// table writes the part that makes a sheet's cells a table, with a filter in its head.
func (b *book) table(columns []Column, rows int) {
	n := len(b.names)
	ref := fmt.Sprintf("A1:%s%d", columnName(len(columns)), rows)
	var names strings.Builder
	seen := map[string]int{}
	for i, c := range columns {
		title := c.Title
		if seen[title]++; seen[title] > 1 {
			title = fmt.Sprintf("%s %d", title, seen[title])
		}
		fmt.Fprintf(&names, `<tableColumn id="%d" name="%s"/>`, i+1, xmlEscaper.Replace(title))
	}
	b.write(fmt.Sprintf("xl/tables/table%d.xml", n), fmt.Sprintf(`<table xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" id="%d" name="Table%d" displayName="Table%d" ref="%s">`+
		`<autoFilter ref="%s"/><tableColumns count="%d">%s</tableColumns><tableStyleInfo name="TableStyleLight1" showRowStripes="1"/></table>`, n, n, n, ref, ref, len(columns), names.String()))
	b.write(fmt.Sprintf("xl/worksheets/_rels/sheet%d.xml.rels", n), fmt.Sprintf(`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`+
		`<Relationship Id="rId1" Type="%s/table" Target="../tables/table%d.xml"/></Relationships>`, officeNames, n))
}

func (b *book) write(name, content string) {
	if _, err := io.WriteString(b.part(name), xmlHead+content); err != nil {
		b.fail(err)
	}
}

const officeNames = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

func (k Kind) width() int { return map[Kind]int{Words: 28, Number: 12, When: 22, Where: 60}[k] }

// sheetWriter writes the rows of one sheet.
type sheetWriter struct {
	out *bufio.Writer
	n   int // rows so far
	cut *int
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
		case nil:
		case string:
			if v != "" {
				s.raw(`<c r="` + at + `"` + style + ` t="inlineStr"><is><t xml:space="preserve">` + xmlText(v, s.cut) + `</t></is></c>`)
			}
		case int:
			s.raw(`<c r="` + at + `"><v>` + strconv.Itoa(v) + `</v></c>`)
		case int64:
			s.raw(`<c r="` + at + `"><v>` + strconv.FormatInt(v, 10) + `</v></c>`)
		case float64:
			s.raw(`<c r="` + at + `"><v>` + strconv.FormatFloat(v, 'g', -1, 64) + `</v></c>`)
		case wallTime:
			s.raw(`<c r="` + at + `" s="2"><v>` + serial(time.Time(v)) + `</v></c>`)
		default:
			s.err = errors.Join(s.err, fmt.Errorf("a cell holds a %T", cell))
		}
	}
	s.raw(`</row>`)
}

// serial is a wall-clock time as spreadsheets count: days since 30 December 1899, to the millisecond.
func serial(at time.Time) string {
	_, offset := at.Zone()
	millis := at.UnixMilli() + int64(offset)*1000 + 25569*24*60*60*1000 // 25,569 days before 1970
	return strconv.FormatFloat(float64(millis)/(24*60*60*1000), 'f', 9, 64)
}

// columnName counts A … Z, AA ….
func columnName(n int) string {
	name := ""
	for ; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}

// cellLimit is what a cell holds, in units of UTF-16 (Microsoft: "Excel specifications and limits").
const cellLimit = 32767

// xmlText is s as character data. What XML 1.0 cannot hold becomes a blank; what a cell cannot hold is cut between two
// characters, said and counted.
func xmlText(s string, cut *int) string {
	if _, ok := fittingUTF16(s, cellLimit); !ok {
		const said = "… (cut)"
		short, _ := fittingUTF16(s, cellLimit-len(said))
		s = short + said
		*cut++
	}
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return ' '
		}
		return r
	}, s)
	return xmlEscaper.Replace(s)
}

// fittingUTF16 is as much of s as fits into a number of UTF-16 units; ok when that is all of it.
func fittingUTF16(s string, limit int) (short string, ok bool) {
	if len(s) <= limit {
		return s, true
	}
	units := 0
	for at, r := range s {
		if units += max(utf16.RuneLen(r), 1); units > limit {
			return s[:at], false
		}
	}
	return s, true
}

// In an inline text _xHHHH_ is an escape (ECMA-376, ST_Xstring), so its first sign must be escaped itself.
var xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\r", "&#13;", "_x", "_x005F_x")

// close writes what holds the sheets together.
func (b *book) close() error {
	if b.cut > 0 {
		b.sheet("Notes", []Column{{"what", Words}, {"value", Where}}, slices.Values([][]any{{"cells cut", b.cut}, {"why", "a cell holds 32,767 characters; report.json has the whole texts"}}))
	}
	const types, relations = "http://schemas.openxmlformats.org/package/2006/content-types", "http://schemas.openxmlformats.org/package/2006/relationships"
	const office = officeNames
	const sheetML = "application/vnd.openxmlformats-officedocument.spreadsheetml."
	var overrides, sheets, links strings.Builder
	for i, name := range b.names {
		n := i + 1
		fmt.Fprintf(&overrides, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="%sworksheet+xml"/><Override PartName="/xl/tables/table%d.xml" ContentType="%stable+xml"/>`, n, sheetML, n, sheetML)
		fmt.Fprintf(&sheets, `<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, xmlEscaper.Replace(name), n, n)
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
			`xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>` + xmlEscaper.Replace(visible(b.title)) + `</dc:title><dc:creator>Auditbell</dc:creator>` +
			`<dcterms:created xsi:type="dcterms:W3CDTF">` + b.made.UTC().Format(time.RFC3339) + `</dcterms:created></cp:coreProperties>`},
		{"xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="` + office + `"><sheets>` + sheets.String() + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="` + relations + `">` + links.String() +
			fmt.Sprintf(`<Relationship Id="rId%d" Type="%s/styles" Target="styles.xml"/></Relationships>`, len(b.names)+1, office)},
		{"xl/styles.xml", `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd\ hh:mm:ss"/></numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>` +
			`<font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
			`<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf xfId="0"/><xf xfId="0" fontId="1" applyFont="1"/><xf xfId="0" numFmtId="164" applyNumberFormat="1"/></cellXfs></styleSheet>`},
	} {
		b.write(part[0], part[1])
	}
	return errors.Join(b.err, b.zip.Close())
}
