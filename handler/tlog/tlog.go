// Package tlog is a transparency log: a list that only grows, of which anybody can check that an entry is in it and that
// nothing in it was changed. The records of every hour and the manifest of every digest are entries of it.
//
// It speaks the formats of C2SP, so that other tools read it: signed notes, checkpoints, tiles, cosignatures, the witness
// protocol and the tlog-proof (https://c2sp.org). Trees are those of RFC 6962 §2.1, with SHA-256. To read it in one
// sitting, begin here and go on with entry.go (what is logged), hour.go and canonical.go (the tree of an hour's records), record_proof.go
// (what shows a record or its absence), note.go and checkpoint.go (who signs, and what is proven with it), log.go and tile.go (how
// it is written), scan.go (how it is read), rotation.go (another key), and witness.go, watch.go and watched.go (who watches).
//
// The log says what was in our record and when. It does not say that a record is true, nor that Azure had no other; that
// is what reconciliation compares. Its entries hold hashes, counts and hours, and no name, address or resource.
package tlog

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/bits"
)

// Hash is a SHA-256.
type Hash [sha256.Size]byte

// String is the hash in base64, as C2SP's formats write it.
func (h Hash) String() string { return base64.StdEncoding.EncodeToString(h[:]) }

var (
	strict     = base64.StdEncoding.Strict()
	errNotHash = errors.New("is not a hash in base64")
)

// ParseHash reads what String wrote, and no other spelling of it.
func ParseHash[T string | []byte](text T) (h Hash, err error) {
	var b [len(h) + 1]byte // a group of four characters may hold a byte more
	if len(text) != strict.EncodedLen(len(h)) {
		return h, errNotHash
	}
	if n, err := strict.Decode(b[:], []byte(text)); err != nil || n != len(h) {
		return h, errNotHash
	}
	return Hash(b[:]), nil
}

// LeafHash is the hash of an entry.
func LeafHash(entry []byte) Hash {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(entry)
	return Hash(h.Sum(nil))
}

func nodeHash(left, right Hash) Hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// Tree is what proofs are made of: the hash over the entries [from, to), 0 ≤ from < to. Leaves and Tiles are trees.
type Tree interface {
	Hash(from, to uint64) (Hash, error)
}

// Leaves is a tree whose leaf hashes are all there.
type Leaves []Hash

var _ Tree = Leaves(nil)

// Hash implements Tree.
func (l Leaves) Hash(from, to uint64) (Hash, error) {
	if from >= to || to > uint64(len(l)) {
		return Hash{}, fmt.Errorf("the tree has %d entries, not [%d, %d)", len(l), from, to)
	}
	return l[from:to].root(), nil
}

func (l Leaves) root() Hash {
	if len(l) == 1 {
		return l[0]
	}
	k := split(uint64(len(l)))
	return nodeHash(l[:k].root(), l[k:].root())
}

// Root is the hash over the first size entries of a tree; that of none is the hash of nothing.
func Root(t Tree, size uint64) (Hash, error) {
	if size == 0 {
		return sha256.Sum256(nil), nil
	}
	return t.Hash(0, size)
}

// split is the largest power of two below n, where a tree of n > 1 entries is cut in two.
func split(n uint64) uint64 { return 1 << (bits.Len64(n-1) - 1) }

// Inclusion proves that an entry is in the tree of the first size entries: the hashes beside its way to the root, from
// the leaf on.
func Inclusion(t Tree, index, size uint64) ([]Hash, error) {
	if index >= size {
		return nil, fmt.Errorf("a tree of %d entries has no entry %d", size, index)
	}
	var proof []Hash
	for from, to := uint64(0), size; to-from > 1; {
		middle := from + split(to-from)
		beside := [2]uint64{middle, to}
		if index >= middle {
			beside, from = [2]uint64{from, middle}, middle
		} else {
			to = middle
		}
		h, err := t.Hash(beside[0], beside[1])
		if err != nil {
			return nil, err
		}
		proof = append([]Hash{h}, proof...)
	}
	return proof, nil
}

