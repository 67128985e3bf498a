package inbox

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// plain and mark are Slack's two text objects.
func plain(s string) string { return fmt.Sprintf(`{"type":"plain_text","text":%q}`, s) }
func mark(s string) string  { return fmt.Sprintf(`{"type":"mrkdwn","text":%q}`, s) }

func times(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }

func section(text string) string { return `{"type":"section","text":` + text + `}` }

func actions(elements string) string { return `{"type":"actions","elements":[` + elements + `]}` }

func button(more string) string {
	return `{"type":"button","text":` + plain("Open") + more + `}`
}

func TestValidateBlocksAccepts(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, why, blocks string }{
		{"empty list", "an update may remove all blocks", ``},
		{"alert", "the blocks that an alert is made of", `{"type":"header","text":` + plain("HIGH") + `},` + section(mark("*who*")) + `,{"type":"divider"},` +
			`{"type":"section","fields":[` + times(10, mark("*a*\nb")) + `]},{"type":"context","elements":[` + times(10, mark("x")) + `]},` + actions(times(25, button("")))},
		{"header at its limit", "150 is allowed, 151 is not", `{"type":"header","text":` + plain(strings.Repeat("h", 150)) + `}`},
		{"emoji count once", "Slack counts code points, not bytes", `{"type":"header","text":` + plain(strings.Repeat("🔔", 150)) + `}`},
		{"section text at its limit", "", section(mark(strings.Repeat("s", 3000)))},
		{"fifty blocks", "", times(50, `{"type":"divider"}`)},
		{"button in full", "", actions(button(`,"url":"https://portal.azure.com/#@t/resource","value":"v","action_id":"a","style":"danger","accessibility_label":"l",` +
			`"confirm":{"title":` + plain("Sure?") + `,"text":` + mark("Really") + `,"confirm":` + plain("Yes") + `,"deny":` + plain("No") + `}`))},
		{"same action id in two blocks", "only within one block must they differ", actions(button(`,"action_id":"a"`)) + "," + actions(button(`,"action_id":"a"`))},
		{"menus", "", actions(`{"type":"overflow","action_id":"o","options":[{"text":` + plain("Snooze") + `,"value":"1h"}]},` +
			`{"type":"static_select","action_id":"s","placeholder":` + plain("Pick") + `,"options":[{"text":` + plain("a") + `,"value":"a"}]},{"type":"datepicker","action_id":"d"}`)},
		{"pictures", "", `{"type":"image","image_url":"https://a.example/x.png","alt_text":"x"},{"type":"context","elements":[{"type":"image","image_url":"https://a.example/x.png","alt_text":"x"},` + plain("y") + `]},` +
			`{"type":"section","text":` + plain("t") + `,"accessory":{"type":"image","slack_file":{"id":"F1"},"alt_text":"x"}}`},
		{"rich text", "", `{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"a","style":{"bold":true}},{"type":"link","url":"https://a.example"},{"type":"date","timestamp":1,"format":"{date}"}]},` +
			`{"type":"rich_text_list","style":"bullet","elements":[{"type":"rich_text_section","elements":[{"type":"emoji","name":"bell"}]}]},{"type":"rich_text_preformatted","elements":[]},{"type":"rich_text_quote","elements":[]}]}`},
		{"table", "", `{"type":"table","column_settings":[{"align":"right","is_wrapped":true}],"rows":[[{"type":"raw_text","text":"a"},{"type":"raw_text","text":"b"}],[{"type":"raw_text","text":"1"},{"type":"rich_text","elements":[]}]]}`},
		{"data table", "", `{"type":"data_table","caption":"c","page_size":10,"rows":[[{"type":"raw_text","text":"a"}],[{"type":"raw_number","value":1}]]}`},
		{"pie", "", `{"type":"data_visualization","title":"t","chart":{"type":"pie","segments":[{"label":"a","value":1}]}}`},
		{"bars", "", `{"type":"data_visualization","title":"t","chart":{"type":"bar","axis_config":{"categories":["a","b"]},"series":[{"name":"n","data":[{"label":"a","value":1},{"label":"b","value":-2}]}]}}`},
		{"card", "", `{"type":"carousel","elements":[{"type":"card","title":` + mark("t") + `,"body":` + plain("b") + `,"actions":[` + times(3, button("")) + `]}]}`},
		{"container", "", `{"type":"container","title":` + plain("t") + `,"is_collapsible":true,"child_blocks":[` + times(10, `{"type":"divider"}`) + `]}`},
		{"layout", "", `{"type":"layout","label":"l","rows":[{"items":[{"width":"wide","block":{"type":"divider"}},{"block":{"type":"container","title":` + plain("t") + `,"child_blocks":[{"type":"divider"}]}}]}],"fallback":[{"type":"divider"}]}`},
		{"markdown", "", `{"type":"markdown","text":"# a"}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if problems := ValidateBlocks([]byte("[" + c.blocks + "]")); len(problems) > 0 {
				t.Errorf("%s\ngot %v, want no problems", c.why, problems)
			}
		})
	}
}

// refusedBlocks has a case for every limit: what is sent, and the place and words of the refusal.
var refusedBlocks = []struct{ name, why, blocks, pointer, reason string }{
	{"51 blocks", "the limit of a message", times(51, `{"type":"divider"}`), "/blocks", "no more than 50 items allowed"},
	{"not an object", "", `1`, "/blocks/0", "must provide an object"},
	{"no type", "", `{"text":1}`, "/blocks/0", "missing required field: type"},
	{"type is a number", "", `{"type":7}`, "/blocks/0/type", "must provide a string"},
	{"unknown type", "one unknown block makes Slack refuse the whole message", `{"type":"fancy"}`, "/blocks/0/type", "unsupported type: fancy"},
	{"alert block", "alert is for modals", `{"type":"alert","text":` + plain("x") + `}`, "/blocks/0/type", "unsupported type: alert"},
	{"unknown property", "a typo must not go unnoticed", `{"type":"divider","color":"red"}`, "/blocks/0", "invalid additional property: color"},
	{"header too long", "", `{"type":"header","text":` + plain(long(151)) + `}`, "/blocks/0/text/text", "must be less than 151 characters"},
	{"header of mrkdwn", "a header is plain text only", `{"type":"header","text":` + mark("x") + `}`, "/blocks/0/text/type", "must be one of: plain_text"},
	{"header level", "", `{"type":"header","level":5,"text":` + plain("x") + `}`, "/blocks/0/level", "must be a whole number from 1 to 4"},
	{"section text too long", "", section(mark(long(3001))), "/blocks/0/text/text", "must be less than 3001 characters"},
	{"section text empty", "", section(mark("")), "/blocks/0/text/text", "must be more than 0 characters"},
	{"section without content", "", `{"type":"section"}`, "/blocks/0", "must define either `text` or `fields`"},
	{"section with empty fields", "empty fields are no content", `{"type":"section","fields":[]}`, "/blocks/0", "must define either `text` or `fields`"},
	{"eleven fields", "", `{"type":"section","fields":[` + times(11, mark("x")) + `]}`, "/blocks/0/fields", "no more than 10 items allowed"},
	{"field too long", "fields hold less than a section's text", `{"type":"section","fields":[` + mark(long(2001)) + `]}`, "/blocks/0/fields/0/text", "must be less than 2001 characters"},
	{"emoji in mrkdwn", "slack-go had to learn this", section(`{"type":"mrkdwn","text":"x","emoji":true}`), "/blocks/0/text", "invalid additional property: emoji"},
	{"verbatim in plain text", "", section(`{"type":"plain_text","text":"x","verbatim":true}`), "/blocks/0/text", "invalid additional property: verbatim"},
	{"eleven context elements", "", `{"type":"context","elements":[` + times(11, mark("x")) + `]}`, "/blocks/0/elements", "no more than 10 items allowed"},
	{"no context elements", "", `{"type":"context","elements":[]}`, "/blocks/0/elements", "no fewer than 1 items allowed"},
	{"button in context", "context has text and pictures only", `{"type":"context","elements":[` + button("") + `]}`, "/blocks/0/elements/0/type", "must be one of: plain_text, mrkdwn"},
	{"26 actions", "", actions(times(26, button(""))), "/blocks/0/elements", "no more than 25 items allowed"},
	{"text among actions", "", actions(mark("x")), "/blocks/0/elements/0/type", "unsupported type: mrkdwn"},
	{"button text too long", "", actions(`{"type":"button","text":` + plain(long(76)) + `}`), "/blocks/0/elements/0/text/text", "must be less than 76 characters"},
	{"button text of mrkdwn", "", actions(`{"type":"button","text":` + mark("x") + `}`), "/blocks/0/elements/0/text/type", "must be one of: plain_text"},
	{"button without text", "", actions(`{"type":"button"}`), "/blocks/0/elements/0", "missing required field: text"},
	{"button url too long", "", actions(button(`,"url":"https://a.example/` + long(3000) + `"`)), "/blocks/0/elements/0/url", "must be less than 3001 characters"},
	{"button url of javascript", "", actions(button(`,"url":"javascript:alert(1)"`)), "/blocks/0/elements/0/url", "must be a valid URL with scheme https or http or mailto"},
	{"button url relative", "", actions(button(`,"url":"/x"`)), "/blocks/0/elements/0/url", "must be a valid URL with scheme https or http or mailto"},
	{"button value too long", "", actions(button(`,"value":"` + long(2001) + `"`)), "/blocks/0/elements/0/value", "must be less than 2001 characters"},
	{"button style", "", actions(button(`,"style":"default"`)), "/blocks/0/elements/0/style", "must be one of: primary, danger"},
	{"action id too long", "", actions(button(`,"action_id":"` + long(256) + `"`)), "/blocks/0/elements/0/action_id", "must be less than 256 characters"},
	{"action id twice", "the click could not be told apart", actions(times(2, button(`,"action_id":"a"`))), "/blocks/0/elements/1/action_id", `"a" is already used in this block`},
	{"accessibility label too long", "", actions(button(`,"accessibility_label":"` + long(76) + `"`)), "/blocks/0/elements/0/accessibility_label", "must be less than 76 characters"},
	{"confirm text too long", "", actions(button(`,"confirm":{"text":` + plain(long(301)) + `}`)), "/blocks/0/elements/0/confirm/text/text", "must be less than 301 characters"},
	{"confirm title too long", "", actions(button(`,"confirm":{"text":` + plain("x") + `,"title":` + plain(long(101)) + `}`)), "/blocks/0/elements/0/confirm/title/text", "must be less than 101 characters"},
	{"confirm button too long", "", actions(button(`,"confirm":{"text":` + plain("x") + `,"deny":` + plain(long(31)) + `}`)), "/blocks/0/elements/0/confirm/deny/text", "must be less than 31 characters"},
	{"block id twice", "", `{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}`, "/blocks/1/block_id", `"a" is already used at /blocks/0/block_id`},
	{"block id too long", "", `{"type":"divider","block_id":"` + long(256) + `"}`, "/blocks/0/block_id", "must be less than 256 characters"},
	{"six overflow options", "", actions(`{"type":"overflow","options":[` + times(6, `{"text":`+plain("a")+`,"value":"a"}`) + `]}`), "/blocks/0/elements/0/options", "no more than 5 items allowed"},
	{"select with both", "", actions(`{"type":"static_select"}`), "/blocks/0/elements/0", "must define either `options` or `option_groups`, not both"},
	{"option value too long", "", actions(`{"type":"overflow","options":[{"text":` + plain("a") + `,"value":"` + long(151) + `"}]}`), "/blocks/0/elements/0/options/0/value", "must be less than 151 characters"},
	{"image without alt text", "", `{"type":"image","image_url":"https://a.example/x.png"}`, "/blocks/0", "missing required field: alt_text"},
	{"image from two sources", "", `{"type":"image","alt_text":"x","image_url":"https://a.example/x.png","slack_file":{"id":"F"}}`, "/blocks/0", "must define either `image_url` or `slack_file`"},
	{"markdown too long in all", "the limit is for the message", times(3, `{"type":"markdown","text":"`+long(4001)+`"}`), "/blocks/2/text", "all markdown blocks together must be less than 12001 characters"},
	{"too much in all", "undocumented, measured by others at about 13,200", times(5, section(mark(long(2700)))), "/blocks", "msg_blocks_too_long: all blocks together must be less than 13201 characters"},
	{"101 rows", "", `{"type":"table","rows":[` + times(101, `[{"type":"raw_text","text":"a"}]`) + `]}`, "/blocks/0/rows", "no more than 100 items allowed"},
	{"21 cells", "", `{"type":"table","rows":[[` + times(21, `{"type":"raw_text","text":"a"}`) + `]]}`, "/blocks/0/rows/0", "must have 1 to 20 cells"},
	{"ragged rows", "", `{"type":"table","rows":[[{"type":"raw_text","text":"a"}],[` + times(2, `{"type":"raw_text","text":"a"}`) + `]]}`, "/blocks/0/rows/1", "must have 1 cells as the rows above"},
	{"number in a table", "some workspaces refuse raw_number", `{"type":"table","rows":[[{"type":"raw_number","value":1}]]}`, "/blocks/0/rows/0/0/type", "unsupported type: raw_number"},
	{"two tables", "", times(2, `{"type":"table","rows":[[{"type":"raw_text","text":"a"}]]}`), "/blocks/1", "only_one_table_allowed"},
	{"data table of one row", "a head without a body", `{"type":"data_table","caption":"c","rows":[[{"type":"raw_text","text":"a"}]]}`, "/blocks/0/rows", "no fewer than 2 items allowed"},
	{"chart title too long", "", `{"type":"data_visualization","title":"` + long(51) + `","chart":{"type":"pie","segments":[{"label":"a","value":1}]}}`, "/blocks/0/title", "must be less than 51 characters"},
	{"seven segments", "", `{"type":"data_visualization","title":"t","chart":{"type":"pie","segments":[` + times(7, `{"label":"a","value":1}`) + `]}}`, "/blocks/0/chart/segments", "no more than 6 items allowed"},
	{"point for no category", "", `{"type":"data_visualization","title":"t","chart":{"type":"bar","axis_config":{"categories":["a"]},"series":[{"name":"n","data":[{"label":"b","value":1}]}]}}`, "/blocks/0/chart/series/0/data/0/label", "must name each category once"},
	{"label of an odd type", "must not confuse the checker", `{"type":"data_visualization","title":"t","chart":{"type":"bar","axis_config":{"categories":[{}]},"series":[{"name":"n","data":[{"label":{},"value":1}]}]}}`, "/blocks/0/chart/series/0/data/0/label", "must provide a string"},
	{"card body too long", "", `{"type":"card","body":` + plain(long(201)) + `}`, "/blocks/0/body/text", "must be less than 201 characters"},
	{"four card actions", "", `{"type":"card","actions":[` + times(4, button("")) + `]}`, "/blocks/0/actions", "no more than 3 items allowed"},
	{"eleven cards", "", `{"type":"carousel","elements":[` + times(11, `{"type":"card","title":`+plain("t")+`}`) + `]}`, "/blocks/0/elements", "no more than 10 items allowed"},
	{"container without title", "", `{"type":"container","child_blocks":[{"type":"divider"}]}`, "/blocks/0", "must define either `title` or `rich_text_title`"},
	{"container in a container", "", `{"type":"container","title":` + plain("t") + `,"child_blocks":[{"type":"container"}]}`, "/blocks/0/child_blocks/0/type", "unsupported type here: container"},
	{"four items in a layout's row", "", `{"type":"layout","label":"l","rows":[{"items":[` + times(4, `{"block":{"type":"divider"}}`) + `]}]}`, "/blocks/0/rows/0/items", "no more than 3 items allowed"},
	{"layout without label", "", `{"type":"layout","rows":[{"items":[{"block":{"type":"divider"}}]}]}`, "/blocks/0", "missing required field: label"},
	{"unknown rich text", "", `{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"blink"}]}]}`, "/blocks/0/elements/0/elements/0/type", "unsupported type: blink"},
}

func long(n int) string { return strings.Repeat("x", n) }

func TestValidateBlocksRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range refusedBlocks {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			problems := ValidateBlocks([]byte("[" + c.blocks + "]"))
			for _, p := range problems {
				if p == (Problem{Pointer: c.pointer, Reason: c.reason}) {
					return
				}
			}
			t.Errorf("%s\ngot %v, want %s at %s", c.why, problems, c.reason, c.pointer)
		})
	}
}

func TestValidateBlocksOfSomethingElse(t *testing.T) {
	t.Parallel()
	got := ValidateBlocks([]byte(`{"type":"divider"}`))
	if diff := cmp.Diff([]Problem{{Pointer: "/blocks", Reason: "must provide an array"}}, got); diff != "" {
		t.Errorf("an object instead of an array (-want +got):\n%s", diff)
	}
	for _, raw := range []string{"", "[", "nonsense", "[{]"} {
		if len(ValidateBlocks([]byte(raw))) == 0 {
			t.Errorf("ValidateBlocks(%q): got no problems for what is not JSON", raw)
		}
	}
}

func TestValidateAttachments(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, why, json, reason string }{
		{"bar and blocks", "the only way to a color bar", `[{"color":"#d13438","fallback":"f","blocks":[{"type":"divider"}]}]`, ""},
		{"legacy", "", `[{"color":"danger","title":"t","text":"x","fields":[{"title":"a","value":"b","short":true}]}]`, ""},
		{"empty", "an update removes attachments so", `[]`, ""},
		{"blocks beside text", "Slack answers invalid_keys", `[{"text":"x","blocks":[{"type":"divider"}]}]`, "invalid_keys: text cannot stand beside blocks [json-pointer:/attachments/0]"},
		{"bad block", "", `[{"blocks":[{"type":"header","text":{"type":"mrkdwn","text":"x"}}]}]`, "must be one of: plain_text [json-pointer:/attachments/0/blocks/0/text/type]"},
		{"bad color", "", `[{"color":"crimson","text":"x"}]`, "must be good, warning, danger or a hexadecimal color [json-pointer:/attachments/0/color]"},
		{"101 attachments", "", `[` + times(101, `{"text":"x"}`) + `]`, "no more than 100 items allowed [json-pointer:/attachments]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var want []string
			if c.reason != "" {
				want = []string{c.reason}
			}
			got := problemTexts(ValidateAttachments([]byte(c.json)))
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("%s\ngot %v, want %v", c.why, got, want)
			}
		})
	}
}
