package cosmos

// pattern is a compiled LIKE pattern (learn.microsoft.com/azure/cosmos-db/nosql/query/keywords): % any text, _ any
// one character, [a-f] one of a set or range, [^a-f] one that is not; everything else, and what follows the escape
// character, is itself.
type pattern struct{ parts []patternPart }

type patternPart struct {
	any    bool // %
	one    bool // _
	set    []runeRange
	not    bool // [^...]
	letter rune // when nothing else is set
}

type runeRange struct{ low, high rune }

// newPattern compiles a pattern; escape is 0 without ESCAPE.
func newPattern(src string, escape rune) (*pattern, error) {
	p := &pattern{}
	rest := []rune(src)
	for len(rest) > 0 {
		r := rest[0]
		rest = rest[1:]
		switch {
		case escape != 0 && r == escape:
			if len(rest) == 0 {
				return nil, badRequest("The pattern of LIKE ends with its escape character.")
			}
			p.parts = append(p.parts, patternPart{letter: rest[0]})
			rest = rest[1:]
		case r == '%':
			p.parts = append(p.parts, patternPart{any: true})
		case r == '_':
			p.parts = append(p.parts, patternPart{one: true})
		case r == '[':
			part, after, err := newSet(rest)
			if err != nil {
				return nil, err
			}
			p.parts, rest = append(p.parts, part), after
		default:
			p.parts = append(p.parts, patternPart{letter: r})
		}
	}
	return p, nil
}

// newSet reads what is between [ and ].
func newSet(rest []rune) (part patternPart, after []rune, err error) {
	malformed := badRequest("The pattern of LIKE has a malformed [set].")
	if len(rest) > 0 && rest[0] == '^' {
		part.not, rest = true, rest[1:]
	}
	for len(rest) > 0 && rest[0] != ']' {
		r := runeRange{rest[0], rest[0]}
		rest = rest[1:]
		if len(rest) > 1 && rest[0] == '-' && rest[1] != ']' {
			r.high, rest = rest[1], rest[2:]
		}
		if r.high < r.low {
			return part, nil, malformed
		}
		part.set = append(part.set, r)
	}
	if len(rest) == 0 || len(part.set) == 0 {
		return part, nil, malformed
	}
	return part, rest[1:], nil
}

// takes reports whether the part stands for this one character.
func (p patternPart) takes(r rune) bool {
	switch {
	case p.one:
		return true
	case p.set != nil:
		for _, each := range p.set {
			if r >= each.low && r <= each.high {
				return !p.not
			}
		}
		return p.not
	}
	return p.letter == r
}

// matches walks the text once, going back only to the last %.
func (p *pattern) matches(s string) bool {
	text := []rune(s)
	at, part := 0, 0
	backAt, backPart := 0, -1
	for at < len(text) {
		switch {
		case part < len(p.parts) && p.parts[part].any:
			backAt, backPart = at, part
			part++
		case part < len(p.parts) && p.parts[part].takes(text[at]):
			at++
			part++
		case backPart >= 0:
			backAt++
			at, part = backAt, backPart+1
		default:
			return false
		}
	}
	for part < len(p.parts) && p.parts[part].any {
		part++
	}
	return part == len(p.parts)
}
