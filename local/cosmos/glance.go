package cosmos

import "strings"

// glance is what the text of an item must hold for a filter to hold: texts that the filter, of comparisons joined by AND and OR
// alone, demands to be equal to something. An index decides this in the service; here it spares reading every item.
type glance []string

// glanceOf finds what a filter demands; nothing where it asks for more than comparisons, which may fail on an item.
func glanceOf(where expr) glance {
	var g glance
	if where == nil || !g.add(where, true) {
		return nil
	}
	return g
}

// add takes in a part of the filter, which must hold or, within an OR, may not; false: it is no comparison.
func (g *glance) add(x expr, must bool) bool {
	switch x := x.(type) {
	case andExpr:
		return g.add(x.left, must) && g.add(x.right, must)
	case orExpr:
		return g.add(x.left, false) && g.add(x.right, false)
	case compareExpr:
		_, path := x.left.(pathExpr)
		constant, literal := x.right.(literalExpr)
		if must && x.op == "=" && path && literal && isPlain(constant.v) {
			*g = append(*g, constant.v.str)
		}
		return path && literal
	}
	return false
}

// isPlain reports whether JSON that escapes nothing needlessly writes a value as it stands.
func isPlain(v value) bool {
	return v.kind == text && !strings.ContainsFunc(v.str, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
}

// passes reports whether the item of this text may meet the filter.
func (g glance) passes(body string) bool {
	for _, demanded := range g {
		if !strings.Contains(body, demanded) {
			return strings.Contains(body, `\u`) || strings.Contains(body, `\/`) // it may be there, written otherwise
		}
	}
	return true
}
