package inbox

import (
	"encoding/json"
	"regexp"
	"strings"
)

// slackText is what a person reads in a Slack message, without any markup: the blocks if there are any, else the text,
// then the attachments. The fallback text beside blocks is left out, as Slack shows it in notifications only.
func slackText(text string, blocks, attachments json.RawMessage) string {
	var lines []string
	if shown := blockLines(decoded(blocks)); len(shown) > 0 {
		lines = shown
	} else if text != "" {
		lines = []string{plainMrkdwn(text)}
	}
	for _, a := range objects(decoded(attachments)) {
		lines = append(lines, attachmentLines(a)...)
	}
	return strings.Join(lines, "\n")
}

// decoded parses JSON, or returns nil.
func decoded(raw json.RawMessage) (v any) {
	if len(raw) > 0 {
		_ = json.Unmarshal(raw, &v) // nil for what is not JSON: validators have spoken before
	}
	return v
}

// objects are the JSON objects of an array.
func objects(v any) (found []map[string]any) {
	items, _ := v.([]any)
	for _, item := range items {
		if obj, ok := item.(map[string]any); ok {
			found = append(found, obj)
		}
	}
	return found
}

// attachmentLines reads an attachment: its blocks if it has any, else the old fields in the order in which Slack shows them.
func attachmentLines(a map[string]any) []string {
	if blocks, given := a["blocks"]; given && len(objects(blocks)) > 0 {
		return blockLines(blocks)
	}
	var lines []string
	for _, name := range []string{"pretext", "author_name", "title", "text"} {
		lines = appendText(lines, a[name])
	}
	for _, f := range objects(a["fields"]) {
		lines = append(lines, labelled(stringOf(f["title"]), stringOf(f["value"])))
	}
	lines = appendText(lines, a["footer"])
	if len(lines) == 0 {
		lines = appendText(lines, a["fallback"])
	}
	return lines
}

// blockLines walks blocks in reading order. Only the properties that carry text are followed, so that ids and styles
// stay out of it.
func blockLines(v any) (lines []string) {
	for _, b := range objects(v) {
		lines = append(lines, blockText(b)...)
	}
	return lines
}

// blockText reads any block. Which type it is does not matter, because a property means the same everywhere.
func blockText(b map[string]any) (lines []string) {
	for _, name := range []string{"label", "rich_text_title", "title", "subtitle", "text", "body", "subtext"} {
		lines = appendText(lines, b[name])
	}
	for _, f := range objects(b["fields"]) {
		lines = append(lines, fieldText(plainText(f)))
	}
	for _, e := range objects(b["elements"]) {
		lines = appendText(lines, e)
	}
	lines = appendText(lines, b["accessory"])
	for _, e := range objects(b["actions"]) {
		lines = appendText(lines, e)
	}
	rows, _ := b["rows"].([]any)
	for _, row := range rows {
		lines = append(lines, rowText(row)...)
	}
	return append(lines, blockLines(b["child_blocks"])...)
}

// rowText reads a table's row as one line and a layout's row as the blocks in it.
func rowText(row any) []string {
	if layout, ok := row.(map[string]any); ok {
		var lines []string
		for _, item := range objects(layout["items"]) {
			lines = append(lines, blockLines([]any{item["block"]})...)
		}
		return lines
	}
	var cells []string
	for _, cell := range objects(row) {
		cells = append(cells, plainText(cell))
	}
	return []string{strings.Join(cells, " | ")}
}

// appendText appends what v says, if it says anything.
func appendText(lines []string, v any) []string {
	if s := plainText(v); s != "" {
		return append(lines, s)
	}
	return lines
}

// plainText reads a string, a text object, a button, a picture or a piece of rich text.
func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return plainMrkdwn(v)
	case map[string]any:
		return objectText(v)
	}
	return ""
}

