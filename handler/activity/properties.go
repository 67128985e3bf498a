package activity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// Properties is one JSON object as text: valid, compact, JSON-in-strings already peeled. It stays text because most
// events are stored and matched on their operation alone; reading a member costs a scan and no allocation. Names
// compare without regard to case: Azure writes requestbody, requestBody and RequestBody (facts: payload variations).
type Properties []byte

// Value returns the raw JSON of the member at path, nil when there is none. A path steps through objects only.
func (p Properties) Value(path ...string) []byte {
	raw := []byte(p)
	for _, name := range path {
		if raw = member(raw, name); raw == nil {
			return nil
		}
	}
	return raw
}

// Doubtful reports whether a member on the way of path stands twice, in whatever casing: readers disagree on which of
// them counts, so none of their values is the value.
func (p Properties) Doubtful(path ...string) bool {
	raw := []byte(p)
	for _, name := range path {
		found := 0
		_ = jsonscan.Object(raw, func(n, _ []byte) error {
			if strings.EqualFold(string(plainName(n)), name) {
				found++
			}
			return nil
		})
		if found > 1 {
			return true
		}
		raw = member(raw, name)
	}
	return false
}

// Text returns the member at path as text: strings unquoted, numbers and booleans as written, "" for null, objects,
// arrays and what is missing.
func (p Properties) Text(path ...string) string {
	raw := p.Value(path...)
	switch jsonscan.Kind(raw) {
	case '"':
		s, err := jsonscan.Unquote(raw)
		if err != nil {
			return ""
		}
		return s
	case '0', 't', 'f':
		return string(raw)
	}
	return ""
}

// Any returns the first non-empty Text among single names, for members that Azure spells in several ways.
func (p Properties) Any(names ...string) string {
	for _, name := range names {
		if s := p.Text(name); s != "" {
			return s
		}
	}
	return ""
}

// MarshalJSON implements json.Marshaler.
func (p Properties) MarshalJSON() ([]byte, error) {
	if len(p) == 0 {
		return []byte("{}"), nil
	}
	return p, nil
}

// UnmarshalJSON implements json.Unmarshaler; only an object will do.
func (p *Properties) UnmarshalJSON(data []byte) error {
	if jsonscan.Kind(data) == 'n' {
		return nil
	}
	if jsonscan.Kind(data) != '{' {
		return fmt.Errorf("read properties: expected an object, found %.20s", data)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		return fmt.Errorf("read properties: %w", err)
	}
	*p = compact.Bytes()
	return nil
}

// member returns the raw value of the named member of the object raw, the exact spelling first.
func member(raw []byte, name string) []byte {
	if !mayHold(raw, name) {
		return nil
	}
	var folded, exact []byte
	_ = jsonscan.Object(raw, func(n, v []byte) error {
		if n = plainName(n); string(n) == name {
			exact = v
			return jsonscan.ErrStop
		}
		if folded == nil && len(n) == len(name) && strings.EqualFold(string(n), name) {
			folded = v
		}
		return nil
	})
	if exact != nil {
		return exact
	}
	return folded
}

// MayName reports whether JSON text may have a member of that name, in whatever casing and however it is written, the long s and
// the Kelvin sign among it, which are letters of ASCII without regard to case.
func MayName(text []byte, name string) bool {
	return mayHold(text, name) || bytes.Contains(text, []byte("ſ")) || bytes.Contains(text, []byte("\u212a"))
}

// mayHold is MayName for readers who compare names of one length: most records have few of the members that are asked for, and
// need not be walked for the others.
func mayHold(text []byte, name string) bool {
	at := rarest(name)
	if at < 0 || bytes.Contains(text, []byte(`\u`)) {
		return true
	}
	for _, letter := range [...]byte{name[at] | 0x20, name[at] &^ 0x20} {
		for rest := text; ; {
			found := bytes.IndexByte(rest, letter)
			if found < 0 {
				break
			}
			if from := found - at; from >= 0 && len(rest)-from >= len(name) && rest[from]|0x20 == name[0]|0x20 && strings.EqualFold(string(rest[from:from+len(name)]), name) {
				return true
			}
			rest = rest[found+1:]
		}
	}
	return false
}

