package digest

import "io"

// Format is one way to write a report: one file of this package, and one line here.
type Format struct {
	Name  string // as --format names it
	File  string // of the bundle
	Type  string // media type
	Write func(w io.Writer, r Report) error
}

// Formats lists them in the order in which a reader would open them.
var Formats = []Format{
	{"html", "report.html", "text/html; charset=utf-8", HTML},
	{"pdf", "report.pdf", "application/pdf", PDF},
	{"csv", "operations.csv", "text/csv; charset=utf-8", CSV},
	{"xlsx", "report.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", XLSX},
	{"markdown", "report.md", "text/markdown; charset=utf-8", Markdown},
	{"json", "report.json", "application/json", JSON},
	{"oscal", "assessment-results.json", "application/json", OSCAL},
}

// FormatNamed finds a format.
func FormatNamed(name string) (Format, bool) {
	for _, f := range Formats {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}
