package digest

import (
	"encoding/binary"
	"math/bits"

	"github.com/auditbell/auditbell/handler/source"
)

// keySet holds a byte for each of many Keys, in little more than the twelve bytes that the two need: a million entries
// take about 19 MB. A byte of 0 means that the Key is not there. Keys are hashes, so they are their own hash here.
//
// It grows in 256 parts, one at a time, so that growing needs no second copy of everything.
type keySet struct {
	parts [256]keyPart
	n     int
}

type keyPart struct {
	slots [][12]byte // the byte, then the key
	n     int
}

// at returns the byte of k. A caller that sees 0 must set it: the key has been made room for.
func (s *keySet) at(k source.Key) *byte {
	p := &s.parts[k[0]]
	if 4*p.n >= 3*len(p.slots) {
		p.grow()
	}
	slot := p.slot(k)
	if slot[0] == 0 {
		copy(slot[1:], k[:])
		p.n++
		s.n++
	}
	return &slot[0]
}

// warm loads the places where the keys of entries belong. Each is a miss of the processor's cache when the set is large;
// one after the other they would be waited for, but loads that do not depend on each other are made together.
func (s *keySet) warm(entries []source.Entry) (touched byte) {
	for i := range entries {
		k := &entries[i].Key
		p := &s.parts[k[0]]
		if len(p.slots) > 0 {
			high, _ := bits.Mul64(binary.LittleEndian.Uint64(k[1:9]), uint64(len(p.slots)))
			touched |= p.slots[high][0]
		}
	}
	return touched
}

// slot finds the slot of k, or the free one where it belongs.
func (p *keyPart) slot(k source.Key) *[12]byte {
	high, _ := bits.Mul64(binary.LittleEndian.Uint64(k[1:9]), uint64(len(p.slots)))
	for i := int(high); ; i++ { //nolint:gosec // below len(p.slots)
		if i == len(p.slots) {
			i = 0
		}
		slot := &p.slots[i]
		if slot[0] == 0 || source.Key(slot[1:]) == k {
			return slot
		}
	}
}

func (p *keyPart) grow() {
	old := p.slots
	p.slots = make([][12]byte, max(64, len(old)*7/5))
	for _, slot := range old {
		if slot[0] != 0 {
			*p.slot(source.Key(slot[1:])) = slot
		}
	}
}

// all calls f with every key and its byte.
func (s *keySet) all(f func(k source.Key, value byte)) {
	for i := range s.parts {
		for _, slot := range s.parts[i].slots {
			if slot[0] != 0 {
				f(source.Key(slot[1:]), slot[0])
			}
		}
	}
}
