package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"text/template"
	"time"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// The rules of this file:
//   - a template is text of the operator's over Words, which holds nothing but texts, numbers and a table of texts: no
//     method, nothing that waits, nothing that reaches outside.
//   - it runs in a time that its own length bounds: what could repeat (range, template, define) and what could make much
//     of little (printf) is refused when it is parsed. The clock and the size are checked at every write all the same.
//   - what it makes is text like any other: channels clean, cut and escape it. It never adds structure.
//   - when it fails, our text is sent, and the failure is counted and logged. An alert is never lost to a template.

const (
	maxTemplate = 4000 // bytes; the schema repeats it
	maxWords    = 3000 // bytes that a slot may become; channels cut at less
	maxWording  = 50 * time.Millisecond
)

// Words are what templates see; docs/messages.md explains each. They come from the event, so they may be empty.
type Words struct {
	Headline, Sentence, Reason               string // as we would say it
	Rule, Title, Severity, Category, Result  string
	Caller, CallerName, CallerType, CallerIP string
	Operation, Resource, ResourceID          string
	ResourceType, ResourceGroup              string
	Subscription, Tenant, Correlation        string
	Time, Alert                              string
	Count                                    int
	Facts                                    map[string]string // by name: Owner, Role, …
}

// Texts are the operator's templates, parsed. The zero value, and nil, leave every text ours.
type Texts struct {
	slots map[string]*template.Template
	now   func() time.Time

	mu     sync.Mutex
	failed int
	last   error
}

// ParseTexts parses the templates and says what is wrong with them, each with its place in the file.
func ParseTexts(from settings.Texts) (*Texts, []settings.Problem) {
	t := &Texts{slots: map[string]*template.Template{}, now: noTime}
	defer func() { t.now = time.Now }()
	var problems []settings.Problem
	for _, slot := range from.Slots() {
		if strings.TrimSpace(slot.Template) == "" {
			continue
		}
		parsed, err := parseText(slot.Name, slot.Template)
		if err == nil {
			err = t.rehearse(parsed)
		}
		if err != nil {
			problems = append(problems, settings.Problem{
				Name: slot.At, Reason: "texts." + slot.Name + ": " + reasonOf(err),
				Hint: "docs/messages.md lists the fields and functions",
			})
			continue
		}
		t.slots[slot.Name] = parsed
	}
	return t, problems
}

// reasonOf takes from an error of text/template what an operator does not need: "template: headline:1:2: …" becomes
// "line 1: …".
func reasonOf(err error) string {
	text := err.Error()
	rest, ok := strings.CutPrefix(text, "template: ")
	if !ok {
		return text
	}
	_, rest, _ = strings.Cut(rest, ":")
	return "line " + rest
}

// rehearse runs a template on an event that tells everything and on one that tells nothing, to find what parsing cannot:
// a comparison of a number with a text. The caller's clock stands: a machine that is busy while it starts refuses no template.
func (t *Texts) rehearse(one *template.Template) error {
	for _, w := range []Words{{}, sampleWords()} {
		if _, err := t.run(one, w); err != nil {
			return err
		}
	}
	return nil
}

// noTime is a clock that stands.
func noTime() time.Time { return time.Time{} }

func sampleWords() Words {
	return Words{
		Headline: "Owner role granted on rg-prod", Sentence: "Ada granted Owner on rg-prod to x.", Reason: "An owner can do everything.",
		Rule: "role-assignment-owner", Title: "Owner role granted", Severity: "high", Category: "Administrative", Result: "succeeded",
		Caller: "ada@contoso.example", CallerName: "Ada", CallerType: "user", CallerIP: "203.0.113.7",
		Operation: "microsoft.authorization/roleassignments/write", Resource: "x", ResourceID: "/subscriptions/s/x", ResourceType: "x/y",
		ResourceGroup: "rg-prod", Subscription: "s", Tenant: "t", Correlation: "c", Time: "2026-11-22 09:41:02 UTC", Alert: "alert-1",
		Count: 2, Facts: map[string]string{"Who": "Ada"},
	}
}

