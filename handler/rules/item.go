package rules

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"go.yaml.in/yaml/v4"
)

// item is one detection item: a field with its modifiers and the values it is asked for, or a list of keywords.
type item struct {
	name  string   // as written, modifiers included: "operationName|startswith"; "" for bare keywords
	wants []string // as written, for people
	line  int

	keyword bool // searches every text of the event instead of one field
	field   field
	test    test
}

// builder puts an item together from its modifiers; a problem goes to problems with the item's line.
type builder struct {
	*problems
	*item
	mods   []string
	around affix
	cased  bool
}

// parseItem reads one member of a selection, "field|modifier|…: values".
func (p *problems) parseItem(name string, line int, value *yaml.Node) *item {
	parts := strings.Split(name, "|")
	b := builder{problems: p, mods: parts[1:], item: &item{name: name, line: line, keyword: parts[0] == ""}}
	if !b.keyword {
		b.field = fieldOf(parts[0])
	}
	scalars := b.scalars(value)
	if b.readModifiers() {
		b.build(scalars)
	}
	b.field.raw = b.cased || len(b.test.regexps) > 0
	return b.item
}

// scalar is one value as written, with what YAML takes it for.
type scalar struct {
	text, tag string
	line      int
}

// scalars flattens the item's values; anything but a scalar or a list of scalars is refused.
func (b *builder) scalars(n *yaml.Node) []scalar {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	var list []scalar
	for _, c := range nodes {
		if b.costly(c) {
			return nil
		}
		if c = deref(c); c.Kind != yaml.ScalarNode {
			b.add(c.Line, "%s: expected a value or a list of values, found %s", b.label(), kindName(c))
			continue
		}
		list = append(list, scalar{c.Value, c.Tag, c.Line})
		b.wants = append(b.wants, c.Value)
	}
	if len(nodes) == 0 {
		b.add(n.Line, "%s: an empty list can never match", b.label())
	}
	return list
}

func (b *builder) label() string {
	if b.name == "" {
		return "keywords"
	}
	return b.name
}

// unsupported names the modifiers of the specification that are refused, and why.
var unsupported = map[string]string{
	"windash":  "it is about command lines, which the Activity Log does not have",
	"expand":   "placeholders have no values here: write them out",
	"fieldref": "comparing two fields is not supported",
	"minute":   "parts of a time are not compared", "hour": "parts of a time are not compared",
	"day": "parts of a time are not compared", "week": "parts of a time are not compared",
	"month": "parts of a time are not compared", "year": "parts of a time are not compared",
}

// readModifiers checks the names and reads those that do not transform values.
func (b *builder) readModifiers() bool {
	for _, m := range b.mods {
		switch m {
		case "contains":
			b.around = affix{head: true, tail: true}
		case "startswith":
			b.around.tail = true
		case "endswith":
			b.around.head = true
		case "all":
			b.test.all = true
		case "cased":
			b.cased = true
		case "neq":
			b.test.negate = true
		case "re", "i", "m", "s", "cidr", "exists", "lt", "lte", "gt", "gte",
			"base64", "base64offset", "wide", "utf16", "utf16le", "utf16be":
		default:
			reason := "it is no Sigma modifier"
			if why, ok := unsupported[m]; ok {
				reason = why
			}
			b.add(b.line, "%s: modifier %q is not supported: %s", b.label(), m, reason)
			return false
		}
	}
	return true
}

func (b *builder) has(mod string) bool { return slices.Contains(b.mods, mod) }

// build chooses what the values are: patterns unless a modifier says otherwise.
func (b *builder) build(scalars []scalar) {
	if b.keyword {
		b.around = affix{head: true, tail: true}
	}
	switch {
	case b.has("re"):
		b.regexps(scalars)
	case b.has("i") || b.has("m") || b.has("s"):
		b.add(b.line, "%s: the flags i, m and s need the modifier re before them", b.label())
	case b.keyword && slices.ContainsFunc(b.mods, fieldOnly):
		b.add(b.line, "%s: this modifier needs a field", b.label())
	case b.has("cidr"):
		b.nets(scalars)
	case b.has("exists"):
		b.presence(scalars)
	case slices.ContainsFunc(b.mods, isComparison):
		b.comparison(scalars)
	default:
		b.values(scalars)
	}
}

func isComparison(m string) bool { return comparisons[m] != noComparison }

// fieldOnly are the modifiers that mean nothing for keywords, which have no one value.
func fieldOnly(m string) bool { return isComparison(m) || m == "cidr" || m == "exists" || m == "neq" }

// regexps compiles Go's syntax, which lacks look-around and back-references: rules with those are refused rather than
// half-evaluated. Case is ignored unless `cased`, as everywhere: Azure's casing depends on the channel.
func (b *builder) regexps(scalars []scalar) {
	flags := ""
	for _, f := range []string{"m", "s"} {
		if b.has(f) {
			flags += f
		}
	}
	if !b.cased {
		flags += "i"
	}
	for _, s := range scalars {
		expression := s.text
		if flags != "" {
			expression = "(?" + flags + ")" + expression
		}
		re, err := regexp.Compile(expression)
		if err != nil {
			b.add(s.line, "%s: %q is no regular expression of Go's syntax: %v", b.label(), s.text, err)
			continue
		}
		b.test.regexps = append(b.test.regexps, re)
	}
}

