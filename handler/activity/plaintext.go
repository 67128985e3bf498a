package activity

import (
	"html"
	"strings"
)

// PlainText reduces HTML to text: tags are dropped, block ends and list items become line breaks, entities are
// resolved, runs of white space are joined. Service Health communications are HTML with tables, &nbsp; and &quot;
// (facts: payload variations), or plain text with entities, or plain text with a lone '<'. The result is text, not safe
// HTML: whoever shows it escapes it.
func PlainText(s string) string {
	if !strings.ContainsAny(s, "<&") {
		return strings.TrimSpace(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for s != "" {
		open := strings.IndexByte(s, '<')
		if open < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:open])
		s = afterTag(&b, s[open:])
	}
	return joinBlanks(html.UnescapeString(b.String()))
}

// afterTag steps over the tag that s starts with, writing the line break it stands for; a '<' that starts no tag is
// text.
func afterTag(b *strings.Builder, s string) string {
	name := tagName(s)
	end := strings.IndexByte(s, '>')
	if name == "" || end < 0 {
		b.WriteByte('<')
		return s[1:]
	}
	rest := s[end+1:]
	switch name {
	case "br", "p", "/p", "div", "/div", "tr", "/table", "ul", "/ul", "ol", "/ol", "h1", "h2", "h3", "h4", "/h1", "/h2", "/h3", "/h4":
		b.WriteByte('\n')
	case "li":
		b.WriteString("\n- ")
	case "td", "th":
		b.WriteByte(' ')
	case "script", "style":
		if i := strings.Index(strings.ToLower(rest), "</"+name); i >= 0 {
			return rest[i:]
		}
	}
	return rest
}

// tagName returns the lower-case name of the tag that s starts with, "/p" for "</p>", "!" for comments; "" when it
// starts none.
func tagName(s string) string {
	i := 1
	if i < len(s) && s[i] == '!' {
		return "!"
	}
	if i < len(s) && s[i] == '/' {
		i++
	}
	start := i
	for i < len(s) && ('a' <= s[i]|0x20 && s[i]|0x20 <= 'z' || i > start && '0' <= s[i] && s[i] <= '9') {
		i++
	}
	if i == start || i == len(s) || !strings.ContainsRune(" \t\r\n/>", rune(s[i])) {
		return ""
	}
	return strings.ToLower(s[1:i])
}

// joinBlanks joins white space within lines and drops empty lines.
func joinBlanks(s string) string {
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	kept := lines[:0]
	for _, line := range lines {
		if line = strings.Join(strings.Fields(line), " "); line != "" && line != "-" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}
