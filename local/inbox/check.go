package inbox

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// Problem is one reason why a receiving end refuses a message, with the place in the JSON it concerns.
type Problem struct {
	Pointer string // RFC 6901, for example /blocks/0/text/text
	Reason  string
}

// String has the form in which Slack words its own reasons, so that code which reads them can be tried here.
func (p Problem) String() string {
	if p.Pointer == "" {
		return p.Reason
	}
	return p.Reason + " [json-pointer:" + p.Pointer + "]"
}

// report collects what is wrong with one message and what can only be judged when all of it has been seen.
type report struct {
	found    []Problem
	ids      map[string]string // block_id or card element id → where it was first used
	targets  []Problem         // elements that a toggle names: Reason holds the id, Pointer the place
	markdown int               // characters in markdown blocks so far
	tables   int               // table blocks so far
}

// newReport starts the examination of one message.
func newReport() *report { return &report{ids: make(map[string]string)} }

// add notes a problem at a pointer.
func (r *report) add(at, format string, args ...any) {
	r.found = append(r.found, Problem{Pointer: at, Reason: fmt.Sprintf(format, args...)})
}

// unique notes an id and reports it if it was used before.
func (r *report) unique(at, id string) {
	if first, taken := r.ids[id]; taken {
		r.add(at, "%q is already used at %s", id, first)
		return
	}
	r.ids[id] = at
}

// node is one JSON object under examination. Its methods check one property each and stay silent when the
// property is absent: need says what must be there.
type node struct {
	*report
	at  string
	obj map[string]any
}

// object hands v to check if it is a JSON object.
func (r *report) object(at string, v any, check func(node)) {
	obj, ok := v.(map[string]any)
	if !ok {
		r.add(at, "must provide an object")
		return
	}
	check(node{report: r, at: at, obj: obj})
}

// fail reports a problem with the named property; an empty name is the object itself.
func (n node) fail(name, format string, args ...any) { n.add(n.path(name), format, args...) }

var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

// path is the pointer to a property, escaped as RFC 6901 wants it.
func (n node) path(name string) string {
	if name == "" {
		return n.at
	}
	return n.at + "/" + pointerEscape.Replace(name)
}

// has says whether a property is given, be it null.
func (n node) has(name string) bool { _, ok := n.obj[name]; return ok }

// kind is the type that blocks and cards carry in themselves; empty if it is absent or no string.
func (n node) kind() string { kind, _ := n.obj["type"].(string); return kind }

// need reports properties that are absent, at the object that should have them, as Slack does.
func (n node) need(names ...string) {
	for _, name := range names {
		if !n.has(name) {
			n.fail("", "missing required field: %s", name)
		}
	}
}

// only names the properties an object may have beside its type. Slack refuses any other
// (slack-go v0.35.0 misc_test.go quotes "invalid additional property: emoji").
func (n node) only(names ...string) {
	var odd []string
	for name := range n.obj {
		if name != "type" && !slices.Contains(names, name) {
			odd = append(odd, name)
		}
	}
	slices.Sort(odd)
	for _, name := range odd {
		n.fail("", "invalid additional property: %s", name)
	}
}

// str checks a string's length in code points, which is what Slack counts: an emoji is one character.
func (n node) str(name string, least, most int) string {
	v, given := n.obj[name]
	if !given {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		n.fail(name, "must provide a string")
		return ""
	}
	switch length := utf8.RuneCountInString(s); {
	case length < least:
		n.fail(name, "must be more than %d characters", least-1)
	case length > most:
		n.fail(name, "must be less than %d characters", most+1)
	}
	return s
}

// choice checks a string that must be one of a few, in exactly this case.
func (n node) choice(name string, allowed ...string) {
	v, given := n.obj[name]
	if !given {
		return
	}
	if s, ok := v.(string); !ok || !slices.Contains(allowed, s) {
		n.fail(name, "must be one of: %s", strings.Join(allowed, ", "))
	}
}

// flag checks booleans; "true" in quotes is the usual mistake.
func (n node) flag(names ...string) {
	for _, name := range names {
		if v, given := n.obj[name]; given {
			if _, ok := v.(bool); !ok {
				n.fail(name, "must provide a boolean")
			}
		}
	}
}

// integer checks a whole number within bounds. JSON has no integers, so 4.0 passes as 4.
func (n node) integer(name string, least, most int) {
	v, given := n.obj[name]
	if !given {
		return
	}
	f, ok := v.(float64)
	if !ok || f != math.Trunc(f) || f < float64(least) || f > float64(most) {
		n.fail(name, "must be a whole number from %d to %d", least, most)
	}
}

// number checks that a property is a number and returns it, 0 if it is absent.
func (n node) number(name string) float64 {
	v, given := n.obj[name]
	f, ok := v.(float64)
	if given && !ok {
		n.fail(name, "must provide a number")
	}
	return f
}

// link checks an absolute URL with one of the given schemes.
func (n node) link(name string, most int, schemes ...string) {
	s := n.str(name, 1, most)
	if s == "" {
		return
	}
	u, err := url.Parse(s)
	if err != nil || !slices.Contains(schemes, strings.ToLower(u.Scheme)) || (u.Host == "" && u.Opaque == "") {
		n.fail(name, "must be a valid URL with scheme %s", strings.Join(schemes, " or "))
	}
}

// list returns the items of an array after checking how many there are.
func (n node) list(name string, least, most int) []any {
	v, given := n.obj[name]
	if !given {
		return nil
	}
	items, ok := v.([]any)
	switch {
	case !ok:
		n.fail(name, "must provide an array")
	case len(items) > most:
		n.fail(name, "no more than %d items allowed", most)
	case len(items) < least:
		n.fail(name, "no fewer than %d items allowed", least)
	}
	return items
}

// each checks every object of an array.
func (n node) each(name string, least, most int, check func(node)) {
	for i, item := range n.list(name, least, most) {
		n.object(fmt.Sprintf("%s/%d", n.path(name), i), item, check)
	}
}

// child checks an object that is a property.
func (n node) child(name string, check func(node)) {
	if v, given := n.obj[name]; given {
		n.object(n.path(name), v, check)
	}
}

// text checks one of Slack's text objects. emoji belongs to plain_text and verbatim to mrkdwn; Slack refuses the
// other combination (slack-go v0.35.0 block_object.go, "emoji cannot be set for mrkdwn type").
func (n node) text(name string, most int, kinds ...string) {
	n.child(name, func(t node) {
		t.need("type", "text")
		t.choice("type", kinds...)
		t.str("text", 1, most)
		if t.kind() == "mrkdwn" {
			t.only("text", "verbatim")
		} else {
			t.only("text", "emoji")
		}
		t.flag("emoji", "verbatim")
	})
}

// parse decodes JSON for a validator; what is not JSON at all is one problem at the root.
func parse(raw []byte, at string) (any, []Problem) {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, []Problem{{Pointer: at, Reason: "is not JSON: " + err.Error()}}
	}
	return v, nil
}
