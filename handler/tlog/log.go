package tlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
)

// Keeper keeps the log's files, each written once. The archive of digests is one.
type Keeper interface {
	Reader
	// Put writes a file, or finds the same content there already; other content is an error.
	Put(ctx context.Context, name, mediaType string, data []byte) error
}

// maxEntry bounds an entry: its length is written in two bytes.
const maxEntry = 1<<16 - 1

// Log is a log that this process writes. It is safe for concurrent use, and so are several processes: the archive lets
// one of them write each batch, and the others finish that one first.
//
// A batch of entries is written in this order, every file of it once: what is to be logged (batches/N), entries, tiles,
// the checkpoint (checkpoints/N). Everything follows from the batch, so a process that is killed is followed by one that
// writes the same files.
type Log struct {
	keeper Keeper
	signer *Signer
	former []Key
	open   func(note []byte) (Checkpoint, error) // reads a checkpoint, of a key of the log's

	mu   sync.Mutex
	head state // the newest that this process knows
}

// state is how far the log has come.
type state struct {
	batches uint64 // how many are finished
	Checkpoint
	note []byte
}

// New is the log of a signer, whose name is the log's; former are those that were its key before.
func New(keeper Keeper, signer *Signer, former ...Key) *Log {
	keys := append([]Key{signer.Key}, former...)
	open := func(note []byte) (Checkpoint, error) {
		c, _, _, err := OpenCheckpoint(note, keys, nil)
		if err == nil && c.Origin != signer.Key.Name {
			err = fmt.Errorf("the archive holds the log %q, not %q", c.Origin, signer.Key.Name)
		}
		return c, err
	}
	return &Log{keeper: keeper, signer: signer, former: former, open: open}
}

// Key is the key that signs.
func (l *Log) Key() Key { return l.signer.Key }

// Head reads the newest checkpoint; its note is nil as long as nothing is logged.
func (l *Log) Head(ctx context.Context) (Checkpoint, []byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.forward(ctx)
	return l.head.Checkpoint, l.head.note, err
}

// forward finds the newest checkpoint: they are numbered, so it steps ahead, each step twice the one before, and then
// halves the last step.
func (l *Log) forward(ctx context.Context) error {
	growing := true
	for step := uint64(1); step > 0; {
		next, err := l.checkpoint(ctx, l.head.batches+step)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			growing = false
		case err != nil:
			return err
		default:
			l.head = next
		}
		if growing {
			step *= 2
		} else {
			step /= 2
		}
	}
	return nil
}

// checkpoint reads the checkpoint after so many batches.
func (l *Log) checkpoint(ctx context.Context, batches uint64) (state, error) {
	note, err := l.keeper.Get(ctx, checkpointPath(batches))
	if err != nil {
		return state{}, fmt.Errorf("read log: %w", err)
	}
	c, err := l.open(note)
	if err != nil {
		return state{}, fmt.Errorf("read log %s: %w", checkpointPath(batches), err)
	}
	return state{batches, c, note}, nil
}

func checkpointPath(batches uint64) string { return "checkpoints/" + number(batches) }
func batchPath(batches uint64) string      { return "batches/" + number(batches) }

