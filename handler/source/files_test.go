package source

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
)

// shelf is files of every kind that are read one after the other.
type shelf struct {
	files []shelved
	open  atomic.Int64 // files that are open now
}

type shelved struct {
	name  string
	data  []byte
	fails error // behind data
}

func (s *shelf) inputs(yield func(Input, error) bool) {
	for _, f := range s.files {
		in := Input{Name: f.name, Open: func() (io.ReadCloser, error) {
			s.open.Add(1)
			return &opened{Reader: bytes.NewReader(f.data), fails: f.fails, open: &s.open}, nil
		}}
		if strings.HasPrefix(f.name, "locked") {
			in.Open = func() (io.ReadCloser, error) { return nil, errors.New("permission denied") }
		}
		if !yield(in, nil) {
			return
		}
	}
}

type opened struct {
	*bytes.Reader
	fails error
	open  *atomic.Int64
}

func (o *opened) Read(p []byte) (int, error) {
	n, err := o.Reader.Read(p)
	if errors.Is(err, io.EOF) && o.fails != nil {
		err = o.fails
	}
	return n, err
}

func (o *opened) Close() error {
	o.open.Add(-1)
	return nil
}

// newShelf also returns the event ids that can be read, in order, and the files with something that cannot.
func newShelf(t *testing.T) (s *shelf, ids, damaged []string) {
	t.Helper()
	records := digesttest.All(digesttest.Options{Seed: 5, Operations: 1500})
	add := func(name string, fails error, whole bool, shape func(lines [][]byte) []byte) {
		var lines [][]byte
		for range 200 {
			r := records[0]
			records = records[1:]
			lines = append(lines, digesttest.AppendREST(nil, r))
			ids = append(ids, r.EventID)
		}
		if s.files = append(s.files, shelved{name, shape(lines), fails}); !whole {
			damaged = append(damaged, name)
		}
	}
	s = &shelf{}
	plain := func(lines [][]byte) []byte { return append(bytes.Join(lines, []byte("\n")), '\n') }
	list := func(lines [][]byte) []byte {
		return slices.Concat([]byte(`{"value":[`), bytes.Join(lines, []byte(",")), []byte(`]}`))
	}
	add("lines", nil, true, plain)
	add("list", nil, true, list)
	s.files = append(s.files, shelved{name: "empty"}, shelved{name: "locked"})
	damaged = append(damaged, "locked")
	add("long", nil, true, func(lines [][]byte) []byte { // longer than a piece, between others
		for i := 50; i < len(lines); i += 50 {
			lines[i] = slices.Concat(lines[i][:len(lines[i])-1], []byte(`,"long":"`), bytes.Repeat([]byte("x"), i*20_000), []byte(`"}`))
		}
		return plain(lines)
	})
	add("unplugged", errors.New("input/output error"), false, plain)
	add("mark", nil, true, func(lines [][]byte) []byte { return append([]byte("\xef\xbb\xbf"), plain(lines)...) })
	add("unplugged list", errors.New("input/output error"), false, list)
	add("packed", nil, true, func(lines [][]byte) []byte { return packed(t, plain(lines)) })
	add("cut off", nil, false, func(lines [][]byte) []byte { all := packed(t, plain(lines)); return all[:len(all)-5] })
	add("without an end", nil, true, func(lines [][]byte) []byte { return bytes.TrimSuffix(plain(lines), []byte("\n")) })
	return s, ids, damaged
}

func packed(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestFilesKeepWhatCanBeRead reads files of every kind, some of which break off, with any number of workers: every record
// in order, and every broken file named.
func TestFilesKeepWhatCanBeRead(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 2, 3, 8} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			t.Parallel()
			s, ids, damaged := newShelf(t)
			var found, broken []string
			for f, err := range (Files{Inputs: s.inputs, Workers: workers}).Find(t.Context(), Filter{}) {
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range f.Events {
					found = append(found, e.EventID)
				}
				for _, p := range f.Unreadable {
					broken = append(broken, p.Name)
				}
			}
			if diff := cmp.Diff(ids, found); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(damaged, broken); diff != "" {
				t.Errorf("unreadable files (-want +got):\n%s", diff)
			}
			if n := s.open.Load(); n != 0 {
				t.Errorf("%d files were left open", n)
			}
		})
	}
}

// TestFilesEndWhenNobodyWantsMore stops at some piece, and is told to stop at one: what was begun ends.
func TestFilesEndWhenNobodyWantsMore(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 3} {
		s, _, _ := newShelf(t)
		pieces := func(ctx context.Context) iter.Seq2[*Batch, error] {
			return Files{Inputs: s.inputs, Workers: workers}.Entries(ctx, NewVocabulary(listed))
		}
		all := 0
		for range pieces(t.Context()) {
			all++
		}
		for _, last := range []int{0, 1, all / 2, all - 1} {
			n := 0
			for range pieces(t.Context()) {
				if n++; n > last {
					break
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			n, failed := 0, error(nil)
			for _, err := range pieces(ctx) {
				if failed = err; n == last {
					cancel()
				}
				n++
			}
			if cancel(); !errors.Is(failed, context.Canceled) {
				t.Errorf("%d workers, told to end after %d of %d pieces: %v, want that it was cancelled", workers, last, all, failed)
			}
		}
		if n := s.open.Load(); n != 0 {
			t.Errorf("%d workers left %d files open", workers, n)
		}
	}
}

// Rules read in the record what events do not hold, wherever the event was read.
func TestEventsComeWithTheirRecords(t *testing.T) {
	t.Parallel()
	line := string(digesttest.AppendRecord(nil, digesttest.All(digesttest.Options{Seed: 3, Operations: 1})[0]))
	for name, text := range map[string]string{"lines": line + "\n" + line + "\n", "odd lines": line + "\n" + `{"records":[` + line + "]}\n", "envelope": `{"records":[` + line + "," + line + "]}"} {
		n := 0
		f := Files{Workers: 1, Events: func(e *activity.Event) {
			n++
			if got := string(e.Record.Bytes()); got != line {
				t.Errorf("%s: the record is %.80q", name, got)
			}
		}, Inputs: func(yield func(Input, error) bool) {
			yield(Input{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}, nil)
		}}
		for _, err := range f.Entries(t.Context(), NewVocabulary(nil)) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if n != 2 {
			t.Errorf("%s: %d events, want 2", name, n)
		}
	}
}
