package inbox

import (
	"slices"
	"strings"
)

// What follows are the things inside Slack's blocks: buttons, menus, pictures. Limits are those of the doc comments in
// @slack/types 3.2.0 (block-elements, composition-objects), checked against slackblocks' spec/limits.json.

// pickers are the interactive elements of which only the common properties are checked: nothing here sends them,
// but an operator's own template may.
func pickers() []string {
	return []string{
		"datepicker", "datetimepicker", "timepicker", "users_select", "conversations_select", "channels_select",
		"external_select", "multi_static_select", "multi_users_select", "multi_conversations_select", "multi_channels_select",
		"multi_external_select", "workflow_button", "rich_text_input",
	}
}

// element checks one interactive element; a section's accessory may be a picture as well.
func (n node) element(accessory bool) {
	n.need("type")
	switch kind := n.kind(); {
	case kind == "button":
		n.button()
	case kind == "image" && accessory:
		n.image()
	case kind == "overflow":
		n.menu(1, 5, "plain_text")
	case kind == "static_select":
		n.staticSelect()
	case kind == "checkboxes" || kind == "radio_buttons":
		n.menu(1, 10, "plain_text", "mrkdwn")
	case slices.Contains(pickers(), kind):
		n.interactive()
	default:
		n.fail("type", "unsupported type: %s", kind)
	}
}

// button checks a button. With a url it opens a page, without one it is an interaction that an app must answer; both may carry
// a value.
func (n node) button() {
	n.only("text", "action_id", "url", "value", "style", "confirm", "accessibility_label", "agent_prompt",
		"agent_prompt_display", "visible_to_user_ids")
	if n.kind() != "button" {
		n.fail("type", "must be one of: button")
	}
	n.need("text")
	n.text("text", 75, "plain_text")
	n.link("url", 3000, "https", "http", "mailto")
	n.str("value", 1, 2000)
	n.choice("style", "primary", "danger")
	n.str("accessibility_label", 1, 75)
	n.interactive()
}

// interactive checks what every element has that answers a click.
func (n node) interactive() {
	n.str("action_id", 1, 255)
	n.text("placeholder", 150, "plain_text")
	n.flag("focus_on_load")
	n.child("confirm", node.confirm)
}

// confirm checks the dialog that asks before an action.
func (n node) confirm() {
	n.only("title", "text", "confirm", "deny", "style")
	n.need("text")
	n.text("title", 100, "plain_text")
	n.text("text", 300, "plain_text", "mrkdwn")
	n.text("confirm", 30, "plain_text")
	n.text("deny", 30, "plain_text")
	n.choice("style", "primary", "danger")
}

// menu checks elements whose options are all there is to them.
func (n node) menu(least, most int, kinds ...string) {
	n.only("action_id", "options", "initial_option", "initial_options", "confirm", "focus_on_load")
	n.need("options")
	n.each("options", least, most, func(o node) { o.option(kinds...) })
	n.interactive()
}

// staticSelect checks a menu, flat or in groups, but not both.
func (n node) staticSelect() {
	n.only("action_id", "placeholder", "options", "option_groups", "initial_option", "confirm", "focus_on_load")
	if n.has("options") == n.has("option_groups") {
		n.fail("", "must define either `options` or `option_groups`, not both")
	}
	n.each("options", 1, 100, func(o node) { o.option("plain_text") })
	n.each("option_groups", 1, 100, func(g node) {
		g.only("label", "options")
		g.need("label", "options")
		g.text("label", 75, "plain_text")
		g.each("options", 1, 100, func(o node) { o.option("plain_text") })
	})
	n.interactive()
}

// option checks one choice. Its value is what comes back in an interaction and has a limit of its own.
func (n node) option(kinds ...string) {
	n.only("text", "value", "description", "url")
	n.need("text")
	n.text("text", 75, kinds...)
	n.str("value", 1, 150)
	n.text("description", 75, kinds...)
	n.link("url", 3000, "https", "http", "mailto")
}

// image checks the picture inside a context, section or card.
func (n node) image() {
	n.only("image_url", "slack_file", "alt_text")
	if n.kind() != "image" {
		n.fail("type", "must be one of: image")
	}
	n.imageSource()
}

// imageSource checks what pictures have everywhere. alt_text is required: a message must be readable without its pictures.
func (n node) imageSource() {
	n.need("alt_text")
	n.str("alt_text", 1, 2000)
	if n.has("image_url") == n.has("slack_file") {
		n.fail("", "must define either `image_url` or `slack_file`")
	}
	n.link("image_url", 3000, "https", "http")
	n.child("slack_file", func(f node) {
		f.only("id", "url")
		if f.has("id") == f.has("url") {
			f.fail("", "must define either `id` or `url`")
		}
	})
}

// legacyAttachment lists what an attachment may hold when it has no blocks (slack-go v0.35.0 attachments.go).
func legacyAttachment() []string {
	return strings.Fields(`color fallback callback_id id author_id author_name author_subname author_link author_icon title
		title_link pretext text image_url thumb_url fields actions mrkdwn_in blocks footer footer_icon ts`)
}

// attachment checks one secondary attachment, the only place where Slack draws a color bar. One with blocks may have
// nothing else to show: blocks beside text are answered invalid_attachments "invalid_keys" (slackapi/node-slack-sdk
// PR #832, slack-go/slack issue #826).
func (n node) attachment() {
	if blocks, _ := n.obj["blocks"].([]any); len(blocks) > 0 {
		for name := range n.obj {
			if !slices.Contains([]string{"blocks", "color", "fallback"}, name) {
				n.fail("", "invalid_keys: %s cannot stand beside blocks", name)
			}
		}
		n.blocks(n.path("blocks"), n.obj["blocks"])
	} else {
		n.only(legacyAttachment()...)
	}
	n.str("fallback", 0, 40_000)
	n.each("fields", 0, 100, func(f node) {
		f.only("title", "value", "short")
		f.flag("short")
	})
	if color := n.str("color", 0, 20); color != "" && !slices.Contains([]string{"good", "warning", "danger"}, color) && !hexColor(color) {
		n.fail("color", "must be good, warning, danger or a hexadecimal color")
	}
}

// hexColor takes #d13438 and d13438, the form in which Slack itself returns colors.
func hexColor(s string) bool {
	digits := strings.TrimPrefix(s, "#")
	return len(digits) == 6 && strings.Trim(strings.ToLower(digits), "0123456789abcdef") == ""
}

// ValidateAttachments says what Slack would refuse in the attachments of a message, a JSON array.
func ValidateAttachments(raw []byte) []Problem {
	v, problems := parse(raw, "/attachments")
	if problems != nil {
		return problems
	}
	r := newReport()
	wrap := node{report: r, obj: map[string]any{"attachments": v}}
	wrap.each("attachments", 0, 100, node.attachment)
	return r.found
}