// Append logs entries. Those that stand among the newest already are not logged again: an earlier try did.
func (l *Log) Append(ctx context.Context, entries ...[]byte) error {
	for _, e := range entries {
		if len(e) == 0 || len(e) > maxEntry {
			return fmt.Errorf("append to log: an entry has %d bytes", len(e))
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if err := l.forward(ctx); err != nil {
			return err
		}
		fresh, err := l.fresh(ctx, entries)
		if err != nil {
			return err
		}
		done, err := l.write(ctx, fresh)
		if err != nil || done {
			return err
		}
	}
}

// fresh leaves out what stands in the last bundle of entries, or the one before it.
func (l *Log) fresh(ctx context.Context, entries [][]byte) ([][]byte, error) {
	var have [][]byte
	for i, back := l.head.Size, 0; i > 0 && back < 2; back++ {
		at := tileAt(-1, i-1, l.head.Size)
		list, err := readEntries(ctx, l.keeper, at)
		if err != nil {
			return nil, err
		}
		have, i = append(have, list...), at.n*tileWidth
	}
	known := func(e []byte) bool {
		return slices.ContainsFunc(have, func(h []byte) bool { return bytes.Equal(h, e) })
	}
	return slices.DeleteFunc(slices.Clone(entries), known), nil
}

// write writes the next batch. done is false when the archive holds one that another process began: that was finished
// then, and these entries are still to be written. With no entries it only finishes what was begun.
func (l *Log) write(ctx context.Context, entries [][]byte) (done bool, err error) {
	next := l.head.batches + 1
	begun, err := l.keeper.Get(ctx, batchPath(next))
	switch {
	case errors.Is(err, fs.ErrNotExist) && len(entries) == 0:
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		begun = joinEntries(entries)
		if putErr := l.keeper.Put(ctx, batchPath(next), binaryType, begun); putErr != nil {
			if begun, err = l.keeper.Get(ctx, batchPath(next)); err != nil {
				return false, fmt.Errorf("write log: %w", putErr)
			}
		}
	case err != nil:
		return false, fmt.Errorf("write log: %w", err)
	}
	batch, err := splitEntries(begun)
	if err == nil {
		err = l.finish(ctx, batch)
	}
	if err != nil {
		return false, fmt.Errorf("write log: %w", err)
	}
	return bytes.Equal(begun, joinEntries(entries)), nil
}

const binaryType = "application/octet-stream"

// finish writes everything that follows from a batch.
func (l *Log) finish(ctx context.Context, batch [][]byte) error {
	size := l.head.Size + uint64(len(batch))
	if err := l.writeEntries(ctx, batch, size); err != nil {
		return err
	}
	hashes := make([]Hash, len(batch))
	for i, e := range batch {
		hashes[i] = LeafHash(e)
	}
	for level := 0; len(hashes) > 0; level++ {
		var err error
		if hashes, err = l.writeTiles(ctx, level, hashes, size); err != nil {
			return err
		}
	}
	root, err := Root(NewTiles(ctx, l.keeper, size), size)
	if err != nil {
		return err
	}
	c := Checkpoint{l.signer.Key.Name, Head{size, root}}
	note := Sign(c.Text(), l.signer)
	next := l.head.batches + 1
	if err := l.keeper.Put(ctx, checkpointPath(next), "text/plain; charset=utf-8", note); err != nil {
		return err
	}
	l.head = state{next, c, note}
	return nil
}

// writeEntries writes the bundles that the batch changes or adds.
func (l *Log) writeEntries(ctx context.Context, batch [][]byte, size uint64) error {
	have := l.head.Size
	if inLast := have % tileWidth; inLast > 0 {
		last, err := readEntries(ctx, l.keeper, tileAt(-1, have-1, have))
		if err != nil {
			return err
		}
		batch, have = append(slices.Clone(last), batch...), have-inLast
	}
	for i := have; i < size; i += tileWidth {
		at := tileAt(-1, i, size)
		if err := l.keeper.Put(ctx, at.path(), binaryType, joinEntries(batch[:at.width])); err != nil {
			return err
		}
		batch = batch[at.width:]
	}
	return nil
}

// writeTiles writes the tiles of a level that new hashes change or add, and returns the hashes that are new on the level
// above: those of the tiles that became full.
func (l *Log) writeTiles(ctx context.Context, level int, hashes []Hash, size uint64) (above []Hash, err error) {
	have, all := l.head.Size>>(8*level), size>>(8*level)
	var data []byte
	if inLast := have % tileWidth; inLast > 0 {
		if data, err = l.keeper.Get(ctx, tileAt(level, have-1, l.head.Size).path()); err != nil {
			return nil, err
		}
		have -= inLast
	}
	for _, h := range hashes {
		data = append(data, h[:]...)
	}
	for i := have; i < all; i += tileWidth {
		at := tileAt(level, i, size)
		part := data[:at.width*len(Hash{})]
		if err := l.keeper.Put(ctx, at.path(), binaryType, part); err != nil {
			return nil, err
		}
		if data = data[len(part):]; at.width == tileWidth {
			above = append(above, tileRoot(part))
		}
	}
	return above, nil
}

func tileRoot(data []byte) Hash {
	leaves := make(Leaves, len(data)/len(Hash{}))
	for i := range leaves {
		copy(leaves[i][:], data[i*len(Hash{}):])
	}
	return leaves.root()
}

// Prove proves that an entry is in the log as of its newest checkpoint. note is that checkpoint, with the signatures of
// witnesses where there are some; nil stands for the log's own. The entry is looked for from the newest on.
func (l *Log) Prove(ctx context.Context, entry, note []byte) (Proof, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.forward(ctx); err != nil {
		return Proof{}, err
	}
	if note == nil {
		note = l.head.note
	}
	return Prove(ctx, l.keeper, l.head.Checkpoint, entry, note)
}

// Prove proves that an entry is in the log of a checkpoint.
func Prove(ctx context.Context, from Reader, c Checkpoint, entry, note []byte) (Proof, error) {
	tiles := NewTiles(ctx, from, c.Size)
	for end := c.Size; end > 0; {
		at := tileAt(-1, end-1, c.Size)
		list, err := readEntries(ctx, from, at)
		if err != nil {
			return Proof{}, err
		}
		for i, e := range list {
			if bytes.Equal(e, entry) {
				index := at.n*tileWidth + uint64(i) //nolint:gosec // below 256
				hashes, err := Inclusion(tiles, index, c.Size)
				return Proof{Index: index, Hashes: hashes, Note: note}, err
			}
		}
		end = at.n * tileWidth
	}
	return Proof{}, errors.New("prove: the entry is not in the log")
}

// Grow proves that the log grew from an older size to a checkpoint.
func Grow(ctx context.Context, from Reader, before uint64, c Checkpoint, note []byte) (Growth, error) {
	hashes, err := Consistency(NewTiles(ctx, from, c.Size), before, c.Size)
	return Growth{before, hashes, note}, err
}
