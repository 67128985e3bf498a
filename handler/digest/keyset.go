package digest

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/auditbell/auditbell/handler/source"
)

// keySet holds a byte for each of many Keys: a million entries take about 11 MB. A byte of 0 means that the Key is not
// there. Keys are hashes, so they are their own hash here, and 72 bits of them are kept: of ten million keys the chance
// that any two are confused is one in a hundred million.
//
// It has 256 parts, which grow one at a time and not at the same time, so that growing needs no second copy of
// everything. The first byte of a Key chooses its part and is not kept in it. Within a part keys lie in order, each at
// its place or a little behind it: a search ends at the first larger key, so nine slots of ten may be taken.
type keySet struct {
	parts [256]keyPart
	n     int
}

type keyPart struct {
	slots []keySlot
	room  int // places; the slots beyond them take what is pushed over the end
	n     int
}

// keySlot is a byte and the rest of its key: the byte first, so that 0 means free.
type keySlot [9]byte

func (s *keySlot) rest() uint64 { return binary.BigEndian.Uint64(s[1:]) }

func restOf(k *source.Key) uint64 { return binary.BigEndian.Uint64(k[1:9]) }

// beyond is how many slots there are behind the places.
const beyond = 32

// at returns the byte of k. A caller that sees 0 must set it: the key has been made room for.
func (s *keySet) at(k source.Key) *byte {
	p := &s.parts[k[0]]
	if 10*p.n >= 9*p.room {
		p.grow(int(k[0]))
	}
	rest := restOf(&k)
	i, found := p.find(rest)
	if !found {
		p.insert(i, rest)
		s.n++
	}
	return &p.slots[i][0]
}

// find returns the slot of a key, or the one where it belongs.
func (p *keyPart) find(rest uint64) (i int, found bool) {
	for i = p.place(rest); i < len(p.slots); i++ {
		slot := &p.slots[i]
		if slot[0] == 0 {
			return i, false
		}
		if have := slot.rest(); have >= rest {
			return i, have == rest
		}
	}
	return i, false
}

func (p *keyPart) place(rest uint64) int {
	high, _ := bits.Mul64(rest, uint64(p.room))
	return int(high) //nolint:gosec // below room
}

// insert puts a key before slot i by moving what follows, up to the next free slot. Its byte is left for the caller to
// set: until then the slot counts as free.
func (p *keyPart) insert(i int, rest uint64) {
	free := i
	for free < len(p.slots) && p.slots[free][0] != 0 {
		free++
	}
	if free == len(p.slots) {
		p.slots = append(p.slots, make([]keySlot, beyond)...)
	}
	copy(p.slots[i+1:free+1], p.slots[i:free])
	p.slots[i] = keySlot{}
	binary.BigEndian.PutUint64(p.slots[i][1:], rest)
	p.n++
}

// grow makes a part a fifth larger. The parts begin with different sizes, so that they grow at different times and the
// whole is always about five sixths full.
func (p *keyPart) grow(part int) {
	old := p.slots
	p.room = p.room*6/5 + 16
	if old == nil {
		p.room = int(64 * math.Pow(1.2, float64(part)/256))
	}
	p.slots = make([]keySlot, p.room+beyond)
	next := 0
	for i := range old {
		if old[i][0] == 0 {
			continue
		}
		next = max(next, p.place(old[i].rest())) // in order, so it never stands before an earlier one
		if next >= len(p.slots) {
			p.slots = append(p.slots, make([]keySlot, beyond)...)
		}
		p.slots[next] = old[i]
		next++
	}
}

// warm loads the places where the keys of entries belong. Each is a miss of the processor's cache when the set is large;
// one after the other they would be waited for, but loads that do not depend on each other are made together.
func (s *keySet) warm(entries []source.Entry, key func(*source.Entry) *source.Key) (touched byte) { //nolint:unparam // returned so that no compiler leaves the loads out
	for i := range entries {
		k := key(&entries[i])
		if p := &s.parts[k[0]]; p.room > 0 {
			touched |= p.slots[p.place(restOf(k))][0]
		}
	}
	return touched
}

// values calls f with the byte of every key.
func (s *keySet) values(f func(value byte)) {
	for i := range s.parts {
		for _, slot := range s.parts[i].slots {
			if slot[0] != 0 {
				f(slot[0])
			}
		}
	}
}
