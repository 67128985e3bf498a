package rules

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
)

// EqualFolded shows folding to its fuzz target.
func EqualFolded(a, b string) bool { return folded(a) == folded(b) }

// Remembered is the number of plans in a set's memo.
func Remembered(s *Set) int { return len(s.memo.plans) }

// Add is add as callers without chains use it.
func (b Beat) Add(w *Window) bool { return len(b.add(w, DefaultLateness)) > 0 }

// Relax reads text as relaxed does and reports whether it made JSON of it.
func Relax(text string) ([]byte, bool) {
	var x relaxed
	x.read(quoted(text))
	return x.out, len(x.out) > 0
}

// ValidJSON leaves the bound on nesting out, which relaxed does not have.
func ValidJSON(text []byte) bool {
	return json.Valid(text) || bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > 5000
}

// Ahead is the embedded form of rule files.
func Ahead(names []string) ([]byte, error) {
	var files []yamlFile
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		docs, err := documents(data)
		if err != nil {
			return nil, err
		}
		files = append(files, yamlFile{filepath.ToSlash(name), docs})
	}
	return writeAhead(files)
}

// Embedded is the embedded form that the package has.
func Embedded() string { return libraryAhead }

// ReadLibrary is what the first call of Library does.
var ReadLibrary = readLibrary

// FromLibrary makes rules those of the embedded library.
func FromLibrary(all []*Rule) {
	for _, r := range all {
		r.embedded = true
	}
}
