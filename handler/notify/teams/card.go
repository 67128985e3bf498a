package teams

// Envelope is what the workflow's template reads: it loops over attachments, and a body without them fails inside the flow
// where nobody is told (MicrosoftDocs/msteams-docs issue #11302).
type Envelope struct {
	Type        string       `json:"type"`
	Attachments []Attachment `json:"attachments"`
}

// Attachment holds one card. ContentURL is null in every published sample, and stays so.
type Attachment struct {
	ContentType string  `json:"contentType"`
	ContentURL  *string `json:"contentUrl"`
	Content     Card    `json:"content"`
}

// Card is an Adaptive Card of version 1.4: a flow shows later versions blank (msteams-docs issue #9801).
type Card struct {
	Type         string    `json:"type"`
	Schema       string    `json:"$schema"`
	Version      string    `json:"version"`
	Msteams      Msteams   `json:"msteams"`
	FallbackText string    `json:"fallbackText"`
	Body         []Element `json:"body"`
	Actions      []Action  `json:"actions,omitempty"`
}

// Msteams holds Teams' own additions; without width full a card is 480 px wide on every screen.
type Msteams struct {
	Width string `json:"width"`
}

// Element is any element of a card's body that is used here; Type says which of the others are set.
type Element struct {
	Type      string    `json:"type"`
	Style     string    `json:"style,omitempty"`
	Bleed     bool      `json:"bleed,omitempty"`
	Spacing   string    `json:"spacing,omitempty"`
	Separator bool      `json:"separator,omitempty"`
	Width     string    `json:"width,omitempty"`
	Items     []Element `json:"items,omitempty"`
	Columns   []Element `json:"columns,omitempty"`
	Inlines   []Run     `json:"inlines,omitempty"`
	Wrap      bool      `json:"wrap,omitempty"`
	Font
}

// Run is text shown as it is: unlike TextBlock and Fact, a TextRun knows no Markdown (adaptivecards.io, TextRun).
type Run struct {
	Type string `json:"type"`
	Font
}

// Font is a text and its looks, the same for a TextBlock and a TextRun.
type Font struct {
	Text   string `json:"text,omitempty"`
	Size   string `json:"size,omitempty"`
	Weight string `json:"weight,omitempty"`
	Subtle bool   `json:"isSubtle,omitempty"`
	Type   string `json:"fontType,omitempty"`
}

// Action opens a link.
type Action struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

// envelope fills in what is the same for every card.
func envelope(c Card) Envelope {
	c.Type, c.Version, c.Msteams = "AdaptiveCard", "1.4", Msteams{Width: "full"}
	c.Schema = "http://adaptivecards.io/schemas/adaptive-card.json"
	return Envelope{
		Type: "message",
		Attachments: []Attachment{{
			ContentType: "application/vnd.microsoft.card.adaptive",
			Content:     c,
		}},
	}
}

// paragraph is one text. Where the text has no Markdown in it, it is a TextBlock, which breaks long words on a phone and
// can be a heading; where it might have, it is a TextRun, which shows it as it is but lets long words run out of sight.
func paragraph(spacing string, f Font) Element {
	if inert(f.Text) {
		return Element{Type: "TextBlock", Spacing: spacing, Wrap: true, Font: f}
	}
	return Element{Type: "RichTextBlock", Spacing: spacing, Inlines: []Run{{Type: "TextRun", Font: f}}}
}

func plain(text string) Font { return Font{Text: text} }

func bold(text string) Font { return Font{Text: text, Weight: "bolder"} }

func subtle(text string) Font { return Font{Text: text, Subtle: true} }

func code(text string) Font { return Font{Text: text, Type: "monospace"} }
