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

// active is what Markdown, or a client that looks for addresses, might act on.
var active = regexp.MustCompile("[*`~\\[\\]<>#\\\\|!^]" + // emphasis, code, links, tags, headings, tables, pictures
	`|_.*_|&.*;|\{\{` + // underlined emphasis, entities, text functions
	`|(?i:://|www\.|mailto:)` + // addresses
	`|(?m:^\s*(?:[-+=]|\d+[.)]))` + // lists and underlined headings
	`|\n`)

// inert reports whether text reads the same as Markdown and without it.
func inert(text string) bool { return !active.MatchString(text) }
