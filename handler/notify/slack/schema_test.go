package slack_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/notify/notifytest"
	"github.com/auditbell/auditbell/handler/notify/slack"
)

// Slack publishes no schema. Shapes are held to one derived from its typed model (testdata/schema/message.json, see
// scripts/schemas); lengths, of which types say nothing, to the table below.

// lengths are Slack's limits in code points (doc comments of @slack/types 3.2, block-kit/blocks.ts, block-elements.ts and
// composition-objects.ts): by the kind of object, and the member in it. A member that is a text object counts its text, a
// list its items.
var lengths = map[string]map[string]int{
	"header":                 {"text": 150, "block_id": 255},
	"context":                {"elements": 10, "block_id": 255},
	"actions":                {"elements": 25, "block_id": 255},
	"button":                 {"text": 75, "action_id": 255, "value": 2000, "url": 3000, "accessibility_label": 75},
	"static_select":          {"placeholder": 150, "action_id": 255, "options": 100},
	"option":                 {"text": 75, "value": 150, "description": 75},
	"confirm":                {"title": 100, "text": 300, "confirm": 30, "deny": 30},
	"plain_text":             {"text": 3000},
	"text":                   {"text": 3000},
	"rich_text_section":      {"elements": 100},
	"rich_text_quote":        {"elements": 100},
	"rich_text_preformatted": {"elements": 100},
	"message":                {"blocks": 50, "text": 4000},
}

// maxMessage is where Slack has answered msg_blocks_too_long, less a margin (slackapi/bolt-js issue #2509).
const maxMessage = 12_000

// checkMessage says what Slack would refuse in a message.
func checkMessage(raw []byte) error {
	value, err := notifytest.Validate(raw)
	wrong := []error{err}
	message, _ := value.(map[string]any)
	if blocks, err := json.Marshal(message["blocks"]); err != nil || len(blocks) >= maxMessage {
		wrong = append(wrong, fmt.Errorf("blocks of %d characters", len(blocks)))
	}
	checkLengths("message", value, &wrong)
	return errors.Join(wrong...)
}

// checkLengths walks v, an object of the given kind.
func checkLengths(kind string, v any, wrong *[]error) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			checkLengths(kind, one, wrong)
		}
	case map[string]any:
		if named, ok := v["type"].(string); ok {
			kind = named
		}
		for name, member := range v {
			if limit, ok := lengths[kind][name]; ok {
				if n := length(member); n > limit || n == 0 && name != "value" {
					*wrong = append(*wrong, fmt.Errorf("%s.%s has %d of 1 to %d", kind, name, n, limit))
				}
			}
			inner := name
			if name == "options" {
				inner = "option"
			}
			checkLengths(inner, member, wrong)
		}
	}
}

func length(v any) int {
	switch v := v.(type) {
	case string:
		return utf8.RuneCountInString(v)
	case []any:
		return len(v)
	case map[string]any:
		return length(v["text"])
	}
	return 1
}

func TestGoldenMessagesFitSlacksSchema(t *testing.T) {
	t.Parallel()
	notifytest.CheckGolden(t, checkMessage)
}

func TestHostileMessagesFitSlacksSchema(t *testing.T) {
	t.Parallel()
	notifytest.CheckHostile(t, slack.Render, checkMessage)
}

// A schema that takes everything proves nothing.
func TestSlacksSchemaRefuses(t *testing.T) {
	t.Parallel()
	const section = `{"text":"x","blocks":[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[%s]}]}]}`
	long := func(n int) string { return strings.Repeat("é", n) }
	for name, raw := range map[string]string{
		"an unknown block":         `{"text":"x","blocks":[{"type":"data_visualization"}]}`,
		"a block we never send":    `{"text":"x","blocks":[{"type":"section","text":{"type":"mrkdwn","text":"*x*"}}]}`,
		"an unknown member":        `{"text":"x","blocks":[{"type":"header","text":{"type":"plain_text","text":"x"},"colour":"red"}]}`,
		"markup in a header":       `{"text":"x","blocks":[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]}`,
		"markup in small print":    `{"text":"x","blocks":[{"type":"context","elements":[{"type":"mrkdwn","text":"x"}]}]}`,
		"no text":                  `{"blocks":[{"type":"header","text":{"type":"plain_text","text":"x"}}]}`,
		"a mention":                fmt.Sprintf(section, `{"type":"user","user_id":"U1"}`),
		"a broadcast":              fmt.Sprintf(section, `{"type":"broadcast","range":"channel"}`),
		"a link":                   fmt.Sprintf(section, `{"type":"link","url":"https://evil.example"}`),
		"an emoji":                 fmt.Sprintf(section, `{"type":"emoji","name":"x"}`),
		"a number for a text":      fmt.Sprintf(section, `{"type":"text","text":1}`),
		"an empty text element":    fmt.Sprintf(section, `{"type":"text","text":""}`),
		"an element too long":      fmt.Sprintf(section, `{"type":"text","text":"`+long(3001)+`"}`),
		"an empty section":         fmt.Sprintf(section, ``),
		"a header too long":        `{"text":"x","blocks":[{"type":"header","text":{"type":"plain_text","text":"` + long(151) + `"}}]}`,
		"a button too long":        `{"text":"x","blocks":[{"type":"actions","elements":[{"type":"button","action_id":"a","text":{"type":"plain_text","text":"` + long(76) + `"}}]}]}`,
		"a url too long":           `{"text":"x","blocks":[{"type":"actions","elements":[{"type":"button","action_id":"a","url":"https://a/` + long(3000) + `","text":{"type":"plain_text","text":"x"}}]}]}`,
		"a choice too long":        `{"text":"x","blocks":[{"type":"actions","elements":[{"type":"static_select","action_id":"a","options":[{"text":{"type":"plain_text","text":"x"},"value":"` + long(151) + `"}]}]}]}`,
		"fifty-one blocks":         `{"text":"x","blocks":[` + strings.Repeat(`{"type":"header","text":{"type":"plain_text","text":"x"}},`, 50) + `{"type":"header","text":{"type":"plain_text","text":"x"}}]}`,
		"blocks too long together": `{"text":"x","blocks":[` + strings.Repeat(fmt.Sprintf(section[len(`{"text":"x","blocks":[`):len(section)-2], `{"type":"text","text":"`+long(2900)+`"}`)+",", 4) + `{"type":"header","text":{"type":"plain_text","text":"x"}}]}`,
	} {
		if err := checkMessage([]byte(raw)); err == nil {
			t.Errorf("%s passes: %.200s", name, raw)
		}
	}
	if err := checkMessage([]byte(fmt.Sprintf(section, `{"type":"text","text":"`+long(3000)+`"}`))); err != nil {
		t.Errorf("a message at its limit: %v", err)
	}
}