// Head is how many entries a tree has and what they hash to.
type Head struct {
	Size uint64
	Root Hash
}

// CheckInclusion checks what Inclusion made: that the entry of a leaf is in a tree.
func CheckInclusion(proof []Hash, index uint64, leaf Hash, tree Head) error {
	size := tree.Size
	if index >= size {
		return fmt.Errorf("a tree of %d entries has no entry %d", size, index)
	}
	h, rest := leaf, proof
	for i, last := index, size-1; last > 0; i, last = i>>1, last>>1 {
		if i&1 == 0 && i == last {
			continue // the last of an odd level goes up as it is
		}
		if len(rest) == 0 {
			return errors.New("the proof of inclusion is too short")
		}
		if i&1 == 1 {
			h = nodeHash(rest[0], h)
		} else {
			h = nodeHash(h, rest[0])
		}
		rest = rest[1:]
	}
	if len(rest) > 0 {
		return errors.New("the proof of inclusion is too long")
	}
	if h != tree.Root {
		return errors.New("the entry is not in the tree of this root")
	}
	return nil
}

// Consistency proves that the tree of the first before entries is the beginning of that of the first size.
func Consistency(t Tree, before, size uint64) ([]Hash, error) {
	if before > size {
		return nil, fmt.Errorf("a tree of %d entries does not hold one of %d", size, before)
	}
	if before == 0 || before == size {
		return nil, nil
	}
	return consistency(t, span{0, size, before}, true)
}

// span is a part of a tree, and where the older tree ends in it.
type span struct{ from, to, end uint64 }

// consistency is SUBPROOF of RFC 6962 §2.1.2. known: the verifier has the hash of this part.
func consistency(t Tree, s span, known bool) ([]Hash, error) {
	if s.end == s.to {
		if known {
			return nil, nil
		}
		h, err := t.Hash(s.from, s.to)
		return []Hash{h}, err
	}
	middle := s.from + split(s.to-s.from)
	inner, beside, still := span{s.from, middle, s.end}, [2]uint64{middle, s.to}, known
	if s.end > middle {
		inner, beside, still = span{middle, s.to, s.end}, [2]uint64{s.from, middle}, false
	}
	proof, err := consistency(t, inner, still)
	if err != nil {
		return nil, err
	}
	h, err := t.Hash(beside[0], beside[1])
	return append(proof, h), err
}

// CheckConsistency checks what Consistency made: that one tree is the beginning of another.
func CheckConsistency(proof []Hash, old, tree Head) error {
	before, size := old.Size, tree.Size
	wrong := errors.New("the log was rewritten: its entries of then are not the first of those of now")
	switch {
	case before > size:
		return fmt.Errorf("the log shrank from %d entries to %d", before, size)
	case before == size || before == 0:
		if len(proof) > 0 {
			return errors.New("the proof of consistency is too long")
		}
		if before == size && old.Root != tree.Root || before == 0 && old.Root != sha256.Sum256(nil) {
			return wrong
		}
		return nil
	}
	i, last := before-1, size-1
	for i&1 == 1 {
		i, last = i>>1, last>>1
	}
	seed := old.Root // where the older tree is a whole part of the newer one
	if i > 0 {
		if len(proof) == 0 {
			return errors.New("the proof of consistency is too short")
		}
		seed, proof = proof[0], proof[1:]
	}
	then, now := seed, seed
	for ; last > 0; i, last = i>>1, last>>1 {
		if i&1 == 0 && i == last {
			continue
		}
		if len(proof) == 0 {
			return errors.New("the proof of consistency is too short")
		}
		if i&1 == 1 {
			then, now = nodeHash(proof[0], then), nodeHash(proof[0], now)
		} else {
			now = nodeHash(now, proof[0])
		}
		proof = proof[1:]
	}
	if len(proof) > 0 {
		return errors.New("the proof of consistency is too long")
	}
	if then != old.Root || now != tree.Root {
		return wrong
	}
	return nil
}
