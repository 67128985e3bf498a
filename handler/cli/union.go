package cli

import (
	"cmp"
	"hash/maphash"
	"slices"
)

// links are what an event is decided together by: hashes of its chain and of its group, 0 for none. They are of 32 bits, so
// that now and then events come together that share nothing, and never the reverse.
type links [2]uint32

// linkage makes links.
type linkage [len(links{})]maphash.Seed

func newLinkage() linkage { return linkage{maphash.MakeSeed(), maphash.MakeSeed()} }

// of is the links of an event, which rules met that group it so; "" for no group.
func (l *linkage) of(chain, group string) (by links) {
	by[0] = uint32(maphash.String(l[0], chain)) | 1 //nolint:gosec // half of the hash
	if group != "" {
		by[1] = uint32(maphash.String(l[1], group)) | 1 //nolint:gosec // the same
	}
	return by
}

// union finds which of n places share links, with one another or through others.
type union struct {
	keys  []uint64 // hash and place
	first []int32  // the place that stands for a place's set, or nearer to it
}

func newUnion(n int) *union {
	return &union{keys: make([]uint64, 0, 2*n), first: make([]int32, 0, n)}
}

// add adds a place with its links.
func (u *union) add(by links) {
	place := len(u.first)
	for kind, hash := range by {
		if hash != 0 {
			u.keys = append(u.keys, uint64(hash&^1|uint32(kind))<<32|uint64(place)) //nolint:gosec // an index
		}
	}
	u.first = append(u.first, int32(place)) //nolint:gosec // far fewer
}

// each yields the sets, ordered by their first place, and the places of each in order. It may be changed.
func (u *union) each(yield func(places []int32)) {
	u.join()
	all := make([]int32, len(u.first))
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
	slices.Sort(u.keys)
	for i := 1; i < len(u.keys); i++ {
		if x, y := u.keys[i-1], u.keys[i]; x>>32 == y>>32 {
			a, b := u.root(int32(x)), u.root(int32(y)) //nolint:gosec // the place is the lower half
			u.first[max(a, b)] = min(a, b)
		}
	}
	u.keys = nil
}

func (u *union) root(place int32) int32 {
	for u.first[place] != place {
		u.first[place] = u.first[u.first[place]]
		place = u.first[place]
	}
	return place
}
