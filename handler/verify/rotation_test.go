package verify_test

import (
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/tlog"
	"github.com/auditbell/auditbell/handler/verify"
)

// TestKeysAreFollowed changes the key of the log between two bundles, twice; the reader has the first key alone.
func TestKeysAreFollowed(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	second, third := logSigner(t, l.log.Key.Name, 2), logSigner(t, l.log.Key.Name, 3)
	leaves := append(l.leaves[:6:6], rotation(t, l.log, second), rotation(t, second, third), l.leaves[6])
	l.prove(l.november, leaves, third, l.witness)
	l.grow(l.november, leaves, l.entriesAtOctober, third)
	h := tlog.History{Key: third.Key.String()}
	for _, at := range []uint64{6, 7} {
		hashes, err := tlog.Inclusion(tree(leaves), at, 9)
		if err != nil {
			t.Fatal(err)
		}
		h.Rotations = append(h.Rotations, tlog.Rotation{Entry: string(leaves[at]), Index: at, Hashes: hashes})
	}
	l.rewriteExtra(l.november, h)
	r := l.verify(l.trust(""))
	if text := strings.Join(r.Proven, "\n"); !r.OK || !strings.Contains(text, "The log of November changed its key by entries of its own") ||
		!strings.Contains(text, "gave way to "+second.Key.Short()+" at entry 6; "+second.Key.Short()+" gave way to "+third.Key.Short()+" at entry 7") {
		t.Errorf("the change of key is not followed:\n%s\n%s", wrong(r), text)
	}
	if got := r.Followed(l.trust("")).LogKeys; len(got) != 3 || !got[2].Equal(third.Key) {
		t.Errorf("keys %v are known afterwards", got)
	}
	// A reader who has the newest key alone is not led backwards: a key may have been changed because it was stolen.
	last := l.trust("")
	last.LogKeys = []tlog.Key{third.Key}
	if r := l.verify(last); r.OK || !strings.Contains(wrong(r), "it was signed with another key than") {
		t.Errorf("with the newest key alone:\n%s", wrong(r))
	}
	// With no key, the bundle's own is shown and nothing is followed.
	if r := l.verify(verify.Trust{}); !r.OK || strings.Contains(strings.Join(r.Proven, "\n"), "changed its key") || !strings.Contains(strings.Join(r.NotProven, "\n"), third.Key.String()) {
		t.Errorf("without a key: %v\n%s", r.OK, wrong(r))
	}
	h.Rotations[0], h.Rotations[1] = h.Rotations[1], h.Rotations[0]
	l.rewriteExtra(l.november, h)
	if r := l.verify(l.trust("")); r.OK {
		t.Error("rotations in another order are believed")
	}
}
