package tlog

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Checkpoint says of a log how many entries it has and what they hash to (c2sp.org/tlog-checkpoint).
type Checkpoint struct {
	Origin string // the log's name
	Head
}

// Text is the body of the note.
func (c Checkpoint) Text() string { return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root) }

// ParseCheckpoint reads the body of a note. Lines that follow the three are allowed and mean nothing to us.
func ParseCheckpoint(text string) (c Checkpoint, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] == "" {
		return c, errors.New("read checkpoint: it has not three lines")
	}
	c.Origin = lines[0]
	if c.Size, err = parseNumber(lines[1]); err != nil {
		return c, fmt.Errorf("read checkpoint: size %w", err)
	}
	if c.Root, err = ParseHash(lines[2]); err != nil {
		return c, fmt.Errorf("read checkpoint: root %w", err)
	}
	return c, nil
}

// parseNumber reads a decimal without leading zeroes.
func parseNumber(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || strconv.FormatUint(n, 10) != text {
		return 0, errors.New("is not a number")
	}
	return n, nil
}

// PeekCheckpoint reads a checkpoint and checks no signature.
func PeekCheckpoint(note []byte) (Checkpoint, error) {
	text, _, err := OpenNote(note)
	if err != nil {
		return Checkpoint{}, err
	}
	return ParseCheckpoint(text)
}

// OpenCheckpoint reads a checkpoint that one of the log's keys signed. seen are the signatures of witnesses.
func OpenCheckpoint(note []byte, keys []Key, witnesses []Key) (c Checkpoint, by Key, seen []Signature, err error) {
	text, found, err := OpenNote(note, append(append([]Key{}, keys...), witnesses...)...)
	if err != nil {
		return c, by, nil, err
	}
	if c, err = ParseCheckpoint(text); err != nil {
		return c, by, nil, err
	}
	err = fmt.Errorf("none of the keys of the log signed its checkpoint of %d entries", c.Size)
	for _, s := range found {
		switch {
		case s.Key.Witness():
			seen = append(seen, s)
		case s.Key.Name == c.Origin:
			by, err = s.Key, nil
		}
	}
	return c, by, seen, err
}

// Proof is a c2sp.org/tlog-proof: that an entry is in a log, with the checkpoint.
type Proof struct {
	Extra  []byte // means something to who made it; nothing signs it
	Index  uint64
	Hashes []Hash
	Note   []byte // the checkpoint, signed
}

const proofHead = "c2sp.org/tlog-proof@v1\n"

// maxProof bounds the hashes of a proof: trees have fewer than 2⁶³ entries.
const maxProof = 63

// Text is the proof as files hold it.
func (p Proof) Text() []byte {
	b := []byte(proofHead)
	if len(p.Extra) > 0 {
		b = fmt.Appendf(b, "extra %s\n", base64.StdEncoding.EncodeToString(p.Extra))
	}
	b = fmt.Appendf(b, "index %d\n", p.Index)
	for _, h := range p.Hashes {
		b = fmt.Appendf(b, "%s\n", h)
	}
	return append(append(b, '\n'), p.Note...)
}

// ParseProof reads what Text wrote.
func ParseProof(text []byte) (p Proof, err error) {
	if len(text) > 2*maxNote {
		return p, fmt.Errorf("read proof: it has %d bytes, more than the %d that are read", len(text), 2*maxNote)
	}
	head, note, ok := strings.Cut(string(text), "\n\n")
	body, isProof := strings.CutPrefix(head, proofHead)
	if !ok || !isProof {
		return p, errors.New("read proof: it is not a tlog-proof@v1")
	}
	lines := strings.Split(body, "\n")
	if extra, has := strings.CutPrefix(lines[0], "extra "); has {
		if p.Extra, err = strict.DecodeString(extra); err != nil || extra == "" || strings.ContainsRune(extra, '\r') {
			return p, errors.New("read proof: its extra line is not base64")
		}
		lines = lines[1:]
	}
	if len(lines) == 0 {
		return p, errors.New("read proof: it has no index")
	}
	index, has := strings.CutPrefix(lines[0], "index ")
	if p.Index, err = parseNumber(index); err != nil || !has {
		return p, errors.New("read proof: it has no index")
	}
	p.Hashes, err = parseHashes(lines[1:])
	p.Note = []byte(note)
	return p, err
}

func parseHashes(lines []string) (list []Hash, err error) {
	if len(lines) > maxProof {
		return nil, fmt.Errorf("read proof: it has %d hashes, more than any tree needs", len(lines))
	}
	for _, line := range lines {
		h, err := ParseHash(line)
		if err != nil {
			return nil, fmt.Errorf("read proof: line %q %w", line, err)
		}
		list = append(list, h)
	}
	return list, nil
}

// Growth proves that a log grew from an older checkpoint to a newer one. Its text is the body of the witness protocol's
// add-checkpoint (c2sp.org/tlog-witness).
type Growth struct {
	Before uint64
	Hashes []Hash
	Note   []byte
}

// Text is the proof as it is sent and as files hold it.
func (g Growth) Text() []byte {
	b := fmt.Appendf(nil, "old %d\n", g.Before)
	for _, h := range g.Hashes {
		b = fmt.Appendf(b, "%s\n", h)
	}
	return append(append(b, '\n'), g.Note...)
}

// ParseGrowth reads what Text wrote.
func ParseGrowth(text []byte) (g Growth, err error) {
	if len(text) > 2*maxNote {
		return g, errors.New("read proof of growth: it is too long")
	}
	head, note, ok := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	before, isGrowth := strings.CutPrefix(lines[0], "old ")
	if g.Before, err = parseNumber(before); err != nil || !ok || !isGrowth {
		return g, errors.New("read proof of growth: it does not begin with the old size")
	}
	g.Hashes, err = parseHashes(lines[1:])
	g.Note = []byte(note)
	return g, err
}
