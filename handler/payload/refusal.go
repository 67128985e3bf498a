package payload

import (
	"bytes"
	"regexp"
)

// readable is the command that makes an export that can be read; it is part of every refusal.
const readable = " (hint: az monitor activity-log list --offset 30d -o json > activity.json)"

// magics are file formats that are recognised by their first bytes.
var magics = []struct{ begins, is string }{
	{"\x28\xb5\x2f\xfd", "zstd, which is not read: unpack it with zstd -d"},
	{"BZh", "bzip2, which is not read: unpack it with bunzip2"},
	{"\xfd7zXZ\x00", "xz, which is not read: unpack it with unxz"},
	{"\x04\x22\x4d\x18", "lz4, which is not read: unpack it with lz4 -d"},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive, which is not read: unpack it"},
	{"Obj\x01", "Avro, as Event Hubs Capture writes it; it is not read" + readable},
	{"PAR1", "Parquet, which is not read" + readable},
	{"%PDF-", "a PDF document" + readable},
	{"SQLite format 3\x00", "an SQLite database" + readable},
	{"version https://git-lfs.github.com/", "a Git LFS pointer: fetch the file with git lfs pull"},
	{"ElfFile\x00", "an event log of Windows" + readable},
	{"ORC", "ORC, which is not read" + readable},
	{"\xff\x06\x00\x00sNaPpY", "snappy, which is not read: unpack it"},
	{"\xd0\xcf\x11\xe0", "an Office document of the old format" + readable},
	{"ustar", "a tar archive: unpack it"},
}

// looks are text formats, by what their first lines look like.
var looks = []struct {
	like *regexp.Regexp
	is   string
}{
	{regexp.MustCompile(`^(#< CLIXML|\s*<Objs )`), "PowerShell's Export-Clixml (hint: Get-AzActivityLog … | ConvertTo-Json -Depth 10)"},
	{regexp.MustCompile(`(?i)^\s*<(!doctype|html|\?xml|[a-z])`), "HTML or XML; a sign-in page, perhaps" + readable},
	{regexp.MustCompile(`^(ERROR|WARNING): `), "a message of az" + readable},
	{regexp.MustCompile(`^\s*/[/*]`), "JSON with comments, which JSON has not" + readable},
	{regexp.MustCompile(`^sep=.\r?\n`), "a CSV file with a line for Excel above its columns: remove the line sep=…"},
	{regexp.MustCompile(`^#TYPE |^"Authorization","|^"Caller","`), "PowerShell's Export-Csv, which loses claims and properties (hint: Get-AzActivityLog … | ConvertTo-Json -Depth 10)"},
	{regexp.MustCompile(`^(\r?\n)*[A-Za-z]+ +: .*\r?\n[A-Za-z]+ +: `), "a listing of PowerShell's for people (hint: Get-AzActivityLog … | ConvertTo-Json -Depth 10)"},
	{regexp.MustCompile(`^[^\n{\[]*\r?\n-{3,}( +-{3,})+ *\r?\n`), "a table for people, as az writes it with -o table" + readable},
	{regexp.MustCompile(`^(---\s*\n)?(- )?[A-Za-z_]+:( [^\n]*)?\r?\n(- |  )?`), "YAML, as az writes it with -o yaml or yamlc" + readable},
	{regexp.MustCompile(`^[^\n\t{\[]+(\t[^\n\t{\[]*){3,}`), "tab-separated values, as az writes them with -o tsv; they have no names" + readable},
	{regexp.MustCompile(`^"?[\pL_][\pL\pM\d_ .()'-]*"?([,;]"?[\pL_][\pL\pM\d_ .()'\[\]-]*"?){2,}\r?\n`), "a CSV file of columns that are not the activity log's" + readable},
}

// refusal says what a text that is no JSON seems to be, and how to make one that can be read; "" for what looks like
// nothing known. Lines of JSON among other lines are read, whatever stands above them.
func refusal(head []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.begins)) || m.begins == "ustar" && len(head) > 262 && bytes.HasPrefix(head[257:], []byte(m.begins)) {
			return m.is
		}
	}
	if coloured.Match(head) {
		return "coloured JSON, as az writes it with -o jsonc" + readable
	}
	if jsonLine.Match(head) {
		return ""
	}
	for _, l := range looks {
		if l.like.Match(head) {
			return l.is
		}
	}
	return ""
}

// coloured recognises an escape sequence where JSON has a name or a value.
var coloured = regexp.MustCompile(`^[\s\[{]*\x1b\[`)

var jsonLine = regexp.MustCompile(`(?m)^[\[{]`)
