package tlog

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Kinds of signatures (c2sp.org/signed-note, c2sp.org/tlog-cosignature).
const (
	kindEd25519  = 0x01 // a log's
	kindCosigned = 0x04 // a witness's, with a time
)

// maxNote bounds what is read of a note; the longest honest ones have some kilobytes.
const maxNote = 64 << 10

// Key is a public key with a name, as verifier keys write it: name+id+base64.
type Key struct {
	Name   string
	kind   byte
	public ed25519.PublicKey
}

// ParseKey reads a verifier key of a log or of a witness.
func ParseKey(text string) (Key, error) {
	wrong := func(why string) (Key, error) {
		return Key{}, fmt.Errorf("read verifier key: %s (hint: it looks like name+1234abcd+base64)", why)
	}
	parts := strings.SplitN(strings.TrimSpace(text), "+", 3)
	if len(parts) != 3 || !validName(parts[0]) {
		return wrong("it has no name, id and key")
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize {
		return wrong("its key is not one of Ed25519 in base64")
	}
	k := Key{parts[0], raw[0], raw[1:]}
	if k.kind != kindEd25519 && k.kind != kindCosigned {
		return wrong(fmt.Sprintf("signatures of type %d are not known", k.kind))
	}
	if id := k.id(); hex.EncodeToString(id[:]) != parts[1] {
		return wrong("its id is not that of its key")
	}
	if smallOrder(k.public) {
		return wrong("anybody can sign with its key, which is a point of small order")
	}
	return k, nil
}

// smallOrder reports whether a public key is one of the few points for which signatures hold that no private key made. The same point
// on the curve of X25519 (RFC 7748 §4.1) is one that X25519 refuses.
func smallOrder(public ed25519.PublicKey) bool {
	p, one := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19)), big.NewInt(1)
	b := slices.Clone(public)
	b[len(b)-1] &= 0x7f // the sign of x
	slices.Reverse(b)
	y := new(big.Int).SetBytes(b)
	u := new(big.Int).ModInverse(new(big.Int).Sub(one, y), p)
	if u == nil {
		return true // y = 1, the neutral point
	}
	u.Mul(u, y.Add(y, one)).Mod(u, p).FillBytes(b)
	slices.Reverse(b)
	point, err := ecdh.X25519().NewPublicKey(b)
	if err != nil {
		return true
	}
	probe, err := ecdh.X25519().NewPrivateKey(b)
	if err == nil {
		_, err = probe.ECDH(point)
	}
	return err != nil
}

// String is the verifier key.
func (k Key) String() string {
	id := k.id()
	return k.Name + "+" + hex.EncodeToString(id[:]) + "+" + base64.StdEncoding.EncodeToString(append([]byte{k.kind}, k.public...))
}

// Witness reports whether the key is a witness's, whose signatures carry a time.
func (k Key) Witness() bool { return k.kind == kindCosigned }

// Equal reports whether both are the same key for the same use.
func (k Key) Equal(o Key) bool { return k.String() == o.String() }

// SameHolder reports whether who signs with one of them can sign with the other, whatever their names.
func (k Key) SameHolder(o Key) bool { return k.public.Equal(o.public) }

// Short is how the key is shown to people: name and id.
func (k Key) Short() string {
	id := k.id()
	return k.Name + " " + hex.EncodeToString(id[:])
}

func (k Key) id() [4]byte {
	sum := sha256.Sum256(append([]byte(k.Name+"\n"+string([]byte{k.kind})), k.public...))
	return [4]byte(sum[:4])
}

func validName(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || r == '+' || unicode.IsControl(r) })
}

// Signer signs notes under a name. It prints nothing of its key.
type Signer struct {
	Key     Key
	private ed25519.PrivateKey
	now     func() time.Time // of a witness
}

// NewSigner is a log's signer; seed has 32 bytes.
func NewSigner(name string, seed []byte) (*Signer, error) { return newSigner(name, seed, kindEd25519) }

// NewWitnessSigner is a witness's signer; seed has 32 bytes.
func NewWitnessSigner(name string, seed []byte, now func() time.Time) (*Signer, error) {
	s, err := newSigner(name, seed, kindCosigned)
	if err == nil {
		s.now = now
	}
	return s, err
}

func newSigner(name string, seed []byte, kind byte) (*Signer, error) {
	if !validName(name) {
		return nil, fmt.Errorf("open log key: the name %q is empty, or has spaces or a plus", name)
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("open log key: its seed has %d bytes, expected %d", len(seed), ed25519.SeedSize)
	}
	private := ed25519.NewKeyFromSeed(seed)
	return &Signer{Key: Key{name, kind, private.Public().(ed25519.PublicKey)}, private: private}, nil //nolint:forcetypeassert // package ed25519 says so
}

