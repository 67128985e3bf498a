package tlog

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// watching runs a witness of a log.
func watching(t *testing.T, name string, seed byte, logs ...Key) (*Witness, *Watcher, string) {
	t.Helper()
	s, err := NewWitnessSigner(name, bytes.Repeat([]byte{seed}, 32), func() time.Time { return noonHour })
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWatcher(s, t.TempDir(), logs)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w.Handler())
	t.Cleanup(server.Close)
	return NewWitness(server.URL+"/", s.Key, server.Client()), w, server.URL
}

func TestWitnessesSignWhatGrew(t *testing.T) {
	t.Parallel()
	files, s := newShelf(), signer(t, "auditbell.example/log", 1)
	entries, _ := entriesOf(600)
	a, _, _ := watching(t, "witness.one.example/w", 11, s.Key)
	b, _, _ := watching(t, "witness.two.example/w", 12, s.Key)
	gone := NewWitness("http://127.0.0.1:1", Key{Name: "gone.example", kind: kindCosigned, public: a.Key.public}, http.DefaultClient)
	for at, n := range []int{1, 1, 256, 300} {
		l := New(files, s) // a new process each time, which knows nothing of what the witnesses saw
		if err := l.Append(t.Context(), entries[:n]...); err != nil {
			t.Fatal(err)
		}
		entries = entries[n:]
		note, signed, err := l.Cosign(t.Context(), []*Witness{a, b, gone})
		if signed != 2 || err == nil || !strings.Contains(err.Error(), "gone.example") || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("checkpoint %d: %d witnesses signed, %v", at, signed, err)
		}
		_, _, seen, err := OpenCheckpoint(note, []Key{s.Key}, []Key{a.Key, b.Key, a.Key})
		if err != nil || len(seen) != 2 || !seen[0].Time.Equal(noonHour) {
			t.Errorf("checkpoint %d: seen by %d, %v", at, len(seen), err)
		}
		if _, again, err := l.Cosign(t.Context(), []*Witness{a, b}); err != nil || again != 2 {
			t.Errorf("asked again: %d witnesses, %v", again, err)
		}
		a.last = 0
	}
	c, note, err := Newest(t.Context(), files)
	if err != nil || c.Size != 558 || Unknown(note) != 3 {
		t.Errorf("newest: %+v with %d signatures, %v", c, Unknown(note), err)
	}
}

func TestWitnessRefuses(t *testing.T) {
	t.Parallel()
	s, other := signer(t, "auditbell.example/log", 1), signer(t, "auditbell.example/log", 2)
	stranger := signer(t, "other.example/log", 3)
	_, watcher, url := watching(t, "witness.example/w", 11, s.Key)
	_, leaves := entriesOf(20)
	_, forked := entriesOf(20)
	forked[0] = LeafHash([]byte("another past"))
	request := func(tree Leaves, by *Signer, before, size uint64) []byte {
		root, _ := Root(tree, size)
		proof, _ := Consistency(tree, before, size)
		return Growth{before, proof, Sign(Checkpoint{by.Key.Name, Head{size, root}}.Text(), by)}.Text()
	}
	tampered := request(leaves, s, 10, 20)
	tampered = bytes.Replace(tampered, []byte("\n20\n"), []byte("\n19\n"), 1)
	for _, c := range []struct {
		name   string
		body   []byte
		status int
		answer string
	}{
		{"nothing", nil, 400, ""},
		{"no checkpoint", []byte("old 0\n\nx\n"), 400, ""},
		{"a log it does not watch", request(leaves, stranger, 0, 5), 404, ""},
		{"another key", request(leaves, other, 0, 5), 403, ""},
		{"a size it has not seen", request(leaves, s, 5, 10), 409, "0\n"},
		{"a proof where none is needed", bytes.Replace(request(leaves, s, 0, 10), []byte("old 0\n"), []byte("old 0\n"+LeafHash(nil).String()+"\n"), 1), 422, ""},
		{"the first", request(leaves, s, 0, 10), 200, "— witness.example/w "},
		{"the same again", request(leaves, s, 10, 10), 200, "— witness.example/w "},
		{"the same size, another root", request(forked, s, 10, 10), 422, ""},
		{"a fork", request(forked, s, 10, 20), 422, ""},
		{"an old size that is larger", bytes.Replace(request(leaves, s, 0, 8), []byte("old 0"), []byte("old 9"), 1), 400, ""},
		{"a rollback", request(leaves, s, 0, 8), 409, "10\n"},
		{"a checkpoint that was changed", tampered, 403, ""},
		{"the next", request(leaves, s, 10, 20), 200, "— witness.example/w "},
		{"the one before, replayed", request(leaves, s, 10, 10), 409, "20\n"},
	} {
		got, err := http.Post(url+"/add-checkpoint", "text/plain", bytes.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(got.Body)
		got.Body.Close()
		if got.StatusCode != c.status || !strings.HasPrefix(string(answer), c.answer) {
			t.Errorf("%s: status %d %q, want %d %q", c.name, got.StatusCode, answer, c.status, c.answer)
		}
		if c.status == 409 && got.Header.Get("Content-Type") != "text/x.tlog.size" {
			t.Errorf("%s: %s", c.name, got.Header.Get("Content-Type"))
		}
	}
	got, err := http.Get(url + "/" + originHash("auditbell.example/log") + "/checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	note, _ := io.ReadAll(got.Body)
	c, _, seen, err := OpenCheckpoint(note, []Key{s.Key}, []Key{watcher.signer.Key})
	if err != nil || c.Size != 20 || len(seen) != 1 {
		t.Errorf("monitors read %+v, seen by %d, %v\n%s", c, len(seen), err, note)
	}
	if err := os.WriteFile(watcher.path("auditbell.example/log"), []byte("x\n\n— a b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := http.Post(url+"/add-checkpoint", "text/plain", bytes.NewReader(request(leaves, s, 0, 10)))
	if err != nil {
		t.Fatal(err)
	}
	again.Body.Close()
	if again.StatusCode != 500 {
		t.Errorf("a witness whose memory was tampered with answers %d, want 500", again.StatusCode)
	}
}
