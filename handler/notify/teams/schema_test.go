package teams_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/notify/notifytest"
	"github.com/auditbell/auditbell/handler/notify/teams"
)

// maxRequest is what Teams takes, "28 KB" for everything (learn, "Format cards in Teams"): counted in UTF-8 and in UTF-16,
// because it is not said which.
const maxRequest = 28 * 1024

// checkCard says what Teams, or the flow in front of it, would refuse in a request.
func checkCard(raw []byte) error {
	_, err := notifytest.Validate(raw)
	wrong := []error{err}
	if n := max(len(raw), 2*len([]rune(string(raw)))); n > maxRequest {
		wrong = append(wrong, fmt.Errorf("%d bytes", n))
	}
	return errors.Join(wrong...)
}

func TestGoldenCardsFitTheSchema(t *testing.T) {
	t.Parallel()
	notifytest.CheckGolden(t, checkCard)
}

func TestHostileCardsFitTheSchema(t *testing.T) {
	t.Parallel()
	notifytest.CheckHostile(t, teams.Render, checkCard)
}

// A schema that takes everything proves nothing.
func TestTheSchemaRefuses(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(teams.Render(notifytest.Grant()))
	if err != nil {
		t.Fatal(err)
	}
	good := string(raw)
	text := `{"type":"TextBlock","text":"x","wrap":true}`
	card := func(body string) string {
		return `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","contentUrl":null,"content":{"type":"AdaptiveCard","version":"1.4","fallbackText":"x","body":[` + body + `]}}]}`
	}
	if err := errors.Join(checkCard(raw), checkCard([]byte(card(text)))); err != nil {
		t.Fatalf("what must pass: %v", err)
	}
	for name, bad := range map[string]string{
		"no attachments":             `{"type":"message"}`,
		"text only":                  `{"text":"x"}`,
		"an empty card":              card(""),
		"a later version":            strings.Replace(good, `"version":"1.4"`, `"version":"1.6"`, 1),
		"a capital width":            strings.Replace(good, `"width":"full"`, `"width":"Full"`, 1),
		"another content type":       strings.Replace(good, "card.adaptive", "card.hero", 1),
		"a set of facts":             card(`{"type":"FactSet","facts":[{"title":"a","value":"b"}]}`),
		"an image":                   card(`{"type":"Image","url":"https://evil.example/x.png"}`),
		"a table, which is 1.5":      card(`{"type":"Table"}`),
		"a text that does not wrap":  card(`{"type":"TextBlock","text":"x"}`),
		"an empty text":              card(`{"type":"TextBlock","text":"","wrap":true}`),
		"an unknown member":          card(`{"type":"TextBlock","text":"x","wrap":true,"colour":"red"}`),
		"an unknown style":           card(`{"type":"Container","style":"danger","items":[` + text + `]}`),
		"an empty container":         card(`{"type":"Container","items":[]}`),
		"a column without width":     card(`{"type":"ColumnSet","columns":[{"type":"Column","items":[` + text + `]}]}`),
		"a link in a run":            card(`{"type":"RichTextBlock","inlines":[{"type":"TextRun","text":"x","selectAction":{"type":"Action.OpenUrl","url":"https://evil.example"}}]}`),
		"a mention":                  strings.Replace(good, `"width":"full"`, `"width":"full","entities":[{"type":"mention"}]`, 1),
		"an action that runs":        strings.Replace(good, "Action.OpenUrl", "Action.Execute", 1),
		"a link that is not https":   strings.Replace(good, `"url":"https://`, `"url":"http://`, 1),
		"a title too long":           strings.Replace(good, `"title":"Resource"`, `"title":"A title of more than twenty"`, 1),
		"a request too large":        card(`{"type":"TextBlock","wrap":true,"text":"` + strings.Repeat("x", maxRequest) + `"}`),
		"a request too large for 16": card(`{"type":"TextBlock","wrap":true,"text":"` + strings.Repeat("x", maxRequest/2) + `"}`),
	} {
		if bad == good || checkCard([]byte(bad)) == nil {
			t.Errorf("%s passes: %.200s", name, bad)
		}
	}
}
