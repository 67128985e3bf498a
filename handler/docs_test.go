package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// TestDocumentedQuestionsAreAnswered runs every command of docs/past.md on the records of testdata/cli/audit.txtar.
func TestDocumentedQuestionsAreAnswered(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/past.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := txtar.ParseFile("testdata/cli/audit.txtar")
	if err != nil {
		t.Fatal(err)
	}
	export := filepath.Join(t.TempDir(), "export")
	if err := os.MkdirAll(export, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range script.Files {
		if filepath.Ext(file.Name) == ".jsonl" || filepath.Base(file.Name) == "PT1H.json" {
			if err := os.WriteFile(filepath.Join(export, filepath.Base(file.Name)), file.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	commands := 0
	for line := range strings.Lines(string(page)) {
		call, ok := strings.CutPrefix(strings.TrimSpace(line), "handler ")
		if !ok {
			continue
		}
		commands++
		args := strings.Fields(call)
		for i, arg := range args {
			if arg == "export" {
				args[i] = export
			}
		}
		var out, complaints bytes.Buffer
		env := func(string) (string, bool) { return "", false }
		if code := run(t.Context(), args, stdio{in: strings.NewReader(""), out: &out, err: &complaints, env: env}); code != exitDone || out.Len() == 0 {
			t.Errorf("%s exits %d and prints %d bytes: %s", call, code, out.Len(), &complaints)
		}
	}
	if commands < 5 {
		t.Errorf("docs/past.md has %d commands: the page or this test lost its place", commands)
	}
}
