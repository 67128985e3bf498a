package payload_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"github.com/auditbell/auditbell/handler/payload"
)

const wrappedRecord = `{"time":"2026-03-04T10:15:30Z","operationName":"MICROSOFT.WEB/SITES/DELETE","category":"Administrative","resultType":"Success","correlationId":"%"}` + "\n"

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zippedFiles(t testing.TB, files ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i, data := range files {
		f, err := w.Create("y=2026/PT1H-" + string(rune('a'+i)) + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func inUTF16(text string, little, mark bool) []byte {
	units := utf16.Encode([]rune(text))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	var b []byte
	for _, u := range units {
		if little {
			b = append(b, byte(u), byte(u>>8))
		} else {
			b = append(b, byte(u>>8), byte(u))
		}
	}
	return b
}

// Wrappers lie one within another: what people mail each other is a zip of what a tool has zipped of what a shell wrote.
func TestWrappersAreTakenOff(t *testing.T) {
	t.Parallel()
	one := func(id string) []byte { return []byte(strings.Replace(wrappedRecord, "%", id, 1)) }
	text := string(one("ü-1"))
	for name, data := range map[string][]byte{
		"plain":                          one("ü-1"),
		"gzip":                           gzipped(t, one("ü-1")),
		"gzip of gzip":                   gzipped(t, gzipped(t, one("ü-1"))),
		"zip":                            zippedFiles(t, one("ü-1")),
		"zip of gzip":                    zippedFiles(t, gzipped(t, one("ü-1"))),
		"gzip of zip":                    gzipped(t, zippedFiles(t, one("ü-1"))),
		"UTF-16, little, mark":           inUTF16(text, true, true),
		"UTF-16, big, mark":              inUTF16(text, false, true),
		"UTF-16, little, no mark":        inUTF16(text, true, false),
		"UTF-16, big, no mark":           inUTF16(text, false, false),
		"zip of UTF-16":                  zippedFiles(t, inUTF16(text, true, true)),
		"gzip of UTF-8 with a mark":      gzipped(t, append([]byte("\xef\xbb\xbf"), one("ü-1")...)),
		"zip of an empty and a full one": zippedFiles(t, nil, one("ü-1")),
	} {
		readings := payload.Decode(data)
		if len(readings) != 1 || readings[0].Kind != payload.Activity || readings[0].Event.CorrelationID != "ü-1" {
			t.Errorf("%s: %+v", name, readings)
		}
		file := filepath.Join(t.TempDir(), "export")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		n := 0
		for r, err := range payload.NewDecoder(f).All() {
			if n++; err != nil || r.Event.CorrelationID != "ü-1" {
				t.Errorf("%s, as a file: %+v, %v", name, r, err)
			}
		}
		if n != 1 {
			t.Errorf("%s, as a file: %d readings", name, n)
		}
	}
}

// Two files joined: the second one's byte order mark stands in the middle.
func TestMarksBetweenFiles(t *testing.T) {
	t.Parallel()
	record := strings.Replace(wrappedRecord, "%", "c", 1)
	for name, data := range map[string][]byte{
		"UTF-8":  []byte("\xef\xbb\xbf" + record + "\xef\xbb\xbf" + record),
		"UTF-16": append(inUTF16(record, true, true), inUTF16(record, true, true)...),
		"arrays": []byte("\xef\xbb\xbf[" + record + "]\n\xef\xbb\xbf[" + record + "]"),
	} {
		if got := len(payload.Events(payload.Decode(data))); got != 2 {
			t.Errorf("%s: %d events, want 2: %+v", name, got, payload.Decode(data))
		}
	}
}

// One bad file of an archive leaves the others to be read, and its name is said.
func TestArchivesNameTheirFiles(t *testing.T) {
	t.Parallel()
	record := []byte(strings.Replace(wrappedRecord, "%", "c", 1))
	var got []string
	for _, r := range payload.Decode(zippedFiles(t, []byte("a: b\nc: d\n"), []byte(`{"time":1`), record)) {
		got = append(got, r.Kind.String()+" "+r.Reason)
	}
	want := []string{
		"invalid y=2026/PT1H-a.json: YAML, as az writes it with -o yaml or yamlc (hint: az monitor activity-log list --offset 30d -o json > activity.json)",
		"invalid y=2026/PT1H-b.json: not JSON: expected ',' or '}' at byte 9", "activity ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What cannot be read is refused once, with what it seems to be and what to do.
func TestRefusalsSayWhatItIs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"\x1b[34;01m{\x1b[39m":                      "-o jsonc",
		"[\n  {\n    \x1b[34;01m\"authorization\"":  "-o jsonc",
		"- authorization:\n    action: x\n":         "-o yaml",
		"---\nauthorization:\n  action: x\n":        "-o yaml",
		"a\tb\tc\td\te\n":                           "-o tsv",
		"Caller    Status\n--------  ------\nx  y":  "-o table",
		"\x28\xb5\x2f\xfd\x00":                      "zstd",
		"BZh91AY":                                   "bunzip2",
		"Obj\x01\x04":                               "Avro",
		"PAR1\x15":                                  "Parquet",
		"<!DOCTYPE html><html>":                     "HTML",
		"<?xml version='1.0'?>":                     "HTML or XML",
		"#TYPE Microsoft.Azure\n":                   "Export-Csv",
		"\"Authorization\",\"Claims\"\n\"a\",\"b\"": "Export-Csv",

		"\r\nCaller           : ines\r\nStatus           : ok\r\n": "ConvertTo-Json",
		"Name,City,Street\na,b,c\n":                                "CSV",
		"version https://git-lfs.github.com/spec/v1\n":             "git lfs pull",
		"PK\x03\x04broken":                                         "zip archive that cannot be read",
		"ElfFile\x00":                                              "event log of Windows",
		"ORC\x0a":                                                  "ORC",
		"\xff\x06\x00\x00sNaPpY":                                   "snappy",
		"#< CLIXML\r\n<Objs>":                                      "ConvertTo-Json",
		"<Objs Version=\"1.1.0.1\">":                               "Export-Clixml",
		"ERROR: Please run 'az login'.\n":                          "a message of az",
		"/* exported */ [{}]":                                      "JSON with comments",
		"sep=,\nTime,Level,Status\n":                               "remove the line sep=",
		"Korrelations-ID;Vorgangsname;Status (roh)\na;b;c\n":       "a CSV file of columns",
		"Идентификатор,Время,Статус\n":                             "a CSV file of columns",
	} {
		readings := payload.Decode([]byte(text))
		if len(readings) != 1 || readings[0].Kind != payload.Invalid || !strings.Contains(readings[0].Reason, want) {
			t.Errorf("%q: %+v, want one that says %q", text, readings, want)
		}
	}
	for _, text := range []string{`resource "x" {}`, "<134>1 2026-01-02T03:04:05Z h a", "this is no JSON"} {
		for r, err := range payload.NewDecoder(strings.NewReader(text)).All() {
			if err != nil || r.Kind != payload.Invalid || !strings.Contains(r.Reason, "-o json") {
				t.Errorf("a file of %q: %+v, %v", text, r, err)
			}
		}
	}
	workbook := new(bytes.Buffer)
	archive := zip.NewWriter(workbook)
	for _, name := range []string{"[Content_Types].xml", "xl/workbook.xml"} {
		if _, err := archive.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if got := payload.Decode(workbook.Bytes()); len(got) != 1 || !strings.Contains(got[0].Reason, "Office document") || !strings.Contains(got[0].Reason, "-o json") {
		t.Errorf("a workbook: %+v", got)
	}
	// Lines among other lines are read, whatever stands above them.
	mixed := "time: now\n" + strings.Replace(wrappedRecord, "%", "c", 1)
	if got := len(payload.Events(payload.Decode([]byte(mixed)))); got != 1 {
		t.Errorf("%d events behind a line of text, want 1", got)
	}
}

// A delivery that unpacks to a thousand times its size is refused, however many wrappers it has; what was read before is
// kept.
func TestDeliveriesUnpackWithinBounds(t *testing.T) {
	t.Parallel()
	record := []byte(strings.Replace(wrappedRecord, "%", "c", 1))
	blanks := bytes.Repeat([]byte(" "), 12<<20)
	bomb := gzipped(t, append(bytes.Clone(record), blanks...))
	empties := bytes.Repeat(gzipped(t, nil), 1<<19)
	for name, data := range map[string][]byte{
		"gzip": bomb, "gzip of gzip": gzipped(t, bomb),
		"zip": zippedFiles(t, record, blanks), "gzip of empty members": gzipped(t, append(gzipped(t, record), empties...)),
	} {
		readings := payload.Decode(data)
		last := readings[len(readings)-1]
		if len(payload.Events(readings)) != 1 || last.Kind != payload.Invalid || !strings.Contains(last.Reason, "unpacks to more") {
			t.Errorf("%s, %d bytes: %d readings, the last one %s", name, len(data), len(readings), last.Reason)
		}
	}
	if readings := payload.Decode(zippedFiles(t)); len(readings) != 1 || readings[0].Kind != payload.Invalid {
		t.Errorf("an empty archive: %+v", readings)
	}
}
