package host

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// values are the members of Data or Metadata.
type values map[string]json.RawMessage

// wire applies the host's conversion rule to a value: what serialises to an object is sent as that object, everything
// else as a string that holds its JSON text (ScriptInvocationContextExtensions.cs, GetHttpScriptInvocationContextValue).
func wire(value []byte) json.RawMessage {
	var compact bytes.Buffer
	if err := json.Compact(&compact, value); err != nil {
		return quote(string(value)) // not JSON; callers quote text themselves
	}
	if compact.Len() > 0 && compact.Bytes()[0] == '{' {
		return compact.Bytes()
	}
	return quote(compact.String())
}

// wireText is the rule for a .NET string: its JSON text is a quoted string, which is then quoted again.
func wireText(s string) json.RawMessage { return wire(quote(s)) }

// wireBytes is the rule for a byte[]: base64, quoted once.
func wireBytes(b []byte) json.RawMessage { return quote(base64.StdEncoding.EncodeToString(b)) }

// quote writes a JSON string as Newtonsoft does: no HTML escapes. Reading text that is not UTF-8, .NET puts U+FFFD.
func quote(s string) json.RawMessage { return encode(strings.ToValidUTF8(s, "\uFFFD")) }

// encode marshals without HTML escapes; the values given to it always encode.
func encode(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // a programming mistake: only strings, maps and raw JSON that was checked come here
	}
	return bytes.TrimSpace(b.Bytes())
}

// sys is the metadata every invocation has (SystemBindingData).
func sys(name string) json.RawMessage {
	return encode(struct {
		MethodName, UtcNow, RandGuid string
	}{name, time.Now().UTC().Format("2006-01-02T15:04:05.9999999Z"), newGUID()})
}

// copyMembers puts the members of a JSON object into metadata, as Utility.ApplyBindingData does for the text of a
// message or a request: scalars as text, the rest by the conversion rule. What is there already stays.
func copyMembers(into values, text []byte) {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil {
		return // no object: nothing to copy
	}
	for name, value := range members {
		if _, taken := into[name]; taken || strings.HasSuffix(strings.ToLower(name), "trigger") {
			continue // keys that end so are taken for the trigger's own value and skipped
		}
		if string(value) == "null" {
			continue
		}
		into[name] = wire(value)
	}
}
