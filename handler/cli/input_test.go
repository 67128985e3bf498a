package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestInputsAreFilesOrErrors names files in every way: nothing that is named is passed over without a word.
func TestInputsAreFilesOrErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a.json", "sub/B.JSON", "sub/c.json.gz", "sub/read.me", "other/read.me"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("sub", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	none := "open %: no .json, .jsonl, .ndjson, .csv, .gz, .zip file there"
	for arg, want := range map[string][]string{
		"a.json":          {"a.json"},
		"sub/read.me":     {"sub/read.me"},
		"sub":             {"sub/B.JSON", "sub/c.json.gz"},
		"link":            {"link/B.JSON", "link/c.json.gz"},
		"*u*":             {"sub/B.JSON", "sub/c.json.gz"},
		"**/*.me":         {"other/read.me", "sub/read.me"},
		"other":           {none},
		"nothing*":        {none},
		"sub/nothing.gz":  {"open %: no such file or directory"},
		"a.json/deeper":   {"open %: not a directory"},
		"sub/**/nothing*": {none},
	} {
		var got []string
		for in, err := range inputs([]string{filepath.Join(dir, arg)}, Surroundings{}) {
			name, relErr := filepath.Rel(dir, in.name)
			if relErr != nil {
				t.Fatal(relErr)
			}
			if at := new(fs.PathError); errors.As(err, &at) {
				at.Path = "%"
				name = at.Error()
			} else if err != nil {
				name = err.Error()
			}
			got = append(got, filepath.ToSlash(name))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", arg, diff)
		}
	}
}
