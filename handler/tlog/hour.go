package tlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// Record is a record of an hour: its id, which is itself a hash, and the SHA-256 of its canonical form.
type Record struct {
	ID  string `json:"id"`
	Sum Hash   `json:"sha256"`
}

// MarshalText is String.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(text []byte) (err error) {
	*h, err = ParseHash(string(text))
	return err
}

// RecordReader reads records. Its memory is for the next one again; it is not safe for concurrent use.
type RecordReader struct{ form canonical }

// Read makes a Record of a record's JSON, as the store keeps it or the command line prints it.
func (r *RecordReader) Read(raw []byte) (Record, error) {
	if err := r.form.record(raw); err != nil {
		return Record{}, err
	}
	id, err := jsonscan.Unquote(r.form.id)
	if err != nil || !validID(id) {
		return Record{}, errors.New("read record: its id cannot be logged")
	}
	return Record{id, sha256.Sum256(r.form.text)}, nil
}

const maxID = 256

// validID refuses what would break the lines in which records are written.
func validID(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return id != "" && len(id) <= maxID
}

// leaf is the entry of the hour's tree.
func (r Record) leaf() Hash {
	var b [1 + maxID + 64]byte
	return sha256.Sum256(r.appendLine(append(b[:0], 0))) // RFC 6962: a leaf
}

func (r Record) appendLine(b []byte) []byte {
	b = append(append(b, r.ID...), ' ')
	return append(base64.StdEncoding.AppendEncode(b, r.Sum[:]), '\n')
}

// Records are those of one hour, sorted by id, each once: the leaves of the hour's tree.
type Records []Record

// SortRecords sorts a list; of records with the same id and sum one is kept.
func SortRecords(list []Record) Records {
	slices.SortFunc(list, func(a, b Record) int {
		if c := strings.Compare(a.ID, b.ID); c != 0 {
			return c
		}
		return bytes.Compare(a.Sum[:], b.Sum[:])
	})
	return slices.Compact(list)
}

// Leaves are the hashes of the records.
func (l Records) Leaves() Leaves {
	leaves := make(Leaves, len(l))
	for i, r := range l {
		leaves[i] = r.leaf()
	}
	return leaves
}

// Root is the root of the hour's tree.
func (l Records) Root() Hash {
	root, _ := Root(l.Leaves(), uint64(len(l))) // Leaves has them all
	return root
}

// Entry is what is logged of the hour.
func (l Records) Entry(hour time.Time, version int, why string) HourEntry {
	return HourEntry{Hour: hour.UTC(), Version: version, Records: len(l), Root: l.Root(), Why: why}
}

// Text is the list as the archive keeps it: a line for each record.
func (l Records) Text() []byte {
	var b []byte
	for i, r := range l {
		if b = r.appendLine(b); i == 0 {
			b = slices.Grow(b, len(l)*len(b)) // most ids have one length
		}
	}
	return b
}

// ParseRecords reads what Text wrote, and no other spelling of it. It refuses a list that is not sorted, and one with two
// records of an id: of these, either could be shown as the one that was logged.
func ParseRecords(text []byte) (list Records, err error) {
	list = make(Records, 0, bytes.Count(text, []byte{'\n'}))
	for line := range bytes.Lines(text) {
		id, sum, _ := bytes.Cut(line, []byte{' '})
		r := Record{ID: string(id)}
		sum, whole := bytes.CutSuffix(sum, []byte{'\n'})
		if r.Sum, err = ParseHash(sum); err != nil || !whole || !validID(r.ID) {
			return nil, fmt.Errorf("read records: line %d is not an id and a hash", len(list)+1)
		}
		if n := len(list); n > 0 && list[n-1].ID >= r.ID {
			return nil, fmt.Errorf("read records: line %d is not in its place, or has the id of the one before", n+1)
		}
		list = append(list, r)
	}
	return list, nil
}

// Find returns where a record is in the list, or where it would be.
func (l Records) Find(id string) (at int, found bool) {
	return slices.BinarySearchFunc(l, id, func(r Record, id string) int { return strings.Compare(r.ID, id) })
}