// rarest is where in a name the letter stands that texts have least of; -1: in a name that is not all ASCII letters, digits, hyphens
// and underscores, nowhere.
func rarest(name string) int {
	at, least := -1, int8(0)
	for i := range len(name) {
		rank := rarity[name[i]]
		if rank < 0 {
			return -1
		}
		if rank > least {
			at, least = i, rank
		}
	}
	return at
}

// rarity ranks letters by how seldom they are, from 1, those of hexadecimal ids among the frequent; 0 is what names have beside
// letters, and -1 all else.
var rarity = func() (ranks [256]int8) {
	for c := range ranks {
		ranks[c] = -1
	}
	for _, c := range "0123456789-_" {
		ranks[c] = 0
	}
	for i, c := range "etaoinsrdcbfhlumpgwyvkxjqz" {
		ranks[c], ranks[c&^0x20] = int8(i+1), int8(i+1) //nolint:gosec // 26 letters
	}
	return ranks
}()

// plainName is a member's name as readers compare it, its escapes resolved.
func plainName(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	plain, err := jsonscan.AppendUnquote(nil, append(append([]byte{'"'}, raw...), '"'))
	if err != nil {
		return raw
	}
	return plain
}

// Within returns p when it has at most limit bytes, else a copy whose largest members are replaced, largest first, by
// a string that begins like them and ends in "…", until it fits. Names are always kept, so that a reader sees what
// was there.
func (p Properties) Within(limit int) Properties {
	for len(p) > limit {
		cut := p.cutLargest()
		if len(cut) >= len(p) {
			return nil // nothing but names: more of them than the limit has room for
		}
		p = cut
	}
	return p
}

// With returns p with the members of newer, which take the place of members of their name unless they are empty.
func (p Properties) With(newer Properties) Properties {
	switch {
	case len(newer) <= len("{}"):
		return p
	case len(p) <= len("{}"):
		return newer
	}
	joined := append(make([]byte, 0, len(p)+len(newer)), '{')
	add := func(name, value []byte) {
		if len(joined) > 1 {
			joined = append(joined, ',')
		}
		joined = append(append(append(joined, '"'), name...), '"', ':') // as it was written, escapes and all
		joined = append(joined, value...)
	}
	_ = jsonscan.Object(p, func(n, v []byte) error {
		if w := newer.Value(string(plainName(n))); blank(w) {
			add(n, v)
		}
		return nil
	})
	_ = jsonscan.Object(newer, func(n, v []byte) error {
		if !blank(v) || p.Value(string(plainName(n))) == nil {
			add(n, v)
		}
		return nil
	})
	return append(joined, '}')
}

// Only is p with the named members and no others.
func (p Properties) Only(names ...string) Properties {
	var kept Properties
	for _, name := range names {
		if v := p.Value(name); !blank(v) {
			quoted, err := json.Marshal(name)
			if err == nil {
				kept = kept.With(Properties("{" + string(quoted) + ":" + string(v) + "}"))
			}
		}
	}
	return kept
}

// SaysWhat reports whether the bodies of request or answer say what an act was about. An answer that names only how far it
// has come does not.
func (p Properties) SaysWhat() bool {
	return !blank(p.Value("requestbody")) || !blank(p.Value("responsebody", "properties"))
}

// blank reports whether a value is empty.
func blank(v []byte) bool {
	switch string(v) {
	case "", "null", `""`, "{}", "[]":
		return true
	}
	return false
}

// cutLargest replaces the value of the largest member.
func (p Properties) cutLargest() Properties {
	const keep = 240
	var largest []byte
	_ = jsonscan.Object(p, func(_, v []byte) error {
		if len(v) > len(largest) {
			largest = v
		}
		return nil
	})
	text := string(largest)
	if s, err := jsonscan.Unquote(largest); err == nil {
		text = s
	}
	if len(text) > keep {
		text = strings.ToValidUTF8(text[:keep], "") + "…"
	}
	short, err := json.Marshal(text)
	if err != nil || len(short) >= len(largest) {
		return p
	}
	return Properties(bytes.Replace(p, largest, short, 1))
}
