package inbox

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxWorkflowBytes is what Teams takes in one message through a flow, envelope included: beyond about 28 KB the action
// fails with RequestEntityTooLarge (learn.microsoft.com, connectors/teams; msteams-docs cards-format.md).
const maxWorkflowBytes = 28 * 1024

// cardContentType marks an attachment as an Adaptive Card.
const cardContentType = "application/vnd.microsoft.card.adaptive"

// ValidateCard says what would keep Teams from showing an Adaptive Card that comes through a Workflows webhook.
//
// The shapes are those of schema 1.4.0 in microsoft/AdaptiveCards, closed as there, with what Teams takes beyond it:
// msteams on the card, style on a TextBlock, id on an action, targetWidth on elements, rtl. Version 1.5 and later come out
// blank through a flow (msteams-docs issue #9801), so Table and the rest of 1.5 are refused.
func ValidateCard(raw []byte) []Problem {
	v, problems := parse(raw, "")
	if problems != nil {
		return problems
	}
	r := newReport()
	r.cardAt("", v)
	return r.found
}

// ValidateWorkflow checks the whole body that a Workflows webhook gets: {"type":"message","attachments":[…]}.
// The flow's template loops over attachments, so a body without them fails there (msteams-docs issue #11302).
func ValidateWorkflow(raw []byte) []Problem {
	v, problems := parse(raw, "")
	if problems != nil {
		return problems
	}
	r := newReport()
	r.object("", v, func(n node) {
		n.need("type", "attachments")
		n.choice("type", "message")
		n.each("attachments", 1, 10, func(a node) {
			a.need("contentType", "content")
			a.choice("contentType", cardContentType)
			if content, given := a.obj["content"]; given {
				r.cardAt(a.path("content"), content)
			}
		})
	})
	if len(raw) > maxWorkflowBytes {
		r.add("", "must be at most %d bytes, is %d", maxWorkflowBytes, len(raw))
	}
	return r.found
}

// cardAt checks one card with ids of its own: two attachments may use the same.
func (r *report) cardAt(at string, v any) {
	r.ids, r.targets = make(map[string]string), nil
	r.object(at, withoutNulls(v), func(n node) {
		n.need("version")
		n.adaptiveCard()
	})
	for _, target := range r.targets {
		if _, known := r.ids[target.Reason]; !known {
			r.add(target.Pointer, "no element has the id %q", target.Reason)
		}
	}
}

// withoutNulls drops null properties: a card's renderer takes null as not given.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		kept := make(map[string]any, len(v))
		for name, value := range v {
			if value != nil {
				kept[name] = withoutNulls(value)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(v))
		for i, value := range v {
			kept[i] = withoutNulls(value)
		}
		return kept
	}
	return v
}

// adaptiveCard checks the card itself, at the top or inside Action.ShowCard; only the top needs a version.
func (n node) adaptiveCard() {
	n.only("$schema", "version", "body", "actions", "fallbackText", "lang", "speak", "selectAction", "backgroundImage",
		"minHeight", "rtl", "verticalContentAlignment", "refresh", "authentication", "msteams")
	n.need("type")
	n.choice("type", "AdaptiveCard")
	n.cardVersion()
	n.elements("body")
	n.cardActions("actions")
	n.str("fallbackText", 0, maxWorkflowBytes)
	n.child("selectAction", node.selectAction)
	n.child("msteams", func(m node) { m.choice("width", "full", "Full") })
	body, _ := n.obj["body"].([]any)
	actions, _ := n.obj["actions"].([]any)
	if len(body)+len(actions) == 0 {
		n.fail("", "has neither body nor actions: nothing would show")
	}
}

// cardVersion refuses what is newer than a flow can show. Older versions are fine, Alertmanager sends 1.2.
func (n node) cardVersion() {
	version := n.str("version", 1, 10)
	if version == "" {
		return
	}
	major, minor, ok := strings.Cut(version, ".")
	x, errX := strconv.Atoi(major)
	y, errY := strconv.Atoi(minor)
	switch {
	case !ok || errX != nil || errY != nil:
		n.fail("version", "must look like 1.4")
	case x != 1 || y > 4:
		n.fail("version", "%s is newer than 1.4, the last version that a flow can show", version)
	}
}

// elements checks the elements of a body, container or column, which may be none.
func (n node) elements(name string) {
	n.each(name, 0, 1000, node.cardElement)
}

// cardElement checks one element of a body, container or column.
func (n node) cardElement() {
	n.need("type")
	n.common()
	switch kind := n.kind(); kind {
	case "TextBlock":
		n.textBlock()
	case "RichTextBlock":
		n.props("inlines")
		n.need("inlines")
		n.inlines()
	case "Image":
		n.cardImage()
	case "ImageSet":
		n.props("images", "imageSize")
		n.need("images")
		n.each("images", 1, 100, node.cardImage)
	case "Container":
		n.props("items", "selectAction", "style", "verticalContentAlignment", "bleed", "backgroundImage", "minHeight", "rtl")
		n.need("items")
		n.box("items")
	case "ColumnSet":
		n.props("columns", "selectAction", "style", "bleed", "minHeight")
		n.box("")
		n.each("columns", 0, 100, node.column)
	case "FactSet":
		n.props("facts")
		n.need("facts")
		n.each("facts", 1, 100, node.fact)
	case "ActionSet":
		n.props("actions")
		n.need("actions")
		n.cardActions("actions")
	default:
		n.otherElement(kind)
	}
}

