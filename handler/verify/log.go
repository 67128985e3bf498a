package verify

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
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
	Key     string       `json:"key,omitempty"`     // that signed, and that you gave or that one you gave led to; empty: none was given
	Rotated []string     `json:"rotated,omitempty"` // how the log's key changed, from one that you gave on
	Seen    []Seen       `json:"seen,omitempty"`
	Unknown int          `json:"unknown_signatures,omitempty"` // of keys that were not given
	key     tlog.Key     // that signed
	known   []tlog.Key   // of the log
	claimed bool         // the key is the one that the bundle itself names
	steps   []tlog.Step  // from a key that was given, or that a bundle before led to, on
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
// proof is wrong. last: so is one that no witness saw of those that the reader named.
func (b *Bundle) log(folder fs.FS, t Trust, must, last bool) {
	defer b.grownFrom(folder)
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
	switch {
	case err != nil:
	case len(b.Logged.Seen) > 0:
		err = b.backdated(b.Logged.first)
	case last && len(t.Witnesses) > 0:
		err = errors.New("no witness that you named signed its checkpoint: the signatures were left out, or none of them could be reached (hint: without --witness the rest is verified)")
	}
	detail := ""
	if err == nil {
		detail = fmt.Sprintf("entry %d of the %d in the log %s", b.Logged.Index, b.Logged.Size, printable(b.Logged.Origin))
	} else {
		b.Logged = nil
	}
	b.add(digest.LogProofName, err, detail)
}

// grownFrom reads the proof that the log grew, where there is one, and checks that it ends with the checkpoint of the manifest's proof.
func (b *Bundle) grownFrom(folder fs.FS) {
	text, err := readSmall(folder, digest.LogGrownName)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var g tlog.Growth
	var c tlog.Checkpoint
	if err == nil {
		g, err = tlog.ParseGrowth(text)
	}
	if err == nil && b.Logged == nil {
		err = errors.New("is there, and no proof that the manifest is in the log")
	}
	if err == nil {
		c, _, _, err = tlog.OpenCheckpoint(g.Note, b.Logged.known, nil)
	}
	switch {
	case err != nil:
	case printable(c.Origin) != b.Logged.Origin || c.Size != b.Logged.Size || c.Root != b.Logged.Root:
		err = errors.New("ends with another checkpoint than that of the manifest's proof")
	default:
		b.grows = &g
		return
	}
	b.add(digest.LogGrownName, err, "")
}

// checkProof checks that an entry is in the log of a checkpoint, who signed that, and who saw it.
func checkProof(p tlog.Proof, entry []byte, t Trust) (*Logged, error) {
	if bytes.HasPrefix(p.Extra, []byte("{")) {
		if err := onceEach(p.Extra); err != nil {
			return nil, fmt.Errorf("read proof: its extra data: %w", err)
		}
	}
	history, err := tlog.ParseHistory(p.Extra)
	if err != nil {
		return nil, err
	}
	keys, claimed := t.LogKeys, false
	if len(keys) == 0 { // the key that the bundle names may be anybody's; the result says so
		if key, err := tlog.ParseKey(history.Key); err == nil && !key.Witness() {
			keys, claimed = []tlog.Key{key}, true
		}
	}
	steps, err := follow(p.Note, keys, history.Rotations)
	if err != nil {
		return nil, err
	}
	known := withSteps(keys, steps)
	c, by, seen, err := tlog.OpenCheckpoint(p.Note, known, t.Witnesses)
	if err != nil {
		return nil, explain(p.Note, keys, err)
	}
	if err := parties(seen, known); err != nil {
		return nil, err
	}
	if err := tlog.CheckInclusion(p.Hashes, p.Index, tlog.LeafHash(entry), c.Head); err != nil {
		return nil, fmt.Errorf("the log does not hold it: %w (a checkpoint from before it, or another manifest's proof)", err)
	}
	l := &Logged{Origin: printable(c.Origin), Index: p.Index, Size: c.Size, Root: c.Root, key: by, known: known, claimed: claimed, steps: steps, Unknown: tlog.Unknown(p.Note, append(known, t.Witnesses...)...)}
	if !claimed {
		l.Key = by.Short()
		for _, step := range steps {
			l.Rotated = append(l.Rotated, fmt.Sprintf("%s gave way to %s at entry %d", step.From.Short(), step.To.Short(), step.Index))
		}
	}
	for i, s := range seen {
		l.Seen = append(l.Seen, Seen{printable(s.Key.Name), s.Time})
		if i == 0 || s.Time.Before(l.first) {
			l.first = s.Time
		}
	}
	return l, nil
}

