package email

import (
	"crypto/sha256"
	"encoding/hex"
	"html/template"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	_ "embed"

	"github.com/auditbell/auditbell/handler/notify"
)

// Limits of a mail. Mail has none of its own that matter here; these are what a reader can take in.
const (
	maxSubject = 180
	maxText    = 3000
	maxShort   = 500
	maxFacts   = 30
	firstFacts = 6 // stand before what to do, so that this is on a phone's first screen
	maxSteps   = 20
	maxURL     = 2048
)

// Render writes the first mail for m, without recipients.
func Render(m notify.Message) Mail { return render(m, "", false) }

// tryFor is how long the same mail is the same sending to a provider that recognises one: longer than the wait for a lost
// answer. A sending that ended as failed is another one when it is repeated.
const tryFor = 10 * time.Minute

// render writes the mail of an alert, or of the news of one.
func render(m notify.Message, to string, follows bool) Mail {
	v := viewOf(m, follows)
	text, html := v.text(), v.html()
	subject := "[" + v.Severity + "] " + v.Headline
	id := "alert " + m.ID
	mail := Mail{ID: id, To: to, Try: time.Now().UTC().Truncate(tryFor).Format(time.RFC3339) + strings.Repeat("+", m.Again), Subject: notify.Cut(subject, maxSubject), Text: text, HTML: html}
	if follows {
		sum := sha256.Sum256([]byte(text))
		mail.ID, mail.Conversation = id+" "+hex.EncodeToString(sum[:8]), id
		mail.Subject = notify.Cut("Re: "+subject, maxSubject)
	}
	return mail
}

// view is a message cleaned and cut for mail.
type view struct {
	Severity, Headline, Summary, News, Result, When string
	Tone                                            string        // background of the head: repeats what Severity says
	Facts                                           []notify.Fact // in sight
	More                                            []notify.Fact // below what to do
	Links                                           []notify.Link
	Steps, Context                                  []string
}

func viewOf(m notify.Message, follows bool) view {
	word, when := m.Status()
	v := view{
		Severity: m.Severity.Word(), Tone: tones[m.Severity.Rank()], Headline: inert(m.Headline, maxShort), Summary: inert(m.Summary, maxText),
		Result: word, Links: m.ShownLinks(60, maxURL),
	}
	if v.Headline == "" {
		v.Headline = "Alert"
	}
	if !when.IsZero() {
		v.When = notify.Clock(when)
	}
	if follows {
		v.News = inert(m.News, maxText)
	}
	hidden := 0
	for _, f := range m.Facts {
		most := maxShort
		if f.Long {
			most = maxText
		}
		f.Name, f.Value = inert(f.Name, 80), inert(f.Value, most)
		if f.Value == "" && !f.Time.IsZero() {
			f.Value = notify.Clock(f.Time)
		}
		switch {
		case f.Value == "":
		case len(v.Facts) < firstFacts:
			v.Facts = append(v.Facts, f)
		case len(v.Facts)+len(v.More) < maxFacts:
			v.More = append(v.More, f)
		default:
			hidden++
		}
	}
	for _, step := range m.Steps {
		if step = inert(step, maxShort); step != "" && len(v.Steps) < maxSteps {
			v.Steps = append(v.Steps, step)
		}
	}
	for _, line := range append(rest(m, hidden), m.SmallPrint()...) {
		if line = inert(line, maxShort); line != "" && len(v.Context) < maxSteps {
			v.Context = append(v.Context, line)
		}
	}
	for i, l := range v.Links {
		v.Links[i].Title = inert(l.Title, 60)
	}
	return v
}

// rest is a line about the facts that are not shown, if there are any.
func rest(m notify.Message, hidden int) []string {
	if text := m.Rest(hidden); text != "" {
		return []string{text}
	}
	return nil
}

// tones by rank of severity, all with white text on them at a contrast above 4.5.
var tones = [...]string{1: "#57606a", 2: "#0b5cad", 3: "#8a5300", 4: "#b3261e", 5: "#7d0f18"}

// inert cleans and cuts event text and keeps mail clients from making links of it: they do so with whatever looks like
// an address, in plain text and in HTML alike. A word joiner between parts them, and nobody sees it.
func inert(text string, limit int) string {
	text = notify.Untag(notify.Cut(strings.TrimSpace(notify.Clean(text, false)), limit))
	text = strings.ReplaceAll(text, "://", ":\u2060//")
	return www.ReplaceAllString(text, "$1\u2060.")
}

var www = regexp.MustCompile(`(?i)\b(www)\.`)

// text is the part for clients that show no HTML.
func (v view) text() string {
	var b strings.Builder
	paragraph := func(lines ...string) {
		wrote := false
		for _, line := range lines {
			if line != "" {
				b.WriteString(line + "\r\n")
				wrote = true
			}
		}
		if wrote {
			b.WriteString("\r\n")
		}
	}
	paragraph(v.News)
	paragraph(v.Severity+" · "+v.Headline, v.Summary, v.Result, v.When)
	var steps, links []string
	for _, step := range v.Steps {
		steps = append(steps, "- "+step)
	}
	for _, l := range v.Links {
		links = append(links, l.Title+": "+l.URL)
	}
	paragraph(factLines(v.Facts)...)
	if len(steps) > 0 {
		paragraph(append([]string{"What to do:"}, steps...)...)
	}
	paragraph(links...)
	paragraph(factLines(v.More)...)
	paragraph(v.Context...)
	return b.String()
}

func factLines(facts []notify.Fact) []string {
	var lines []string
	for _, f := range facts {
		lines = append(lines, strings.TrimPrefix(f.Name+": ", ": ")+f.Value)
	}
	return lines
}

//go:embed alert.html.tmpl
var alertTemplate string

// alertPage is parsed when the first mail is written, not when the process starts.
var alertPage = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("alert").Funcs(template.FuncMap{
		"safe": func(address string) template.URL {
			if u, err := url.Parse(address); err != nil || u.Scheme != "https" {
				return "#"
			}
			return template.URL(address) //nolint:gosec // ShownLinks and this check let https through only
		},
		"style": func(css string) template.CSS { return template.CSS(css) }, //nolint:gosec // constants of this package
	}).Parse(alertTemplate))
})

// html is the part that most people see: one column of 600 pixels, styles inline, a table layout that Outlook keeps.
func (v view) html() string {
	var b strings.Builder
	if err := alertPage().Execute(&b, v); err != nil {
		return "" // the template is tested; the text part says the same
	}
	return b.String()
}
