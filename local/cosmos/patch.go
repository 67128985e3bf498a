package cosmos

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A patch on the wire:
//
//	PATCH /dbs/d/colls/c/docs/{id}
//
//	{"condition": "from c where c.until <= 5",
//	 "operations": [{"op": "set", "path": "/until", "value": 10}, {"op": "incr", "path": "/n", "value": 1}]}
//
// A condition that does not hold is 412, whatever is wrong with the patch itself is 400.

// patch is a partial document update (learn.microsoft.com/azure/cosmos-db/partial-document-update): up to ten
// operations in order, all or none, optionally only if a predicate holds for the item.
type patch struct {
	condition *query
	ops       []patchOp
}

// patchOp is one operation. steps is the JSON pointer of its path.
type patchOp struct {
	name  string   // add, set, replace, remove or incr
	path  string   // as given, for messages
	steps []string // unescaped
	value value    // undefined for remove
}

// newPatch reads and checks the body of a PATCH request.
func (t target) newPatch(v value, now time.Time) (*patch, error) {
	p := &patch{}
	if condition := v.member("condition"); condition.kind != undefined {
		q, err := readCondition(condition, now)
		if err != nil {
			return nil, err
		}
		p.condition = q
	}
	ops := v.member("operations")
	if ops.kind != array || len(ops.items) == 0 {
		return nil, badRequest("The patch request has no operations.")
	}
	if len(ops.items) > maxPatchOps {
		return nil, badRequest("The number of patch operations can't exceed '10'.")
	}
	for _, item := range ops.items {
		op, err := t.newPatchOp(item)
		if err != nil {
			return nil, err
		}
		p.ops = append(p.ops, op)
	}
	return p, nil
}

// newPatchOp reads {"op", "path", "value"}. Move is not served, because azcosmos cannot send it.
func (t target) newPatchOp(v value) (patchOp, error) {
	op := patchOp{name: v.member("op").str, path: v.member("path").str, value: v.member("value")}
	if !slices.Contains([]string{"add", "set", "replace", "remove", "incr"}, op.name) {
		return op, badRequest(fmt.Sprintf("Patch operation %q is not supported.", op.name))
	}
	rest, ok := strings.CutPrefix(op.path, "/")
	if !ok || rest == "" {
		return op, badRequest(fmt.Sprintf("Patch path %q is invalid.", op.path))
	}
	for step := range strings.SplitSeq(rest, "/") {
		// The escapes are those of JSON pointers, RFC 6901 section 4.
		op.steps = append(op.steps, strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
	}
	if op.steps[0] == "id" || t.key.covers(op.steps) || slices.Contains(systemProperties, op.steps[0]) {
		return op, badRequest(fmt.Sprintf("Patch of %q is not allowed: ids, partition keys and system properties stay.", op.path))
	}
	// azcosmos v1.5.0 leaves a nil value out, so setting null is impossible with it; that shows here as well.
	if op.value.kind == undefined && op.name != "remove" {
		return op, badRequest(fmt.Sprintf("Patch operation %q on %q needs a value.", op.name, op.path))
	}
	if op.name == "incr" && op.value.kind != number {
		return op, badRequest("The value of an increment must be a number.")
	}
	return op, nil
}

// apply checks the condition and makes the new item. The old one stays as it is.
func (p *patch) apply(doc value) (value, error) {
	if p.condition != nil {
		holds, err := p.condition.holds(doc)
		if err != nil {
			return value{}, err
		}
		if !holds {
			return value{}, &problem{
				status: http.StatusPreconditionFailed, charge: refusedCharge,
				message: "The condition specified in the patch request is not met.",
			}
		}
	}
	for _, op := range p.ops {
		var err error
		if doc, err = op.apply(doc, op.steps); err != nil {
			return value{}, err
		}
	}
	return doc, nil
}

// apply returns a copy of v in which the value at steps is changed.
func (op patchOp) apply(v value, steps []string) (value, error) {
	if len(steps) > 1 {
		return op.descend(v, steps)
	}
	switch v.kind {
	case object:
		return op.onObject(v, steps[0])
	case array:
		return op.onArray(v, steps[0])
	}
	return value{}, op.missing()
}

// descend follows the path through what is there; a patch makes no parents.
func (op patchOp) descend(v value, steps []string) (value, error) {
	switch v.kind {
	case object:
		if i := v.find(steps[0]); i >= 0 {
			child, err := op.apply(v.items[i], steps[1:])
			return v.with(steps[0], child), err
		}
	case array:
		i, err := op.index(steps[0], len(v.items)-1)
		if err != nil {
			return value{}, err
		}
		child, err := op.apply(v.items[i], steps[1:])
		v.items = slices.Clone(v.items)
		v.items[i] = child
		return v, err
	}
	return value{}, op.missing()
}

// onObject changes a property: add and set create or replace, replace and remove need it to be there, and an increment
// of nothing starts from its value.
func (op patchOp) onObject(v value, name string) (value, error) {
	old := v.member(name)
	switch {
	case op.name == "remove" && old.kind != undefined:
		return v.without(name), nil
	case old.kind == undefined && (op.name == "remove" || op.name == "replace"):
		return value{}, op.missing()
	case op.name == "incr":
		sum, err := op.sum(old)
		return v.with(name, sum), err
	}
	return v.with(name, op.value), nil
}

// onArray changes an element: only add inserts and shifts, and only add takes the place after the last one.
func (op patchOp) onArray(v value, step string) (value, error) {
	last := len(v.items) - 1
	if op.name == "add" {
		last++ // an index equal to the length appends; the page says so of add only
	}
	if step == "-" && op.name == "add" {
		step = strconv.Itoa(last)
	}
	i, err := op.index(step, last)
	if err != nil {
		return value{}, err
	}
	v.items = slices.Clone(v.items)
	switch {
	case op.name == "remove":
		v.items = slices.Delete(v.items, i, i+1)
	case op.name == "add":
		v.items = slices.Insert(v.items, i, op.value)
	case op.name == "incr":
		v.items[i], err = op.sum(v.items[i])
	default:
		v.items[i] = op.value
	}
	return v, err
}

// sum adds the increment. What is no number is left alone and the patch fails.
func (op patchOp) sum(old value) (value, error) {
	switch old.kind {
	case undefined:
		return op.value, nil
	case number:
		return numberOf(old.num + op.value.num), nil
	}
	return value{}, badRequest(fmt.Sprintf("The value at %q is not a number and cannot be incremented.", op.path))
}

// index reads an array position between 0 and last.
func (op patchOp) index(step string, last int) (int, error) {
	i, err := strconv.Atoi(step)
	if err != nil || i < 0 || i > last || strconv.Itoa(i) != step {
		return 0, op.missing()
	}
	return i, nil
}

// missing is the failure of strict operations; nothing of the patch is applied then.
func (op patchOp) missing() error {
	return badRequest(fmt.Sprintf("The path %q of patch operation %q does not exist in the item.", op.path, op.name))
}
