package tlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// RecordProof proves that a record was in our record of an hour, and what it said then, or that none of that id was: then
// it shows the two records between which it would be, side by side in the tree. It is the extra data of the tlog-proof
// for the hour's entry.
type RecordProof struct {
	Entry  string   `json:"entry"` // the hour's, as logged
	ID     string   `json:"id"`
	Index  uint64   `json:"index"` // in the hour's tree, of the first that is shown
	Shown  []Record `json:"shown"` // the record; or its neighbours
	Hashes []Hash   `json:"-"`     // of the parts of the tree in which none of these is, from the left to the right
}

// Prove makes the proof for an id.
func (l Records) Prove(entry HourEntry, id string) (p RecordProof, err error) {
	from, found := l.Find(id)
	to := min(from+1, len(l))
	if !found {
		from = max(from-1, 0)
	}
	p = RecordProof{string(entry.Entry()), id, uint64(from), append([]Record{}, l[from:to]...), nil} //nolint:gosec // a place in the list
	p.Hashes, err = p.row().beside(l.Leaves(), 0, uint64(len(l)))
	return p, err
}

// Text is the proof as extra data: JSON, a line end, and the hashes as they are, 32 bytes each.
func (p RecordProof) Text() ([]byte, error) {
	text, err := json.Marshal(p)
	text = append(text, '\n')
	for _, h := range p.Hashes {
		text = append(text, h[:]...)
	}
	return text, err
}

// ParseRecordProof reads what Text wrote, and no other spelling of it.
func ParseRecordProof(text []byte) (p RecordProof, err error) {
	head, hashes, _ := bytes.Cut(text, []byte{'\n'})
	err = json.Unmarshal(head, &p)
	for h := range slices.Chunk(hashes, len(Hash{})) {
		p.Hashes = append(p.Hashes, Hash{})
		copy(p.Hashes[len(p.Hashes)-1][:], h)
	}
	if same, _ := p.Text(); err != nil || !bytes.Equal(same, text) {
		return p, errors.New("read proof: it is not one of a record")
	}
	return p, nil
}

// Check checks a proof against the hour's entry that it names, which the caller finds in the log. was is the record as it
// was then, nil when none of that id was in our record of the hour.
func (p RecordProof) Check() (hour HourEntry, was *Record, err error) {
	if hour, err = ParseHour([]byte(p.Entry)); err != nil {
		return hour, nil, err
	}
	if !validID(p.ID) {
		return hour, nil, errors.New("the proof is of no record's id")
	}
	size := uint64(max(hour.Records, 0)) //nolint:gosec // not negative
	if err := p.inTree(Head{size, hour.Root}); err != nil {
		return hour, nil, err
	}
	if len(p.Shown) == 1 && p.Shown[0].ID == p.ID {
		return hour, &p.Shown[0], nil
	}
	return hour, nil, p.absent(size)
}

// inTree checks that what is shown stands side by side in the hour's tree.
func (p RecordProof) inTree(tree Head) error {
	for _, r := range p.Shown {
		if !validID(r.ID) {
			return errors.New("the proof shows what is no record's id")
		}
	}
	n := uint64(len(p.Shown))
	if n > tree.Size || p.Index > tree.Size-n {
		return fmt.Errorf("the proof shows places from %d on, the hour's tree has %d", p.Index, tree.Size)
	}
	root, rest, err := p.row().root(p.Hashes, 0, tree.Size)
	switch {
	case err != nil:
		return err
	case len(rest) > 0:
		return errors.New("the proof of what is shown is too long")
	case root != tree.Root:
		return errors.New("what the proof shows is not in the tree of the hour's root")
	}
	return nil
}

// absent checks that what is shown, which stands side by side, are the neighbours of a record that is not there.
func (p RecordProof) absent(size uint64) error {
	switch n := len(p.Shown); {
	case n == 0 && size == 0,
		n == 1 && p.Index == 0 && p.ID < p.Shown[0].ID,      // before the first
		n == 1 && p.Index == size-1 && p.ID > p.Shown[0].ID, // after the last
		n == 2 && p.Shown[0].ID < p.ID && p.ID < p.Shown[1].ID:
		return nil
	}
	return errors.New("the proof shows neither the record nor the two between which it would be")
}

func (p RecordProof) row() row { return row{p.Index, Records(p.Shown).Leaves()} }

// row is leaves that stand side by side in a tree, from a place on.
type row struct {
	at     uint64
	leaves Leaves
}

// outside reports whether none of the row is in [from, to).
func (r row) outside(from, to uint64) bool { return to <= r.at || from >= r.at+uint64(len(r.leaves)) }

// beside are the hashes of the largest parts of [from, to) of a tree in which none of the row is, from the left to the right.
func (r row) beside(t Tree, from, to uint64) ([]Hash, error) {
	switch {
	case from == to:
		return nil, nil
	case r.outside(from, to):
		h, err := t.Hash(from, to)
		return []Hash{h}, err
	case to-from == 1:
		return nil, nil
	}
	middle := from + split(to-from)
	left, err := r.beside(t, from, middle)
	if err != nil {
		return nil, err
	}
	right, err := r.beside(t, middle, to)
	return append(left, right...), err
}

// root is the hash over [from, to) of the tree that beside made these hashes from, and those that are left over.
func (r row) root(hashes []Hash, from, to uint64) (h Hash, rest []Hash, err error) {
	switch {
	case from == to:
		return sha256.Sum256(nil), hashes, nil
	case r.outside(from, to) && len(hashes) == 0:
		return h, nil, errors.New("the proof of what is shown is too short")
	case r.outside(from, to):
		return hashes[0], hashes[1:], nil
	case to-from == 1:
		return r.leaves[from-r.at], hashes, nil
	}
	middle := from + split(to-from)
	left, rest, err := r.root(hashes, from, middle)
	if err != nil {
		return h, nil, err
	}
	right, rest, err := r.root(rest, middle, to)
	return nodeHash(left, right), rest, err
}
