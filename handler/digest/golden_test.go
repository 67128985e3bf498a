package digest_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carlos7ags/folio/reader"
	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/auditbell/auditbell/handler/digest"
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
	return out.Bytes()
}