// otherElement explains why an element is refused; inputs pass, because a card inside Action.ShowCard may hold them.
func (n node) otherElement(kind string) {
	switch {
	case slices.Contains([]string{"Input.Text", "Input.Number", "Input.Date", "Input.Time", "Input.Toggle", "Input.ChoiceSet"}, kind):
		n.need("id")
	case kind == "Media":
		n.fail("type", "Media is not supported in Teams")
	case kind == "Table":
		n.fail("type", "Table came with version 1.5, a flow shows 1.4")
	default:
		n.fail("type", "unknown element: %s", kind)
	}
}

// props names what an element may have beside what all elements have.
func (n node) props(names ...string) {
	n.only(append(names, "id", "isVisible", "spacing", "separator", "height", "fallback", "requires", "horizontalAlignment", "targetWidth")...)
}

// common checks what every element may have. An id used twice is an error of the card's parser on phones.
func (n node) common() {
	if id := n.str("id", 1, 255); id != "" {
		n.unique(n.path("id"), id)
	}
	n.flag("isVisible", "separator", "wrap", "isSubtle", "bleed")
	n.fold("spacing", "default", "none", "small", "medium", "large", "extraLarge", "padding")
	n.fold("horizontalAlignment", "left", "center", "right")
	if fallback, isText := n.obj["fallback"].(string); isText && !strings.EqualFold(fallback, "drop") {
		n.fail("fallback", "must be drop or an element")
	} else if n.has("fallback") && !isText {
		n.child("fallback", node.cardElement)
	}
}

// fold is choice as Adaptive Cards have it: names of values compare without regard to case.
func (n node) fold(name string, allowed ...string) {
	v, given := n.obj[name]
	if !given {
		return
	}
	s, ok := v.(string)
	if !ok || !slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(a, s) }) {
		n.fail(name, "must be one of: %s", strings.Join(allowed, ", "))
	}
}

// textBlock checks a paragraph. style came with 1.5, but clients take it from any card.
func (n node) textBlock() {
	n.props("text", "color", "fontType", "isSubtle", "maxLines", "size", "weight", "wrap", "style")
	n.need("text")
	n.integer("maxLines", 0, 1000)
	n.markdownText("text")
	n.fold("style", "default", "heading", "columnHeader")
	n.font()
}

// font checks the looks of a text, shared by TextBlock and TextRun.
func (n node) font() {
	n.fold("color", "default", "dark", "light", "accent", "good", "warning", "attention")
	n.fold("fontType", "default", "monospace")
	n.fold("size", "default", "small", "medium", "large", "extraLarge")
	n.fold("weight", "default", "lighter", "bolder")
}

// inlines checks the runs of a RichTextBlock; a bare string stands for a run without looks.
func (n node) inlines() {
	for i, v := range n.list("inlines", 1, 1000) {
		if _, isText := v.(string); isText {
			continue
		}
		n.object(fmt.Sprintf("%s/%d", n.path("inlines"), i), v, func(t node) {
			t.only("text", "color", "fontType", "size", "weight", "isSubtle", "italic", "strikethrough", "underline", "highlight", "selectAction")
			t.choice("type", "TextRun")
			t.need("type", "text")
			t.str("text", 0, maxWorkflowBytes) // not Markdown, so no links to look for
			t.font()
			t.child("selectAction", node.selectAction)
		})
	}
}

// cardImage checks a picture: Teams shows public https ones that do not redirect (msteams-docs cards-reference.md); only the
// scheme can be told here.
func (n node) cardImage() {
	n.props("url", "altText", "backgroundColor", "selectAction", "size", "style", "width")
	n.choice("type", "Image")
	n.need("type", "url")
	n.link("url", maxWorkflowBytes, "https")
	n.fold("size", "auto", "stretch", "small", "medium", "large")
	n.fold("style", "default", "person")
	n.child("selectAction", node.selectAction)
}

// box checks what containers, columns and column sets share.
func (n node) box(items string) {
	if items != "" {
		n.elements(items)
	}
	n.fold("style", "default", "emphasis", "good", "attention", "warning", "accent")
	n.fold("verticalContentAlignment", "top", "center", "bottom")
	n.child("selectAction", node.selectAction)
}

// column checks one column of a ColumnSet; its type may be left out there.
func (n node) column() {
	n.props("items", "bleed", "backgroundImage", "minHeight", "selectAction", "style", "verticalContentAlignment", "width", "rtl")
	n.choice("type", "Column")
	n.common()
	n.box("items")
	switch width := n.obj["width"].(type) {
	case nil, float64:
	case string:
		pixels := strings.TrimSuffix(width, "px")
		if _, err := strconv.ParseFloat(pixels, 64); err != nil && width != "auto" && width != "stretch" {
			n.fail("width", "must be auto, stretch, a weight or pixels as in 50px")
		}
	default:
		n.fail("width", "must be auto, stretch, a weight or pixels as in 50px")
	}
}

// fact checks one line of a FactSet. Both sides are strings, and required: a number here makes the whole card fail.
func (n node) fact() {
	n.only("title", "value")
	n.need("title", "value")
	n.markdownText("title")
	n.markdownText("value")
}

// markdownLink finds [text](address) whose bracket is not escaped.
var markdownLink = regexp.MustCompile(`(?:^|[^\\])\[(?:[^\]\\]|\\.)*\]\(\s*([^)\s]*)`)

// markdownText checks a text that Teams renders as Markdown: its links must lead to https or a mail address, so that
// text from an event can never become a javascript: or file: link.
func (n node) markdownText(name string) {
	for _, found := range markdownLink.FindAllStringSubmatch(n.str(name, 0, maxWorkflowBytes), -1) {
		u, err := url.Parse(found[1])
		if err != nil || u.Scheme != "https" && u.Scheme != "mailto" {
			n.fail(name, "links to %q, not to https", found[1])
		}
	}
}
