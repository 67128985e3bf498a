package payload

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// broken reports the malformed piece that starts at data[pos] and moves to where reading can go on: behind the element of
// a list, see resync; the next line in JSON Lines; else the next line that starts an object or an array with its very
// first byte, because the lines of a document that is printed over several lines are indented.
func (f *frames) broken(err error) bool {
	*f.out = f.notJSON(err)
	if len(f.open) > 0 && f.open[len(f.open)-1] != '{' {
		f.repair = true
		f.out.Raw = f.skipElement()
		return true
	}
	anyLine := f.lines && len(f.open) == 0
	f.repair = f.repair || len(f.open) > 0
	f.open, f.comma = f.open[:0], false
	f.out.Raw = f.skipBroken(anyLine)
	return true
}

// notJSON is the reading of a malformed piece.
func (f *frames) notJSON(err error) Reading {
	reason := err.Error()
	var syntax *jsonscan.SyntaxError
	if errors.As(err, &syntax) {
		reason = fmt.Sprintf("%s at byte %d", syntax.Reason, f.offset(syntax.Offset))
	}
	if f.fill != nil && len(f.data)-f.pos >= maxItem {
		reason = fmt.Sprintf("an item is larger than %d MB, at byte %d", maxItem>>20, f.offset(f.pos))
	}
	if f.layer > 0 {
		reason += " of the text of a string"
	} else if f.file && f.offset(f.pos) == 0 && f.pos < len(f.data) && bytes.IndexByte([]byte(`{["`), f.data[f.pos]) < 0 {
		reason += readable // a file of what refusal knew no name for
	}
	return invalid("not JSON: " + reason)
}

// skipBroken moves to the line to go on with and returns what was passed. A stream keeps only the beginning of it: the
// piece may be larger than memory.
func (f *frames) skipBroken(anyLine bool) []byte {
	if f.fill == nil {
		start := f.pos
		if f.pos = nextLine(f.data, f.pos, anyLine); f.pos < 0 {
			f.pos = len(f.data)
		}
		return bytes.TrimRight(f.data[start:f.pos], "\r\n")
	}
	var passed []byte
	pass := func(to int) {
		piece := f.data[f.pos:to]
		passed = append(passed, piece[:min(len(piece), brokenKept-len(passed))]...)
		f.pos = to
	}
	for {
		if next := nextLine(f.data, f.pos, anyLine); next >= 0 {
			pass(next)
			return bytes.TrimRight(passed, "\r\n")
		}
		pass(max(len(f.data)-1, f.pos)) // the window's last byte may be a line's end
		if !f.fill() {
			pass(len(f.data))
			return passed
		}
	}
}

// brokenKept is how much of a broken piece a stream keeps.
const brokenKept = 64 << 10

// nextLine returns the offset of the first line behind data[from] to go on with; -1 when there is none.
func nextLine(data []byte, from int, anyLine bool) int {
	for i := from; ; {
		end := bytes.IndexByte(data[i:], '\n')
		if end < 0 || i+end+1 >= len(data) {
			return -1
		}
		i += end + 1
		if anyLine || data[i] == '{' || data[i] == '[' {
			return i
		}
	}
}
