package digest_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/carlos7ags/folio/reader"
	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/source"
)

// TestGolden holds what people see of three months to files, in every form: HTML and Markdown as they are, the workbook as
// its cells, the PDF as its text and structure, the mail in both parts.
func TestGolden(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]digest.Report{"busy": small(t), "quiet": quiet(t), "empty": empty(t)} {
		l := digest.Letter{Manifest: "73ee9504500e0601fb5259419924df8792344c208b7b8a1bc64d92a02e70fde7", Archive: "https://archive.example/monthly/2026-10", LeftOut: []string{"report.json"}}
		mail, err := r.MailHTML(l)
		if err != nil {
			t.Fatal(err)
		}
		format := func(name string) []byte { f, _ := digest.FormatNamed(name); return render(t, f, r) }
		golden(t, name+".md", format("markdown"))
		golden(t, name+".html", format("html"))
		golden(t, name+".csv", format("csv"))
		golden(t, name+".xlsx.txt", cells(t, format("xlsx")))
		golden(t, name+".pdf.txt", read(t, format("pdf")))
		golden(t, name+".mail.html", []byte(mail))
		golden(t, name+".mail.txt", []byte("Subject: "+r.Subject()+"\r\n\r\n"+r.MailText(l)))
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path) //nolint:gosec // a test's own data
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("%s differs from its golden; run go test -update and read the diff\n(-want +got) %.4000s", name, diff)
	}
}

// cells writes a workbook as text: a line for each row, cells between bars.
func cells(t *testing.T, workbook []byte) []byte {
	t.Helper()
	book, err := excelize.OpenReader(bytes.NewReader(workbook))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	var out bytes.Buffer
	for _, sheet := range book.GetSheetList() {
		fmt.Fprintf(&out, "# %s\n", sheet)
		rows, err := book.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			fmt.Fprintf(&out, "%s\n", strings.Join(row, " | "))
		}
	}
	return out.Bytes()
}

// read writes a PDF as text: what each page says, and how its structure says it.
func read(t *testing.T, file []byte) []byte {
	t.Helper()
	pdf, err := reader.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for i := range pdf.PageCount() {
		page, err := pdf.Page(i)
		if err != nil {
			t.Fatal(err)
		}
		text, err := page.ExtractText()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "# Page %d\n%s\n", i+1, text)
	}
	out.WriteString("# Structure\n")
	tags := map[string]int{}
	countTags(tags, pdf.StructureTree().Root)
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		fmt.Fprintf(&out, "%s %d\n", tag, tags[tag])
	}
	return out.Bytes()
}

func countTags(tags map[string]int, n *reader.StructNode) {
	if n == nil {
		return
	}
	tags[n.Tag]++
	for _, child := range n.Children {
		countTags(tags, child)
	}
}

// TestPDFIsTagged reads the structure back: what a screen reader goes by, and what archives ask for.
func TestPDFIsTagged(t *testing.T) {
	t.Parallel()
	f, _ := digest.FormatNamed("pdf")
	file := render(t, f, small(t))
	pdf, err := reader.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	tags := map[string]int{}
	countTags(tags, pdf.StructureTree().Root)
	for tag, least := range map[string]int{"H1": 1, "H2": 10, "P": 10, "L": 4, "LI": 8, "LBody": 8, "Table": 8, "Caption": 8, "TR": 40, "TH": 60, "TD": 100, "Figure": 31} {
		if tags[tag] < least {
			t.Errorf("%d elements are %s, want at least %d", tags[tag], tag, least)
		}
	}
	if title, _, subject, creator, _ := pdf.Info(); !strings.HasPrefix(title, "Azure Activity Log digest, October 2026") || creator != "Auditbell" || subject == "" {
		t.Errorf("title %q, subject %q, creator %q", title, subject, creator)
	}
	catalog := fmt.Sprint(pdf.Catalog())
	for _, want := range []string{"Lang", "MarkInfo", "StructTreeRoot", "Metadata", "OutputIntents", "ViewerPreferences"} {
		if pdf.Catalog().Get(want) == nil {
			t.Errorf("the catalog has no %s: %s", want, catalog)
		}
	}
	for _, want := range []string{"<pdfaid:part>3</pdfaid:part>", "<pdfaid:conformance>B</pdfaid:conformance>"} {
		if !bytes.Contains(file, []byte(want)) {
			t.Errorf("the metadata does not say %s", want)
		}
	}
}

// TestNamesThatDifferLookDifferent: what a font has no sign for is written as its number, and nothing hides.
func TestNamesThatDifferLookDifferent(t *testing.T) {
	t.Parallel()
	lines := ""
	for i, caller := range []string{"李雷@contoso.example", "韩梅@contoso.example", "a\u202eb@contoso.example", `a\u0000b@contoso.example`, "\u0430dmin@contoso.example", "\u0441\u043e\u0441@contoso.example", "Иванов@contoso.example", "a\u2010b@contoso.example"} {
		lines += fmt.Sprintf(`{"eventDataId":"e%d","eventTimestamp":"2026-10-05T00:00:00Z","operationName":{"value":"Microsoft.Compute/virtualMachines/delete"},"status":{"value":"Succeeded"},"category":{"value":"Administrative"},"caller":"%s","resourceId":"/subscriptions/s/x","correlationId":"c%d","subscriptionId":"s"}`, i, caller, i) + "\n"
	}
	r := digest.Build(tallied(t, october, source.Files{Inputs: inputs(file("x", lines))}), digest.Subject{Source: "files", Now: october.To})
	for _, f := range digest.Formats {
		if f.Name == "oscal" { // has no names
			continue
		}
		out := render(t, f, r)
		text := string(out)
		switch f.Name {
		case "html":
			text = strings.ReplaceAll(text, "<wbr>", "")
		case "pdf":
			text = string(read(t, out))
		case "xlsx":
			text = string(cells(t, out))
		}
		text = strings.ReplaceAll(text, "\n", "")
		wants := []string{"李雷@contoso", "韩梅@contoso", `a\u202Eb@contoso`, `a\u0000b@contoso`}
		switch f.Name {
		case "pdf":
			wants = []string{`\u674E\u96F7@`, `\u97E9\u6885@`, `a\u202Eb@`, `a\u0000b@`, `\u0430dmin@`, `\u0441\u043E\u0441@`, "иванов@", `a\u2010b@`}
		case "markdown":
			wants = []string{"李雷@contoso", "韩梅@contoso", `a\\u202Eb@contoso`, `a\\u0000b@contoso`}
		case "json":
			wants = []string{"李雷@contoso", `a\u202eb@contoso`, `a\u0000b@contoso`}
		}
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not show %s", f.Name, want)
			}
		}
		if strings.ContainsAny(text, "\u202e\x00") {
			t.Errorf("%s holds a character that hides or reorders text", f.Name)
		}
	}
}