// reword puts the operator's words into m.
func (t *Texts) reword(m *notify.Message, a alert.Alert) {
	if t == nil || len(t.slots) == 0 {
		return
	}
	w := wordsOf(*m, a)
	m.Headline = t.say("headline", w, m.Headline)
	if a.Late != "" && !strings.HasPrefix(m.Headline, reportedLate) {
		m.Headline = reportedLate + m.Headline // no text of a template may present an old act as a new one
	}
	m.Summary = t.say("sentence", w, m.Summary)
	if line := t.say("footer", w, ""); line != "" {
		m.Context = append([]string{line}, m.Context...)
	}
}

func wordsOf(m notify.Message, a alert.Alert) Words {
	e := a.Event
	w := Words{
		Headline: m.Headline, Sentence: strings.TrimSpace(strings.TrimSuffix(m.Summary, a.Rule.Reason)), Reason: a.Rule.Reason,
		Rule: a.Rule.ID, Title: a.Rule.Title, Severity: a.Rule.Severity, Category: string(e.Category), Result: string(m.Result),
		Caller: e.Caller, CallerName: e.CallerName, CallerType: string(e.CallerType), CallerIP: e.CallerIP,
		Operation: cmp.Or(e.OperationDisplay, e.Operation), Resource: e.ResourceName, ResourceID: e.ResourceID,
		ResourceType: e.ResourceType, ResourceGroup: e.ResourceGroup,
		Subscription: e.SubscriptionID, Tenant: e.TenantID, Correlation: e.CorrelationID, Alert: a.ID, Count: a.Count,
		Facts: make(map[string]string, len(m.Facts)),
	}
	if !m.Time.IsZero() {
		w.Time = notify.Clock(m.Time)
	}
	for _, f := range m.Facts {
		if _, ok := w.Facts[f.Name]; !ok {
			w.Facts[f.Name] = f.Value
		}
	}
	return w
}

// say is what the slot's template makes of w, else ours: when there is none, when it fails, and when it has nothing to
// say.
func (t *Texts) say(slot string, w Words, ours string) string {
	one := t.slots[slot]
	if one == nil {
		return ours
	}
	text, err := t.run(one, w)
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.failed, t.last = t.failed+1, err
		return ours
	}
	return cmp.Or(text, ours)
}

// Failures returns how often a template has failed since it was asked last, and the newest reason. It is for the log and
// for metrics; the reason may quote the template, never the event.
func (t *Texts) Failures() (n int, last error) {
	if t == nil {
		return 0, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n, last = t.failed, t.last
	t.failed, t.last = 0, nil
	return n, last
}

// misworded counts and logs the failures of templates since the last time.
func (c *Composer) misworded(log *slog.Logger) int {
	n, err := c.Texts.Failures()
	if n > 0 {
		log.Warn("a template of config/auditbell.yaml failed; our own words were sent", "times", n, "error", err)
	}
	return n
}

func (t *Texts) run(one *template.Template, w Words) (string, error) {
	out := &words{now: t.now, until: t.now().Add(maxWording)}
	err := one.Execute(out, w)
	switch {
	case errors.Is(err, errFull):
		return out.String() + "…", nil
	case errors.Is(err, errSlow):
		return "", fmt.Errorf("template: %s:1: it took longer than %s", one.Name(), maxWording)
	case err != nil:
		return "", quoteless(err)
	}
	return strings.TrimSpace(out.String()), nil
}

// quoteless drops what an error says after the place: there it may quote values, which are text of the event.
func quoteless(err error) error {
	var failed template.ExecError
	if !errors.As(err, &failed) {
		return err
	}
	before, after, _ := strings.Cut(failed.Error(), ">: ")
	if strings.HasPrefix(after, "error calling ") {
		name, _, _ := strings.Cut(strings.TrimPrefix(after, "error calling "), ":")
		return errors.New(before + ">: the function " + name + " cannot be used like this")
	}
	return errors.New(before + ">: it cannot be evaluated")
}

var (
	errFull = errors.New("full")
	errSlow = errors.New("slow")
)

// words collects what a template writes, as long as there is room and time.
type words struct {
	strings.Builder
	now   func() time.Time
	until time.Time
}

func (w *words) Write(p []byte) (int, error) {
	if w.now().After(w.until) {
		return 0, errSlow
	}
	room := maxWords - w.Len()
	if len(p) <= room {
		return w.Builder.Write(p)
	}
	for room > 0 && !utf8.RuneStart(p[room]) {
		room--
	}
	w.Builder.Write(p[:room])
	return room, errFull
}
