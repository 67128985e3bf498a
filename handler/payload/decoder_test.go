package payload_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/payload"
)

var errEOF = io.EOF

// stream reads everything with a Decoder.
func stream(t testing.TB, r io.Reader) []payload.Reading {
	t.Helper()
	var readings []payload.Reading
	for r, err := range payload.NewDecoder(r).All() {
		if err != nil {
			t.Fatal(err)
		}
		r.Raw = bytes.Clone(r.Raw)
		readings = append(readings, r)
	}
	return readings
}

const record = `{"time":"2026-03-04T10:15:30Z","operationName":"MICROSOFT.WEB/SITES/WRITE","category":"Administrative","resultType":"Start","correlationId":"%d","properties":{"filler":"%s"}}`

// blob generates a storage export of the given size without holding it.
type blob struct {
	left    int // lines
	filler  string
	pending []byte
}

func (b *blob) Read(p []byte) (int, error) {
	for len(b.pending) == 0 {
		if b.left == 0 {
			return 0, io.EOF
		}
		b.left--
		b.pending = fmt.Appendf(b.pending[:0], record+"\n", b.left, b.filler)
	}
	n := copy(p, b.pending)
	b.pending = b.pending[n:]
	return n, nil
}

// A file of any size is read in the memory of its largest item: 64 MB of lines must not grow the heap by more than a
// few windows.
func TestDecoderMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 64 MB")
	}
	const lines, filler = 64 << 10, 850
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n, peak := 0, uint64(0)
	for r, err := range payload.NewDecoder(&blob{left: lines, filler: strings.Repeat("x", filler)}).All() {
		if err != nil || r.Kind != payload.Activity {
			t.Fatalf("line %d: %v %v", n, r.Reason, err)
		}
		if n++; n%4096 == 0 {
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapSys-now.HeapReleased)
		}
	}
	if n != lines {
		t.Errorf("%d events, want %d", n, lines)
	}
	if grown := int64(peak) - int64(before.HeapSys-before.HeapReleased); grown > 24<<20 {
		t.Errorf("the heap grew by %d MB while 64 MB were read; a window should do", grown>>20)
	}
}

// An envelope is streamed like lines: its list may be as long as it likes.
func TestDecoderStreamsEnvelopes(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	b.WriteString(`{"records":[`)
	for i := range 20000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, record, i, "x")
	}
	b.WriteString(`]}`)
	if got := len(stream(t, &b)); got != 20000 {
		t.Errorf("%d events, want 20000", got)
	}
}

func TestDecoderGzip(t *testing.T) {
	t.Parallel()
	plain := []byte(fmt.Sprintf(record, 1, "x") + "\n" + fmt.Sprintf(record, 2, "y"))
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := render(t, payload.Decode(plain))
	if diff := cmp.Diff(want, render(t, payload.Decode(zipped.Bytes()))); diff != "" {
		t.Errorf("Decode of gzip differs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, render(t, stream(t, bytes.NewReader(zipped.Bytes())))); diff != "" {
		t.Errorf("Decoder of gzip differs (-want +got):\n%s", diff)
	}
	cut := payload.Decode(zipped.Bytes()[:zipped.Len()-12])
	if last := cut[len(cut)-1]; last.Kind != payload.Invalid || !strings.Contains(last.Reason, "read input") {
		t.Errorf("last reading of cut gzip = %v %q, want the read error", last.Kind, last.Reason)
	}
}

func TestDecoderReportsReadErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	in := io.MultiReader(strings.NewReader(fmt.Sprintf(record, 1, "x")+"\n"), &failing{broken})
	var got []payload.Reading
	var failed error
	for r, err := range payload.NewDecoder(in).All() {
		if err != nil {
			failed = err
			continue
		}
		got = append(got, r)
	}
	if len(got) != 1 || got[0].Kind != payload.Activity || !errors.Is(failed, broken) {
		t.Errorf("readings %v, error %v; want the event, then the error", summary(got), failed)
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

// An item larger than the largest window is told apart and stepped over; the next line is read.
func TestDecoderGivesUpOnHugeItems(t *testing.T) {
	t.Parallel()
	huge := `{"operationName":"` + strings.Repeat("x", 20<<20) + `"}`
	in := fmt.Sprintf(record, 1, "x") + "\n" + huge + "\n" + fmt.Sprintf(record, 2, "y") + "\n"
	got := stream(t, strings.NewReader(in))
	if len(got) != 3 || got[0].Kind != payload.Activity || got[1].Kind != payload.Invalid || got[2].Kind != payload.Activity {
		t.Fatalf("readings: %.300s; want event, invalid, event", summary(got))
	}
	if !strings.Contains(got[1].Reason, "larger than 8 MB") || len(got[1].Raw) > 1<<20 {
		t.Errorf("reason %q with %d bytes kept; want the size named and little kept", got[1].Reason, len(got[1].Raw))
	}
}

// Reasons name offsets in the file, not in the window.
func TestDecoderOffsetsCountFromTheStart(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	for i := range 4000 {
		fmt.Fprintf(&b, record+"\n", i, strings.Repeat("x", 400))
	}
	at := b.Len()
	b.WriteString("{\"a\":tru}\n")
	got := stream(t, &b)
	want := fmt.Sprintf("not JSON: expected true at byte %d", at+len(`{"a":`))
	if last := got[len(got)-1]; last.Reason != want {
		t.Errorf("reason = %q, want %q", last.Reason, want)
	}
}