// objectText reads what has a type. The default is for sections of rich text, whose runs belong together.
func objectText(v map[string]any) string {
	switch kind := stringOf(v["type"]); kind {
	case "plain_text", "raw_text", "text", "raw_number":
		return stringOf(v["text"])
	case "mrkdwn":
		return plainMrkdwn(stringOf(v["text"]))
	case "button", "workflow_button":
		return strings.TrimSpace("[" + plainText(v["text"]) + "] " + stringOf(v["url"]))
	case "image":
		return stringOf(v["alt_text"])
	case "link":
		return linkText(stringOf(v["url"]), stringOf(v["text"]))
	case "emoji":
		return ":" + stringOf(v["name"]) + ":"
	case "date":
		return stringOf(v["fallback"])
	case "user":
		return "@" + stringOf(v["user_id"])
	case "card":
		return strings.Join(blockText(v), "\n")
	case "rich_text_list", "rich_text":
		return joined(v["elements"], "\n")
	}
	return joined(v["elements"], "")
}

// joined reads several things as one text.
func joined(v any, separator string) string {
	var parts []string
	for _, e := range objects(v) {
		parts = append(parts, plainText(e))
	}
	return strings.Join(parts, separator)
}

// fieldText turns the usual "*Who*\nAlice" of a two-column field into "Who: Alice".
func fieldText(s string) string {
	label, value, two := strings.Cut(s, "\n")
	if !two || strings.Contains(value, "\n") || len(label) > 60 {
		return s
	}
	return labelled(label, value)
}

// labelled writes "name: value", whether or not the name brought its own colon.
func labelled(label, value string) string {
	return strings.TrimRight(label, ": ") + ": " + plainMrkdwn(value)
}

// linkText shows where a link leads, unless its text says so already.
func linkText(address, label string) string {
	bare := strings.TrimPrefix(address, "mailto:")
	if label == "" || label == address || label == bare {
		return bare
	}
	return label + " (" + address + ")"
}

// stringOf is v if it is a string.
func stringOf(v any) string { s, _ := v.(string); return s }

var (
	slackToken    = regexp.MustCompile(`<([^<>]+)>`)
	slackEmphasis = regexp.MustCompile(`(^|[^\w*_~])([*_~])(\S|\S[^\n]*?\S)([*_~])($|[^\w*_~])`)
	slackEntity   = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
)

// plainMrkdwn takes the markup out of Slack's mrkdwn. What stands between backticks is code and stays as it is.
func plainMrkdwn(s string) string {
	pieces := strings.Split(strings.ReplaceAll(s, "```", "`"), "`")
	for i, piece := range pieces {
		piece = slackToken.ReplaceAllStringFunc(piece, tokenText)
		if i%2 == 0 {
			piece = withoutEmphasis(slackEmphasis, piece)
		}
		pieces[i] = slackEntity.Replace(piece)
	}
	return strings.TrimSpace(strings.Join(pieces, ""))
}

// withoutEmphasis drops pairs of equal marks, found as before, mark, text, mark, after. It runs until nothing changes,
// because *_bold italics_* nest and neighbours share a space.
func withoutEmphasis(marks *regexp.Regexp, s string) string {
	for range 4 {
		next := marks.ReplaceAllStringFunc(s, func(found string) string {
			m := marks.FindStringSubmatch(found)
			if m[2] != m[4] {
				return found
			}
			return m[1] + m[3] + m[5]
		})
		if next == s {
			break
		}
		s = next
	}
	return s
}

// tokenText reads what Slack puts between angle brackets: links, mentions, dates with their fallback.
func tokenText(token string) string {
	inner := token[1 : len(token)-1]
	target, label, _ := strings.Cut(inner, "|")
	switch {
	case strings.HasPrefix(target, "!date^"):
		return label
	case strings.HasPrefix(target, "!"):
		return "@" + strings.TrimPrefix(target, "!")
	case strings.HasPrefix(target, "@"), strings.HasPrefix(target, "#"):
		if label != "" {
			return target[:1] + label
		}
		return target
	}
	return linkText(target, label)
}
