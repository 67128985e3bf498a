package notifytest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/notify"
)

// contents are the cases about text: the harness's Accept finds what breaks a limit or acts.
var contents = []testCase{
	{"accepts every sample", "what cannot be sent is not an alert", samples},
	{"cuts what is too long and says so", "an attacker can name things at any length; a refused message would hide them", cutsLong},
	{"holds its limits at the worst", "the dearest text an attacker can find must not make the channel refuse the alert", holdsLimits},
	{"keeps the first facts of many", "facts come most important first", keepsFirstFacts},
	{"shows the whole of a list", "what a summary counts and does not name is hidden behind what it names", wholeList},
	{"delivers an empty message", "an event of unknown shape still has to ring", deliversEmpty},
	{"shows every script", "names are not ASCII", showsScripts},
	{"removes hidden characters", "a name that reads backwards deceives the reader", removesHidden},
	{"shows markup as text", "an event must not mention, link, format or break out of its slot", showsMarkup},
	{"links to https only", "a link in an alert is clicked", linksSafely},
}

// samples relies on Accept, which knows the channel's limits.
func samples(t *testing.T, e *end) {
	for _, s := range Samples() {
		ref := e.deliver(t, s.Message, notify.Ref{})
		e.deliver(t, s.Message, ref)
		if t.Failed() {
			t.Fatalf("sample %s", s.Name)
		}
	}
}

func cutsLong(t *testing.T, e *end) {
	m := long()
	e.deliver(t, m, notify.Ref{})
	text := e.arrived()[0].Text
	if !strings.Contains(text, "…") {
		t.Error("nothing tells the reader that text was cut")
	}
	for _, start := range []string{"HIGH", m.Headline[:60], m.Steps[0][:60]} {
		if !strings.Contains(text, start) {
			t.Errorf("the beginning %q is missing in:\n%s", start, text)
		}
	}
}

// holdsLimits uses what is dearest everywhere at once: < is six bytes in JSON and an entity where Slack stores it, & the
// same within addresses, which are never cut.
func holdsLimits(t *testing.T, e *end) {
	for _, worst := range []struct {
		char string
		urls int
	}{{"<", 100}, {"<", 550}, {"<", 900}, {"<", 1900}, {"<", 2900}, {"🔥", 1900}, {`"`, 1900}} {
		m := dearest(worst.char, worst.urls)
		ref := e.deliver(t, m, notify.Ref{})
		e.deliver(t, m, ref)
		for _, s := range e.arrived() {
			if s.Kind != Reply && !strings.Contains(s.Text, "CRITICAL") {
				t.Errorf("%s with %+v lost its headline:\n%s", s.Kind, worst, s.Text)
			}
		}
	}
}

func keepsFirstFacts(t *testing.T, e *end) {
	e.deliver(t, sixtyFacts(), notify.Ref{})
	text := e.arrived()[0].Text
	for _, want := range []string{"Property 1", "value-1 ", "Property 2", "value-2 "} {
		if !strings.Contains(text, want) {
			t.Errorf("a reader does not see %q in:\n%s", want, text)
		}
	}
}

// wholeList is a summary's: fifteen titles of the length to which alerts cut them.
func wholeList(t *testing.T, e *end) {
	var titles []string
	for i := range 15 {
		titles = append(titles, fmt.Sprintf("%02d", i)+strings.Repeat("-", 91)+fmt.Sprintf("%02d", i))
	}
	e.deliver(t, notify.Message{Headline: "15 alerts", Severity: notify.High, Facts: []notify.Fact{{Name: "Alerts", Value: strings.Join(titles, ", "), Long: true}}}, notify.Ref{})
	text := e.arrived()[0].Text
	for _, want := range titles {
		if !strings.Contains(text, want) {
			t.Fatalf("a reader does not see %q in:\n%s", want, text)
		}
	}
}

