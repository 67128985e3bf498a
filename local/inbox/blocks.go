package inbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Limits of one message. The total is not documented: slackapi/bolt-js issue #2509 measured msg_blocks_too_long
// from 13,172 to 13,297 characters on, depending on the blocks, while one markdown text may have 12,000.
const (
	maxBlocks        = 50
	maxBlocksLength  = 13_200
	maxMarkdown      = 12_000
	maxText          = 3_000
	maxTables        = 1
	maxContainerTree = 2 // layout and container may be nested two deep (slack-go v0.35.0 block_container.go)
)

// ValidateBlocks says what Slack would refuse in the blocks of a message, a JSON array. No problems: it would take them.
//
// Known are the blocks that an app may post today. alert is for modals only, and file, call, input, video and the
// assistant's own blocks are left out: nothing that an alert needs, and a block that nobody tried should not pass here.
func ValidateBlocks(raw []byte) []Problem {
	v, problems := parse(raw, "/blocks")
	if problems != nil {
		return problems
	}
	r := newReport()
	r.blocks("/blocks", v)
	if blocksTooLong(raw) {
		r.add("/blocks", "msg_blocks_too_long: all blocks together must be less than %d characters", maxBlocksLength+1)
	}
	return r.found
}

// blocksTooLong measures the blocks as compact JSON, which is never less than what Slack counts.
func blocksTooLong(raw []byte) bool {
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return false
	}
	return utf8.RuneCount(compact.Bytes()) > maxBlocksLength
}

// blocks checks a list of blocks, the message's own or an attachment's.
func (r *report) blocks(at string, v any) {
	items, ok := v.([]any)
	if !ok {
		r.add(at, "must provide an array")
		return
	}
	if len(items) > maxBlocks {
		r.add(at, "no more than %d items allowed", maxBlocks)
	}
	for i, item := range items {
		r.object(fmt.Sprintf("%s/%d", at, i), item, func(n node) { n.block(0) })
	}
}

// block checks one block; depth counts the layouts and containers around it.
func (n node) block(depth int) {
	n.need("type")
	if id := n.str("block_id", 1, 255); id != "" {
		n.unique(n.path("block_id"), id)
	}
	switch kind := n.kind(); kind {
	case "divider":
		n.only("block_id")
	case "header":
		n.header()
	case "section":
		n.section()
	case "context":
		n.context()
	case "actions":
		n.actions()
	case "image":
		n.imageBlock()
	case "markdown":
		n.markdownBlock()
	case "rich_text":
		n.richText()
	case "table":
		n.table()
	case "data_table":
		n.dataTable()
	case "data_visualization":
		n.chart()
	case "card":
		n.card()
	case "carousel":
		n.carousel()
	case "container":
		n.container(depth + 1)
	case "layout":
		n.layout(depth + 1)
	case "":
		n.str("type", 1, maxText) // need has spoken if it is absent
	default:
		n.fail("type", "unsupported type: %s", kind)
	}
}

// header checks the one big line of a message. It is plain text only: mrkdwn is refused, not shown raw.
func (n node) header() {
	n.only("block_id", "text", "level")
	n.need("text")
	n.text("text", 150, "plain_text")
	n.integer("level", 1, 4)
}

// section checks prose, up to ten facts in two columns, and one thing beside them. An empty list of facts does not count as
// content.
func (n node) section() {
	n.only("block_id", "text", "fields", "accessory", "expand")
	if fields, _ := n.obj["fields"].([]any); !n.has("text") && len(fields) == 0 {
		n.fail("", "must define either `text` or `fields`")
	}
	n.text("text", maxText, "plain_text", "mrkdwn")
	for i, field := range n.list("fields", 1, 10) {
		// Fields are text objects in an array; wrapping one lets text check it at its own pointer.
		key := fmt.Sprint(i)
		node{report: n.report, at: n.path("fields"), obj: map[string]any{key: field}}.text(key, 2000, "plain_text", "mrkdwn")
	}
	n.child("accessory", func(e node) { e.element(true) })
	n.flag("expand")
}

// context checks the small print: texts and pictures, no buttons.
func (n node) context() {
	n.only("block_id", "elements")
	n.need("elements")
	for i, item := range n.list("elements", 1, 10) {
		key := fmt.Sprint(i)
		wrap := node{report: n.report, at: n.path("elements"), obj: map[string]any{key: item}}
		if obj, _ := item.(map[string]any); obj["type"] == "image" {
			wrap.child(key, node.image)
			continue
		}
		wrap.text(key, maxText, "plain_text", "mrkdwn")
	}
}

