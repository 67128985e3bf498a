package cli

import (
	"cmp"
	"hash/maphash"
	"math/bits"
	"slices"
)

// union finds which of n places share keys, with one another or through others. Of a key it keeps as many bits of a hash as
// eight bytes leave beside the place, so that now and then places come together that share nothing, and never the reverse.
type union struct {
	n     int
	bits  int // of a place
	seed  maphash.Seed
	keys  []uint64 // hash and place
	first []int32  // the place that stands for a place's set, or nearer to it
}

func newUnion(n int) *union {
	return &union{n: n, bits: bits.Len(uint(n)), seed: maphash.MakeSeed(), keys: make([]uint64, 0, 2*n)} //nolint:gosec // a length
}

// add says that a place has a key.
func (u *union) add(place int, key string) {
	u.keys = append(u.keys, maphash.String(u.seed, key)>>u.bits<<u.bits|uint64(place)) //nolint:gosec // an index
}

// each yields the sets, ordered by their first place, and the places of each in order. It may be changed.
func (u *union) each(yield func(places []int32)) {
	u.join()
	all := make([]int32, u.n)
	for i := range all {
		all[i] = int32(i) //nolint:gosec // far fewer
	}
	slices.SortFunc(all, func(a, b int32) int { return cmp.Or(cmp.Compare(u.root(a), u.root(b)), cmp.Compare(a, b)) })
	for from := 0; from < len(all); {
		to := from + 1
		for to < len(all) && u.root(all[to]) == u.root(all[from]) {
			to++
		}
		yield(all[from:to])
		from = to
	}
}

// join joins the places that share a key.
func (u *union) join() {
	u.first = make([]int32, u.n)
	for i := range u.first {
		u.first[i] = int32(i) //nolint:gosec // far fewer
	}
	slices.Sort(u.keys)
	for i := 1; i < len(u.keys); i++ {
		if x, y := u.keys[i-1], u.keys[i]; x>>u.bits == y>>u.bits {
			a, b := u.root(u.place(x)), u.root(u.place(y))
			u.first[max(a, b)] = min(a, b)
		}
	}
	u.keys = nil
}

func (u *union) place(key uint64) int32 { return int32(key & (1<<u.bits - 1)) } //nolint:gosec // an index

func (u *union) root(place int32) int32 {
	for u.first[place] != place {
		u.first[place] = u.first[u.first[place]]
		place = u.first[place]
	}
	return place
}
