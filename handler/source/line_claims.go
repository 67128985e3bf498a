package source

import "encoding/binary"

// token is the claims of one caller as they stood in the last record that had them. A token is used for an hour or so,
// and an operation has two or three records: claims, half of a record, are mostly the same bytes again, and comparing
// them is several times faster than reading them.
type token struct {
	raw    []byte // the whole object
	high   uint32 // see lineReader
	claims [slotService - slotUPN + 1]span
}

// claims reads the claims that begin at data[i].
func (r *lineReader) claims(i int, s *shape, depth int) int {
	have := &r.tokens[r.callerHash(i)%uint32(len(r.tokens))]
	if n := len(have.raw); n > 0 && n < len(r.data)-i && string(r.data[i:i+n]) == string(have.raw) {
		for c, at := range have.claims {
			r.spans[slotUPN+slot(c)] = at.moved(i)
		}
		r.high |= have.high
		return i + n
	}
	before := r.high
	r.high = 0
	end := r.object(i, s.inner, depth+1)
	if end > 0 && end-i <= maxToken {
		have.raw = append(have.raw[:0], r.data[i:end]...)
		have.high = r.high
		for c := range have.claims {
			have.claims[c] = r.spans[slotUPN+slot(c)].moved(-i)
		}
	}
	r.high |= before
	return end
}

// maxToken bounds what is kept of one caller; hundreds of groups fit in.
const maxToken = 8 << 10

// moved is where the span is when the text begins by further on.
func (s span) moved(by int) span {
	if s.set {
		s.from += int32(by) //nolint:gosec // within a piece of input
		s.to += int32(by)   //nolint:gosec // within a piece of input
	}
	return s
}

// callerHash mixes a few bytes of the caller, which stands before the claims at data[i] in most items of REST. In exports
// it does not stand there at all: then bytes of the claims serve that are the token's own in the order in which Azure
// writes claims, behind audience, issuer and times. Callers that meet in it only cost time.
func (r *lineReader) callerHash(i int) uint32 {
	const own = 272
	at := r.spans[slotCaller]
	switch {
	case at.set && at.to-at.from >= 8:
		return mix(r.data[at.from:at.to])
	case len(r.data)-i > own+16:
		return mix(r.data[i+own : i+own+16])
	}
	return 0
}

// mix hashes the length and the first, middle and last eight bytes of a text that has at least eight.
func mix(text []byte) uint32 {
	const odd = 0x9E3779B97F4A7C15
	n := len(text) - 8
	x := binary.LittleEndian.Uint64(text)*odd ^ binary.LittleEndian.Uint64(text[n:])
	x = x*odd ^ binary.LittleEndian.Uint64(text[n/2:])
	return uint32((x*odd)>>40) ^ uint32(len(text)) //nolint:gosec // a hash
}
