package cosmos

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The query language is that of learn.microsoft.com/azure/cosmos-db/nosql/query; where the pages leave syntax open,
// the grammar in Microsoft's .NET SDK decides (Azure/azure-cosmos-dotnet-v3, Query/Core/Parser/sql.g4).

// tokenKind is what the lexer tells apart.
type tokenKind int

const (
	tokenEnd tokenKind = iota + 1
	tokenName
	tokenKeyword // text is in upper case, except true, false, null, undefined
	tokenNumber
	tokenText
	tokenParameter
	tokenSymbol
)

type token struct {
	kind tokenKind
	text string  // name, keyword, symbol, parameter with its @; a string's content
	num  float64 // of a number
	at   int     // byte offset, for messages
}

// is compares kind and text; keywords are in upper case by then.
func (t token) is(kind tokenKind, text string) bool { return t.kind == kind && t.text == text }

// keywords may not be used as names: c.order or AS value is a syntax error, as in the service. The last four are
// keywords in lower case only.
var keywords = []string{
	"AND", "ARRAY", "AS", "ASC", "BETWEEN", "BY", "DESC", "DISTINCT", "ESCAPE", "EXISTS", "FROM", "GROUP", "IN", "JOIN",
	"LEFT", "LIKE", "LIMIT", "NOT", "OFFSET", "OR", "ORDER", "RANK", "RIGHT", "SELECT", "TOP", "VALUE", "WHERE",
	"udf", "true", "false", "null", "undefined",
}

// symbols are the operators and separators, longest first. Bitwise operators are known so that they can be refused
// by name.
var symbols = []string{
	">>>", "??", "!=", "<>", "<=", ">=", "||", "<<", ">>", "(", ")", "[", "]", "{", "}", ",", ".", ":", "?", "=", "<", ">",
	"+", "-", "*", "/", "%", "&", "|", "^", "~",
}

// maxQueryBytes: "Maximum length of SQL query: 512 KB" (concepts-limits).
const maxQueryBytes = 512 << 10

// syntaxError is what every query that is not understood ends with.
func syntaxError(at int, format string, args ...any) error {
	return badRequest(fmt.Sprintf("Syntax error at byte %d of the query: ", at) + fmt.Sprintf(format, args...))
}

// lex splits a query into tokens; the last one is always tokenEnd.
func lex(src string) ([]token, error) {
	if len(src) > maxQueryBytes || !utf8.ValidString(src) {
		return nil, badRequest("The query is not valid UTF-8 or longer than 512 KB.")
	}
	l := lexer{src: src}
	var out []token
	for {
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		out = append(out, t)
		if t.kind == tokenEnd {
			return out, nil
		}
	}
}

type lexer struct {
	src string
	pos int
}

// next reads one token. Comments are refused, not skipped: the pages do not mention them, so a text that looks like one
// could as well be two minus signs.
func (l *lexer) next() (token, error) {
	l.pos += len(l.src[l.pos:]) - len(strings.TrimLeft(l.src[l.pos:], " \t\r\n"))
	if l.pos == len(l.src) {
		return token{kind: tokenEnd, at: l.pos}, nil
	}
	rest := l.src[l.pos:]
	switch c := rest[0]; {
	case isNameStart(c):
		return l.name(), nil
	case isDigit(c), c == '.' && len(rest) > 1 && isDigit(rest[1]):
		return l.number()
	case c == '\'' || c == '"':
		return l.text(c)
	case c == '@':
		return l.parameter()
	case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "/*"):
		return token{}, syntaxError(l.pos, "comments are not served")
	}
	return l.symbol()
}

// Names are ASCII: "[a-zA-Z_]([a-zA-Z_]|DIGIT)*" in the grammar. Others are reached by subscript.
func isDigit(c byte) bool     { return c >= '0' && c <= '9' }
func isNameStart(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }

// word takes letters, digits and underscores from the current position.
func (l *lexer) word() string {
	start := l.pos
	for l.pos < len(l.src) && (isNameStart(l.src[l.pos]) || isDigit(l.src[l.pos])) {
		l.pos++
	}
	return l.src[start:l.pos]
}

// name tells keywords from names. Only true, false, null, undefined and udf depend on case.
func (l *lexer) name() token {
	at := l.pos
	word := l.word()
	if slices.Contains(keywords, word) {
		return token{kind: tokenKeyword, text: word, at: at}
	}
	if upper := strings.ToUpper(word); slices.Contains(keywords, upper) {
		return token{kind: tokenKeyword, text: upper, at: at}
	}
	return token{kind: tokenName, text: word, at: at}
}

// number reads 1, 1.5, .5 and 1e3. A sign before it is read as an operator.
func (l *lexer) number() (token, error) {
	at := l.pos
	l.digits()
	if l.take(".") {
		l.digits()
	}
	if l.take("e") || l.take("E") {
		_ = l.take("+") || l.take("-")
		l.digits()
	}
	n, err := strconv.ParseFloat(l.src[at:l.pos], 64)
	if err != nil || l.pos < len(l.src) && isNameStart(l.src[l.pos]) {
		return token{}, syntaxError(at, "malformed number")
	}
	return token{kind: tokenNumber, num: n, at: at}, nil
}

// digits skips digits, if there are any.
func (l *lexer) digits() {
	for l.pos < len(l.src) && isDigit(l.src[l.pos]) {
		l.pos++
	}
}

// take skips a text if it comes next.
func (l *lexer) take(prefix string) bool {
	if !strings.HasPrefix(l.src[l.pos:], prefix) {
		return false
	}
	l.pos += len(prefix)
	return true
}

// text reads a string in either kind of quotes. Escapes are those of JSON and the quotes themselves; a doubled quote
// is no escape, here as there.
func (l *lexer) text(quote byte) (token, error) {
	at := l.pos
	l.pos++
	var out []byte
	d := decoder{src: l.src}
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		l.pos++
		switch {
		case c == quote:
			return token{kind: tokenText, text: string(out), at: at}, nil
		case c == '\\' && l.take("'"):
			out = append(out, '\'')
		case c == '\\':
			d.pos = l.pos
			r, err := d.escape()
			if err != nil {
				return token{}, syntaxError(l.pos, "unknown escape in a string")
			}
			l.pos = d.pos
			out = utf8.AppendRune(out, r)
		case c < 0x20:
			return token{}, syntaxError(l.pos, "control character in a string")
		default:
			out = append(out, c)
		}
	}
	return token{}, syntaxError(at, "unterminated string")
}

// parameter reads @name, under which the request gives a value.
func (l *lexer) parameter() (token, error) {
	at := l.pos
	l.pos++
	if name := l.word(); name == "" || isDigit(name[0]) {
		return token{}, syntaxError(at, "malformed parameter name")
	}
	return token{kind: tokenParameter, text: l.src[at:l.pos], at: at}, nil
}

// symbol reads the longest operator that fits.
func (l *lexer) symbol() (token, error) {
	at := l.pos
	for _, s := range symbols {
		if l.take(s) {
			return token{kind: tokenSymbol, text: s, at: at}, nil
		}
	}
	return token{}, syntaxError(at, "unexpected character %q", []rune(l.src[at:])[0])
}