// line is the signature line for a text.
func (s *Signer) line(text string) string {
	id := s.Key.id()
	sig := id[:]
	if s.Key.kind == kindCosigned {
		at := uint64(s.now().Unix()) //nolint:gosec // after 1970
		sig = append(binary.BigEndian.AppendUint64(sig, at), ed25519.Sign(s.private, cosigned(text, at))...)
	} else {
		sig = append(sig, ed25519.Sign(s.private, []byte(text))...)
	}
	return "— " + s.Key.Name + " " + base64.StdEncoding.EncodeToString(sig) + "\n"
}

// cosigned is what a witness signs (c2sp.org/tlog-cosignature).
func cosigned(text string, at uint64) []byte {
	return fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, text)
}

// Sign makes a signed note of a text, which ends in a newline.
func Sign(text string, signers ...*Signer) []byte {
	b := bytes.NewBufferString(text + "\n")
	for _, s := range signers {
		b.WriteString(s.line(text))
	}
	return b.Bytes()
}

// Signature is a signature whose key is known and that holds.
type Signature struct {
	Key  Key
	Time time.Time // of a witness
	line string
}

// OpenNote reads a note and checks the signatures of the keys that are known. Others are ignored, as the format wants.
// That a known key's signature does not hold is an error; that there is none is not.
func OpenNote(note []byte, keys ...Key) (text string, found []Signature, err error) {
	text, lines, err := splitNote(note)
	if err != nil {
		return "", nil, err
	}
	for _, line := range lines {
		name, raw, err := readLine(line)
		if err != nil {
			return "", nil, err
		}
		for _, k := range keys {
			id := k.id()
			twice := slices.ContainsFunc(found, func(s Signature) bool { return s.Key.Equal(k) })
			if k.Name != name || !bytes.Equal(raw[:4], id[:]) || twice {
				continue
			}
			s, err := k.check(text, raw[4:])
			if err != nil {
				return "", nil, err
			}
			s.line = line
			found = append(found, s)
		}
	}
	return text, found, nil
}

func splitNote(note []byte) (text string, lines []string, err error) {
	if len(note) > maxNote {
		return "", nil, fmt.Errorf("read note: it has %d bytes, more than the %d that are read", len(note), maxNote)
	}
	control := func(r rune) bool { return r < ' ' && r != '\n' || r == utf8.RuneError }
	if !utf8.Valid(note) || bytes.ContainsFunc(note, control) {
		return "", nil, errors.New("read note: it is not a text")
	}
	at := strings.LastIndex(string(note), "\n\n")
	if at < 0 || !bytes.HasSuffix(note, []byte("\n")) {
		return "", nil, errors.New("read note: no signatures follow a blank line")
	}
	text, rest := string(note[:at+1]), strings.TrimSuffix(string(note[at+2:]), "\n")
	if rest == "" {
		return "", nil, errors.New("read note: it has no signature")
	}
	return text, strings.Split(rest, "\n"), nil
}

func readLine(line string) (name string, raw []byte, err error) {
	rest, ok := strings.CutPrefix(line, "— ")
	name, code, two := strings.Cut(rest, " ")
	if !ok || !two || !validName(name) {
		return "", nil, errors.New("read note: a signature line is malformed")
	}
	if raw, err = base64.StdEncoding.DecodeString(code); err != nil || len(raw) < 5 {
		return "", nil, errors.New("read note: a signature is malformed")
	}
	return name, raw, nil
}

// check checks one signature of k.
func (k Key) check(text string, sig []byte) (Signature, error) {
	wrong := fmt.Errorf("the signature of %s does not hold", k.Short())
	if k.kind == kindEd25519 {
		if !ed25519.Verify(k.public, []byte(text), sig) {
			return Signature{}, wrong
		}
		return Signature{Key: k}, nil
	}
	if len(sig) < 8 {
		return Signature{}, wrong
	}
	at := binary.BigEndian.Uint64(sig)
	if at == 0 || at > 1<<40 || !ed25519.Verify(k.public, cosigned(text, at), sig[8:]) {
		return Signature{}, wrong
	}
	return Signature{Key: k, Time: time.Unix(int64(at), 0).UTC()}, nil //nolint:gosec // bounded above
}

// Unknown counts the signature lines of a note that are of none of these keys.
func Unknown(note []byte, keys ...Key) (n int) {
	_, lines, _ := splitNote(note) // what is no note has no lines
	for _, line := range lines {
		name, raw, err := readLine(line)
		known := err == nil && slices.ContainsFunc(keys, func(k Key) bool { id := k.id(); return k.Name == name && bytes.Equal(raw[:4], id[:]) })
		if !known {
			n++
		}
	}
	return n
}