// nets reads CIDR networks of both address families.
func (b *builder) nets(scalars []scalar) {
	for _, s := range scalars {
		net, err := netip.ParsePrefix(s.text)
		if err != nil {
			b.add(s.line, "%s: %q is no network such as 10.0.0.0/8", b.label(), s.text)
			continue
		}
		b.test.nets = append(b.test.nets, net.Masked())
	}
}

// presence reads `exists`.
func (b *builder) presence(scalars []scalar) {
	want, err := false, error(nil)
	if len(scalars) == 1 {
		want, err = strconv.ParseBool(strings.ToLower(scalars[0].text))
	}
	if err != nil || len(scalars) != 1 {
		b.add(b.line, "%s: exists takes true or false", b.label())
	}
	b.test.exists = mustMiss
	if want {
		b.test.exists = mustExist
	}
}

// comparison reads the bound of lt, lte, gt or gte.
func (b *builder) comparison(scalars []scalar) {
	for m, c := range comparisons {
		if b.has(m) {
			b.test.compare = c
		}
	}
	if len(scalars) != 1 {
		b.add(b.line, "%s: a comparison takes one number", b.label())
		return
	}
	bound, err := strconv.ParseFloat(scalars[0].text, 64)
	if err != nil {
		b.add(scalars[0].line, "%s: %q is no number", b.label(), scalars[0].text)
	}
	b.test.bound = bound
}

// values makes patterns; plain ones of an "any of" list go into a map.
func (b *builder) values(scalars []scalar) {
	for _, s := range scalars {
		if s.tag == "!!null" {
			b.nothing(s)
			continue
		}
		if n, err := strconv.ParseFloat(s.text, 64); err == nil && (s.tag == "!!int" || s.tag == "!!float") && !b.test.all {
			b.test.numbers = append(b.test.numbers, n)
		}
		for _, text := range b.encoded(s) {
			b.pattern(text)
		}
	}
}

// nothing adds null. Empty text is the same for the event's own fields, which are omitted when Azure leaves them
// empty; see pattern.
func (b *builder) nothing(s scalar) {
	if b.test.all || b.keyword || b.around != (affix{}) {
		b.add(s.line, "%s: null goes with a field and no modifiers but neq and cased", b.label())
	}
	b.test.null = true
}

// pattern enters one value. Plain ones become keys of a map, and with them a list of any length is one look-up.
func (b *builder) pattern(text string) {
	p := parsePattern(text, b.cased, b.around)
	literal, ok := p.literal()
	if ok && literal == "" && !b.keyword && b.field.kind != inProperties {
		b.test.null = true
	}
	if !ok || b.test.all || b.keyword {
		b.test.patterns = append(b.test.patterns, p)
		return
	}
	if b.test.exact == nil {
		b.test.exact = make(map[string]struct{})
	}
	b.test.exact[literal] = struct{}{}
}

// encoded applies the encoding modifiers in the order written and returns the texts to look for, wildcards escaped
// when something was encoded.
func (b *builder) encoded(s scalar) []string {
	texts, changed := []string{s.text}, false
	for _, m := range b.mods {
		encode, ok := encodings[m]
		if !ok {
			continue
		}
		if !changed {
			texts, changed = []string{unescaped(s.text)}, true
		}
		var next []string
		for _, t := range texts {
			next = append(next, encode(t)...)
		}
		texts = next
	}
	for i := range texts {
		if changed {
			texts[i] = wildcardEscaper.Replace(texts[i])
		}
	}
	return texts
}

var wildcardEscaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

// unescaped is the value as plain text: encodings are taken of the text, in which stars mean themselves.
func unescaped(value string) string {
	return strings.NewReplacer(`\\`, `\`, `\*`, `*`, `\?`, `?`).Replace(value)
}

// encodings are the modifiers that turn a value into what is looked for (Sigma modifiers appendix).
var encodings = map[string]func(string) []string{
	"base64":       func(s string) []string { return []string{base64.StdEncoding.EncodeToString([]byte(s))} },
	"base64offset": base64Offsets,
	"wide":         func(s string) []string { return []string{utf16Text(s, binary.LittleEndian, false)} },
	"utf16le":      func(s string) []string { return []string{utf16Text(s, binary.LittleEndian, false)} },
	"utf16be":      func(s string) []string { return []string{utf16Text(s, binary.BigEndian, false)} },
	"utf16":        func(s string) []string { return []string{utf16Text(s, binary.LittleEndian, true)} },
}

// base64Offsets encodes s at the three places it can have within a longer encoded text and keeps the characters that
// depend on s alone.
func base64Offsets(s string) []string {
	skip, drop := []int{0, 2, 3}, []int{0, 3, 2}
	var texts []string
	for offset := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", offset) + s))
		end := len(text) - drop[(len(s)+offset)%3]
		if skip[offset] < end {
			texts = append(texts, text[skip[offset]:end])
		}
	}
	return texts
}

// utf16Text is what Windows scripts hold before they are put into base64.
func utf16Text(s string, order binary.AppendByteOrder, mark bool) string {
	var b []byte
	if mark {
		b = order.AppendUint16(b, 0xFEFF)
	}
	for _, unit := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

// String shows the item as the author wrote it.
func (i *item) String() string {
	return fmt.Sprintf("%s: %s", i.name, strings.Join(i.wants, " | "))
}
