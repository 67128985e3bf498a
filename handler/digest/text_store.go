package digest

import (
	"bytes"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"hash/maphash"
	"math"
	"strings"
	"unicode/utf8"
)

// textStore keeps texts once, in blocks that are never moved, and ids as the 16 bytes that they are.
type textStore struct {
	blocks [][]byte
	recent []uint32 // refs of texts kept lately, by hash: a resource and a correlation id come several times
	seed   maphash.Seed
}

const (
	blockSize = 1 << 16
	recents   = 1 << 14
)

// keep returns a ref to text, which is found again by text. The empty text is 0.
func (t *textStore) keep(text string) uint32 {
	if text == "" {
		return 0
	}
	if t.recent == nil {
		t.recent, t.seed = make([]uint32, recents), maphash.MakeSeed()
	}
	var length int
	var body []byte
	if id, ok := packed(text); ok {
		length, body = packedID, id[:]
	} else if id, ok := packedAlert(text); ok {
		length, body = packedAlertID, id
	} else {
		text = whole(text, packedAlertID-1)
		length, body = len(text), []byte(text)
	}
	at := &t.recent[maphash.Bytes(t.seed, body)%recents]
	if *at == 0 || !t.holds(*at, length, body) {
		*at = t.append(length, body)
	}
	return *at
}

// whole is text where it is at most limit bytes long; else as many characters as fit, and the sign that some are missing.
func whole(text string, limit int) string {
	const cut = "…"
	if len(text) <= limit {
		return text
	}
	at := limit - len(cut)
	for at > 0 && !utf8.RuneStart(text[at]) {
		at--
	}
	return text[:at] + cut
}

// holds reports whether ref stands for body.
func (t *textStore) holds(ref uint32, length int, body []byte) bool {
	b := t.blocks[ref>>16][ref&0xffff:]
	return int(binary.LittleEndian.Uint16(b)) == length && bytes.HasPrefix(b[2:], body)
}

// packedID and packedAlertID in place of a length stand for an id of 16 bytes.
const (
	packedID      = math.MaxUint16
	packedAlertID = packedID - 1
)

// packed reads a GUID in the spelling that Azure uses, which is found again by writing it so.
func packed(text string) (id [16]byte, ok bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' || strings.ContainsAny(text, "ABCDEF") {
		return id, false
	}
	digits := append(make([]byte, 0, 32), text[:8]...)
	digits = append(append(append(append(digits, text[9:13]...), text[14:18]...), text[19:23]...), text[24:]...)
	_, err := hex.Decode(id[:], digits)
	return id, err == nil
}

// alertDigits are how package alert writes the 16 bytes of an alert's id, behind alertPrefix.
var alertDigits = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

const alertPrefix = "alert-"

// packedAlert reads the id of an alert.
func packedAlert(text string) ([]byte, bool) {
	digits, ok := strings.CutPrefix(text, alertPrefix)
	if !ok || len(digits) != alertDigits.EncodedLen(16) {
		return nil, false
	}
	id, err := alertDigits.DecodeString(digits)
	return id, err == nil && alertDigits.EncodeToString(id) == digits
}

// append adds a text to the blocks, or what stands for it.
func (t *textStore) append(length int, body []byte) (ref uint32) {
	last := len(t.blocks) - 1
	if last < 0 || len(t.blocks[last])+len(body)+2 > blockSize {
		t.blocks = append(t.blocks, make([]byte, 1, max(blockSize, len(body)+3))) // no ref is 0
		last++
	}
	b := t.blocks[last]
	ref = uint32(last)<<16 | uint32(len(b))                                  //nolint:gosec // blocks are bounded
	b = append(binary.LittleEndian.AppendUint16(b, uint16(length)), body...) //nolint:gosec // cut above
	t.blocks[last] = b
	return ref
}

// text returns what ref stands for.
func (t *textStore) text(ref uint32) string {
	if ref == 0 {
		return ""
	}
	if b, n := t.kept(ref); n < packedAlertID {
		return string(b)
	}
	return string(t.appendText(nil, ref))
}

// appendText appends what ref stands for.
func (t *textStore) appendText(dst []byte, ref uint32) []byte {
	if ref == 0 {
		return dst
	}
	b, n := t.kept(ref)
	switch n {
	case packedID:
		return AppendGUID(dst, b)
	case packedAlertID:
		return alertDigits.AppendEncode(append(dst, alertPrefix...), b)
	}
	return append(dst, b...)
}

// kept is what stands for a text, and its length or which kind of id it is.
func (t *textStore) kept(ref uint32) (b []byte, n int) {
	b = t.blocks[ref>>16][ref&0xffff:]
	if n = int(binary.LittleEndian.Uint16(b)); n >= packedAlertID {
		return b[2:18], n
	}
	return b[2 : 2+n], n
}

// AppendGUID writes the 16 bytes of a GUID as Azure does.
func AppendGUID(dst, id []byte) []byte {
	for i, part := range [...][]byte{id[:4], id[4:6], id[6:8], id[8:10], id[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}
