package tlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// RotationEntry says that a log's key gives way to another. It is a note that both keys sign.
func RotationEntry(from, to *Signer) ([]byte, error) {
	if from.Key.Name != to.Key.Name || from.Key.Witness() || to.Key.Witness() || from.Key.Equal(to.Key) {
		return nil, errors.New("rotate log key: both keys must be the log's, of its name, and differ")
	}
	return Sign(fmt.Sprintf("%s\nfrom %s\nto %s\n", keyHead, from.Key, to.Key), from, to), nil
}

// ParseRotation reads a rotation, checks both signatures, and returns both keys.
func ParseRotation(entry []byte) (from, to Key, err error) {
	text, _, err := splitNote(entry)
	lines := strings.Split(text, "\n")
	if err != nil || len(lines) != 4 || lines[0] != keyHead {
		return from, to, errors.New("read log entry: it is not a rotation of the key")
	}
	a, hasFrom := strings.CutPrefix(lines[1], "from ")
	b, hasTo := strings.CutPrefix(lines[2], "to ")
	if !hasFrom || !hasTo {
		return from, to, errors.New("read log entry: it is not a rotation of the key")
	}
	if from, err = ParseKey(a); err != nil {
		return from, to, err
	}
	if to, err = ParseKey(b); err != nil {
		return from, to, err
	}
	_, found, err := OpenNote(entry, from, to)
	if err == nil && (len(found) != 2 || from.Name != to.Name || from.Witness() || to.Witness()) {
		err = errors.New("read log entry: a rotation is signed by both keys of a log")
	}
	return from, to, err
}

// Rotation is an entry of a log by which its key gave way to another, and the proof that it is there.
type Rotation struct {
	Entry  string `json:"entry"`
	Index  uint64 `json:"index"`
	Hashes []Hash `json:"proof"`
}

// History is the extra data of a manifest's proof: the key that signed its checkpoint, and how the log came to it.
type History struct {
	Key       string     `json:"key"`
	Rotations []Rotation `json:"rotations"` // in the order of the log
}

// Text is the history as a proof has it: where the key never changed, the key alone.
func (h History) Text() ([]byte, error) {
	if len(h.Rotations) == 0 {
		return []byte(h.Key), nil
	}
	return json.Marshal(h)
}

// ParseHistory reads what Text wrote. Nothing of it is to be believed before it is checked.
func ParseHistory(extra []byte) (h History, err error) {
	if !bytes.HasPrefix(extra, []byte("{")) {
		return History{Key: string(extra)}, nil
	}
	if err := json.Unmarshal(extra, &h); err != nil {
		return h, errors.New("read proof: its extra data is not the history of a key")
	}
	return h, nil
}

// Step is a change of key that a reader follows.
type Step struct {
	From, To Key
	Index    uint64 // of its entry
}

// Follow checks rotations against the tree that they are to be in, and returns those that lead on from keys which the
// reader has. Others are of no use, and those that do not hold are an error.
func Follow(keys []Key, rotations []Rotation, tree Head) (steps []Step, err error) {
	for _, r := range rotations {
		from, to, err := ParseRotation([]byte(r.Entry))
		if err != nil {
			return nil, err
		}
		if err := CheckInclusion(r.Hashes, r.Index, LeafHash([]byte(r.Entry)), tree); err != nil {
			return nil, fmt.Errorf("the log does not hold the rotation from %s to %s: %w", from.Short(), to.Short(), err)
		}
		if n := len(steps); n > 0 && steps[n-1].Index >= r.Index {
			return nil, errors.New("the rotations of the log's key are not in their order")
		}
		steps = lead(keys, steps, Step{from, to, r.Index})
	}
	return steps, nil
}

// lead adds a step when it leads on from a key that the reader has, or has come to.
func lead(keys []Key, steps []Step, next Step) []Step {
	known := slices.ContainsFunc(keys, next.From.Equal) || slices.ContainsFunc(steps, func(s Step) bool { return s.To.Equal(next.From) })
	if !known {
		return steps
	}
	return append(steps, next)
}

// FollowEntries is Follow for one who has every entry of a log.
func FollowEntries(keys []Key, entries [][]byte) (steps []Step) {
	for i, e := range entries {
		if from, to, err := ParseRotation(e); err == nil {
			steps = lead(keys, steps, Step{from, to, uint64(i)}) //nolint:gosec // not negative
		}
	}
	return steps
}

// Rotations finds in a log how it came from former keys to its key, from the newest entry on, until each of the former
// ones was seen.
func Rotations(ctx context.Context, files Reader, c Checkpoint, former []Key) (list []Rotation, err error) {
	tiles := NewTiles(ctx, files, c.Size)
	missing := slices.Clone(former)
	for end := c.Size; end > 0 && len(missing) > 0; {
		at := tileAt(-1, end-1, c.Size)
		entries, err := readEntries(ctx, files, at)
		if err != nil {
			return nil, err
		}
		for i, e := range slices.Backward(entries) {
			from, _, err := ParseRotation(e)
			if err != nil {
				continue
			}
			r := Rotation{Entry: string(e), Index: at.n*tileWidth + uint64(i)} //nolint:gosec // below 256
			if r.Hashes, err = Inclusion(tiles, r.Index, c.Size); err != nil {
				return nil, err
			}
			list, missing = append(list, r), slices.DeleteFunc(missing, from.Equal)
		}
		end = at.n * tileWidth
	}
	slices.Reverse(list)
	return list, nil
}
