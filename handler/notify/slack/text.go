package slack

import (
	"regexp"
	"strings"
	"sync"

	api "github.com/slack-go/slack"

	"github.com/auditbell/auditbell/handler/notify"
)

// literal prepares event text for rich text, which Slack shows as it is ("does not need to escape mrkdwn", yhatt/jsx-slack
// issue #299). Lines survive.
func literal(text string, limit int) string {
	return notify.Untag(notify.Cut(strings.TrimSpace(notify.Clean(text, true)), limit))
}

// oneLine is literal for what must stay on its line.
func oneLine(text string, limit int) string {
	return notify.Untag(notify.Cut(strings.TrimSpace(notify.Clean(text, false)), limit))
}

// plainText is a plain_text object: no formatting, no mentions, no emoji from shortcodes.
//
// Its text is not escaped: Slack escapes what it stores of a plain_text itself and decodes it for display
// (slackapi/bolt-python issue #513 shows the stored form). A slot's limit is held for that stored form, as it is unknown
// which of the two Slack counts.
func plainText(text string, limit int) *api.TextBlockObject {
	text = withoutShortcodes(oneLine(text, limit))
	for over := stored(text) - limit; over > 0; over = stored(text) - limit {
		// Each step takes at least a fifth of what is over, because the longest entity has five characters.
		text = notify.Cut(text, len([]rune(text))-max(over/5, 1))
	}
	return api.NewTextBlockObject(api.PlainTextType, text, false /* emoji */, false /* verbatim */)
}

// stored is the length of text in code points with & < > as entities.
func stored(text string) int {
	return len([]rune(text)) + 4*strings.Count(text, "&") + 3*strings.Count(text, "<") + 3*strings.Count(text, ">")
}

// fallback prepares the message's text, the one slot that Slack always reads as mrkdwn: escaped, cut, without shortcodes.
// Emphasis marks are left alone, because the text is sent with mrkdwn off.
func fallback(text string) string {
	text = withoutShortcodes(oneLine(text, maxFallback))
	if text == "" {
		return "Alert"
	}
	return escape.Replace(text)
}

// escape is all that Slack asks for ("Replace & < > with HTML entities", docs.slack.dev, formatting message text).
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

var shortcode = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`:([+-]1|100|1234|[\pN_+'-]*\pL[\pL\pN_+'-]*):`) })

// withoutShortcodes keeps :x: from becoming a picture by putting U+2236 RATIO in place of its colons. Times such as
// 09:41:02 hold no letter between colons and stay.
func withoutShortcodes(text string) string {
	if strings.Count(text, ":") < 2 {
		return text
	}
	return shortcode().ReplaceAllString(text, "∶$1∶")
}

func richText(elements ...api.RichTextElement) api.Block {
	return api.NewRichTextBlock("", elements...)
}

func section(parts ...api.RichTextSectionElement) api.RichTextElement {
	return api.NewRichTextSection(parts...)
}

func plain(text string) api.RichTextSectionElement {
	return api.NewRichTextSectionTextElement(text, nil)
}

func bold(text string) api.RichTextSectionElement {
	return styled(text, api.RichTextSectionTextStyle{Bold: true})
}

func italic(text string) api.RichTextSectionElement {
	return styled(text, api.RichTextSectionTextStyle{Italic: true})
}

func styled(text string, style api.RichTextSectionTextStyle) api.RichTextSectionElement {
	return api.NewRichTextSectionTextElement(text, &style)
}

// numbered is an ordered list. slack-go's own type always sends an offset, which Slack's typed model of a message
// (@slack/types 3.2, RichTextList) does not have.
type numbered struct {
	Type     api.RichTextElementType     `json:"type"`
	Style    api.RichTextListElementType `json:"style"`
	Elements []api.RichTextElement       `json:"elements"`
}

// RichTextElementType implements slack-go's RichTextElement.
func (n numbered) RichTextElementType() api.RichTextElementType { return n.Type }
