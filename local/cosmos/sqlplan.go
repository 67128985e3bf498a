package cosmos

import (
	"cmp"
	"context"
	"slices"
)

// Planning a query: there are no secondary indexes, so a query reads every item in its scope. The scope is one partition
// when the request names one, and it shrinks further to the partitions and ids that the filter names. That keeps
// ReadManyItems, which is a query with up to 1000 of them, as cheap as that many point reads.

// pin is what a filter says about an item's identity: its partition key, its id, or both.
type pin struct {
	pk, id    string
	hasPK, ok bool // ok: id is set
}

// maxPins bounds how many identities are worth looking up one by one.
const maxPins = 5000

// pinner finds the identities that a filter allows, so that reading a few items by key does not walk a container.
// It only ever leaves out items that the filter would refuse.
type pinner struct {
	keyPath []string // nil: partition keys are not looked for
}

// pins returns the identities x allows; known is false when x allows more than a list of them.
func (p pinner) pins(x expr) (list []pin, known bool) {
	switch x := x.(type) {
	case compareExpr:
		if x.op == "=" {
			return p.equality(x.left, []expr{x.right})
		}
	case inExpr:
		return p.equality(x.x, x.list)
	case orExpr:
		left, ok := p.pins(x.left)
		if !ok {
			return nil, false
		}
		right, ok := p.pins(x.right)
		return append(left, right...), ok && len(left)+len(right) <= maxPins
	case andExpr:
		left, leftKnown := p.pins(x.left)
		right, rightKnown := p.pins(x.right)
		if leftKnown && rightKnown && len(left)*len(right) <= maxPins {
			return both(left, right), true
		}
		if leftKnown {
			return left, true
		}
		return right, rightKnown
	}
	return nil, false
}

// equality understands path = constant.
func (p pinner) equality(x expr, constants []expr) (list []pin, known bool) {
	path, ok := x.(pathExpr)
	names, plain := path.names()
	if !ok || !plain || path.binding != 0 {
		return nil, false
	}
	isID, isKey := slices.Equal(names, []string{"id"}), p.keyPath != nil && slices.Equal(names, p.keyPath)
	if !isID && !isKey {
		return nil, false
	}
	for _, c := range constants {
		constant, ok := c.(literalExpr)
		if !ok {
			return nil, false
		}
		one, ok := pinOf(constant.v, isID, isKey)
		if !ok {
			return nil, false
		}
		list = append(list, one)
	}
	return list, true
}

// pinOf makes a pin of one constant. A constant of a type that no id can have pins nothing.
func pinOf(v value, isID, isKey bool) (pin, bool) {
	var out pin
	if isID {
		out.id, out.ok = v.str, true
	}
	if isKey {
		pk, err := canonicalKey([]value{v})
		if err != nil || v.kind == undefined {
			return pin{}, false
		}
		out.pk, out.hasPK = pk, true
	}
	return out, !isID || v.kind == text
}

// both combines two lists of which an item has to satisfy one element each.
func both(left, right []pin) []pin {
	var out []pin
	for _, a := range left {
		for _, b := range right {
			if a.hasPK && b.hasPK && a.pk != b.pk || a.ok && b.ok && a.id != b.id {
				continue
			}
			joined := a
			if b.hasPK {
				joined.pk, joined.hasPK = b.pk, true
			}
			if b.ok {
				joined.id, joined.ok = b.id, true
			}
			out = append(out, joined)
		}
	}
	return out
}

// keyRange is a part of a container: everything, one logical partition, or one item.
type keyRange struct {
	pk, id     string
	everything bool // pk and id mean nothing
	item       bool // pk and id; otherwise pk alone
}

// scope lists the parts that a query has to look at, in the order of (pk, id) and without overlap. partition is the
// canonical key of the one partition asked for, or empty.
func (q *query) scope(c *container, partition string) []keyRange {
	p := pinner{}
	if len(c.key.paths) == 1 {
		p.keyPath = c.key.paths[0]
	}
	var list []pin
	known := false
	if q.where != nil {
		list, known = p.pins(q.where)
	}
	if partition != "" {
		within := []pin{{pk: partition, hasPK: true}}
		if known {
			list = both(within, list)
		} else {
			list, known = within, true
		}
	}
	if !known || slices.ContainsFunc(list, func(p pin) bool { return !p.hasPK }) {
		return []keyRange{{everything: true}}
	}
	return rangesOf(list)
}

// rangesOf sorts and merges what was pinned.
func rangesOf(list []pin) []keyRange {
	var out []keyRange
	for _, p := range list {
		out = append(out, keyRange{pk: p.pk, id: p.id, item: p.ok})
	}
	slices.SortFunc(out, func(a, b keyRange) int {
		return cmp.Or(cmp.Compare(a.pk, b.pk), cmp.Compare(a.id, b.id))
	})
	out = slices.Compact(out)
	// A whole partition sorts before its items, whose id is never empty, and makes them superfluous.
	whole := ""
	return slices.DeleteFunc(out, func(r keyRange) bool {
		if !r.item {
			whole = r.pk
			return false
		}
		return r.pk == whole
	})
}

// position is a place in the order of (pk, id): after that item.
type position struct{ pk, id string }

// scan calls each for every visible item in the ranges after a position, until each says stop.
func (s *Server) scan(ctx context.Context, from scanFrom, each func(row) (more bool, err error)) error {
	for _, part := range from.ranges {
		if more, err := s.scanRange(ctx, &from, part, each); err != nil || !more {
			return err
		}
	}
	return nil
}

// scanRange reads one range in pieces and gives the connection back in between, so that a long query holds up nobody.
// Items that others add or remove meanwhile are seen or not, as in the service; none is seen twice, because an
// update does not move an item in the order of (pk, id).
func (s *Server) scanRange(ctx context.Context, from *scanFrom, part keyRange, each func(row) (bool, error)) (more bool, err error) {
	for {
		rows, cut, err := s.scanPiece(ctx, *from, part)
		if err != nil {
			return false, err
		}
		for _, r := range rows {
			if more, err := each(r); err != nil || !more {
				return false, err
			}
			from.after = position{r.pk, r.id}
		}
		if !cut && len(rows) < piece {
			return true, nil
		}
	}
}

// piece is how many rows are read at a time.
const piece = 256

// scanPiece reads the next rows of one range after a position; none when the range lies before it.
func (s *Server) scanPiece(ctx context.Context, from scanFrom, part keyRange) (rows []row, cut bool, err error) {
	t, after := from.table, from.after
	if part.item && cmp.Or(cmp.Compare(part.pk, after.pk), cmp.Compare(part.id, after.id)) <= 0 ||
		!part.everything && part.pk < after.pk {
		return nil, false, nil
	}
	want := span{pk: part.pk, partition: !part.everything, now: s.now().Unix(), limit: piece}
	if part.everything || part.pk == after.pk {
		want.pk, want.id = after.pk, after.id
	}
	err = s.store.read(ctx, func(c *session) (err error) {
		if !part.item {
			rows, cut, err = t.after(c, want)
			return err
		}
		r, found, err := t.find(c, part.pk, part.id, want.now)
		if found {
			rows = []row{r}
		}
		return err
	})
	return rows, cut, err
}
