package verify_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/tlog"
	"github.com/auditbell/auditbell/handler/verify"
)

// TestWitnessesAreCountedByTheirKeys signs a checkpoint with keys that are of no further party.
func TestWitnessesAreCountedByTheirKeys(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	twin := witnessSigner(l, "second.auditor.example/w", 9)
	trust := l.trust(l.hash(l.november))
	trust.Witnesses = append(trust.Witnesses, twin.Key)
	l.prove(l.november, l.leaves, l.log, l.witness, twin)
	if r := l.verify(trust); r.OK || !strings.Contains(wrong(r), "sign with one key: they are one party") {
		t.Errorf("two names of one key: ok %v\n%s", r.OK, wrong(r))
	}
	// Signed twice, it is one witness, and no signature is of a key that is not known.
	l.prove(l.november, l.leaves, l.log, l.witness, l.witness)
	r := l.verify(l.trust(l.hash(l.november)))
	if said := strings.Join(append(r.Proven, r.NotProven...), "\n"); !r.OK || !strings.Contains(said, "The log of November was seen by 1 witness") || strings.Contains(said, "further signatures") {
		t.Errorf("one witness twice: ok %v\n%s\n%s", r.OK, wrong(r), said)
	}
}

// TestTimeBetweenBundlesIsNamed leaves out a period between two bundles, which name each other.
func TestTimeBetweenBundlesIsNamed(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	september, november := t.TempDir(), t.TempDir()
	l.write(september, time.September, nil)
	l.write(november, time.November, map[string]any{"period": "September", "manifest_sha256": l.hash(september)})
	r := verify.Bundles(t.Context(), []fs.FS{os.DirFS(september), os.DirFS(november)}, verify.Trust{})
	if open := strings.Join(r.NotProven, "\n"); !r.OK || !strings.Contains(open, "What happened from 2026-10-01T00:00:00Z to 2026-11-01T00:00:00Z: no bundle that you gave is about it.") {
		t.Errorf("ok %v\n%s\n%s", r.OK, wrong(r), open)
	}
	if open := strings.Join(l.verify(verify.Trust{}).NotProven, "\n"); strings.Contains(open, "What happened from") {
		t.Errorf("of periods that follow each other it says\n%s", open)
	}
}

// TestACopyIsTheOneThatWasSigned puts the checkpoint that was signed beside another newest one, which the log did not sign.
func TestACopyIsTheOneThatWasSigned(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	more := append(l.leaves[:len(l.leaves):len(l.leaves)], []byte("an entry that was never logged"))
	folder := l.loggedEach(more)
	put := func(name string, data []byte) {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	forged := note(more, logSigner(t, l.log.Key.Name, 66))
	put("checkpoints/001", forged)
	put("cosigned/001", note(l.leaves, l.log, l.witness))
	trust := l.trust(l.hash(l.november))
	trust.Log = os.DirFS(folder)
	if r := l.verify(trust); r.OK || !strings.Contains(wrong(r), "it is not the checkpoint that is at checkpoints/001") {
		t.Errorf("a signed note of another checkpoint: ok %v\n%s", r.OK, wrong(r))
	}
	put("cosigned/001", bytes.Replace(forged, []byte("\n\n"), []byte("\n\n"+strings.SplitAfter(string(note(l.leaves, l.log)), "\n\n")[1]), 1))
	if r := l.verify(trust); r.OK || !strings.Contains(wrong(r), "copy of the log: it was signed with another key") && !strings.Contains(wrong(r), "does not hold") {
		t.Errorf("the signature of another checkpoint: ok %v\n%s", r.OK, wrong(r))
	}
}

// TestACopyThatNoKeyVouchesForProvesNothing gives a copy, and no key of the log.
func TestACopyThatNoKeyVouchesForProvesNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	entry := tlog.HourEntry{Hour: time.Date(2026, 11, 3, 14, 0, 0, 0, time.UTC), Version: 1, Root: tlog.LeafHash(nil), Why: tlog.WhyClosed}.Entry()
	l.leaves = append(l.leaves[:l.entriesAtOctober:l.entriesAtOctober], entry)
	l.file(l.november, "hours.tlog", entry)
	l.manifest(l.november, "report.json", "operations.csv", "hours.tlog")
	l.seal(l.november, time.November)
	_ = os.Remove(filepath.Join(l.november, "manifest.json.tlog-grown"))
	r := l.verify(verify.Trust{Log: os.DirFS(l.logged(l.leaves))})
	proven, open := strings.Join(r.Proven, "\n"), strings.Join(r.NotProven, "\n")
	if !r.OK || strings.Contains(proven, "copy") || !strings.Contains(open, "is the operator's: you gave no key of the log (--log-key)") {
		t.Errorf("ok %v\n%s\nproven:\n%s\nnot proven:\n%s", r.OK, wrong(r), proven, open)
	}
}
