package teams_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/notifytest"
	"github.com/auditbell/auditbell/handler/notify/teams"
)

// This file is a workflow as far as the suite needs it: it takes what Teams shows, and refuses what would fail inside the
// flow or come to life in a client.

const secret = "/workflows/0123/triggers/manual/paths/invoke?api-version=1&sig=hunter2hunter2"

func TestWorkflowMeetsTheContract(t *testing.T) {
	t.Parallel()
	notifytest.Run(t, notifytest.Harness{
		State:    notify.Accepted,
		Open:     teams.Open,
		Settings: func(base string) map[string]string { return map[string]string{"TEAMS_WORKFLOW_URL": base + secret} },
		Secrets:  []string{secret, "hunter2", "/workflows/0123"},
		Accept: func(r *http.Request, body []byte) (notifytest.Shown, error) {
			if r.Method != http.MethodPost || r.URL.String() != secret || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
				return notifytest.Shown{}, fmt.Errorf("%s %s as %s", r.Method, r.URL, r.Header.Get("Content-Type"))
			}
			return read(body)
		},
		Answer: func(w http.ResponseWriter, _ notifytest.Shown) { w.WriteHeader(http.StatusAccepted) },
	})
}

// element is any element, run or action; names beyond these are refused.
type element struct {
	Type      string    `json:"type"`
	Style     string    `json:"style"`
	Bleed     bool      `json:"bleed"`
	Spacing   string    `json:"spacing"`
	Separator bool      `json:"separator"`
	Width     string    `json:"width"`
	Items     []element `json:"items"`
	Columns   []element `json:"columns"`
	Inlines   []element `json:"inlines"`
	Text      string    `json:"text"`
	Size      string    `json:"size"`
	Weight    string    `json:"weight"`
	Subtle    bool      `json:"isSubtle"`
	FontType  string    `json:"fontType"`
	Wrap      bool      `json:"wrap"`
	Title     string    `json:"title"`
	URL       string    `json:"url"`
}

type envelope struct {
	Type        string `json:"type"`
	Attachments []struct {
		ContentType string `json:"contentType"`
		ContentURL  any    `json:"contentUrl"`
		Content     struct {
			Type         string            `json:"type"`
			Schema       string            `json:"$schema"`
			Version      string            `json:"version"`
			Msteams      map[string]string `json:"msteams"`
			FallbackText string            `json:"fallbackText"`
			Body         []element         `json:"body"`
			Actions      []element         `json:"actions"`
		} `json:"content"`
	} `json:"attachments"`
}

// reader walks a card and collects what a person sees, what acts, and what Teams would refuse.
type reader struct {
	text  strings.Builder
	live  []string
	wrong []error
}

func (r *reader) fail(format string, args ...any) {
	r.wrong = append(r.wrong, fmt.Errorf(format, args...))
}

func read(body []byte) (notifytest.Shown, error) {
	r := &reader{}
	if len(body) >= 14*1024 { // half of what Teams takes, see maxBody
		r.fail("%d bytes", len(body))
	}
	if err := checkCard(body); err != nil {
		r.fail("not of the schema: %v", err)
	}
	var e envelope
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&e); err != nil {
		return notifytest.Shown{}, err
	}
	if e.Type != "message" || len(e.Attachments) != 1 {
		return notifytest.Shown{}, fmt.Errorf("envelope %q with %d attachments", e.Type, len(e.Attachments))
	}
	a := e.Attachments[0]
	card := a.Content
	if a.ContentType != "application/vnd.microsoft.card.adaptive" || card.Type != "AdaptiveCard" || card.Version != "1.4" || card.Msteams["width"] != "full" {
		r.fail("card %q of type %q, version %q, msteams %v", a.ContentType, card.Type, card.Version, card.Msteams)
	}
	r.markdown(card.FallbackText)
	for _, b := range card.Body {
		r.element(b)
	}
	r.actions(card.Actions)
	return notifytest.Shown{Kind: notifytest.Post, Text: r.text.String(), Live: r.live}, errors.Join(r.wrong...)
}

var escaped = regexp.MustCompile(`\\[\\*_\[\]()~#<` + "`" + `]`)

// markdown checks the one slot that is shown as Markdown.
func (r *reader) markdown(text string) {
	if rest := escaped.ReplaceAllString(text, ""); text == "" || strings.ContainsAny(rest, "*_[]<`~") {
		r.live = append(r.live, "Markdown in fallbackText: "+text)
	}
}

func (r *reader) element(e element) {
	switch e.Type {
	case "Container":
		if !slices.Contains([]string{"attention", "warning", "accent", "emphasis"}, e.Style) || len(e.Items) == 0 {
			r.fail("container with style %q and %d items", e.Style, len(e.Items))
		}
	case "ColumnSet":
		if len(e.Columns) == 0 {
			r.fail("empty column set")
		}
	case "Column":
		if e.Width == "" || len(e.Items) == 0 {
			r.fail("column with width %q and %d items", e.Width, len(e.Items))
		}
	case "RichTextBlock":
		if len(e.Inlines) == 0 {
			r.fail("empty rich text")
		}
	case "TextBlock":
		r.textBlock(e)
	default:
		// FactSet among them, which reads Markdown: a text from an event would act.
		r.live = append(r.live, e.Type)
	}
	for _, inner := range slices.Concat(e.Items, e.Columns) {
		r.element(inner)
	}
	for _, run := range e.Inlines {
		r.run(run)
	}
	r.text.WriteString("\n")
}

// textBlock wants a text that Markdown leaves alone. This is stricter than Markdown: a lone * would do nothing.
func (r *reader) textBlock(e element) {
	if e.Text == "" || !e.Wrap {
		r.fail("text block %+v", e)
	}
	if strings.ContainsAny(e.Text, "*`~[]<>#\\|!\n") || strings.Count(e.Text, "_") > 1 || list.MatchString(e.Text) || address.MatchString(e.Text) {
		r.live = append(r.live, "Markdown: "+e.Text)
	}
	r.write(e.Text)
}

var (
	list    = regexp.MustCompile(`^ *([-+]|[0-9]+[.)])`)
	address = regexp.MustCompile(`(?i)://|www\.|mailto:|&[a-z#]+[0-9]*;`)
)

var tag = regexp.MustCompile(`<[!@#a-zA-Z/]|\]\(|\{\{(DATE|TIME)\(`)

func (r *reader) run(e element) {
	if e.Type != "TextRun" || e.Text == "" {
		r.fail("inline %+v", e)
	}
	r.write(e.Text)
}

func (r *reader) write(text string) {
	if tag.MatchString(text) {
		r.live = append(r.live, "tag: "+text)
	}
	r.text.WriteString(text)
}

func (r *reader) actions(actions []element) {
	if len(actions) > 6 {
		r.fail("%d actions: Teams shows six", len(actions))
	}
	for _, a := range actions {
		if a.Type != "Action.OpenUrl" || a.Title == "" || utf8.RuneCountInString(a.Title) > 20 {
			r.fail("action %+v", a)
		}
		r.live = append(r.live, a.URL)
		r.write(a.Title)
	}
}
