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
	ref     *field // fieldref: what the field is compared with
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
		b.item.field = p.field(line, parts[0])
	}
	scalars := b.scalars(value)
	if b.readModifiers() {
		b.build(scalars)
	}
	b.item.field.raw = b.cased || len(b.test.regexps) > 0
	if b.ref != nil {
		b.ref.raw = b.item.field.raw
	}
	return b.item
}

// field resolves a name; one that no form has is a problem.
func (p *problems) field(line int, name string) field {
	f, err := resolve(name)
	if err != nil {
		p.add(line, "%v", err)
	}
	return f
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
		case "minute", "hour", "day", "week", "month", "year":
			b.test.part = timeParts[m]
		case "re", "i", "m", "s", "cidr", "exists", "lt", "lte", "gt", "gte", "windash", "expand", "fieldref",
			"base64", "base64offset", "wide", "utf16", "utf16le", "utf16be":
		default:
			b.add(b.line, "%s: modifier %q is not supported: it is no Sigma modifier", b.label(), m)
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
	if b.has("expand") {
		scalars = b.expanded(scalars)
	}
	if b.test.part != nil {
		b.checkPart()
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
	case b.has("fieldref"):
		b.reference(scalars)
	case slices.ContainsFunc(b.mods, isComparison):
		b.comparison(scalars)
	case b.test.part != nil:
		b.partValues(scalars)
	default:
		b.values(scalars)
	}
}

func isComparison(m string) bool { return comparisons[m] != noComparison }

// fieldOnly are the modifiers that mean nothing for keywords, which have no one value.
func fieldOnly(m string) bool {
	return isComparison(m) || timeParts[m] != nil || slices.Contains([]string{"cidr", "exists", "neq", "fieldref"}, m)
}

// regexps compiles Go's syntax, which has all that the specification allows and lacks look-around and back-references:
// rules with those are refused rather than half-evaluated. Case counts unless the flag i says otherwise (specification,
// "Regular Expression"); Azure's casing depends on the channel, so most rules want i.
func (b *builder) regexps(scalars []scalar) {
	flags := ""
	for _, f := range []string{"i", "m", "s"} {
		if b.has(f) {
			flags += f
		}
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

// nets reads CIDR networks of both address families; a bare address is a network of one.
func (b *builder) nets(scalars []scalar) {
	b.mayBe("address", ofCallerIP)
	for _, s := range scalars {
		net, err := netip.ParsePrefix(s.text)
		if addr, bare := netip.ParseAddr(s.text); bare == nil {
			net, err = netip.PrefixFrom(addr.Unmap().WithZone(""), addr.Unmap().BitLen()), nil
		}
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

// reference reads the name of the field that the value is compared with. The modifiers contains, startswith and
// endswith say on which sides the field may go on.
func (b *builder) reference(scalars []scalar) {
	if len(scalars) != 1 {
		b.add(b.line, "%s: fieldref takes the name of one field", b.label())
		return
	}
	f := b.problems.field(scalars[0].line, scalars[0].text)
	b.ref, b.test.around = &f, b.around
}

// expanded replaces placeholders by their values: %name% stands for all of them, each at its place in the text.
func (b *builder) expanded(scalars []scalar) []scalar {
	var list []scalar
	for _, s := range scalars {
		list = append(list, b.expand(s, 0)...)
	}
	return list
}

// placeholder is a name between percent signs (Sigma modifiers appendix, "expand").
var placeholder = regexp.MustCompile(`%([A-Za-z0-9_.\-]+)%`)

func (b *builder) expand(s scalar, made int) []scalar {
	const most = 10_000 // values of one item
	at := placeholder.FindStringSubmatchIndex(s.text)
	if at == nil {
		return []scalar{s}
	}
	name := s.text[at[2]:at[3]]
	values, ok := b.placeholders[name]
	if !ok || made > most {
		b.add(s.line, "%s: the placeholder %%%s%% has no values: list them in %s", b.label(), name, PlaceholderFile)
		return nil
	}
	var list []scalar
	for _, value := range values {
		one := s
		one.text = s.text[:at[0]] + strings.ReplaceAll(value, "%", "\x00") + s.text[at[1]:]
		list = append(list, b.expand(one, len(list)+made)...)
	}
	for i := range list {
		list[i].text = strings.ReplaceAll(list[i].text, "\x00", "%")
	}
	return list
}

// comparison reads the bound of lt, lte, gt or gte.
func (b *builder) comparison(scalars []scalar) {
	if m, _ := b.partOf(); m == "" {
		b.mayBe("number")
	}
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
	if m, within := b.partOf(); m != "" && !ordered(b.test.compare, within[0], bound) && !ordered(b.test.compare, within[1], bound) {
		b.add(scalars[0].line, "%s: no %s lies there: it is a number from %v to %v", b.label(), m, within[0], within[1])
	}
}

// values makes patterns; plain ones of an "any of" list go into a map.
func (b *builder) values(scalars []scalar) {
	for n, s := range scalars {
		if s.tag == "!!null" {
			b.nothing(s)
			continue
		}
		if figure, err := strconv.ParseFloat(s.text, 64); err == nil && (s.tag == "!!int" || s.tag == "!!float") && !b.test.all {
			b.test.numbers = append(b.test.numbers, figure)
		}
		for _, text := range b.encoded(s) {
			b.pattern(text, n)
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

// pattern enters one spelling of the value of that number. Plain ones become keys of a map, and with them a list of any length is one look-up.
func (b *builder) pattern(text string, value int) {
	p := parsePattern(text, b.cased, b.around)
	literal, ok := p.literal()
	if ok && literal == "" && !b.keyword && b.item.field.kind != inProperties {
		b.test.null = true
	}
	if !ok || b.test.all || b.keyword {
		b.test.patterns, b.test.of = append(b.test.patterns, p), append(b.test.of, value)
		return
	}
	if b.test.exact == nil {
		b.test.exact = make(map[string]struct{})
	}
	b.test.exact[literal] = struct{}{}
}

// dashes are what windash takes for one another; dash finds one before a word (pySigma: \B[-/]\b).
var (
	dashes = []string{"-", "/", "\u2013", "\u2014", "\u2015"}
	dash   = regexp.MustCompile(`(^|[^A-Za-z0-9_])[-/][A-Za-z0-9_]`)
)

// dashed gives every spelling of a command line's flags.
func (b *builder) dashed(s scalar) []string {
	const most = 4 // flags: 625 spellings
	places := dash.FindAllStringIndex(s.text, -1)
	if len(places) > most {
		b.add(s.line, "%s: windash takes at most %d flags in one value", b.label(), most)
		return nil
	}
	texts := []string{""}
	from := 0
	for _, at := range append(places, []int{len(s.text), len(s.text)}) {
		mark := max(at[1]-2, from) // where the dash is
		if at[0] == len(s.text) {
			mark = len(s.text)
		}
		var next []string
		for _, t := range texts {
			t += s.text[from:mark]
			if mark == len(s.text) {
				next = append(next, t)
				continue
			}
			for _, d := range dashes {
				next = append(next, t+d)
			}
		}
		texts, from = next, mark+1
	}
	return texts
}

// encoded applies the encoding modifiers in the order written and returns the texts to look for, wildcards escaped
// when something was encoded.
func (b *builder) encoded(s scalar) []string {
	texts, changed := []string{s.text}, false
	if b.has("windash") {
		texts = b.dashed(s)
	}
	for _, m := range b.mods {
		encode, ok := encodings[m]
		if !ok {
			continue
		}
		for i := range texts {
			if !changed {
				texts[i] = unescaped(texts[i])
			}
		}
		changed = true
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
