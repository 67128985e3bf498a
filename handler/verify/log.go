package verify

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/tlog"
)

// Logged is where in a transparency log a manifest is, and who says so.
type Logged struct {
	Origin  string       `json:"origin"`
	Index   uint64       `json:"index"`
	Size    uint64       `json:"size"`
	Root    tlog.Hash    `json:"root"`
	Key     string       `json:"key,omitempty"` // that you gave and that signed; empty: none was given
	Seen    []Seen       `json:"seen,omitempty"`
	Unknown int          `json:"unknown_signatures,omitempty"` // of keys that were not given
	key     tlog.Key     // that signed
	claimed bool         // the key is the one that the bundle itself names
	first   time.Time    // when the first witness saw it
	grown   *tlog.Growth // from the bundle before
	copied  bool         // a copy of the log begins with it
}

// Seen is a witness who saw a checkpoint.
type Seen struct {
	Witness string    `json:"witness"`
	At      time.Time `json:"at"`
}

// log checks that the manifest is in a transparency log. must: the reader wants to rely on it, and a bundle without a
// proof is wrong.
func (b *Bundle) log(folder fs.FS, t Trust, must bool) {
	text, err := readSmall(folder, digest.LogProofName)
	if errors.Is(err, fs.ErrNotExist) && !must {
		return
	}
	var p tlog.Proof
	if err == nil {
		p, err = tlog.ParseProof(text)
	}
	if err == nil {
		b.Logged, err = checkProof(p, tlog.ManifestEntry(b.hash()), t)
	}
	if err == nil && len(b.Logged.Seen) > 0 {
		err = b.backdated(b.Logged.first)
	}
	detail := ""
	if err == nil {
		detail = fmt.Sprintf("entry %d of the %d in the log %s", b.Logged.Index, b.Logged.Size, printable(b.Logged.Origin))
	} else {
		b.Logged = nil
	}
	b.add(digest.LogProofName, err, detail)
}

// checkProof checks that an entry is in the log of a checkpoint, who signed that, and who saw it.
func checkProof(p tlog.Proof, entry []byte, t Trust) (*Logged, error) {
	keys, claimed := t.LogKeys, false
	if len(keys) == 0 { // the key that the bundle names may be anybody's; the result says so
		if key, err := tlog.ParseKey(string(p.Extra)); err == nil && !key.Witness() {
			keys, claimed = []tlog.Key{key}, true
		}
	}
	c, by, seen, err := tlog.OpenCheckpoint(p.Note, keys, t.Witnesses)
	if err != nil {
		return nil, explain(p.Note, keys, err)
	}
	if err := tlog.CheckInclusion(p.Hashes, p.Index, tlog.LeafHash(entry), c.Head); err != nil {
		return nil, fmt.Errorf("the log does not hold it: %w (a checkpoint from before it, or another manifest's proof)", err)
	}
	l := &Logged{Origin: printable(c.Origin), Index: p.Index, Size: c.Size, Root: c.Root, key: by, claimed: claimed, Unknown: tlog.Signatures(p.Note) - 1 - len(seen)}
	if !claimed {
		l.Key = by.Short()
	}
	for i, s := range seen {
		l.Seen = append(l.Seen, Seen{printable(s.Key.Name), s.Time})
		if i == 0 || s.Time.Before(l.first) {
			l.first = s.Time
		}
	}
	return l, nil
}

// explain says why no key that was given signed a checkpoint: it is another log's, or it was signed again with another key.
func explain(note []byte, keys []tlog.Key, err error) error {
	text, _, noteErr := tlog.OpenNote(note)
	c, parseErr := tlog.ParseCheckpoint(text)
	if noteErr != nil || parseErr != nil || len(keys) == 0 {
		return err
	}
	for _, k := range keys {
		if k.Name == c.Origin {
			return fmt.Errorf("it was signed with another key than %s: %w", k.Short(), err)
		}
	}
	return fmt.Errorf("it is from another log: %q, and the key that you gave is of %q", printable(c.Origin), keys[0].Name)
}

// growth checks that the log of each bundle grew out of that of the bundle before.
func growth(folders []fs.FS, bundles []Bundle) []Check {
	var checks []Check
	for i := range bundles[min(1, len(bundles)):] {
		before, b := bundles[i].Logged, bundles[i+1].Logged
		if before == nil || b == nil {
			continue
		}
		grown, err := grew(folders[i+1], before, b)
		if grown == nil && err == nil {
			continue // nothing says so
		}
		checks = append(checks, check("log since "+bundles[i].Period, err, fmt.Sprintf("only grew, from %d to %d entries", before.Size, b.Size)))
		if err == nil {
			b.grown = grown
		}
	}
	return checks
}

// grew checks the proof of growth in a bundle's folder; nil without an error when there is none.
func grew(folder fs.FS, before, now *Logged) (*tlog.Growth, error) {
	switch {
	case before.Origin != now.Origin:
		return nil, fmt.Errorf("is another log: %q, and %q before", printable(now.Origin), printable(before.Origin))
	case now.Size < before.Size:
		return nil, fmt.Errorf("was truncated: it has %d entries, and had %d before", now.Size, before.Size)
	case now.Size == before.Size && now.Root != before.Root:
		return nil, fmt.Errorf("was forked: there are two of %d entries", now.Size)
	case now.Index <= before.Index:
		return nil, fmt.Errorf("has the later manifest at entry %d, and the earlier one at %d", now.Index, before.Index)
	}
	text, err := readSmall(folder, digest.LogGrownName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var g tlog.Growth
	if err == nil {
		g, err = tlog.ParseGrowth(text)
	}
	if err != nil {
		return nil, err
	}
	if g.Before != before.Size {
		return nil, nil // it leads from another bundle
	}
	return &g, tlog.CheckConsistency(g.Hashes, tlog.Head{Size: before.Size, Root: before.Root}, tlog.Head{Size: now.Size, Root: now.Root})
}
