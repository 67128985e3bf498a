package rules

import (
	"bytes"
	"regexp"
	"slices"
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
	hits      []bool  // by atom
	known     *search // the texts of the plan's key
	// sure are the hits that every reading of the event has, once judged: what a caller sent may be read in several ways, see
	// reading.
	sure   []bool
	judged bool
	text   []byte // scratch: one unescaped text
	folded []byte // scratch: the same, folded
	body   values // scratch: one body
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
	s.done, s.judged, s.known = true, false, known
	if s.own(w, e); len(w.atoms) == 0 {
		return
	}
	if len(w.slow) > 0 || bytes.IndexByte(e.Properties, '\\') >= 0 || w.finder.any(e.Properties) {
		s.properties(w, e.Properties)
		if len(w.slow) > 0 || escapedTwice(e.Properties) {
			s.quoted(w, e.Properties)
		}
	}
}

// escapedTwice reports whether there are escapes within escapes, which may hide a word in text within text.
func escapedTwice(raw []byte) bool {
	return slices.ContainsFunc([]string{`\\`, `\u005c`, `\u005C`}, func(escape string) bool { return bytes.Contains(raw, []byte(escape)) })
}

// own looks through the event's own fields.
func (s *search) own(w *words, e *activity.Event) {
	if s.any = s.known.any; s.any {
		copy(s.hits, s.known.hits)
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

// quoted looks at bodies that are text in the properties, as lenient readers take them.
func (s *search) quoted(w *words, properties activity.Properties) {
	for name, raw := range membersOf(properties) {
		if isBody(name) && jsonscan.Kind(raw) == '"' && s.body.doubtful(raw) {
			s.properties(w, s.body.relaxed.out)
		}
	}
}

// certain returns the hits that every reading has: a word that stands only in a body that can be read in several ways
// belongs to some reading, and not to every one.
func (s *search) certain(w *words, e *activity.Event) []bool {
	if s.judged {
		return s.sure
	}
	s.judged = true
	sure := search{hits: s.sure, known: s.known, text: s.text, folded: s.folded}
	if sure.hits == nil {
		sure.hits = make([]bool, len(s.hits))
	}
	sure.own(w, e)
	for name, raw := range membersOf(e.Properties) {
		if !isBody(name) || !s.body.doubtful(raw) {
			sure.properties(w, raw)
		}
	}
	s.sure, s.text, s.folded = sure.hits, sure.text, sure.folded
	return s.sure
}

// doubtful reports whether a body can be read in several ways, or in none.
func (v *values) doubtful(raw []byte) bool {
	word := v.bodyReading(raw)
	return word == "doubtful" || word == "unreadable"
}

// isBody reports whether a member of the properties is what a caller sent, or what was answered.
func isBody(name []byte) bool {
	rest, request := step(name, "requestbody")
	if !request {
		rest, request = step(name, "responsebody")
	}
	return request && rest == ""
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
