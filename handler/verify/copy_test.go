package verify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/tlog"
)

// shelf keeps a log's files below a folder, each once.
type shelf string

func (s shelf) Get(_ context.Context, name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(s), name))
}

func (s shelf) Put(_ context.Context, name, _ string, data []byte) error {
	path := filepath.Join(string(s), name)
	if have, err := os.ReadFile(path); err == nil && !bytes.Equal(have, data) {
		return errors.New("there is another file of that name")
	}
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, data, 0o600))
}

// logged writes a log of leaves to a folder.
func (l *lab) logged(leaves [][]byte) string {
	l.t.Helper()
	folder := l.t.TempDir()
	if err := tlog.New(shelf(folder), l.log).Append(l.t.Context(), leaves...); err != nil {
		l.t.Fatal(err)
	}
	return folder
}

func TestBundlesAreHeldAgainstACopyOfTheLog(t *testing.T) {
	t.Parallel()
	hour := time.Date(2026, 11, 3, 14, 0, 0, 0, time.UTC)
	entry := func(version int, why string, seed byte) []byte {
		return tlog.HourEntry{Hour: hour, Version: version, Records: 3, Root: tlog.LeafHash([]byte{seed}), Why: why}.Entry()
	}
	for _, c := range []struct {
		name string
		log  func(l *lab) [][]byte
		ok   bool
		want string
	}{
		{"the same", func(l *lab) [][]byte { return l.leaves }, true, "all 1 that the digest lists are there; 0 were amended"},
		{"it grew", func(l *lab) [][]byte { return append(l.leaves, entry(2, tlog.WhyLate, 2)) }, true, "all 1 that the digest lists are there; 1 were amended since"},
		{"an hour was rewritten", func(l *lab) [][]byte {
			changed := append([][]byte{}, l.leaves...)
			changed[len(changed)-2] = entry(1, tlog.WhyClosed, 9)
			return changed
		}, false, "2026-11-03T14:00:00Z is not in the log as the digest has it: it was rewritten"},
		{"its past was rewritten", func(l *lab) [][]byte { return append([][]byte{[]byte("x")}, l.leaves[1:]...) }, false, "log since then: the log was rewritten"},
		{"it was truncated", func(l *lab) [][]byte { return l.leaves[:4] }, false, "the copy is older, or was truncated: it has 4 entries, and had 6 then"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			l.leaves = append(l.leaves[:l.entriesAtOctober:l.entriesAtOctober], entry(1, tlog.WhyClosed, 1))
			l.file(l.november, "hours.tlog", entry(1, tlog.WhyClosed, 1))
			l.manifest(l.november, "report.json", "operations.csv", "hours.tlog")
			l.seal(l.november, time.November)
			_ = os.Remove(filepath.Join(l.november, "manifest.json.tlog-grown"))
			trust := l.trust(l.hash(l.november))
			trust.Log = os.DirFS(l.logged(c.log(l)))
			r := l.verify(trust)
			var all strings.Builder
			for i := range r.Bundles {
				for _, one := range r.Bundles[i].Checks {
					all.WriteString(one.Name + ": " + one.Detail + "\n")
				}
			}
			if r.OK != c.ok || !strings.Contains(all.String(), c.want) {
				t.Errorf("ok is %v, want %v and %q:\n%s%s", r.OK, c.ok, c.want, all.String(), wrong(r))
			}
			if proven := strings.Join(r.Proven, "\n"); c.ok && !strings.Contains(proven, "the copy that you gave begins with both") {
				t.Errorf("without a proof of growth, the copy proves it:\n%s", proven)
			}
		})
	}
}

func TestACopyOfAnotherLogIsRefused(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	trust := l.trust("")
	l.log = logSigner(t, l.log.Key.Name, 7)
	trust.Log = os.DirFS(l.logged(l.leaves))
	if r := l.verify(trust); r.OK || !strings.Contains(wrong(r), "copy of the log: it was signed with another key") {
		t.Errorf("a copy that another key signed: ok %v\n%s", r.OK, wrong(r))
	}
	trust.Log = os.DirFS(filepath.Join(t.TempDir(), "nothing"))
	if r := l.verify(trust); r.OK || !strings.Contains(wrong(r), "copy of the log: read log: it has no checkpoint") {
		t.Errorf("no copy: ok %v\n%s", r.OK, wrong(r))
	}
}

