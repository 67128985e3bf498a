package tlog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// tileWidth is how many hashes, or entries, a full tile holds (c2sp.org/tlog-tiles).
const tileWidth = 256

// tile is one of the log's files. Level -1 stands for the entries themselves.
type tile struct {
	level int
	n     uint64
	width int
}

// path is where a tile lies below the log's folder.
func (t tile) path() string {
	level := "entries"
	if t.level >= 0 {
		level = fmt.Sprint(t.level)
	}
	text := "tile/" + level + "/" + number(t.n)
	if t.width < tileWidth {
		text += fmt.Sprintf(".p/%d", t.width)
	}
	return text
}

// number writes n as x001/x234/067.
func number(n uint64) string {
	text := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		text = fmt.Sprintf("x%03d/%s", n%1000, text)
	}
	return text
}

// tileAt is the tile that holds hash i of a level, in a log of size entries.
func tileAt(level int, i, size uint64) tile {
	all := size
	if level > 0 {
		all >>= 8 * level
	}
	n := i / tileWidth
	return tile{level, n, int(min(tileWidth, all-n*tileWidth))} //nolint:gosec // at most 256
}

// Reader reads the files of a log, by their path below its folder. A file that is not there is fs.ErrNotExist.
type Reader interface {
	Get(ctx context.Context, name string) ([]byte, error)
}

// Tiles is the tree of a log of which only those files are read that a proof needs. Not for concurrent use.
type Tiles struct {
	ctx  context.Context // a Tiles lives as long as one call
	from Reader
	size uint64
	have map[tile][]byte
}

var _ Tree = (*Tiles)(nil)

// NewTiles is the tree of the first size entries. What it reads is not to be believed until a signed root
// comes out of it.
func NewTiles(ctx context.Context, from Reader, size uint64) *Tiles {
	return &Tiles{ctx, from, size, map[tile][]byte{}}
}

// Hash implements Tree.
func (t *Tiles) Hash(from, to uint64) (Hash, error) {
	if from >= to || to > t.size {
		return Hash{}, fmt.Errorf("the log has %d entries, not [%d, %d)", t.size, from, to)
	}
	n := to - from
	if n&(n-1) == 0 && from%n == 0 {
		return t.whole(from, bits.Len64(n)-1)
	}
	k := split(n)
	left, err := t.Hash(from, from+k)
	if err != nil {
		return Hash{}, err
	}
	right, err := t.Hash(from+k, to)
	return nodeHash(left, right), err
}

// whole is the hash over 2^height entries from a multiple of that on: it is made of one tile.
func (t *Tiles) whole(from uint64, height int) (Hash, error) {
	level, count := height/8, 1<<(height%8)
	i := from >> (8 * level)
	at := tileAt(level, i, t.size)
	data, err := t.read(at)
	if err != nil {
		return Hash{}, err
	}
	leaves := make(Leaves, count)
	for k := range leaves {
		copy(leaves[k][:], data[(int(i%tileWidth)+k)*len(Hash{}):]) //nolint:gosec // below 256
	}
	return leaves.root(), nil
}

func (t *Tiles) read(at tile) ([]byte, error) {
	if data, ok := t.have[at]; ok {
		return data, nil
	}
	data, err := t.from.Get(t.ctx, at.path())
	if err == nil && len(data) != at.width*len(Hash{}) {
		err = fmt.Errorf("has %d bytes, expected %d", len(data), at.width*len(Hash{}))
	}
	if err != nil {
		return nil, fmt.Errorf("read log %s: %w", at.path(), err)
	}
	t.have[at] = data
	return data, nil
}

// Entry reads entry i of a log of size entries, and checks that it is what the tree says.
func (t *Tiles) Entry(i uint64) ([]byte, error) {
	if i >= t.size {
		return nil, fmt.Errorf("the log has %d entries, no entry %d", t.size, i)
	}
	at := tileAt(-1, i, t.size)
	entries, err := readEntries(t.ctx, t.from, at)
	if err != nil {
		return nil, err
	}
	want, err := t.Hash(i, i+1)
	if err == nil && LeafHash(entries[i%tileWidth]) != want {
		err = fmt.Errorf("read log: entry %d is not what its hash says", i)
	}
	return entries[i%tileWidth], err
}

// readEntries reads a bundle of entries: each with its length in two bytes before it.
func readEntries(ctx context.Context, from Reader, at tile) (list [][]byte, err error) {
	data, err := from.Get(ctx, at.path())
	if err == nil {
		list, err = splitEntries(data)
	}
	if err == nil && len(list) != at.width {
		err = fmt.Errorf("has %d entries, expected %d", len(list), at.width)
	}
	if err != nil {
		return nil, fmt.Errorf("read log %s: %w", at.path(), err)
	}
	return list, nil
}

func splitEntries(data []byte) (list [][]byte, err error) {
	for len(data) > 0 {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, errors.New("it ends within an entry")
		}
		n := 2 + int(binary.BigEndian.Uint16(data))
		list, data = append(list, data[2:n]), data[n:]
	}
	return list, nil
}

func joinEntries(list [][]byte) (data []byte) {
	for _, e := range list {
		data = binary.BigEndian.AppendUint16(data, uint16(len(e))) //nolint:gosec // Append bounds entries
		data = append(data, e...)
	}
	return data
}
