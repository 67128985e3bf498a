package rules

import (
	"slices"
	"strconv"
)

// partRange is what a part of a time can be.
var partRange = map[string][2]float64{
	"minute": {0, 59}, "hour": {0, 23}, "day": {1, 31}, "week": {1, 53}, "month": {1, 12}, "year": {1, 9999},
}

// partOf is the part of a time that the item asks for, and what that can be; "" when it asks for none.
func (b *builder) partOf() (name string, within [2]float64) {
	for _, m := range b.mods {
		if within, ok := partRange[m]; ok {
			return m, within
		}
	}
	return "", within
}

// checkPart refuses a part of what is no time, and modifiers that are about text: neither could ever match.
func (b *builder) checkPart() {
	name, _ := b.partOf()
	if !b.item.field.kind.open() && !slices.Contains([]kind{ofTime, ofSubmittedAt}, b.item.field.kind) {
		b.add(b.line, "%s: the field is no time, and has no %s", b.label(), name)
	}
	for _, m := range b.mods {
		if m != name && m != "neq" && m != "expand" && !isComparison(m) {
			b.add(b.line, "%s: the %s is a number: %s does not go with it", b.label(), name, m)
		}
	}
}

// open reports whether a field of this kind may hold anything. The others are text, but for times and addresses.
func (k kind) open() bool { return k == inProperties || k == ofRecord || k == ofClaim }

// mayBe refuses a test for what the field never is.
func (b *builder) mayBe(what string, kinds ...kind) {
	if k := b.item.field.kind; !k.open() && !slices.Contains(kinds, k) {
		b.add(b.line, "%s: the field holds no %s", b.label(), what)
	}
}

// partValues reads the numbers that a part of a time is compared with, in quotes or not.
func (b *builder) partValues(scalars []scalar) {
	name, within := b.partOf()
	for _, s := range scalars {
		figure, err := strconv.Atoi(s.text)
		if err != nil || float64(figure) < within[0] || float64(figure) > within[1] {
			b.add(s.line, "%s: no time has the %s %q: it is a number from %v to %v", b.label(), name, s.text, within[0], within[1])
			continue
		}
		b.test.numbers = append(b.test.numbers, float64(figure))
	}
}