func deliversEmpty(t *testing.T, e *end) {
	ref := e.deliver(t, notify.Message{}, notify.Ref{})
	if ref.Zero() {
		t.Error("Deliver returned the zero Ref")
	}
	blank := notify.Message{
		Headline: " ", Summary: "\u200b", Facts: []notify.Fact{{}, {Name: "Who"}, {Value: "x"}, {Name: "\x00", Value: "\x00", Code: true}},
		Links: []notify.Link{{}, {URL: portal}}, Context: []string{"", "\n"}, Steps: []string{"", "\u202e"},
	}
	e.deliver(t, blank, notify.Ref{})
	if shown := e.arrived(); len(shown) != 2 || !strings.Contains(shown[1].Text, "MEDIUM") {
		t.Errorf("arrived %+v, want two messages that name the severity", shown)
	}
}

func showsScripts(t *testing.T, e *end) {
	m := scripts()
	e.deliver(t, m, notify.Ref{})
	text := e.arrived()[0].Text
	for _, want := range []string{"مجموعة الموارد حُذفت", "リソースグループ削除", "🔥👩‍💻", "山田 太郎", "👨‍👩‍👧‍👦🇩🇪", "𝒳"} {
		if !strings.Contains(text, want) {
			t.Errorf("a reader does not see %q in:\n%s", want, text)
		}
	}
}

// removesHidden puts one character of each kind into every field.
func removesHidden(t *testing.T, e *end) {
	for _, m := range smuggled("a\u202eb\u2066c\u200bd\ufeffe\U000e0041f\x07g\x00h\u2028i\xffj") {
		ref := e.deliver(t, m, notify.Ref{})
		e.deliver(t, m, ref)
		for _, s := range e.arrived() {
			if i := strings.IndexFunc(s.Text, hidden); i >= 0 {
				t.Fatalf("%q reaches the reader in %s: %q", s.Text[i], s.Kind, s.Text)
			}
		}
	}
}

// hidden reports what a reader must never get: controls, and the characters that hide or reorder others.
func hidden(r rune) bool {
	return r < ' ' && r != '\n' || 0x7f <= r && r <= 0x9f || strings.ContainsRune("\u200b\ufeff\u202e\u2066\u2028", r) ||
		0xe0000 <= r && r <= 0xe007f || r == utf8.RuneError
}

// showsMarkup tries every payload in every field, posted and as an update with news.
func showsMarkup(t *testing.T, e *end) {
	for _, payload := range payloads {
		for _, m := range smuggled(payload) {
			ref := e.deliver(t, m, notify.Ref{})
			e.deliver(t, m, ref)
			checkLinks(t, e.arrived(), m)
			if t.Failed() {
				t.Fatalf("payload %q", payload)
			}
		}
	}
}

// checkLinks wants nothing live but the https links that m itself has.
func checkLinks(t *testing.T, shown []Shown, m notify.Message) {
	t.Helper()
	for _, s := range shown {
		for _, live := range s.Live {
			own := func(l notify.Link) bool { return l.URL == live && strings.HasPrefix(live, "https://") }
			if !slices.ContainsFunc(m.Links, own) {
				t.Errorf("%s brings %q to life", s.Kind, live)
			}
		}
	}
}

// linksSafely offers addresses that must not become links beside one that must.
func linksSafely(t *testing.T, e *end) {
	m := Grant()
	m.Links = []notify.Link{
		{Title: "a", URL: "javascript:alert(1)"},
		{Title: "b", URL: "http://portal.azure.com/"},
		{Title: "c", URL: "//evil.example"},
		{Title: "d", URL: "https://user:pass@evil.example/"},
		{Title: "e", URL: "data:text/html,x"},
		{Title: "f", URL: "https://"},
		{Title: "g", URL: "mailto:a@b.example"},
		{Title: "h", URL: "https://portal.azure.com/\x00"},
		{Title: "i", URL: portal},
	}
	e.deliver(t, m, notify.Ref{})
	for _, s := range e.arrived() {
		for _, live := range s.Live {
			if live != portal {
				t.Errorf("%q can be clicked", live)
			}
		}
	}
}
