package inbox

import (
	"fmt"
	"strings"
	"testing"
)

// alertCard has one of everything that an alert's card is made of.
const alertCard = `{"type":"AdaptiveCard","$schema":"http://adaptivecards.io/schemas/adaptive-card.json","version":"1.4","msteams":{"width":"full"},
"fallbackText":"HIGH","lang":"en","body":[
{"type":"Container","style":"attention","bleed":true,"items":[{"type":"TextBlock","text":"HIGH · Owner role granted","size":"Large","weight":"bolder","wrap":true,"style":"heading"}]},
{"type":"TextBlock","text":"**alice** at [the portal](https://portal.azure.com) \\[x\\](javascript:alert)","wrap":true,"spacing":"none"},
{"type":"FactSet","facts":[{"title":"Who","value":"alice@contoso.com"},{"title":"Result","value":""}]},
{"type":"ColumnSet","separator":true,"columns":[{"type":"Column","width":"auto","items":[{"type":"Image","url":"https://a.example/x.png","altText":"x"}]},{"width":"50px","items":[]},{"width":2,"items":[]}]},
{"type":"RichTextBlock","inlines":["plain ",{"type":"TextRun","text":"bold","weight":"Bolder"}]},
{"type":"TextBlock","id":"more","isVisible":false,"text":"ids","fontType":"monospace"},
{"type":"ActionSet","actions":[{"type":"Action.ToggleVisibility","title":"More","targetElements":["more"]}]}],
"actions":[{"type":"Action.OpenUrl","title":"Resource","url":"https://portal.azure.com/#@t/resource"},
{"type":"Action.ShowCard","title":"Runbook","card":{"type":"AdaptiveCard","body":[{"type":"TextBlock","text":"x"}]}},
{"type":"Action.Execute","title":"Acknowledge","verb":"ack","data":{"id":"1"}}]}`

func card(body string) string { return `{"type":"AdaptiveCard","version":"1.4","body":[` + body + `]}` }

func cardAction(action string) string { return card(`{"type":"ActionSet","actions":[` + action + `]}`) }

func TestValidateCardAccepts(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, why, card string }{
		{"alert", "the card that an alert becomes", alertCard},
		{"older version", "1.2 is what Alertmanager sends", `{"type":"AdaptiveCard","version":"1.2","body":[{"type":"TextBlock","text":"x"}]}`},
		{"nulls", "a renderer takes null for not given", card(`{"type":"TextBlock","text":"x","color":null,"size":null}`)},
		{"case of values", "names of values compare without regard to case", card(`{"type":"TextBlock","text":"x","weight":"BOLDER"}`)},
		{"fallback", "", card(`{"type":"TextBlock","text":"x","fallback":"drop"},{"type":"TextBlock","text":"y","fallback":{"type":"TextBlock","text":"z"}}`)},
		{"mail link", "", card(`{"type":"TextBlock","text":"[ops](mailto:ops@contoso.com)"}`)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if problems := ValidateCard([]byte(c.card)); len(problems) > 0 {
				t.Errorf("%s\ngot %v, want no problems", c.why, problems)
			}
		})
	}
}