// parties checks that witnesses are parties of their own: that none holds a key of the log, nor that of another.
func parties(seen []tlog.Signature, log []tlog.Key) error {
	for i, s := range seen {
		if slices.ContainsFunc(log, s.Key.SameHolder) {
			return fmt.Errorf("the witness %s signs with a key of the log itself: it is no other party", s.Key.Short())
		}
		for _, other := range seen[:i] {
			if other.Key.SameHolder(s.Key) {
				return fmt.Errorf("the witnesses %s and %s sign with one key: they are one party", other.Key.Short(), s.Key.Short())
			}
		}
	}
	return nil
}

// follow finds how the log's key changed, as a checkpoint's log holds it. The checkpoint is signed by one of the keys that this
// leads to, or nothing is believed.
func follow(note []byte, keys []tlog.Key, rotations []tlog.Rotation) ([]tlog.Step, error) {
	if len(rotations) == 0 {
		return nil, nil
	}
	c, err := tlog.PeekCheckpoint(note)
	if err != nil {
		return nil, err
	}
	return tlog.Follow(keys, rotations, c.Head)
}

// withSteps are keys, and those that they gave way to.
func withSteps(keys []tlog.Key, steps []tlog.Step) []tlog.Key {
	keys = slices.Clone(keys)
	for _, step := range steps {
		if !slices.ContainsFunc(keys, step.To.Equal) {
			keys = append(keys, step.To)
		}
	}
	return keys
}

// Followed is t with the keys that the logs of bundles, and of the copy, gave way to.
func (r *Result) Followed(t Trust) Trust {
	for i := range r.Bundles {
		if l := r.Bundles[i].Logged; l != nil && !l.claimed {
			t.LogKeys = withSteps(t.LogKeys, l.steps)
		}
	}
	t.LogKeys = withSteps(t.LogKeys, r.steps)
	return t
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
func growth(bundles []Bundle) []Check {
	var checks []Check
	for i := range bundles[min(1, len(bundles)):] {
		before, b := bundles[i].Logged, bundles[i+1].Logged
		if before == nil || b == nil {
			continue
		}
		grown, err := grew(before, b, bundles[i+1].grows)
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

// gaveWay reports whether the later of two checkpoints is signed with a key that had given way to the one of the earlier,
// and the log did not come back to it.
func gaveWay(before, now *Logged) bool {
	back := slices.ContainsFunc(now.steps, func(s tlog.Step) bool { return s.From.Equal(before.key) && s.Index >= before.Size })
	return !back && !now.key.Equal(before.key) && slices.ContainsFunc(before.steps, func(s tlog.Step) bool { return s.From.Equal(now.key) })
}

// grew checks the proof of growth of a bundle; nil without an error when there is none that leads from the one before.
func grew(before, now *Logged, g *tlog.Growth) (*tlog.Growth, error) {
	switch {
	case before.Origin != now.Origin:
		return nil, fmt.Errorf("is another log: %q, and %q before", printable(now.Origin), printable(before.Origin))
	case now.Size < before.Size:
		return nil, fmt.Errorf("was truncated: it has %d entries, and had %d before", now.Size, before.Size)
	case now.Size == before.Size && now.Root != before.Root:
		return nil, fmt.Errorf("was forked: there are two of %d entries", now.Size)
	case gaveWay(before, now):
		return nil, fmt.Errorf("was signed with %s after that key had given way to %s", now.key.Short(), before.key.Short())
	case now.Index <= before.Index:
		return nil, fmt.Errorf("has the later manifest at entry %d, and the earlier one at %d", now.Index, before.Index)
	}
	if g == nil || g.Before != before.Size {
		return nil, nil
	}
	return g, tlog.CheckConsistency(g.Hashes, tlog.Head{Size: before.Size, Root: before.Root}, tlog.Head{Size: now.Size, Root: now.Root})
}
