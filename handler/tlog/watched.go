package tlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// rotatedPath takes a checkpoint with the rotations that lead to its key. It is ours: the witness protocol has none.
const rotatedPath = "/add-rotated-checkpoint"

// rotated is the body of a request to rotatedPath.
type rotated struct {
	Growth    string     `json:"growth"` // the body of add-checkpoint
	Rotations []Rotation `json:"rotations"`
}

// request asks a Watcher for a signature.
type request struct {
	grown      Growth
	text       string // of the checkpoint, which is signed
	checkpoint Checkpoint
	rotations  []Rotation
}

func parseRequest(body []byte, isRotated bool) (r request, err error) {
	if isRotated {
		var both rotated
		if json.Unmarshal(body, &both) != nil {
			return r, errors.New("the request is not a checkpoint with rotations")
		}
		body, r.rotations = []byte(both.Growth), both.Rotations
	}
	if r.grown, err = ParseGrowth(body); err != nil {
		return r, err
	}
	if r.text, _, err = splitNote(r.grown.Note); err == nil {
		r.checkpoint, err = ParseCheckpoint(r.text)
	}
	return r, err
}

// keysSuffix is that of the file of rotations that were followed.
const keysSuffix = ".keys"

// watched is what a Watcher knows of a log: the keys whose checkpoints it signs, and the rotations by which it came to them.
type watched struct {
	keys      []Key
	rotations []string // entries, in their order
}

// read takes in the rotations that were followed before.
func (l *watched) read(path string) error {
	text, err := os.ReadFile(path) //nolint:gosec // of the operator's folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var entries []string
	if err := json.Unmarshal(text, &entries); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, e := range entries {
		from, to, err := ParseRotation([]byte(e))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		l.rotations = append(l.rotations, e)
		if slices.ContainsFunc(l.keys, from.Equal) {
			l.replace(from, to)
		}
	}
	return nil
}

func (l *watched) text() []byte {
	text, _ := json.Marshal(l.rotations) // strings always marshal
	return text
}

// replace puts a key in place of the one that gave way to it, whose checkpoints are not signed any more: it may have been stolen.
func (l *watched) replace(from, to Key) {
	l.keys = append(slices.DeleteFunc(slices.Clone(l.keys), func(k Key) bool { return k.Equal(from) || k.Equal(to) }), to)
}

// follow is what is known once a request's checkpoint was signed: where its key is not known, it must be one that a known key
// gave way to, by entries of the same log.
func (l *watched) follow(r request) (next watched, err error) {
	next = watched{slices.Clone(l.keys), slices.Clone(l.rotations)}
	if _, _, _, err = OpenCheckpoint(r.grown.Note, next.keys, nil); err == nil || len(r.rotations) == 0 {
		return next, err
	}
	steps, err := Follow(l.keys, r.rotations, r.checkpoint.Head)
	if err != nil {
		return next, err
	}
	for _, s := range steps {
		next.replace(s.From, s.To)
		next.rotations = append(next.rotations, entryAt(r.rotations, s.Index))
		if _, _, _, err = OpenCheckpoint(r.grown.Note, next.keys, nil); err == nil {
			return next, nil
		}
	}
	return next, errors.New("no rotation leads from a key that this witness knows to that of the checkpoint")
}

func entryAt(list []Rotation, index uint64) string {
	return list[slices.IndexFunc(list, func(r Rotation) bool { return r.Index == index })].Entry
}
