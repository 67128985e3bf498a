package tlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"testing"
)

// readAgain is a record's proof as docs/record-proof.md has it. It shares no code with the package, and goes from the leaves up, level by
// level, while the package goes from the root down.
type readAgain struct {
	Entry, ID string
	Index     int
	Shown     []struct {
		ID     string
		SHA256 []byte // base64
	}
	proof [][]byte
}

// again checks a proof by its text alone.
func again(t *testing.T, p RecordProof) (entry string, present bool, err error) {
	t.Helper()
	text, err := p.Text()
	if err != nil {
		t.Fatal(err)
	}
	var read readAgain
	head, hashes, _ := bytes.Cut(text, []byte("\n"))
	if err := json.Unmarshal(head, &read); err != nil || len(hashes)%32 > 0 {
		return "", false, fmt.Errorf("not a proof: %d bytes of hashes, %w", len(hashes), err)
	}
	read.proof = slices.Collect(slices.Chunk(hashes, 32))
	records, root, err := entryAgain(read.Entry)
	if err != nil {
		return "", false, err
	}
	if read.Index < 0 || read.Index > records-len(read.Shown) {
		return read.Entry, false, fmt.Errorf("the hour has no such places from %d on", read.Index)
	}
	got, err := read.root(records)
	if err == nil && base64.StdEncoding.EncodeToString(got) != root {
		err = errors.New("what is shown leads to another root")
	}
	if err != nil {
		return read.Entry, false, err
	}
	present, err = read.present(records)
	return read.Entry, present, err
}

func entryAgain(entry string) (records int, root string, err error) {
	for line := range strings.Lines(entry) {
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), " "); key {
		case "records":
			_, err = fmt.Sscan(value, &records)
		case "root":
			root = value
		}
	}
	return records, root, err
}

func hashAgain(parts ...[]byte) []byte {
	h := sha256.Sum256(bytes.Join(parts, nil))
	return h[:]
}

func (r readAgain) root(records int) ([]byte, error) {
	if records == 0 {
		return hashAgain(), nil
	}
	var row [][]byte
	for _, s := range r.Shown {
		row = append(row, hashAgain([]byte{0}, []byte(s.ID+" "+base64.StdEncoding.EncodeToString(s.SHA256)+"\n")))
	}
	first, last := r.Index, r.Index+len(row)-1
	left := r.proof[:min(bits.OnesCount(uint(first)), len(r.proof))]
	right := r.proof[len(left):]
	for n := records; n > 1 && len(row) > 0; n = (n + 1) / 2 {
		if first%2 == 1 {
			if len(left) == 0 {
				return nil, errors.New("a hash to the left is missing")
			}
			row, left, first = slices.Insert(row, 0, left[len(left)-1]), left[:len(left)-1], first-1
		}
		if last%2 == 0 && last < n-1 {
			if len(right) == 0 {
				return nil, errors.New("a hash to the right is missing")
			}
			row, right, last = append(row, right[0]), right[1:], last+1
		}
		row, first, last = aboveAgain(row), first/2, last/2
	}
	if len(row) != 1 || len(left)+len(right) > 0 {
		return nil, errors.New("a hash is left over")
	}
	return row[0], nil
}

// aboveAgain are the parents of a row that begins at an even place.
func aboveAgain(row [][]byte) (above [][]byte) {
	for pair := range slices.Chunk(row, 2) {
		if len(pair) == 2 {
			pair = [][]byte{hashAgain([]byte{1}, pair[0], pair[1])}
		}
		above = append(above, pair[0])
	}
	return above
}

func (r readAgain) present(records int) (bool, error) {
	switch n := len(r.Shown); {
	case n == 1 && r.Shown[0].ID == r.ID:
		return true, nil
	case n == 0 && records == 0,
		n == 1 && r.Index == 0 && r.ID < r.Shown[0].ID,
		n == 1 && r.Index == records-1 && r.ID > r.Shown[0].ID,
		n == 2 && r.Shown[0].ID < r.ID && r.ID < r.Shown[1].ID:
		return false, nil
	}
	return false, errors.New("neither the record nor the two beside it are shown")
}
