package payload

import (
	"bytes"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// peelLayers bounds how often a string is opened because it holds JSON. Azure nests twice at most (properties as a
// string that holds statusMessage as a string); one more is for relays that encode the whole record once again.
const peelLayers = 3

// properties writes the text of Event.Properties: the record's own properties in compact form, strings that hold JSON
// replaced by what they hold, and what the forms keep beside them under the reserved names. Most of it is written while
// the item is collected, so that the bytes are read once.
type properties struct {
	out   []byte
	side  []byte   // members that stand beside properties, written while the item is collected
	owner *members // whose properties out holds already; nil before

	own  []byte // what of out is the record's own
	lost bool   // the record's own are text that cannot be read
	// Members of the record's properties that stand in for members that are missing beside them.
	eventCategory, eventName, operationID, eventDataID, entity, callerInfo []byte
	older                                                                  []byte // eventProperties
	reserved                                                               reserved
}

// reserved holds the record's own members under the names that belong to what stands beside properties. They are
// written only where the form has nothing to put there.
type reserved struct{ authorization, httpRequest, alert []byte }

// reset forgets the event before.
func (p *properties) reset() { *p = properties{out: p.out[:0], side: p.side[:0]} }

// read writes the properties of m that c stands at, while m is collected.
func (p *properties) read(m *members, c *jsonscan.Cursor) {
	*p = properties{out: append(p.out[:0], '{'), side: p.side, owner: m}
	p.members(c)
}

// aside writes the object c stands at, while its members are collected, and returns where it is in side.
func (p *properties) aside(c *jsonscan.Cursor) span {
	p.out, p.side = p.side, p.out
	from := len(p.out)
	p.value(c, peelLayers)
	to := len(p.out)
	p.out, p.side = p.side, p.out
	return span{uint32(from), uint32(to)}
}

// begin starts the properties of m's event, unless they were written while m was collected: they may be missing, or be
// a string that holds them.
func (p *properties) begin(m *members) error {
	if p.owner != m {
		*p = properties{out: append(p.out[:0], '{'), side: p.side}
		if err := p.open(m.raw(m.properties)); err != nil {
			return err
		}
	}
	if p.older != nil {
		c := jsonscan.NewCursor(p.older, 0)
		p.lift(c)
		if c.Err() != nil {
			return c.Err()
		}
	}
	p.own = clip(p.out, 0)
	return nil
}

// Own writes a record's own properties as an event keeps them, for the fast reader of exports (package source), which takes
// their Fingerprint. One Own is used again and again.
type Own struct{ properties properties }

// Text returns what raw, the object that a record has as its properties, is written as, without the brace that ends it;
// false when it cannot be read. It is valid until the next call.
func (o *Own) Text(raw []byte) ([]byte, bool) {
	p := &o.properties
	p.reset()
	p.out = append(p.out, '{')
	err := p.open(raw)
	return p.out, err == nil
}

// open writes the members of an object, or of the object in a string; nothing of anything else.
func (p *properties) open(raw []byte) error {
	if jsonscan.Kind(raw) == '"' {
		inner, _ := jsonscan.AppendUnquote(nil, raw)
		if jsonscan.Valid(inner) != nil {
			p.lost = len(inner) > 0
			return nil
		}
		raw = inner
	}
	if jsonscan.Kind(raw) != '{' {
		return nil
	}
	c := jsonscan.NewCursor(raw, 0)
	p.members(c)
	return c.Err()
}

// members writes the members of the record's properties.
func (p *properties) members(c *jsonscan.Cursor) {
	for name := range c.Members {
		if string(name) == "eventProperties" && c.At('{') {
			p.older = c.Skip()
			continue
		}
		if string(name) == contentName && len(p.out) == len("{") && c.At('{') {
			p.members(c)
			continue
		}
		p.member(c, name)
	}
}

// lift writes the members of eventProperties, where the older export nests the record's own (schema page, mapping
// table: "properties.eventProperties: properties"), beside those around it, so that readers find them in one place.
// A name that is taken stays with the member around it.
func (p *properties) lift(c *jsonscan.Cursor) {
	around := append(bytes.Clone(p.out), '}')
	for name := range c.Members {
		if !holds(around, name) {
			p.member(c, name)
		}
	}
}

// holds reports whether the object raw has a member of that name.
func holds(raw, name []byte) bool {
	found := false
	c := jsonscan.NewCursor(raw, 0)
	for n := range c.Members {
		found = found || bytes.Equal(n, name)
	}
	return found
}

// member writes one of the record's own members.
func (p *properties) member(c *jsonscan.Cursor, name []byte) {
	switch len(name) {
	case len("pim"), len("claims"):
		if isClaims(name) || isPIM(name) {
			return // the names belong to the claims that stand beside, and to what is read of a PIM record
		}
	}
	if held := p.reserved.slot(name); held != nil {
		*held = c.Skip()
		return
	}
	p.name(name)
	start := len(p.out)
	p.value(c, peelLayers)
	p.note(name, start)
}

// note remembers the members that other fields are read from.
func (p *properties) note(name []byte, start int) {
	switch string(name) {
	case "eventCategory":
		p.eventCategory = clip(p.out, start)
	case "eventName":
		p.eventName = clip(p.out, start)
	case "operationId":
		p.operationID = clip(p.out, start)
	case "eventDataId":
		p.eventDataID = clip(p.out, start)
	case "entity":
		p.entity = clip(p.out, start)
	case "CallerInfo", "callerInfo":
		p.callerInfo = clip(p.out, start)
	}
}

// clip returns what was written since start. Appending to out later leaves it intact.
func clip(out []byte, start int) []byte { return out[start:len(out):len(out)] }

// slot returns where a member of a reserved name is held back.
func (r *reserved) slot(name []byte) *[]byte {
	switch string(name) {
	case "authorization":
		return &r.authorization
	case "httpRequest":
		return &r.httpRequest
	case "alert":
		return &r.alert
	}
	return nil
}

// name writes a member's name with the comma before it.
func (p *properties) name(name []byte) {
	if last := p.out[len(p.out)-1]; last != '{' {
		p.out = append(p.out, ',')
	}
	p.out = jsonscan.AppendQuote(p.out, name)
	p.out = append(p.out, ':')
}

// add writes what stands beside the record's own properties: compact, as aside wrote it, or raw, which may be a string
// that holds an object; else own, the record's own member of that name, as it is. It returns the object written, nil
// when there is none.
func (p *properties) add(name string, compact, raw, own []byte) []byte {
	if compact != nil {
		p.name([]byte(name))
		start := len(p.out)
		p.out = append(p.out, compact...)
		return clip(p.out, start)
	}
	for _, candidate := range [...][]byte{raw, own} {
		if candidate == nil {
			continue
		}
		before := len(p.out)
		p.name([]byte(name))
		start := len(p.out)
		p.value(jsonscan.NewCursor(candidate, 0), peelLayers)
		if p.out[start] == '{' {
			return clip(p.out, start)
		}
		p.out = p.out[:before]
	}
	p.keepOwn(name, own)
	return nil
}

// keepOwn writes the record's own member of a reserved name that is no object.
func (p *properties) keepOwn(name string, own []byte) {
	if own != nil {
		p.name([]byte(name))
		p.value(jsonscan.NewCursor(own, 0), peelLayers)
	}
}

// value writes the value c stands at.
func (p *properties) value(c *jsonscan.Cursor, layers int) {
	switch c.Kind() {
	case '{':
		p.out = append(p.out, '{')
		for name := range c.Members {
			p.name(name)
			if isClaims(name) {
				p.claims(c)
				continue
			}
			p.value(c, layers)
		}
		p.out = append(p.out, '}')
	case '[':
		p.out = append(p.out, '[')
		for i := range c.Elements {
			if i > 0 {
				p.out = append(p.out, ',')
			}
			p.value(c, layers)
		}
		p.out = append(p.out, ']')
	case '"':
		p.string(c.Skip(), layers)
	default:
		p.out = append(p.out, c.Skip()...)
	}
}

// string writes a string, or the JSON that it holds. Text that only looks like JSON stays text: policies with raw
// line breaks, "[Count]", statusMessage in plain words (facts: payload variations).
func (p *properties) string(raw []byte, layers int) {
	if layers > 0 && looksNested(raw) {
		inner, err := jsonscan.AppendUnquote(nil, raw)
		start := len(p.out)
		if err == nil && p.nested(inner, layers-1) {
			return
		}
		p.out = p.out[:start]
	}
	p.out = append(p.out, raw...)
}

// nested writes the JSON in inner and reports whether it was JSON throughout.
func (p *properties) nested(inner []byte, layers int) bool {
	c := jsonscan.NewCursor(inner, 0)
	switch c.Kind() {
	case '{', '[':
		p.value(c, layers)
	case '"':
		twice, err := jsonscan.AppendUnquote(nil, c.Skip())
		if err != nil || layers == 0 || !p.nested(twice, layers-1) {
			return false
		}
	default:
		return false
	}
	return c.Err() == nil && jsonscan.Space(inner, c.Pos()) == len(inner)
}

// looksNested tells a string literal whose text starts like an object, an array or a quoted string.
func looksNested(raw []byte) bool {
	for i := 1; i < len(raw)-1; i++ {
		switch raw[i] {
		case '{', '[':
			return true
		case ' ':
		case '\\':
			i++
			if raw[i] == '"' {
				return true
			}
			if raw[i] != 'n' && raw[i] != 'r' && raw[i] != 't' {
				return false
			}
		default:
			return false
		}
	}
	return false
}

// isClaims recognises a member that holds a token's claims, wherever it stands.
func isClaims(name []byte) bool {
	return len(name) == len("claims") && name[0]|0x20 == 'c' && bytes.EqualFold(name, []byte("claims"))
}

// isPIM recognises the member that activity.AddPIM writes: a record must not bring its own.
func isPIM(name []byte) bool {
	return len(name) == len("pim") && name[0]|0x20 == 'p' && bytes.EqualFold(name, []byte("pim"))
}

// claims writes the claims c stands at, cut to the allow-list; {} when they cannot be read.
func (p *properties) claims(c *jsonscan.Cursor) {
	var k claims
	k.take(c)
	p.out = k.append(p.out)
}
