package tlog

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
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
	rest, ok := strings.CutPrefix(string(entry), hourHead+"\n")
	value := func(name string) (text string) {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		text, found := strings.CutPrefix(line, name)
		ok = ok && found
		return text
	}
	hour, version, records, root := value("hour "), value("version "), value("records "), value("root ")
	if h.Why = value("why "); !ok {
		return h, errors.New("read log entry: it is not of an hour")
	}
	if h.Hour, err = time.Parse(hourLayout, hour); err != nil {
		return h, fmt.Errorf("read log entry: %w", err)
	}
	if h.Root, err = ParseHash(root); err != nil {
		return h, fmt.Errorf("read log entry: root %w", err)
	}
	h.Version, _ = strconv.Atoi(version) // what is no number is written otherwise than it was read
	h.Records, _ = strconv.Atoi(records)
	if string(h.Entry()) != string(entry) || h.Version < 1 || h.Records < 0 || len(strings.Fields(h.Why)) != 1 {
		return h, errors.New("read log entry: it is not written as such entries are")
	}
	return h, nil
}

// ManifestEntry is the entry of a digest's manifest, by its SHA-256.
func ManifestEntry(manifest [32]byte) []byte {
	return fmt.Appendf(nil, "%s\nsha256 %s\n", manifestHead, hex.EncodeToString(manifest[:]))
}
