package activity

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrUnstorable is what a store answers to an item that it will never take: Cosmos DB's 400 and 413.
var ErrUnstorable = errors.New("the store does not take it")

const (
	keepText    = 4 << 10 // bytes of one field of an event
	keepReduced = 400
	keepWhole   = 64 << 10 // bytes of its properties; what alerts and records keep of them is less

	// keepDepth is how many levels of nesting are kept. Cosmos DB documents 128 for an item, of which the properties
	// are a part (learn: "Azure Cosmos DB service quotas", per-item limits).
	keepDepth = 60
)

// Bounded is e as every store takes it: fields within bounds and valid Unicode, numbers within double precision, at most
// 60 levels of nesting. Rules see the event before; what was cut ends in "…" and a hash of the whole, so that two texts
// that begin alike stay two.
func (e Event) Bounded() Event {
	for _, field := range e.texts() {
		*field = bounded(*field, keepText)
	}
	e.Properties = e.Properties.storable()
	return e
}

// Reduced keeps of e what identifies it and who did what to what. It stands for an event that a store refused.
func (e Event) Reduced() Event {
	for _, field := range e.texts() {
		*field = bounded(*field, keepReduced)
	}
	e.Properties = Properties(`{"reduced":"the store refused the whole; it is set aside"}`)
	return e
}

// texts are the fields that hold text from outside. The event's own id is ours.
func (e *Event) texts() []*string {
	return []*string{
		(*string)(&e.Category), (*string)(&e.Level), &e.Operation, &e.OperationDisplay, (*string)(&e.Outcome), &e.SubStatus,
		&e.Caller, &e.CallerName, &e.CallerObjectID, &e.CallerAppID, &e.CallerIP,
		&e.TenantID, &e.SubscriptionID, &e.ResourceID, &e.ResourceType, &e.ResourceGroup, &e.ResourceName,
		&e.CorrelationID, &e.OperationID, &e.EventID, &e.Description,
	}
}

func bounded(text string, limit int) string {
	if len(text) <= limit && utf8.ValidString(text) {
		return text
	}
	kept := strings.ToValidUTF8(text, "\uFFFD")
	if len(kept) <= limit {
		return kept
	}
	whole := sha256.Sum256([]byte(text))
	return strings.ToValidUTF8(kept[:limit], "") + "…" + hex.EncodeToString(whole[:8])
}

// storable is p as every store takes it; p itself when there is nothing to change, which a glance finds out.
func (p Properties) storable() Properties {
	if len(p) <= keepWhole && !suspicious(p) {
		return p
	}
	var v any
	decoder := json.NewDecoder(bytes.NewReader(p.Within(keepWhole)))
	decoder.UseNumber()
	if decoder.Decode(&v) != nil {
		return nil
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(shallow(v, 1)) != nil {
		return nil
	}
	return bytes.TrimSpace(out.Bytes())
}

// suspicious reports whether a JSON text may hold what a store refuses: an escaped surrogate, bytes that are no UTF-8, a
// number with an exponent or of many digits, deep nesting.
func suspicious(p Properties) bool {
	if !utf8.Valid(p) {
		return true
	}
	depth, quoted, digits := 0, false, 0
	for i := 0; i < len(p); i++ {
		switch b := p[i]; {
		case quoted && b == '\\':
			i++
			if i+1 < len(p) && p[i] == 'u' && (p[i+1] == 'd' || p[i+1] == 'D') {
				return true
			}
		case b == '"':
			quoted, digits = !quoted, 0
		case quoted:
		case b == '{' || b == '[':
			depth++
		case b == '}' || b == ']':
			depth--
		case b >= '0' && b <= '9':
			digits++
		case (b == 'e' || b == 'E') && digits > 0: // not that of true and false
			return true
		case b == ',' || b == ':':
			digits = 0
		}
		if depth > keepDepth || digits > 300 {
			return true
		}
	}
	return false
}

// shallow bounds depth and numbers of a decoded value. encoding/json has replaced lone surrogates already.
func shallow(v any, depth int) any {
	switch v := v.(type) {
	case json.Number:
		if f, err := strconv.ParseFloat(v.String(), 64); err != nil || math.IsInf(f, 0) {
			return bounded(v.String(), keepText)
		}
	case map[string]any:
		if depth >= keepDepth {
			return cutValue(v)
		}
		for name, member := range v {
			v[name] = shallow(member, depth+1)
		}
	case []any:
		if depth >= keepDepth {
			return cutValue(v)
		}
		for i, member := range v {
			v[i] = shallow(member, depth+1)
		}
	}
	return v
}

// cutValue is the beginning of what is nested too deeply, as text.
func cutValue(v any) string {
	const most = 200
	text, err := json.Marshal(v)
	if err != nil || len(text) <= most {
		return string(text)
	}
	return strings.ToValidUTF8(string(text[:most]), "") + "…"
}
