package notify

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"
)

// What every channel shows alike: the words for a result, which links are shown at all, the small print.

// Word is the result as readers see it; "" for none.
func (r Result) Word() string {
	switch r {
	case Ongoing:
		return "Ongoing"
	case Succeeded:
		return "Succeeded"
	case Failed:
		return "Failed"
	case Resolved:
		return "Resolved"
	}
	return ""
}

// Posted is the Ref for channels that offer no handle: it finds nothing, but it is not zero, so that the next Deliver
// knows that m was sent and only its news is still to send.
func Posted(m Message, state State) Ref { return Ref{ID: cmp.Or(m.ID, "posted"), State: state} }

// HasNews reports whether there is anything in News that a reader could see.
func (m Message) HasNews() bool { return strings.TrimSpace(Clean(m.News, false)) != "" }

// maxLinks is what Message promises.
const maxLinks = 4

// ShownLinks returns the links a channel may show: https only, without credentials in them, at most four, with a title
// of at most title characters and an address of at most address characters. What does not qualify is left out, because
// a link cut short leads elsewhere. That they point at the portal is the business of who made them.
func (m Message) ShownLinks(title, address int) []Link {
	shown := make([]Link, 0, min(len(m.Links), maxLinks))
	for _, l := range m.Links {
		u, err := url.Parse(l.URL)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(l.URL) > address || len(shown) == maxLinks {
			continue
		}
		name := Cut(strings.TrimSpace(Clean(l.Title, false)), title)
		if name == "" {
			name = "Open"
		}
		// String escapes what a browser would have to guess at: spaces, quotes, angle brackets, non-ASCII.
		if safe := u.String(); len(safe) <= address {
			shown = append(shown, Link{Title: name, URL: safe})
		}
	}
	return shown
}

// SmallPrint returns Context and, unless it is there already, the id by which the alert is found in every channel.
func (m Message) SmallPrint() []string {
	lines := make([]string, 0, len(m.Context)+1)
	for _, line := range m.Context {
		if line = strings.TrimSpace(Clean(line, false)); line != "" {
			lines = append(lines, line)
		}
	}
	named := func(line string) bool { return strings.Contains(line, m.ID) }
	if m.ID != "" && !slices.ContainsFunc(lines, named) {
		lines = append(lines, "Alert "+Clean(m.ID, false))
	}
	return lines
}

// Status returns the result and the time that stand above the summary, unless a fact tells them already: "" and zero
// for what is not to be repeated.
func (m Message) Status() (word string, when time.Time) {
	word, when = m.Result.Word(), m.Time
	for _, f := range m.Facts {
		switch {
		case strings.EqualFold(f.Name, "Result"):
			word = ""
		case strings.EqualFold(f.Name, "When"), !f.Time.IsZero() && f.Time.Equal(m.Time):
			when = time.Time{}
		}
	}
	return word, when
}

// Untag takes from text what could begin a tag, a mention or a link in angle brackets (<!channel>, <@U1>, <at>, <https:)
// by putting ‹ in place of its <. It is for slots that a channel shows literally anyway: whoever else reads the message
// (search, exports, mail notifications, bridges to other chats) may not know that. A lone < stays.
func Untag(text string) string {
	at := strings.IndexByte(text, '<')
	if at < 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 8)
	for i := range len(text) {
		if text[i] == '<' && i+1 < len(text) && opensTag(text[i+1]) {
			b.WriteString("‹")
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func opensTag(c byte) bool {
	return c == '!' || c == '@' || c == '#' || c == '/' || c == '?' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// Clock is a time for channels and clients that cannot show it in the reader's zone.
func Clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
