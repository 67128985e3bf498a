package source

import (
	"bytes"
	"testing"
)

// holdPlainRun holds what a processor has of its own to the plain reading, for every byte at every place.
func holdPlainRun(t *testing.T) {
	t.Helper()
	for length := range 70 {
		for c := range 256 {
			text := append(bytes.Repeat([]byte("x"), length), byte(c), 0xc3)
			text = append(text, make([]byte, padding)...)
			want := bytes.IndexFunc(text, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' })
			n, high := plainRun(text, 0)
			if inGo, highInGo := plainGo(text); n != want || inGo != want || c >= 0x80 && (high == 0 || highInGo == 0) {
				t.Fatalf("byte %#x behind %d: plainRun %d, plainGo %d, want %d; high %#x and %#x", c, length, n, inGo, want, high, highInGo)
			}
		}
	}
	text := append([]byte("plain text that is longer than two times sixteen\""), make([]byte, padding)...)
	if _, high := plainRun(text, 0); high != 0 {
		t.Errorf("high = %#x for ASCII", high)
	}
}

func TestPlainRunAgrees(t *testing.T) { holdPlainRun(t) }
