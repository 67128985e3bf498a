package tlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"sync"
	"testing"

	reference "golang.org/x/mod/sumdb/note"
)

// shelf keeps files in memory, each written once; after left writes it fails.
type shelf struct {
	mu    sync.Mutex
	files map[string][]byte
	left  int
}

func newShelf() *shelf { return &shelf{files: map[string][]byte{}, left: 1 << 30} }

func (s *shelf) Get(_ context.Context, name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if data, ok := s.files[name]; ok {
		return bytes.Clone(data), nil
	}
	return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
}

func (s *shelf) Put(_ context.Context, name, _ string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if have, ok := s.files[name]; ok {
		if !bytes.Equal(have, data) {
			return fmt.Errorf("%s: there is another file of that name", name)
		}
		return nil
	}
	if s.left--; s.left < 0 {
		return errors.New("the archive is away")
	}
	s.files[name] = bytes.Clone(data)
	return nil
}

func signer(t testing.TB, name string, seed byte) *Signer {
	t.Helper()
	s, err := NewSigner(name, bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checked checks the newest checkpoint against all the entries that the log should have.
func checked(t *testing.T, files *shelf, s *Signer, entries [][]byte) {
	t.Helper()
	c, note, err := New(files, s).Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var leaves Leaves
	for _, e := range entries {
		leaves = append(leaves, LeafHash(e))
	}
	root, _ := Root(leaves, uint64(len(leaves)))
	if c.Size != uint64(len(entries)) || c.Root != root {
		t.Fatalf("the log has %d entries and root %s, want %d and %s", c.Size, c.Root, len(entries), root)
	}
	verifier, err := reference.NewVerifier(s.Key.String())
	if err != nil {
		t.Fatal(err)
	}
	if opened, err := reference.Open(note, reference.VerifierList(verifier)); err != nil || opened.Text != c.Text() {
		t.Errorf("the reference reads %v, %v", opened, err)
	}
	tiles := NewTiles(t.Context(), files, c.Size)
	for _, i := range []uint64{0, c.Size / 2, c.Size - 1} {
		if e, err := tiles.Entry(i); err != nil || !bytes.Equal(e, entries[i]) {
			t.Errorf("entry %d is %q, %v", i, e, err)
		}
		p, err := Prove(t.Context(), files, c, entries[i], note)
		if err == nil {
			err = CheckInclusion(p.Hashes, i, LeafHash(entries[i]), c.Head)
		}
		if err != nil || p.Index != i {
			t.Errorf("proof of entry %d: index %d, %v", i, p.Index, err)
		}
		if again, err := ParseProof(p.Text()); err != nil || !bytes.Equal(again.Text(), p.Text()) {
			t.Errorf("the proof of entry %d reads back as %+v, %v", i, again, err)
		}
	}
}

func TestLogGrows(t *testing.T) {
	t.Parallel()
	files, s := newShelf(), signer(t, "auditbell.example/log", 1)
	entries, _ := entriesOf(70_000)
	l, at := New(files, s), 0
	if err := l.Append(t.Context()); err != nil {
		t.Fatalf("nothing to log: %v", err)
	}
	for _, n := range []int{1, 1, 3, 250, 1, 1, 600, 1, 65_000, 100} {
		if err := l.Append(t.Context(), entries[at:at+n]...); err != nil {
			t.Fatal(err)
		}
		at += n
		checked(t, files, s, entries[:at])
	}
	if err := l.Append(t.Context(), entries[at-1]); err != nil || l.head.Size != uint64(at) {
		t.Errorf("an entry that an earlier try logged is logged again: %d entries, %v", l.head.Size, err)
	}
}

// TestLogIsFinishedByTheNext stops a process after each write; another one must end with the same log.
func TestLogIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	s := signer(t, "auditbell.example/log", 1)
	entries, _ := entriesOf(520)
	for stop := range 14 {
		files := newShelf()
		if err := New(files, s).Append(t.Context(), entries[:260]...); err != nil {
			t.Fatal(err)
		}
		files.left = stop
		first := New(files, s).Append(t.Context(), entries[260:515]...)
		files.left = 1 << 30
		if err := New(files, s).Append(t.Context(), entries[515:]...); err != nil {
			t.Fatalf("after %d writes: %v", stop, err)
		}
		if err := New(files, s).Append(t.Context(), entries[260:515]...); err != nil {
			t.Fatalf("after %d writes, again: %v", stop, err)
		}
		want := entries
		if stop == 0 { // the batch was never begun
			want = append(append(append([][]byte{}, entries[:260]...), entries[515:]...), entries[260:515]...)
		}
		if first == nil && stop < 3 {
			t.Errorf("the archive was away after %d writes and Append reports nothing", stop)
		}
		checked(t, files, s, want)
	}
}

func TestManyProcessesWriteOneLog(t *testing.T) {
	t.Parallel()
	files, s := newShelf(), signer(t, "auditbell.example/log", 1)
	entries, _ := entriesOf(60)
	var wait sync.WaitGroup
	for _, e := range entries {
		wait.Go(func() {
			if err := New(files, s).Append(t.Context(), e); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	l := New(files, s)
	c, _, err := l.Head(t.Context())
	if err != nil || c.Size != 60 {
		t.Fatalf("the log has %d entries, %v, want 60", c.Size, err)
	}
	for _, e := range entries {
		if _, err := l.Prove(t.Context(), e, nil); err != nil {
			t.Errorf("%q: %v", e, err)
		}
	}
}

// TestChangedFilesAreNoticed changes every file of a log, one at a time.
func TestChangedFilesAreNoticed(t *testing.T) {
	t.Parallel()
	files, s := newShelf(), signer(t, "auditbell.example/log", 1)
	entries, _ := entriesOf(300)
	if err := New(files, s).Append(t.Context(), entries...); err != nil {
		t.Fatal(err)
	}
	c, note, err := New(files, s).Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	whole := func(files Reader) error {
		tiles := NewTiles(t.Context(), files, c.Size)
		for i := range c.Size {
			e, err := tiles.Entry(i)
			if err != nil {
				return err
			}
			proof, err := Inclusion(tiles, i, c.Size)
			if err == nil {
				err = CheckInclusion(proof, i, LeafHash(e), c.Head)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := whole(files); err != nil {
		t.Fatal(err)
	}
	for name, data := range files.files {
		if !strings.HasPrefix(name, "tile/") {
			continue
		}
		changed := &shelf{files: maps.Clone(files.files)}
		changed.files[name] = bytes.Clone(data)
		changed.files[name][len(data)/2] ^= 1
		if whole(changed) == nil {
			t.Errorf("%s was changed and nothing notices", name)
		}
	}
	other := signer(t, "auditbell.example/log", 2)
	if _, _, _, err := OpenCheckpoint(note, []Key{other.Key}, nil); err == nil {
		t.Error("a checkpoint counts by a key that did not sign it")
	}
}

func TestNotesAreTheReferences(t *testing.T) {
	t.Parallel()
	private, public, err := reference.GenerateKey(nil2rand{}, "auditbell.example/log")
	if err != nil {
		t.Fatal(err)
	}
	refSigner, err := reference.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	text := Checkpoint{"auditbell.example/log", Head{7, LeafHash(nil)}}.Text()
	note, err := reference.Sign(&reference.Note{Text: text}, refSigner)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseKey(public)
	if err != nil || key.String() != public {
		t.Fatalf("key %s, %v, want %s", key, err, public)
	}
	c, by, _, err := OpenCheckpoint(note, []Key{key}, nil)
	if err != nil || c.Size != 7 || !by.Equal(key) {
		t.Errorf("the reference's note reads as %+v by %s, %v", c, by, err)
	}
	for i := range note {
		damaged := bytes.Clone(note)
		damaged[i] ^= 1
		if c, _, _, err := OpenCheckpoint(damaged, []Key{key}, nil); err == nil {
			t.Errorf("byte %d changed: read as %+v", i, c)
		}
	}
}

// nil2rand is a source of the same bytes for ever.
type nil2rand struct{}

func (nil2rand) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 7
	}
	return len(p), nil
}

// TestKeysThatAnybodyCanSignWithAreRefused tries the points of small order, in each spelling that package ed25519 reads.
func TestKeysThatAnybodyCanSignWithAreRefused(t *testing.T) {
	t.Parallel()
	zeroes, ones := strings.Repeat("00", 30), strings.Repeat("ff", 30)
	neutral, nothing := Key{Name: "x", kind: kindEd25519, public: make([]byte, 32)}, make([]byte, 64)
	neutral.public[0], nothing[0] = 1, 1
	if _, err := neutral.check("any text", nothing); err != nil {
		t.Errorf("package ed25519 refuses by itself what any text is signed with: %v", err)
	}
	for _, point := range []string{
		"01" + zeroes + "00", "00" + zeroes + "00", "ec" + ones + "7f", "ed" + ones + "7f", "ee" + ones + "7f",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	} {
		for _, sign := range []byte{0, 0x80} {
			public, err := hex.DecodeString(point)
			if err != nil {
				t.Fatal(err)
			}
			public[31] |= sign
			for _, kind := range []byte{kindEd25519, kindCosigned} {
				if k, err := ParseKey(Key{"x", kind, public}.String()); err == nil || !strings.Contains(err.Error(), "anybody can sign with its key") {
					t.Errorf("%x is read as %s, %v", public, k.Short(), err)
				}
			}
		}
	}
	for seed := range byte(100) {
		if k := signer(t, "x", seed).Key; smallOrder(k.public) {
			t.Errorf("%s is called a key that anybody can sign with", k)
		}
	}
}

func TestRotationIsSignedByBoth(t *testing.T) {
	t.Parallel()
	a, b := signer(t, "auditbell.example/log", 1), signer(t, "auditbell.example/log", 2)
	entry, err := RotationEntry(a, b)
	if err != nil {
		t.Fatal(err)
	}
	from, to, err := ParseRotation(entry)
	if err != nil || !from.Equal(a.Key) || !to.Equal(b.Key) {
		t.Errorf("rotation from %s to %s, %v", from, to, err)
	}
	forged := Sign(fmt.Sprintf("%s\nfrom %s\nto %s\n", keyHead, a.Key, b.Key), b)
	if _, _, err := ParseRotation(forged); err == nil {
		t.Error("a rotation that only the new key signed is accepted")
	}
}

func TestEntriesReadBack(t *testing.T) {
	t.Parallel()
	h := HourEntry{Version: 2, Records: 12, Root: LeafHash(nil), Why: WhyLate}
	h.Hour = noonHour
	if got, err := ParseHour(h.Entry()); err != nil || got != h {
		t.Errorf("%+v, %v, want %+v", got, err, h)
	}
	for _, text := range []string{"", "auditbell-hour/1", string(h.Entry()) + "x", strings.Replace(string(h.Entry()), "12", "012", 1), string(ManifestEntry(sha256.Sum256(nil)))} {
		if got, err := ParseHour([]byte(text)); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}
