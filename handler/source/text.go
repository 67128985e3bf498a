package source

import (
	"encoding/binary"
	"math/bits"
)

// plainGo is plainRun for processors that have no version of their own: eight bytes are looked at together, as in
// jsonscan. One difference finds both quotes and control characters: with its second bit turned, '"' is the blank, and
// the blank and '!' are beyond it.
func plainGo(text []byte) (n int, high uint32) {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	seen := uint64(0)
	for ; ; n += 8 {
		x := binary.LittleEndian.Uint64(text[n:])
		seen |= x
		if found := ((x ^ (ones * 2) - ones*'!') | (x ^ (ones * '\\') - ones)) &^ x & tops; found != 0 {
			seen &= tops
			return n + bits.TrailingZeros64(found)/8, uint32(seen>>32 | seen) //nolint:gosec // both halves
		}
	}
}
