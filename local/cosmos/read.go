package cosmos

import (
	"fmt"
	"sync"
)

// decode reads a stored item back.
func (r row) decode() (value, error) {
	v, err := decodeJSON(r.body)
	if err != nil {
		return value{}, fmt.Errorf("read stored item %q: %v", r.id, err) //nolint:errorlint // not %w: a damaged file is no fault of the caller
	}
	return v, nil
}

// documents keeps items as queries have read them, because a query without an index reads all of them, again and again. Values
// are never changed, so they can be shared.
type documents struct {
	mu   sync.Mutex
	size int // bytes of all bodies
	by   map[int64]document
}

type document struct {
	body string
	read value
}

// keepDecoded bounds the bodies whose values are kept; a value takes a few times its body.
const keepDecoded = 4 << 20

// of is a row's value. What a sequence number stands for is compared, because a write that was given up leaves its own.
func (d *documents) of(r row) (value, error) {
	d.mu.Lock()
	have, ok := d.by[r.seq]
	d.mu.Unlock()
	if ok && have.body == r.body {
		return have.read, nil
	}
	v, err := r.decode()
	if err == nil {
		d.keep(r.seq, document{r.body, v})
	}
	return v, err
}

func (d *documents) keep(seq int64, one document) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.size += len(one.body); d.by == nil || d.size > keepDecoded {
		d.by, d.size = map[int64]document{}, len(one.body)
	}
	d.by[seq] = one
}
