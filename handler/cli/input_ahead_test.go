package cli

import (
	"errors"
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
)

// TestATreeIsReadAhead reads ten days of an export from a disk that takes 20 ms to open a file: in order, many at a time, and
// what is counted and hashed is what was read in its turn. Between them are a file that is gone and standard input, twice,
// which is not read before its turn.
func TestATreeIsReadAhead(t *testing.T) {
	t.Parallel()
	const files, answer = 10 * 24, 20 * time.Millisecond
	dir := exported(t, files)
	gone := filepath.Join(dir, "resourceId=", "S", "y=2026", "m=10", "d=05", "h=13", "m=00", "PT1H.json")
	synctest.Test(t, func(t *testing.T) {
		var open, read atomic.Int64
		std := strings.NewReader("standard input")
		slow := func(yield func(input, error) bool) {
			for in, err := range inputs([]string{dir, "-", "-"}, Surroundings{In: std}, source.Window{}) {
				disk := in.open
				in.open = func() (io.ReadCloser, error) {
					if n := open.Add(1); n > source.AtOnce {
						t.Errorf("%d files are being opened at once, want at most %d", n, source.AtOnce)
					}
					defer open.Add(-1)
					<-time.After(answer)
					if in.name == gone {
						return nil, &fs.PathError{Op: "open", Path: gone, Err: fs.ErrNotExist}
					}
					return disk()
				}
				if !yield(in, err) {
					return
				}
			}
		}
		hashes := &hashedInputs{}
		began, seen, bytes, last, inTurn := time.Now(), 0, int64(0), "", ""
		for in, err := range counted(slow, &read, hashes) {
			if err != nil {
				t.Fatal(err)
			}
			if in.Name == "-" && std.Len() != len("standard input")-len(inTurn) {
				t.Errorf("standard input was read before its turn")
			}
			r, err := in.Open()
			if in.Name == gone {
				if err == nil || !strings.Contains(err.Error(), gone) {
					t.Errorf("the file that is gone: %v, want its name", err)
				}
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err = errors.Join(err, r.Close()); err != nil {
				t.Fatal(err)
			}
			if bytes += int64(len(text)); read.Load() != bytes {
				t.Errorf("%s: %d bytes are counted, want the %d that were read", in.Name, read.Load(), bytes)
			}
			if in.Name == "-" {
				inTurn += string(text)
				continue
			}
			if string(text) != strings.TrimPrefix(in.Name, dir) || in.Name <= last {
				t.Errorf("%s after %s holds %q; want each file's own text, in order", in.Name, last, text)
			}
			last = in.Name
			seen++
		}
		if seen != files-1 || inTurn != "standard input" || len(hashes.list()) != seen+2 {
			t.Errorf("%d files, %q and %d hashes; want %d, standard input and all of these", seen, inTurn, len(hashes.list()), files-1)
		}
		if took, most := time.Since(began), files*answer/12+2*answer; took > most {
			t.Errorf("%d files took %s, want at most %s: twelve at a time, and standard input", files, took, most)
		}
		t.Logf("%d files in %s", files, time.Since(began))
	})
}

// exported is a tree of so many hours, whose files hold their names below it.
func exported(t *testing.T, hours int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for h := range hours {
		path := filepath.Join(dir, time.Date(2026, 10, 1, h, 0, 0, 0, time.UTC).Format("resourceId=/S/y=2006/m=01/d=02/h=15/m=04"), "PT1H.json")
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(strings.TrimPrefix(path, dir)), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
