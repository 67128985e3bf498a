package tlog

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// HourEntry says what our record of an hour was when the log took it in.
type HourEntry struct {
	Hour    time.Time // its beginning, UTC
	Version int       // 1 at its last look; larger when records came later
	Records int
	Root    Hash // of the tree of its records, see RecordTree
	Why     string
}

// Why an hour is logged.
const (
	WhyClosed = "closed" // its last look is over
	WhyLate   = "late"   // records of it came after that
)

const (
	hourHead     = "auditbell-hour/1"
	manifestHead = "auditbell-manifest/1"
	keyHead      = "auditbell-key/1"
)

// hourLayout names an hour, as everywhere in Auditbell.
const hourLayout = "2006-01-02T15Z"

// Entry is the text that is logged.
func (h HourEntry) Entry() []byte {
	return fmt.Appendf(nil, "%s\nhour %s\nversion %d\nrecords %d\nroot %s\nwhy %s\n", hourHead, h.Hour.UTC().Format(hourLayout), h.Version, h.Records, h.Root, h.Why)
}

// ParseHour reads what Entry wrote, and nothing that is spelled otherwise.
func ParseHour(entry []byte) (h HourEntry, err error) {
	var hour, root string
	n, err := fmt.Sscanf(string(entry), hourHead+"\nhour %s\nversion %d\nrecords %d\nroot %s\nwhy %s\n", &hour, &h.Version, &h.Records, &root, &h.Why)
	if err != nil || n != 5 {
		return h, errors.New("read log entry: it is not of an hour")
	}
	if h.Hour, err = time.Parse(hourLayout, hour); err != nil {
		return h, fmt.Errorf("read log entry: %w", err)
	}
	if h.Root, err = ParseHash(root); err != nil {
		return h, fmt.Errorf("read log entry: root %w", err)
	}
	if string(h.Entry()) != string(entry) {
		return h, errors.New("read log entry: it is not written as such entries are")
	}
	return h, nil
}

// ManifestEntry is the entry of a digest's manifest, by its SHA-256.
func ManifestEntry(manifest [32]byte) []byte {
	return fmt.Appendf(nil, "%s\nsha256 %s\n", manifestHead, hex.EncodeToString(manifest[:]))
}

// RotationEntry says that a log's key gives way to another. It is a note that both keys sign.
func RotationEntry(from, to *Signer) ([]byte, error) {
	if from.Key.Name != to.Key.Name || from.Key.Witness() || to.Key.Witness() || from.Key.Equal(to.Key) {
		return nil, errors.New("rotate log key: both keys must be the log's, of its name, and differ")
	}
	return Sign(fmt.Sprintf("%s\nfrom %s\nto %s\n", keyHead, from.Key, to.Key), from, to), nil
}

// ParseRotation reads a rotation, checks both signatures, and returns both keys.
func ParseRotation(entry []byte) (from, to Key, err error) {
	text, _, err := splitNote(entry)
	lines := strings.Split(text, "\n")
	if err != nil || len(lines) != 4 || lines[0] != keyHead {
		return from, to, errors.New("read log entry: it is not a rotation of the key")
	}
	a, hasFrom := strings.CutPrefix(lines[1], "from ")
	b, hasTo := strings.CutPrefix(lines[2], "to ")
	if !hasFrom || !hasTo {
		return from, to, errors.New("read log entry: it is not a rotation of the key")
	}
	if from, err = ParseKey(a); err != nil {
		return from, to, err
	}
	if to, err = ParseKey(b); err != nil {
		return from, to, err
	}
	_, found, err := OpenNote(entry, from, to)
	if err == nil && (len(found) != 2 || from.Name != to.Name) {
		err = errors.New("read log entry: a rotation is signed by both keys")
	}
	return from, to, err
}
