package simulation

import (
	"math/bits"
	"strings"
)

// digest folds texts into a running hash. It is the same on every machine, and quick: whole requests go through it.
func digest(was uint64, texts ...string) uint64 {
	const odd = 0x9e3779b97f4a7c15 // of the golden ratio; what is zero must not stay zero
	for _, t := range texts {
		n := uint64(len(t))
		for ; len(t) >= 8; t = t[8:] {
			was = fold(was^eight(t), odd)
		}
		was = fold(was^eight((t + "\x00\x00\x00\x00\x00\x00\x00\x00")[:8]), odd^n)
	}
	return was
}

// fold is the product of two numbers, its upper half put over its lower half.
func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a^0xd6e8feb86659fd93, b)
	return high ^ low
}

// eight is the number that eight bytes stand for.
func eight(t string) uint64 {
	_ = t[7]
	return uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
		uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
}

// withoutAttempts is a text in parts, without the random characters in which the id of an attempt ends
// (host.Invocation.Attempt). They are compared and nothing else, so the trace does not depend on them.
func withoutAttempts(text string) (parts []string) {
	for from := 0; ; {
		at := strings.Index(text[from:], instancePrefix)
		if at < 0 {
			return append(parts, text)
		}
		from += at + len(instancePrefix)
		if end := from + attemptEnd(text[from:]); end > from {
			parts, text, from = append(parts, text[:end-randomLength]), text[end:], 0
		}
	}
}

const (
	instancePrefix = "instance-"
	randomLength   = 8
)

// attemptEnd is how long the rest of an attempt's id is, "1-00012-ABCDEF27", 0 where another text stands.
func attemptEnd(text string) int {
	at := digits(text)
	if at == 0 || at == len(text) || text[at] != '-' {
		return 0
	}
	at++
	n := digits(text[at:])
	end := at + n + 1 + randomLength
	if n != 5 || end > len(text) || text[at+n] != '-' {
		return 0
	}
	for _, c := range []byte(text[at+n+1 : end]) {
		if (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return 0
		}
	}
	return end
}

func digits(text string) (n int) {
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}