// actions checks a row of buttons and menus.
func (n node) actions() {
	n.only("block_id", "elements")
	n.need("elements")
	seen := make(map[string]bool)
	n.each("elements", 1, 25, func(e node) {
		e.element(false)
		// An interaction names the block and the action, so two alike in one block could not be told apart.
		if id, _ := e.obj["action_id"].(string); id != "" && seen[id] {
			e.fail("action_id", "%q is already used in this block", id)
		} else {
			seen[id] = true
		}
	})
}

// imageBlock checks a picture on its own line. Slack fetches it from its servers, so a private address shows nothing, which
// cannot be told here.
func (n node) imageBlock() {
	n.only("block_id", "image_url", "slack_file", "alt_text", "title")
	n.imageSource()
	n.text("title", 2000, "plain_text")
}

// markdownBlock checks standard Markdown. Its limit holds for all such blocks of a message together.
func (n node) markdownBlock() {
	n.only("block_id", "text")
	n.need("text")
	n.markdown += utf8.RuneCountInString(n.str("text", 1, maxMarkdown))
	if n.markdown > maxMarkdown {
		n.fail("text", "all markdown blocks together must be less than %d characters", maxMarkdown+1)
	}
}

// card checks the compact card; limits as in slackblocks' spec/limits.json, card.
func (n node) card() {
	n.only("block_id", "hero_image", "icon", "slack_icon", "title", "subtitle", "body", "subtext", "actions")
	n.child("hero_image", node.image)
	n.child("icon", node.image)
	n.text("title", 150, "plain_text", "mrkdwn")
	n.text("subtitle", 150, "plain_text", "mrkdwn")
	n.text("body", 200, "plain_text", "mrkdwn")
	n.text("subtext", 200, "plain_text", "mrkdwn")
	n.each("actions", 1, 3, node.button)
	if !n.has("title") && !n.has("body") && !n.has("actions") && !n.has("hero_image") {
		n.fail("", "must define at least one of `hero_image`, `title`, `actions`, or `body`")
	}
}

// carousel checks a row of cards to swipe through.
func (n node) carousel() {
	n.only("block_id", "elements")
	n.need("elements")
	n.each("elements", 1, 10, func(c node) {
		if c.kind() != "card" {
			c.fail("type", "must be one of: card")
			return
		}
		c.card()
	})
}

// container checks a box with a title that may fold.
func (n node) container(depth int) {
	n.only("block_id", "title", "rich_text_title", "subtitle", "icon", "width", "is_collapsible", "default_collapsed",
		"has_header_divider", "child_blocks")
	if !n.has("title") && !n.has("rich_text_title") {
		n.fail("", "must define either `title` or `rich_text_title`")
	}
	n.need("child_blocks")
	n.text("title", 150, "plain_text")
	n.child("rich_text_title", node.richText)
	n.text("subtitle", 150, "plain_text", "mrkdwn")
	n.child("icon", node.image)
	n.choice("width", "narrow", "standard", "wide", "full")
	n.flag("is_collapsible", "default_collapsed", "has_header_divider")
	n.each("child_blocks", 1, 10, func(b node) { b.nested(depth, append(plainBlocks(), "actions", "layout")) })
}

// layout checks rows of blocks side by side, new in October 2026 (slack-go v0.35.0 block_layout.go). Clients that do not know
// it show the fallback.
func (n node) layout(depth int) {
	n.only("block_id", "label", "rows", "is_label_visible", "grid_lines", "fallback")
	n.need("label", "rows")
	n.str("label", 1, 150)
	n.flag("is_label_visible")
	n.choice("grid_lines", "none", "rows", "outer")
	n.each("rows", 1, 5, func(row node) {
		row.only("items")
		row.need("items")
		row.each("items", 1, 3, func(item node) {
			item.only("block", "width", "horizontal_alignment")
			item.need("block")
			item.choice("width", "narrow", "standard", "wide")
			item.choice("horizontal_alignment", "start", "center", "end")
			item.child("block", func(b node) {
				b.nested(depth, append(plainBlocks(), "actions", "card", "carousel", "container", "data_table", "data_visualization"))
			})
		})
	})
	n.each("fallback", 0, maxBlocks, func(b node) { b.nested(depth, plainBlocks()) })
}

// plainBlocks may stand inside a container and a layout, and in a layout's fallback for older clients.
func plainBlocks() []string {
	return []string{"context", "divider", "header", "image", "rich_text", "section", "table"}
}

// nested checks a block inside a container or layout, where only some may stand.
func (n node) nested(depth int, allowed []string) {
	kind := n.kind()
	if !slices.Contains(allowed, kind) || (kind == "container" || kind == "layout") && depth >= maxContainerTree {
		n.fail("type", "unsupported type here: %s", kind)
		return
	}
	n.block(depth)
}
