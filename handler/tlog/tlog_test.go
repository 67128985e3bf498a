package tlog

import (
	"fmt"
	"testing"

	reference "golang.org/x/mod/sumdb/tlog"
)

func entriesOf(n int) (entries [][]byte, leaves Leaves) {
	for i := range n {
		e := fmt.Appendf(nil, "entry %d\n", i)
		entries, leaves = append(entries, e), append(leaves, LeafHash(e))
	}
	return entries, leaves
}

// hashes are the stored hashes as the reference keeps them.
type hashes []reference.Hash

func (h hashes) ReadHashes(indexes []int64) ([]reference.Hash, error) {
	var list []reference.Hash
	for _, i := range indexes {
		list = append(list, h[i])
	}
	return list, nil
}

func referenceTree(t *testing.T, entries [][]byte) hashes {
	t.Helper()
	var all hashes
	for i, e := range entries {
		more, err := reference.StoredHashes(int64(i), e, all)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, more...)
	}
	return all
}

func theirs(list []Hash) (proof []reference.Hash) {
	for _, h := range list {
		proof = append(proof, reference.Hash(h))
	}
	return proof
}

func ours(list []reference.Hash) (proof []Hash) {
	for _, h := range list {
		proof = append(proof, Hash(h))
	}
	return proof
}

// TestTreesAreTheReferences holds roots and proofs to golang.org/x/mod/sumdb/tlog: what ours makes it checks, and the reverse.
func TestTreesAreTheReferences(t *testing.T) {
	t.Parallel()
	const most = 70
	entries, leaves := entriesOf(most)
	stored := referenceTree(t, entries)
	roots := make([]Hash, most+1)
	for size := range roots {
		root, err := Root(leaves, uint64(size))
		want, refErr := reference.TreeHash(int64(size), stored)
		if err != nil || refErr != nil || size > 0 && Hash(want) != root {
			t.Fatalf("root of %d entries is %s (%v), the reference says %s (%v)", size, root, err, Hash(want), refErr)
		}
		roots[size] = root
	}
	for size := 1; size <= most; size++ {
		for i := range size {
			proof, err := Inclusion(leaves, uint64(i), uint64(size))
			if err == nil {
				err = reference.CheckRecord(theirs(proof), int64(size), reference.Hash(roots[size]), int64(i), reference.Hash(leaves[i]))
			}
			if err != nil {
				t.Fatalf("the reference refuses entry %d of %d: %v", i, size, err)
			}
			back, err := reference.ProveRecord(int64(size), int64(i), stored)
			if err == nil {
				err = CheckInclusion(ours(back), uint64(i), leaves[i], Head{uint64(size), roots[size]})
			}
			if err != nil {
				t.Fatalf("the reference's proof of entry %d of %d: %v", i, size, err)
			}
		}
		for before := 1; before <= size; before++ {
			proof, err := Consistency(leaves, uint64(before), uint64(size))
			if err == nil {
				err = reference.CheckTree(theirs(proof), int64(size), reference.Hash(roots[size]), int64(before), reference.Hash(roots[before]))
			}
			if err != nil {
				t.Fatalf("the reference refuses growth from %d to %d: %v", before, size, err)
			}
			back, err := reference.ProveTree(int64(size), int64(before), stored)
			if err == nil {
				err = CheckConsistency(ours(back), Head{uint64(before), roots[before]}, Head{uint64(size), roots[size]})
			}
			if err != nil {
				t.Fatalf("the reference's proof of growth from %d to %d: %v", before, size, err)
			}
		}
	}
}

func TestProofsOfOtherTreesAreRefused(t *testing.T) {
	t.Parallel()
	_, leaves := entriesOf(40)
	root := func(n uint64) Hash { h, _ := Root(leaves, n); return h }
	for size := uint64(2); size <= 40; size++ {
		for i := range size {
			proof, _ := Inclusion(leaves, i, size)
			for name, err := range map[string]error{
				"another entry": CheckInclusion(proof, i, leaves[(i+1)%size], Head{size, root(size)}),
				"another place": CheckInclusion(proof, (i+1)%size, leaves[i], Head{size, root(size)}),
				"another root":  CheckInclusion(proof, i, leaves[i], Head{size, root(size - 1)}),
				"too short":     CheckInclusion(proof[:len(proof)-1], i, leaves[i], Head{size, root(size)}),
				"too long":      CheckInclusion(append(proof[:len(proof):len(proof)], Hash{}), i, leaves[i], Head{size, root(size)}),
				"beyond":        CheckInclusion(proof, size, leaves[i], Head{size, root(size)}),
			} {
				if err == nil {
					t.Errorf("%s is accepted for entry %d of %d", name, i, size)
				}
			}
		}
		for before := uint64(1); before < size; before++ {
			proof, _ := Consistency(leaves, before, size)
			for name, err := range map[string]error{
				"rewritten past": CheckConsistency(proof, Head{before, root(before - 1)}, Head{size, root(size)}),
				"another root":   CheckConsistency(proof, Head{before, root(before)}, Head{size, root(size - 1)}),
				"shrunk":         CheckConsistency(proof, Head{size, root(size)}, Head{before, root(before)}),
				"too short":      CheckConsistency(proof[:len(proof)-1], Head{before, root(before)}, Head{size, root(size)}),
				"too long":       CheckConsistency(append(proof[:len(proof):len(proof)], Hash{}), Head{before, root(before)}, Head{size, root(size)}),
			} {
				if err == nil {
					t.Errorf("%s is accepted for growth from %d to %d", name, before, size)
				}
			}
		}
		if CheckConsistency(nil, Head{size, root(size)}, Head{size, root(size - 1)}) == nil {
			t.Errorf("two logs of %d entries are taken for one", size)
		}
	}
}
