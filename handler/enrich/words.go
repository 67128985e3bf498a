package enrich

import (
	"html"
	"regexp"
	"strings"
	"unicode"
)

// words splits "listKeys" and "PlatformInitiated" into lower-case words.
func words(name string) string {
	var b strings.Builder
	lower := false
	for _, r := range name {
		if unicode.IsUpper(r) && lower {
			b.WriteByte(' ')
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	blanks = regexp.MustCompile(`\s+`)
)

// plain reduces the HTML that Service Health writes to text on one line. It is for reading, not for safety: every
// channel escapes what it is given.
func plain(text string) string {
	text = html.UnescapeString(tags.ReplaceAllString(text, " "))
	return strings.TrimSpace(blanks.ReplaceAllString(text, " "))
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line)
}

func lastSegment(id string) string {
	id = strings.TrimRight(id, "/")
	return id[strings.LastIndexByte(id, '/')+1:]
}

func upperFirst(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// or returns the first text that is not empty.
func or(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// with joins lead and text, and is empty when text is.
func with(lead, text string) string {
	if text == "" {
		return ""
	}
	return lead + text
}

// join puts blanks between the texts that are not empty.
func join(texts ...string) string {
	kept := make([]string, 0, len(texts))
	for _, t := range texts {
		if t != "" {
			kept = append(kept, t)
		}
	}
	return strings.Join(kept, " ")
}

// firstSentence ends at the first full stop that ends a sentence.
func firstSentence(text string) string {
	sentence, _, _ := strings.Cut(text, ". ")
	return sentence
}

// stopped ends the text in a full stop.
func stopped(text string) string {
	if text == "" || strings.ContainsRune(".!?…", rune(text[len(text)-1])) {
		return text
	}
	return text + "."
}

// article puts "a" or "an" before a word.
func article(word string) string {
	if word != "" && strings.ContainsRune("aeiou", rune(word[0])) {
		return "an " + word
	}
	return "a " + word
}

// Brief keeps the beginning and the end of a name that is longer than Azure's names are (90 characters at most, but few
// types allow more than 80): whoever made it wants to push the rest of the message out of sight.
func Brief(name string) string {
	const most, head, end = 90, 60, 20
	runes := []rune(name)
	if len(runes) <= most {
		return name
	}
	return string(runes[:head]) + "…" + string(runes[len(runes)-end:])
}
