package teams

import (
	"strings"

	"github.com/auditbell/auditbell/handler/notify"
)

// line prepares event text for a TextRun on one line; lines keeps line breaks.
func line(text string, limit int) string {
	return literal(notify.Cut(strings.TrimSpace(notify.Clean(text, false)), limit))
}

func lines(text string, limit int) string {
	return literal(notify.Cut(strings.TrimSpace(notify.Clean(text, true)), limit))
}

// literal takes the life out of what clients have been seen to interpret where they should not: Android clients before
// 2021 ran Markdown over TextRuns (microsoft/AdaptiveCards PR #5662), where only a link does harm, and the SDK's text
// functions replace {{DATE(…)}} by a date of the text's choosing.
func literal(text string) string {
	return alive.Replace(notify.Untag(text))
}

var alive = strings.NewReplacer("](", "] (", "{{DATE(", "{ {DATE(", "{{TIME(", "{ {TIME(")

// fallback prepares the card's fallbackText, which hosts show as a TextBlock, so as Markdown.
func fallback(text string) string {
	text = line(text, maxFallback)
	if text == "" {
		return "Alert"
	}
	return markdown.Replace(text)
}

// markdown escapes the subset that Teams renders in cards: emphasis, links, lists and code (learn, "Format cards in
// Teams").
var markdown = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "(", `\(`, ")", `\)`,
	"`", "\\`", "~", `\~`, "#", `\#`, "<", `\<`)

// inert reports whether text reads the same as Markdown and without it: nothing in it could be emphasis, code, a link, a
// heading, a list, an entity or a text function, and no client could take part of it for an address.
func inert(text string) bool {
	switch {
	case strings.ContainsAny(text, "*`~[]<>#\\|!^\n"), strings.Count(text, "_") > 1, strings.Contains(text, "{{"):
		return false
	case strings.Contains(text, "&") && strings.Contains(text, ";"):
		return false
	case strings.Contains(text, "://"), containsFold(text, "www."), containsFold(text, "mailto:"):
		return false
	}
	return !startsList(text)
}

// containsFold is strings.Contains for a lower-case part, whatever the case of text.
func containsFold(text, part string) bool {
	for i := range len(text) - len(part) + 1 {
		if text[i]|0x20 == part[0] && strings.EqualFold(text[i:i+len(part)], part) {
			return true
		}
	}
	return false
}

// startsList reports whether text begins as "- item", "+ item", "1. item" or "2) item" do, or as an underline.
func startsList(text string) bool {
	text = strings.TrimLeft(text, " ")
	rest := strings.TrimLeft(text, "0123456789")
	if len(rest) < len(text) {
		return strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, ")")
	}
	return text != "" && strings.ContainsRune("-+=", rune(text[0]))
}
