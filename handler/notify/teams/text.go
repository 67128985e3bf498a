package teams

import (
	"regexp"
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
	case strings.ContainsAny(text, ":wW") && address.MatchString(text):
		return false
	}
	return !list.MatchString(text)
}

var (
	address = regexp.MustCompile(`(?i)://|www\.|mailto:`)
	list    = regexp.MustCompile(`^\s*(?:[-+=]|\d+[.)])`)
)