func TestValidateCardRefuses(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, why, card, pointer, reason string }{
		{"version 1.5", "comes out blank through a flow", strings.Replace(card(`{"type":"TextBlock","text":"x"}`), "1.4", "1.5", 1), "/version", "1.5 is newer than 1.4, the last version that a flow can show"},
		{"version 2.0", "", strings.Replace(card(`{"type":"TextBlock","text":"x"}`), "1.4", "2.0", 1), "/version", "2.0 is newer than 1.4, the last version that a flow can show"},
		{"no version", "", `{"type":"AdaptiveCard","body":[{"type":"TextBlock","text":"x"}]}`, "", "missing required field: version"},
		{"version of words", "", `{"type":"AdaptiveCard","version":"latest","body":[{"type":"TextBlock","text":"x"}]}`, "/version", "must look like 1.4"},
		{"no type", "the flow answers InvalidBotAdaptiveCard", `{"version":"1.4","body":[{"type":"TextBlock","text":"x"}]}`, "", "missing required field: type"},
		{"nothing to show", "", `{"type":"AdaptiveCard","version":"1.4"}`, "", "has neither body nor actions: nothing would show"},
		{"unknown property", "", `{"type":"AdaptiveCard","version":"1.4","bdoy":[]}`, "", "invalid additional property: bdoy"},
		{"unknown element", "", card(`{"type":"Marquee"}`), "/body/0/type", "unknown element: Marquee"},
		{"table", "", card(`{"type":"Table","rows":[]}`), "/body/0/type", "Table came with version 1.5, a flow shows 1.4"},
		{"media", "", card(`{"type":"Media","sources":[]}`), "/body/0/type", "Media is not supported in Teams"},
		{"text block without text", "", card(`{"type":"TextBlock"}`), "/body/0", "missing required field: text"},
		{"text of a number", "", card(`{"type":"TextBlock","text":1}`), "/body/0/text", "must provide a string"},
		{"unknown color", "", card(`{"type":"TextBlock","text":"x","color":"red"}`), "/body/0/color", "must be one of: default, dark, light, accent, good, warning, attention"},
		{"container style", "", card(`{"type":"Container","style":"danger","items":[]}`), "/body/0/style", "must be one of: default, emphasis, good, attention, warning, accent"},
		{"container without items", "", card(`{"type":"Container"}`), "/body/0", "missing required field: items"},
		{"fact without value", "", card(`{"type":"FactSet","facts":[{"title":"x"}]}`), "/body/0/facts/0", "missing required field: value"},
		{"fact value of a number", "", card(`{"type":"FactSet","facts":[{"title":"x","value":3}]}`), "/body/0/facts/0/value", "must provide a string"},
		{"column width", "", card(`{"type":"ColumnSet","columns":[{"width":"half"}]}`), "/body/0/columns/0/width", "must be auto, stretch, a weight or pixels as in 50px"},
		{"id twice", "", card(`{"type":"TextBlock","text":"x","id":"a"},{"type":"TextBlock","text":"x","id":"a"}`), "/body/1/id", `"a" is already used at /body/0/id`},
		{"toggle of nothing", "a button that does nothing", cardAction(`{"type":"Action.ToggleVisibility","title":"t","targetElements":["gone"]}`), "/body/0/actions/0/targetElements/0", `no element has the id "gone"`},
		{"submit", "needs a bot", cardAction(`{"type":"Action.Submit","title":"t"}`), "/body/0/actions/0/type", "Action.Submit does nothing in a card that came through a webhook"},
		{"unknown action", "", cardAction(`{"type":"Action.Http","title":"t"}`), "/body/0/actions/0/type", "unknown action: Action.Http"},
		{"action without url", "", cardAction(`{"type":"Action.OpenUrl","title":"t"}`), "/body/0/actions/0", "missing required field: url"},
		{"action without title", "a button without a word", cardAction(`{"type":"Action.OpenUrl","url":"https://a.example"}`), "/body/0/actions/0", "missing required field: title"},
		{"action to http", "", cardAction(`{"type":"Action.OpenUrl","title":"t","url":"http://a.example"}`), "/body/0/actions/0/url", "must be a valid URL with scheme https or mailto"},
		{"image of data", "Teams loads public https pictures only", card(`{"type":"Image","url":"data:image/png;base64,AA"}`), "/body/0/url", "must be a valid URL with scheme https"},
		{"markdown link to javascript", "event text must never become such a link", card(`{"type":"TextBlock","text":"see [x](javascript:alert(1))"}`), "/body/0/text", `links to "javascript:alert(1", not to https`},
		{"inner card", "", cardAction(`{"type":"Action.ShowCard","title":"t","card":{"type":"AdaptiveCard","body":[{"type":"Chart"}]}}`), "/body/0/actions/0/card/body/0/type", "unknown element: Chart"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			problems := ValidateCard([]byte(c.card))
			for _, p := range problems {
				if p == (Problem{Pointer: c.pointer, Reason: c.reason}) {
					return
				}
			}
			t.Errorf("%s\ngot %v, want %s at %s", c.why, problems, c.reason, c.pointer)
		})
	}
}

func envelope(cards ...string) string {
	attachments := make([]string, len(cards))
	for i, c := range cards {
		attachments[i] = fmt.Sprintf(`{"contentType":%q,"contentUrl":null,"content":%s}`, cardContentType, c)
	}
	return `{"type":"message","attachments":[` + strings.Join(attachments, ",") + `]}`
}

func TestValidateWorkflow(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, why, body, reason string }{
		{"alert", "", envelope(alertCard), ""},
		{"two cards with the same ids", "ids are a card's own", envelope(alertCard, alertCard), ""},
		{"text only", "does nothing visible in Teams", `{"text":"hello"}`, "missing required field: attachments"},
		{"no attachments", "the flow fails with Null", `{"type":"message"}`, "missing required field: attachments"},
		{"empty attachments", "", `{"type":"message","attachments":[]}`, "no fewer than 1 items allowed [json-pointer:/attachments]"},
		{"wrong type", "", strings.Replace(envelope(alertCard), `"message"`, `"card"`, 1), "must be one of: message [json-pointer:/type]"},
		{"wrong content type", "", strings.Replace(envelope(alertCard), cardContentType, "application/json", 1), "must be one of: " + cardContentType + " [json-pointer:/attachments/0/contentType]"},
		{"bad card", "the pointer leads through the envelope", envelope(card(`{"type":"X"}`)), "unknown element: X [json-pointer:/attachments/0/content/body/0/type]"},
		{"too large", "", envelope(card(`{"type":"TextBlock","text":"` + strings.Repeat("x", maxWorkflowBytes) + `"}`)), "must be at most 28672 bytes, is "},
		{"not JSON", "", `{"type":`, "is not JSON: unexpected end of JSON input"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(problemTexts(ValidateWorkflow([]byte(c.body))), "\n")
			if c.reason == "" && got != "" || !strings.Contains(got, c.reason) {
				t.Errorf("%s\ngot %q, want %q", c.why, got, c.reason)
			}
		})
	}
}
