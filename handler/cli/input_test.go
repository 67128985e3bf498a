package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/source"
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
		for in, err := range inputs([]string{filepath.Join(dir, arg)}, Surroundings{}, source.Window{}) {
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

// TestAPeriodReadsItsFoldersOnly has a file for each of three years' months, as a storage export lies; September's are found
// by name. What names no hour is read.
func TestAPeriodReadsItsFoldersOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for month := range 36 {
		name := time.Date(2024, time.Month(1+month), 10, 0, 0, 0, 0, time.UTC).Format("resourceId=/S/y=2006/m=01/d=02/h=15/m=04") + "/PT1H.json"
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "other.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	september := source.Window{From: time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC)}
	var got []string
	for in, err := range inputs([]string{dir}, Surroundings{}, september) {
		name, relErr := filepath.Rel(dir, in.name)
		if err = errors.Join(err, relErr); err != nil {
			t.Fatal(err)
		}
		got = append(got, filepath.ToSlash(name))
	}
	if diff := cmp.Diff([]string{"other.json", "resourceId=/S/y=2025/m=09/d=10/h=00/m=00/PT1H.json"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, err := range inputs([]string{filepath.Join(dir, "resourceId=")}, Surroundings{}, source.Window{From: september.To.AddDate(3, 0, 0)}) {
		if err == nil || !strings.Contains(err.Error(), "whose name may be of the period") {
			t.Errorf("a period without files: %v", err)
		}
	}
}