// TestOlderBundlesNeedNoProof holds that a log which began later does not make what came before it wrong.
func TestOlderBundlesNeedNoProof(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	_ = os.Remove(filepath.Join(l.october, "manifest.json.tlog-proof"))
	if r := l.verify(l.trust(l.hash(l.november))); !r.OK || !strings.Contains(strings.Join(r.NotProven, "\n"), "That the manifest of October is in a transparency log") {
		t.Errorf("ok %v\n%s", r.OK, wrong(r))
	}
}

// TestACopyIsReadAsFilesAlone gives copies in which the operator put what is no file of a log.
func TestACopyIsReadAsFilesAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		put  func(path string) error
		want string
	}{
		"a link":                     {func(path string) error { return os.Symlink("/dev/zero", path) }, "is not a file but a symbolic link"},
		"a folder":                   {func(path string) error { return os.Mkdir(path, 0o700) }, "is not a file but a folder"},
		"a file of a terabyte":       {func(path string) error { return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 1<<40)) }, "more than the 268435456 that are read"},
		"a checkpoint without a log": {func(path string) error { return os.WriteFile(path, note([][]byte{{1}}, logSigner(t, "a", 1)), 0o600) }, "tile/entries/000.p/1"},
		"a checkpoint of 2⁶³ entries": {func(path string) error {
			huge := tlog.Checkpoint{Origin: "a", Head: tlog.Head{Size: 1<<63 - 1}}
			return os.WriteFile(path, tlog.Sign(huge.Text(), logSigner(t, "a", 1)), 0o600)
		}, "tile/entries/000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, folder := newLab(t), t.TempDir()
			if err := errors.Join(os.Mkdir(filepath.Join(folder, "checkpoints"), 0o700), c.put(filepath.Join(folder, "checkpoints", "001"))); err != nil {
				t.Fatal(err)
			}
			trust := l.trust("")
			trust.Log = os.DirFS(folder)
			if r := l.verify(trust); r.OK || !strings.Contains(wrong(r), c.want) {
				t.Errorf("found\n%swant %q", wrong(r), c.want)
			}
		})
	}
}

// TestVersionsOfAnHourAreLoggedOnce logs hours so that either of two entries could be shown.
func TestVersionsOfAnHourAreLoggedOnce(t *testing.T) {
	t.Parallel()
	entry := func(version int, seed byte) []byte {
		return tlog.HourEntry{Hour: made(time.October).Truncate(time.Hour), Version: version, Records: 3, Root: tlog.LeafHash([]byte{seed}), Why: tlog.WhyLate}.Entry()
	}
	for name, c := range map[string]struct {
		more [][]byte
		want string // "" for nothing
	}{
		"one after the other": {[][]byte{entry(1, 1), entry(2, 2), entry(3, 3)}, ""},
		"a retry":             {[][]byte{entry(1, 1), entry(1, 1)}, ""},
		"another of the same": {[][]byte{entry(1, 1), entry(1, 2)}, "the log has two entries of version 1 of 2026-11-02T07:00:00Z"},
		"an older one":        {[][]byte{entry(1, 1), entry(2, 2), entry(1, 3)}, "the log has two entries of version 1"},
		"one left out":        {[][]byte{entry(1, 1), entry(3, 3)}, "the log has version 3 of 2026-11-02T07:00:00Z after version 1"},
		"not the first":       {[][]byte{entry(2, 2)}, "after version 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			trust := l.trust("")
			trust.Log = os.DirFS(l.loggedEach(append(l.leaves[:len(l.leaves):len(l.leaves)], c.more...)))
			if r := l.verify(trust); r.OK != (c.want == "") || !strings.Contains(wrong(r), c.want) {
				t.Errorf("ok is %v, want %q:\n%s", r.OK, c.want, wrong(r))
			}
		})
	}
}

// loggedEach is logged, for leaves that a log would take for retries.
func (l *lab) loggedEach(leaves [][]byte) string {
	l.t.Helper()
	folder := shelf(l.t.TempDir())
	write := func(name string, data []byte) {
		if err := folder.Put(l.t.Context(), name, "", data); err != nil {
			l.t.Fatal(err)
		}
	}
	var entries, hashes []byte
	for _, e := range leaves {
		h := tlog.LeafHash(e)
		entries, hashes = append(append(entries, byte(len(e)>>8), byte(len(e))), e...), append(hashes, h[:]...)
	}
	write(fmt.Sprintf("tile/entries/000.p/%d", len(leaves)), entries)
	write(fmt.Sprintf("tile/0/000.p/%d", len(leaves)), hashes)
	write("checkpoints/001", note(leaves, l.log))
	return string(folder)
}
