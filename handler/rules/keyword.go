package rules

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/jsonscan"
)

// Keywords are looked for in every text of an event: its own fields and every string and number of its properties. All
// keywords of all rules share one pass. Most events hold none, so the pass is made over the properties as they stand,
// and only where something was found, or an escape could hide something, are they read string by string.

// atom is one thing to look for.
type atom struct {
	pattern pattern // open on both sides
	regexp  *regexp.Regexp
	cased   bool
}

// key is equal for atoms that find the same.
func (a *atom) key() string {
	if a.regexp != nil {
		return "re:" + a.regexp.String()
	}
	key := "plain:"
	if a.cased {
		key = "cased:"
	}
	for _, s := range a.pattern.segments {
		key += s + "\x00"
	}
	return key
}

// plain returns the atom's text when it can be found by the finder: ASCII, no wildcards, case ignored.
func (a *atom) plain() (string, bool) {
	if a.regexp != nil || a.cased || len(a.pattern.segments) != 1 {
		return "", false
	}
	text := a.pattern.segments[0]
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return "", false // also a hole
		}
	}
	return text, len(text) >= block
}

// words are all keywords of a set.
type words struct {
	atoms  []atom
	finder finder
	slow   []int // atoms that the finder cannot find
	// shortest is the length below which a text cannot hold any atom.
	shortest int
}

// build hands the atoms to the finder, as far as it can find them.
func (w *words) build() {
	for i := range w.atoms {
		text, ok := w.atoms[i].plain()
		if !ok {
			w.slow = append(w.slow, i)
			continue
		}
		w.finder.add(text, i)
	}
	w.finder.build()
	if len(w.slow) == 0 {
		w.shortest = w.finder.window
	}
}

// search is what one event holds of them.
type search struct {
	done, any bool
	hits      []bool // by atom
	// sure are the hits that every reading of the event has; nil where that is all of them. What a caller sent may be read in
	// several ways, see reading.
	sure   []bool
	text   []byte // scratch: one unescaped text
	folded []byte // scratch: the same, folded
}

// begin looks through the texts that are part of a plan's key; a plan remembers the result.
func (s *search) begin(w *words, e *activity.Event) {
	lookAt(s, w, e.Operation)
	lookAt(s, w, e.OperationDisplay)
	lookAt(s, w, string(e.Category))
	for _, word := range outcomeWords[e.Outcome] {
		lookAt(s, w, word)
	}
}

// rest looks through all other texts, starting from what is known.
func (s *search) rest(w *words, e *activity.Event, known *search) {
	s.done, s.sure = true, nil
	if s.own(w, e, known); len(w.atoms) == 0 {
		return
	}
	if len(w.slow) > 0 || bytes.IndexByte(e.Properties, '\\') >= 0 || w.finder.any(e.Properties) {
		before := s.any
		s.any = false
		s.properties(w, e.Properties)
		if s.any || bytes.Contains(e.Properties, []byte(`\\`)) { // an escape within an escape may hide a word
			s.bodies(w, e, known)
		}
		s.any = s.any || before
	}
}

// own looks through the event's own fields.
func (s *search) own(w *words, e *activity.Event, known *search) {
	if s.any = known.any; s.any {
		copy(s.hits, known.hits)
	} else {
		clear(s.hits)
	}
	if len(w.atoms) == 0 {
		return
	}
	for _, text := range [...]string{
		e.ResourceID, e.Description, string(e.Level), e.SubStatus,
		e.Caller, e.CallerName, e.CallerObjectID, e.CallerAppID, e.CallerIP, e.TenantID, e.SubscriptionID,
		e.ResourceType, e.ResourceGroup, e.ResourceName, e.CorrelationID, e.OperationID, e.EventID,
	} {
		if len(text) >= w.shortest {
			lookAt(s, w, text)
		}
	}
}

// bodies looks at what the caller sent where that can be read in several ways: a word that stands there alone belongs to
// some reading, and not to every one.
func (s *search) bodies(w *words, e *activity.Event, known *search) {
	sure := search{hits: make([]bool, len(s.hits))}
	sure.own(w, e, known)
	var v values
	c := jsonscan.NewCursor(e.Properties, 0)
	for name := range c.Members {
		raw := c.Skip()
		if !isBody(name) {
			sure.properties(w, raw)
			continue
		}
		switch v.bodyReading(raw) {
		case "doubtful", "unreadable":
			s.sure = sure.hits
			if jsonscan.Kind(raw) == '"' {
				s.properties(w, v.relaxed.out)
			}
		default:
			sure.properties(w, raw)
		}
	}
}

func isBody(name []byte) bool {
	return bytes.EqualFold(name, []byte("requestbody")) || bytes.EqualFold(name, []byte("responsebody"))
}

// lookAt looks for every atom in one text.
func lookAt[T string | []byte](s *search, w *words, text T) {
	if len(text) == 0 {
		return
	}
	if scan(&w.finder, text, s.hits) {
		s.any = true
	}
	if len(w.slow) > 0 {
		s.text = append(s.text[:0], text...)
		s.slowly(w, s.text)
	}
}

// slowly looks for the atoms that the finder cannot: wildcards, regular expressions, cased or very short words.
func (s *search) slowly(w *words, text []byte) {
	s.folded = appendFolded(s.folded[:0], text)
	for _, i := range w.slow {
		a := &w.atoms[i]
		found := false
		switch {
		case a.regexp != nil:
			found = a.regexp.Match(text)
		case a.cased:
			found = a.pattern.matches(text)
		default:
			found = a.pattern.matches(s.folded)
		}
		if found {
			s.hits[i], s.any = true, true
		}
	}
}

// properties looks at each string and number within raw, not at the names of members. The text is valid JSON
// (activity.Properties), so tokens are found without keeping track of nesting.
func (s *search) properties(w *words, raw []byte) {
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '"':
			end, err := jsonscan.Value(raw, i)
			if err != nil {
				return
			}
			if next := jsonscan.Space(raw, end); next >= len(raw) || raw[next] != ':' {
				s.token(w, raw[i:end])
			}
			i = end
		case c == '-' || '0' <= c && c <= '9' || c == 't' || c == 'f':
			end, err := jsonscan.Value(raw, i)
			if err != nil {
				return
			}
			lookAt(s, w, raw[i:end])
			i = end
		default:
			i++
		}
	}
}

// token looks at one string; escapes are resolved first, or "\/" would hide an operation name.
func (s *search) token(w *words, raw []byte) {
	body := raw[1 : len(raw)-1]
	if bytes.IndexByte(body, '\\') >= 0 {
		text, err := jsonscan.AppendUnquote(s.text[:0], raw)
		if err != nil {
			return
		}
		s.text, body = text, text
	}
	if scan(&w.finder, body, s.hits) {
		s.any = true
	}
	if len(w.slow) > 0 {
		s.slowly(w, body)
	}
}
