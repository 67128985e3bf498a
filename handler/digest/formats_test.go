package digest_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/verify"
)

func render(t *testing.T, f digest.Format, r digest.Report) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := f.Write(&out, r); err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	return out.Bytes()
}

func TestEveryFormatIsTheSameBytesAgain(t *testing.T) {
	t.Parallel()
	for _, f := range digest.Formats {
		if first, again := render(t, f, busy(t)), render(t, f, makeBusy()); !bytes.Equal(first, again) {
			t.Errorf("%s: two reports of the same events differ", f.Name)
		}
	}
}

func TestEveryFormatWritesQuietAndEmptyMonths(t *testing.T) {
	t.Parallel()
	for _, f := range digest.Formats {
		for name, r := range map[string]digest.Report{"quiet": quiet(t), "empty": empty(t)} {
			if out := render(t, f, r); len(out) == 0 {
				t.Errorf("%s of a %s month is empty", f.Name, name)
			}
		}
	}
}

func TestQuietMonthReadsAsWatched(t *testing.T) {
	t.Parallel()
	f, _ := digest.FormatNamed("html")
	page := string(render(t, f, quiet(t)))
	for _, want := range []string{
		"✓ Proven complete", "1,488 of 1,488 scope-hours were compared", "✓ Proven alerted in time", "confirmed by slack and webhook on 31 of 31 days",
		"No deletion and no change of permissions among", "No rule matched in this period, so no alert was sent.", "•\u00a0quiet",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// TestHTMLNeedsNothingElse holds the page to what it says of itself: no script, no address that a browser would fetch.
func TestHTMLNeedsNothingElse(t *testing.T) {
	t.Parallel()
	f, _ := digest.FormatNamed("html")
	for _, r := range []digest.Report{busy(t), hostile(t)} {
		page := string(render(t, f, r))
		for _, bad := range []string{"<script", "<img", "<link", "<iframe", "@import", "url(", "<style>*{"} {
			if strings.Contains(strings.ToLower(page), bad) {
				t.Errorf("the page holds %q", bad)
			}
		}
		if tag := regexp.MustCompile(`(?i)<[a-z][^>]*\s(src|href|on[a-z]+)\s*=\s*"?[^#"][^>]*>`).FindString(page); tag != "" {
			t.Errorf("the page holds the tag %s", tag)
		}
	}
}

// hostile is a report of events whose every text an attacker wrote.
func hostile(t *testing.T) digest.Report {
	t.Helper()
	var lines strings.Builder
	for i, text := range []string{
		`=HYPERLINK(\"https://evil.example\",\"x\")`, `+1;=2`, `-2+3`, `@SUM(A1)\n=1`, `\t=1`, `\r=1`, `＝1`, `<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`,
		`\" onmouseover=\"x`, `</style><style>*{`, `[x](javascript:alert(1))`, `|a|b|`, `https://evil.example`, `_x000D_`, `\u0000\u0001`, "日本𝒳🚀\u202e", `%s%n`, `{{.}}`, `\\'; DROP TABLE`,
	} {
		fmt.Fprintf(&lines, `{"eventDataId":"e%d","eventTimestamp":"2026-10-05T0%d:00:00Z","operationName":{"value":"Microsoft.Authorization/roleAssignments/delete"},`+
			`"status":{"value":"Succeeded"},"category":{"value":"Administrative"},"caller":"%s","resourceId":"/subscriptions/s/%s","correlationId":"c%d","subscriptionId":"%s",`+
			`"properties":{"responseBody":{"properties":{"principalId":"%s","roleDefinitionId":"%s","scope":"%s"}}}}`+"\n", i, i%10, text, text, i, text, text, text, text)
	}
	tally := tallied(t, october, source.Files{Inputs: inputs(file("x", lines.String()))})
	r := digest.Build(tally, digest.Subject{Source: "files", Now: october.To})
	if r.Summary.Total != 20 {
		t.Fatalf("%d entries of 20 were counted: %+v", r.Summary.Total, r.Completeness)
	}
	return r
}

func TestCSVHasNoFormulas(t *testing.T) {
	t.Parallel()
	f, _ := digest.FormatNamed("csv")
	rows, err := csv.NewReader(bytes.NewReader(render(t, f, hostile(t)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 21 {
		t.Errorf("%d lines, want 20 and the head", len(rows))
	}
	formula := regexp.MustCompile(`(^|[;\n])[=+\-@\t\r\n＝＋－＠]`)
	for _, row := range rows {
		for _, cell := range row {
			if formula.MatchString(cell) {
				t.Errorf("the cell %q is live", cell)
			}
		}
	}
}

// TestWorkbookReads reads the workbook with another program's eyes.
func TestWorkbookReads(t *testing.T) {
	t.Parallel()
	f, _ := digest.FormatNamed("xlsx")
	r := hostile(t)
	book, err := excelize.OpenReader(bytes.NewReader(render(t, f, r)))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := book.GetRows("High-risk operations")
	if err != nil || len(rows) != 21 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	callers := map[string]bool{}
	for i := range rows {
		for column := range rows[i] {
			cell, _ := excelize.CoordinatesToCellName(column+1, i+1)
			if formula, _ := book.GetCellFormula("High-risk operations", cell); formula != "" {
				t.Errorf("%s holds the formula %q", cell, formula)
			}
		}
		callers[rows[i][3]] = true
	}
	for _, want := range []string{`=hyperlink("https://evil.example","x")`, "<script>alert(1)</script>", "_x000d_", `日本𝒳🚀\u202E`} {
		if !callers[want] {
			t.Errorf("the caller %q is not in the sheet", want)
		}
	}
	if got := book.GetSheetList(); len(got) < 8 || got[0] != "Summary" {
		t.Errorf("sheets %v", got)
	}
	total, err := book.GetCellValue("Summary", "B6")
	if err != nil || total != "20" {
		t.Errorf("entries %q, %v; want 20", total, err)
	}
}

func TestMarkdownIsInert(t *testing.T) {
	t.Parallel()
	f, _ := digest.FormatNamed("markdown")
	page := string(render(t, f, hostile(t)))
	for _, bad := range []string{"<script", "<img", "[x](", "https://evil"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
}

func TestPDFIsWhole(t *testing.T) {
	t.Parallel()
	f, _ := digest.FormatNamed("pdf")
	for name, r := range map[string]digest.Report{"busy": busy(t), "hostile": hostile(t), "empty": empty(t)} {
		out := render(t, f, r)
		if !bytes.HasPrefix(out, []byte("%PDF-1.")) || !bytes.HasSuffix(bytes.TrimSpace(out), []byte("%%EOF")) {
			t.Errorf("%s: not a whole PDF of %d bytes", name, len(out))
		}
	}
}

// memory keeps a bundle's files.
func memory(files fstest.MapFS) digest.Put {
	return func(name string, write func(io.Writer) error) error {
		var b bytes.Buffer
		err := write(&b)
		files[name] = &fstest.MapFile{Data: b.Bytes()}
		return err
	}
}

func bundle(t *testing.T, r digest.Report, previous *digest.Link) (fstest.MapFS, string) {
	t.Helper()
	files := fstest.MapFS{}
	m, hash, err := digest.Bundle{Report: r, Formats: digest.Formats, Tool: "auditbell test", Previous: previous}.Write(memory(files))
	if err != nil || len(m.Files) != len(digest.Formats) {
		t.Fatalf("%d files, %v", len(m.Files), err)
	}
	return files, hash
}

func TestBundleVerifies(t *testing.T) {
	t.Parallel()
	files, hash := bundle(t, busy(t), nil)
	v := verify.Files(files)
	if !v.OK() || v.Manifest != hash || len(v.Checks) != len(digest.Formats)+2 {
		t.Errorf("%+v", v)
	}
}

func TestVerifySeesEveryChange(t *testing.T) {
	t.Parallel()
	clean, hash := bundle(t, busy(t), nil)
	for name := range clean {
		for what, change := range map[string]func([]byte) []byte{
			"one byte":  func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
			"cut short": func(b []byte) []byte { return b[:len(b)-1] },
			"gone":      func([]byte) []byte { return nil },
		} {
			files := fstest.MapFS{}
			for n, f := range clean {
				files[n] = &fstest.MapFile{Data: bytes.Clone(f.Data)}
			}
			if changed := change(files[name].Data); changed != nil {
				files[name].Data = changed
			} else {
				delete(files, name)
			}
			if v := verify.Files(files); v.OK() && v.Manifest == hash {
				t.Errorf("%s of %s is not seen", what, name)
			}
		}
	}
}

// TestVerifyCountsAgain changes a number and corrects the hash, as one would who does not know what is counted.
func TestVerifyCountsAgain(t *testing.T) {
	t.Parallel()
	r := busy(t)
	files, _ := bundle(t, r, nil)
	report := string(files["report.json"].Data)
	for what, change := range map[string]string{
		"a number":    strings.Replace(report, `"failed": `, `"failed": 1`, 1),
		"a deed less": regexp.MustCompile(`\n    \{"timestamp"[^\n]*,`).ReplaceAllString(report[:len(report)/2], "") + report[len(report)/2:],
	} {
		if change == report {
			t.Fatalf("%s: nothing changed", what)
		}
		changed := fstest.MapFS{"report.json": {Data: []byte(change)}}
		var only []digest.Format
		for _, f := range digest.Formats {
			if f.Name == "json" {
				f.Write = func(w io.Writer, _ digest.Report) error { _, err := io.WriteString(w, change); return err }
				only = append(only, f)
			}
		}
		if _, _, err := (digest.Bundle{Report: r, Formats: only}).Write(memory(changed)); err != nil {
			t.Fatal(err)
		}
		if v := verify.Files(changed); v.OK() {
			t.Errorf("%s is not seen", what)
		}
	}
}

func TestBriefIsEnoughToCompareWith(t *testing.T) {
	t.Parallel()
	r := busy(t)
	full, _ := written(t, r)
	brief, err := r.Brief()
	if err != nil {
		t.Fatal(err)
	}
	a, err := digest.ReadBefore(bytes.NewReader(full), "x")
	b, err2 := digest.ReadBefore(bytes.NewReader(brief), "x")
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	tally := tallied(t, october, source.Files{Inputs: inputs()})
	first, second := digest.Build(tally, digest.Subject{Before: a}), digest.Build(tally, digest.Subject{Before: b})
	if diff := cmp.Diff(first.Change, second.Change); diff != "" || len(first.Change.Metrics) != 8 || first.Change.Metrics[4].Before == 0 {
		t.Errorf("(-report.json +brief) %s\n%+v", diff, first.Change)
	}
}

func TestMailSaysWhatTheReportSays(t *testing.T) {
	t.Parallel()
	for _, r := range []digest.Report{busy(t), hostile(t), empty(t)} {
		l := digest.Letter{Manifest: "abc123", Archive: "https://archive.example/x", LeftOut: []string{"report.json"}}
		page, err := r.MailHTML(l)
		if err != nil {
			t.Fatal(err)
		}
		text := r.MailText(l)
		for _, want := range []string{"abc123", "https://archive.example/x", "report.json", "What is open?"} {
			if !strings.Contains(page, want) || !strings.Contains(text, want) {
				t.Errorf("the mail does not say %q", want)
			}
		}
		for _, bad := range []string{"<script", "<img", "<style>*{"} {
			if strings.Contains(page, bad) {
				t.Errorf("the mail holds %q", bad)
			}
		}
		if strings.ContainsAny(r.Subject(), "\r\n") {
			t.Errorf("the subject is %q", r.Subject())
		}
	}
}

func TestChain(t *testing.T) {
	t.Parallel()
	first, hash := bundle(t, quiet(t), nil)
	second, _ := bundle(t, busy(t), &digest.Link{Period: "September 2026", Manifest: hash})
	other, _ := bundle(t, empty(t), nil)
	chain := func(folders ...fs.FS) []verify.Check {
		return verify.Bundles(t.Context(), folders, verify.Trust{}).Chain
	}
	if good := chain(first, second); len(good) != 1 || !good[0].OK {
		t.Errorf("chain: %+v", good)
	}
	for name, c := range map[string][]verify.Check{"another predecessor": chain(other, second), "no link": chain(second, other)} {
		if len(c) != 1 || c[0].OK {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestPeriodText(t *testing.T) {
	t.Parallel()
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, berlin) }
	for want, w := range map[string]source.Window{
		"October 2026 (Europe/Berlin)":                                    {From: day(2026, 10, 1), To: day(2026, 11, 1)},
		"25 October 2026 (Europe/Berlin)":                                 {From: day(2026, 10, 25), To: day(2026, 10, 26)},
		"19 October 2026 to 25 October 2026 (Europe/Berlin)":              {From: day(2026, 10, 19), To: day(2026, 10, 26)},
		"1 October 2026, 02:00 to 1 November 2026, 01:00 (Europe/Berlin)": october,
		"All entries": {From: day(2026, 10, 1)},
	} {
		if got := digest.PeriodText(w, berlin); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestWideTablesHaveTheWholeWidth: of the two columns of the first page, a table of many columns gets both.
func TestWideTablesHaveTheWholeWidth(t *testing.T) {
	t.Parallel()
	f, _ := digest.FormatNamed("html")
	sections := strings.Split(string(render(t, f, busy(t))), "<section")
	wide := 0
	for _, section := range sections[1:] {
		section, _, _ = strings.Cut(section, "</section>")
		head, _, _ := strings.Cut(section, "</thead>")
		if many := strings.Count(head, `<th scope="col"`) > 4; many != strings.HasPrefix(section, ` class="wide"`) {
			t.Errorf("a section with %d columns begins %.60q", strings.Count(head, `<th scope="col"`), section)
		} else if many {
			wide++
		}
	}
	if wide == 0 || len(sections) < 5 {
		t.Errorf("%d of %d sections are wide", wide, len(sections)-1)
	}
}
