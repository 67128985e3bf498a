package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auditbell/auditbell/handler/source"
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

// TestATreeOnASlowShare reads a month of 20 subscriptions, an hour a file, from a share on which opening a file takes 20 ms: in
// order, and in a twelfth of the time that one after the other takes. The file that cannot be opened is named.
func TestATreeOnASlowShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const files, trip, broken = 20 * 31 * 24, 20 * time.Millisecond, 700
		tree := func(yield func(input, error) bool) {
			for i := range files {
				slow := func() (io.ReadCloser, error) {
					<-time.After(trip)
					if i == broken {
						return nil, fs.ErrPermission
					}
					return io.NopCloser(strings.NewReader(fmt.Sprintf(`{"time":"2026-10-01T00:00:00Z","resourceId":"/SUBSCRIPTIONS/A","operationName":"A/B/WRITE","correlationId":"%d"}`+"\n", i))), nil
				}
				if !yield(input{fmt.Sprintf("%05d/PT1H.json", i), slow}, nil) {
					return
				}
			}
		}
		read, began, next := &atomic.Int64{}, time.Now(), 0
		for in, err := range ahead(tree, read) {
			if want := fmt.Sprintf("%05d/PT1H.json", next); err != nil || in.Name != want {
				t.Fatalf("%s came, and %v; want %s", in.Name, err, want)
			}
			text, err := open(in)
			if broken := next == broken; broken != errors.Is(err, fs.ErrPermission) || !broken && !strings.HasSuffix(text, fmt.Sprintf(`"%d"}`+"\n", next)) {
				t.Errorf("%s is %q, %v", in.Name, text, err)
			}
			next++
		}
		if took, most := time.Since(began), files*trip/12; took > most {
			t.Errorf("%d files took %s, want %s at most", files, took, most)
		}
		if next != files || read.Load() == 0 {
			t.Errorf("%d files came, %d bytes", next, read.Load())
		}
	})
}

func open(in source.Input) (string, error) {
	r, err := in.Open()
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), errors.Join(err, r.Close())
}
