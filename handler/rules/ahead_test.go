package rules_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/auditbell/auditbell/handler/rules"
)

// TestLibraryIsReadAhead holds the embedded form to the files, and what is made of it to what Load makes of them.
func TestLibraryIsReadAhead(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("library/*.yml")
	if err != nil || len(names) == 0 {
		t.Fatalf("find the library: %v (%d files)", err, len(names))
	}
	want, err := rules.Ahead(names)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("library.bin", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if rules.Embedded() != string(want) {
		t.Fatal("library.bin is not what library/*.yml says: run `go generate ./handler/rules`")
	}
	fromFiles, err := rules.Load(os.DirFS("."), "library")
	if err != nil {
		t.Fatal(err)
	}
	rules.FromLibrary(fromFiles)
	embedded, err := rules.Library()
	if err != nil || len(embedded) != len(fromFiles) {
		t.Fatalf("%d rules are embedded, want %d: %v", len(embedded), len(fromFiles), err)
	}
	for i := range fromFiles {
		if !reflect.DeepEqual(embedded[i], fromFiles[i]) {
			t.Errorf("%s differs from its file", fromFiles[i].ID)
		}
	}
}
