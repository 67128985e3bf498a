package host

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// maxLayers bounds how often a value is unquoted. The deepest form known is two (queue and Event Hub text, see
// TriggerAdapterBindingProvider in the WebJobs SDK); an array of strings adds one.
const maxLayers = 4

// open reads the envelope {"Data":{…},"Metadata":{…}} in one pass. Metadata repeats the event and is only checked.
// Names are compared exactly: the host writes PascalCase.
func (in *Invocation) open(body []byte) error {
	c := jsonscan.NewCursor(body, 0)
	sawData := false
	for name := range c.Members {
		switch string(name) {
		case "Data":
			sawData = true
			for binding := range c.Members {
				in.data = append(in.data, member{string(binding), c.Skip()})
			}
		case "Metadata":
			in.metadata = c.Skip()
		}
	}
	if c.Err() != nil {
		return fmt.Errorf("read invocation: %w", c.Err())
	}
	if rest := jsonscan.Space(body, c.Pos()); rest != len(body) {
		return fmt.Errorf("read invocation: unexpected text at byte %d", rest)
	}
	if !sawData {
		return errors.New("read invocation: no Data member")
	}
	return nil
}

// Value returns the binding's value with every layer of quoting removed: the JSON value if there is one, else the
// text that was sent. An array of strings becomes the array of the values they hold (Event Hubs with cardinality many
// and dataType string); elements that hold no JSON stay strings. The result may be a slice of the invocation.
//
// The host's rule (ScriptInvocationContextExtensions.cs): what serialises to an object is sent as that object,
// everything else as a string holding its JSON text, which for a trigger value that is text means quoted twice.
func (in Invocation) Value(name string) ([]byte, error) {
	raw, err := in.raw(name)
	if err != nil {
		return nil, err
	}
	value, err := peel(raw)
	if err != nil {
		return nil, fmt.Errorf("unquote binding %s: %w", name, err)
	}
	return value, nil
}

// raw returns the binding as the host sent it.
func (in Invocation) raw(name string) ([]byte, error) {
	for _, m := range in.data {
		if m.name == name {
			return m.raw, nil
		}
	}
	return nil, fmt.Errorf("find binding %s: the invocation of %s has only [%s]\nhint: the name in functions/%s/function.json must be %q",
		name, in.Function, in.names(), in.Function, name)
}

func (in Invocation) names() string {
	var names []string
	for _, m := range in.data {
		names = append(names, m.name)
	}
	return strings.Join(names, " ")
}

// peel unquotes until something other than a JSON string is reached. raw was checked when the envelope was read; what
// comes out of it was not.
func peel(raw []byte) ([]byte, error) {
	for layer := range maxLayers {
		if jsonscan.Kind(raw) != '"' || layer > 0 && jsonscan.Valid(raw) != nil {
			break // a value, or text that merely begins with a quotation mark
		}
		text, err := jsonscan.AppendUnquote(make([]byte, 0, len(raw)), raw)
		if err != nil {
			return nil, err
		}
		raw = bytes.TrimSpace(text)
	}
	if jsonscan.Kind(raw) != '[' {
		return raw, nil
	}
	return peelElements(raw), nil
}

// peelElements rewrites an array whose elements are strings of JSON. Arrays without strings, and text that only looks
// like an array, are returned as they are: whether they make sense is for their reader to say.
func peelElements(raw []byte) []byte {
	if i := jsonscan.Space(raw, jsonscan.Space(raw, 0)+1); i >= len(raw) || raw[i] != '"' {
		return raw
	}
	out := append(make([]byte, 0, len(raw)), '[')
	err := jsonscan.Array(raw, func(value []byte) error {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, peelElement(value)...)
		return nil
	})
	if err != nil {
		return raw
	}
	return append(out, ']')
}

func peelElement(raw []byte) []byte {
	value := raw
	for range maxLayers {
		text, err := jsonscan.AppendUnquote(nil, value)
		if err != nil || jsonscan.Valid(text) != nil {
			break
		}
		value = bytes.TrimSpace(text)
	}
	return value
}
