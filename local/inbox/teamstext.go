package inbox

import (
	"regexp"
	"strings"
)

// cardText is what a person can read in the cards of a Teams message, without markup: facts, buttons with their links,
// and the parts that a click unfolds.
func cardText(envelope map[string]any) string {
	var lines []string
	for _, a := range objects(envelope["attachments"]) {
		if card, ok := a["content"].(map[string]any); ok {
			lines = append(lines, elementLines(card)...)
		}
	}
	return strings.Join(lines, "\n")
}

// elementLines reads one element, then what is in it, in the order in which Teams lays it out.
func elementLines(e map[string]any) (lines []string) {
	kind := stringOf(e["type"])
	if fact := columnFact(e); fact != "" {
		return []string{fact}
	}
	switch {
	case kind == "TextBlock":
		lines = plainLine(plainMarkdown(stringOf(e["text"])))
	case kind == "RichTextBlock":
		lines = plainLine(runs(e["inlines"]))
	case kind == "Image":
		lines = plainLine(stringOf(e["altText"]))
	case strings.HasPrefix(kind, "Action."):
		lines = plainLine(strings.TrimSpace("[" + stringOf(e["title"]) + "] " + stringOf(e["url"])))
	}
	for _, f := range objects(e["facts"]) {
		label := strings.TrimRight(plainMarkdown(stringOf(f["title"])), ": ")
		lines = append(lines, label+": "+plainMarkdown(stringOf(f["value"])))
	}
	for _, name := range []string{"body", "items", "columns", "images", "actions"} {
		for _, inner := range objects(e[name]) {
			lines = append(lines, elementLines(inner)...)
		}
	}
	if card, ok := e["card"].(map[string]any); ok {
		lines = append(lines, elementLines(card)...)
	}
	return lines
}

// columnFact reads a set of two columns as one fact if the first is a bold label. Cards lay facts out so where a FactSet
// would cut long values off on a phone.
func columnFact(e map[string]any) string {
	columns := objects(e["columns"])
	if len(columns) != 2 {
		return ""
	}
	label, value := objects(columns[0]["items"]), objects(columns[1]["items"])
	if len(label) != 1 || len(value) != 1 || !strings.EqualFold(stringOf(label[0]["weight"]), "bolder") {
		return ""
	}
	name, text := elementLines(label[0]), elementLines(value[0])
	if len(name) != 1 || len(text) != 1 {
		return ""
	}
	return strings.TrimRight(name[0], ": ") + ": " + text[0]
}

// plainLine is s as the one line that there is, or none when it is empty.
func plainLine(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// runs reads the inlines of a RichTextBlock as one line. They are not Markdown.
func runs(v any) string {
	items, _ := v.([]any)
	var text strings.Builder
	for _, item := range items {
		switch item := item.(type) {
		case string:
			text.WriteString(item)
		case map[string]any:
			text.WriteString(stringOf(item["text"]))
		}
	}
	return text.String()
}

var (
	markdownEscape   = regexp.MustCompile(`\\([\\*_\[\](){}#+\-.!~>|` + "`" + `])`)
	markdownEmphasis = regexp.MustCompile(`(^|[^\w*_])(\*\*|\*|__|_)(\S|\S[^\n]*?\S)(\*\*|\*|__|_)($|[^\w*_])`)
	markdownAnchor   = regexp.MustCompile(`\[([^\]]+)\]\(\s*([^)\s]+)\s*\)`)
)

// plainMarkdown takes out the little Markdown that Teams knows: bold, italics, links. Escaped characters are put aside in
// Unicode's private use area while the markup goes.
func plainMarkdown(s string) string {
	const aside = 0xF0000
	s = markdownEscape.ReplaceAllStringFunc(s, func(found string) string { return string(aside + rune(found[1])) })
	s = markdownAnchor.ReplaceAllStringFunc(s, func(found string) string {
		m := markdownAnchor.FindStringSubmatch(found)
		return linkText(m[2], m[1])
	})
	s = withoutEmphasis(markdownEmphasis, s)
	return strings.Map(func(r rune) rune {
		if r > aside && r < aside+128 {
			return r - aside
		}
		return r
	}, s)
}
