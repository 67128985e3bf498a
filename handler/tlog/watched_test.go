package tlog

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestWitnessFollowsTheLogsKey changes the key of a log twice. A witness that has the first key alone signs on, signs nothing more
// of a former key, and knows the newest one when it starts again; a witness without our addition says what it lacks.
func TestWitnessFollowsTheLogsKey(t *testing.T) {
	t.Parallel()
	files := newShelf()
	keys := []*Signer{signer(t, "auditbell.example/log", 1), signer(t, "auditbell.example/log", 2), signer(t, "auditbell.example/log", 3)}
	witness, watcher, _ := watching(t, "witness.one.example/w", 11, keys[0].Key)
	_, other, _ := watching(t, "witness.two.example/w", 12, keys[0].Key)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", func(w http.ResponseWriter, r *http.Request) { other.add(w, r, false) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	standard := NewWitness(server.URL, other.signer.Key, server.Client())
	entries, _ := entriesOf(6)
	for i, s := range keys {
		var former []Key
		for _, k := range keys[:i] {
			former = append(former, k.Key)
		}
		l := New(files, s, former...)
		batch := entries[2*i : 2*i+2]
		if i+1 < len(keys) {
			next, err := RotationEntry(s, keys[i+1])
			if err != nil {
				t.Fatal(err)
			}
			batch = append(batch[:2:2], next)
		}
		if err := l.Append(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
		note, signed, err := l.Cosign(t.Context(), []*Witness{witness, standard})
		if _, by, seen, openErr := OpenCheckpoint(note, []Key{s.Key}, []Key{watcher.signer.Key}); openErr != nil || len(seen) != 1 || !by.Equal(s.Key) {
			t.Errorf("key %d: seen by %d, %v, %v", i, len(seen), openErr, err)
		}
		if i == 0 && signed != 2 || i > 0 && (signed != 1 || err == nil || !strings.Contains(err.Error(), "it does not know the key that the log is signed with (status 404): give its operator the verifier key")) {
			t.Errorf("key %d: %d witnesses signed, %v", i, signed, err)
		}
	}
	again, err := NewWatcher(watcher.signer, watcher.folder, []Key{keys[0].Key})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []*Watcher{watcher, again} {
		if got := w.logs[keys[0].Key.Name].keys; len(got) != 1 || !got[0].Equal(keys[2].Key) {
			t.Errorf("the witness signs checkpoints of %v", got)
		}
	}
}

// TestWitnessIsNotLedAstray offers a witness keys that the log did not give way to.
func TestWitnessIsNotLedAstray(t *testing.T) {
	t.Parallel()
	first, second, stranger := signer(t, "auditbell.example/log", 1), signer(t, "auditbell.example/log", 2), signer(t, "auditbell.example/log", 3)
	_, watcher, url := watching(t, "witness.example/w", 11, first.Key)
	good, err := RotationEntry(first, second)
	if err != nil {
		t.Fatal(err)
	}
	led, err := RotationEntry(stranger, second)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(good), "\n\n")
	half := Sign(text+"\n", second)
	request := func(entry []byte, leaves Leaves, index uint64, by *Signer, before uint64) []byte {
		size := uint64(len(leaves))
		root, _ := Root(leaves, size)
		growth, _ := Consistency(leaves, before, size)
		way, _ := Inclusion(leaves, index, size)
		body, _ := json.Marshal(rotated{
			string(Growth{before, growth, Sign(Checkpoint{by.Key.Name, Head{size, root}}.Text(), by)}.Text()), []Rotation{{string(entry), index, way}},
		})
		return body
	}
	with := func(entry []byte) Leaves {
		return Leaves{LeafHash([]byte("a")), LeafHash(entry), LeafHash([]byte("b"))}
	}
	for _, c := range []struct {
		name   string
		body   []byte
		status int
	}{
		{"no request", []byte("{"), 400},
		{"no checkpoint", []byte(`{"growth":"old 0\n\nx\n"}`), 400},
		{"no rotation", request(nil, with(good), 1, second, 0), 403},
		{"one that the old key did not sign", request(half, with(half), 1, second, 0), 403},
		{"one from a key that is not the log's", request(led, with(led), 1, second, 0), 403},
		{"one that is not in the log", request(good, with([]byte("c")), 1, second, 0), 403},
		{"one at another place", request(good, with(good), 0, second, 0), 403},
		{"one to another key than the checkpoint's", request(good, with(good), 1, stranger, 0), 403},
		{"a size it has not seen", request(good, with(good), 1, second, 2), 409},
		{"the log's own", request(good, with(good), 1, second, 0), 200},
		{"the former key, once it gave way", request(good, append(with(good), LeafHash([]byte("d"))), 1, first, 3), 403},
		{"a log that did not grow out of it", request(good, append(with(good)[1:], LeafHash([]byte("e")), LeafHash([]byte("f"))), 0, second, 3), 422},
	} {
		got, err := http.Post(url+rotatedPath, "application/json", bytes.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(got.Body)
		got.Body.Close()
		if got.StatusCode != c.status {
			t.Errorf("%s: status %d %q, want %d", c.name, got.StatusCode, answer, c.status)
		}
	}
	if got := watcher.logs[first.Key.Name]; len(got.keys) != 1 || !got.keys[0].Equal(second.Key) || len(got.rotations) != 1 {
		t.Errorf("the witness knows %v", got)
	}
}
