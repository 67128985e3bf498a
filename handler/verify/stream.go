package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// stream reads JSON from front to back in bounded memory, however long it is. It refuses what readers may read differently:
// a member that is there twice or once more in other capitals, and text that is not UTF-8.
type stream struct {
	from  io.Reader
	buf   []byte // buf[at:] was read from it and is still to be taken
	at    int
	ended bool // nothing follows buf
	depth int
	names map[string]memberName
	text  []byte // of the last string, without its escapes
}

// memberName is a name as it is written and as it is compared.
type memberName struct{ name, folded string }

const (
	firstRead  = 256 << 10
	maxValue   = 4 << 20 // bytes of a value that is read whole
	maxDepth   = 24      // a report is 8 deep
	maxMembers = 4096    // of one object
)

func newStream(from io.Reader) *stream {
	return &stream{from: from, buf: make([]byte, 0, firstRead), names: map[string]memberName{}}
}

// fill reads more. When the buffer is full of one value it grows, up to maxValue.
func (s *stream) fill() error {
	if len(s.buf)-s.at >= maxValue {
		return fmt.Errorf("has a value of more than %d bytes where none is expected", maxValue)
	}
	if s.at > 0 {
		s.buf = s.buf[:copy(s.buf, s.buf[s.at:])]
		s.at = 0
	}
	if len(s.buf) == cap(s.buf) {
		s.buf = slices.Grow(s.buf, len(s.buf))
	}
	n, err := s.from.Read(s.buf[len(s.buf):cap(s.buf)])
	s.buf = s.buf[:len(s.buf)+n]
	if errors.Is(err, io.EOF) {
		s.ended, err = true, nil
	}
	return err
}

// peek is the first character of what follows, white space passed over; 0 at the end.
func (s *stream) peek() (byte, error) {
	for {
		if s.at = jsonscan.Space(s.buf, s.at); s.at < len(s.buf) {
			return s.buf[s.at], nil
		}
		if s.ended {
			return 0, nil
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}

// take passes over a character that must follow.
func (s *stream) take(want byte) error {
	got, err := s.peek()
	if err == nil && got != want {
		err = fmt.Errorf("is not JSON: %q is missing", want)
	}
	s.at++
	return err
}

// value is the value that follows, as it is written; it is good until the next is read.
func (s *stream) value() ([]byte, error) {
	if _, err := s.peek(); err != nil {
		return nil, err
	}
	for {
		end, err := jsonscan.Value(s.buf, s.at)
		if s.ended || err == nil && end < len(s.buf) { // a number may go on behind the buffer
			if err != nil {
				return nil, fmt.Errorf("is not JSON: %w", err)
			}
			raw := s.buf[s.at:end]
			s.at = end
			return raw, nil
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
}

// str is the string that follows, "" for null. It is good until the next is read.
func (s *stream) str() ([]byte, error) {
	raw, err := s.value()
	switch {
	case err != nil:
		return nil, err
	case string(raw) == "null":
		return nil, nil
	case raw[0] != '"':
		return nil, errors.New("has something else where a text is expected")
	case !utf8.Valid(raw):
		return nil, errors.New("is not UTF-8")
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], nil
	}
	s.text, err = jsonscan.AppendUnquote(s.text[:0], raw)
	return s.text, err
}

// into reads the value that follows, which is small.
func (s *stream) into(value any) error {
	raw, err := s.value()
	if err != nil {
		return err
	}
	inner := stream{buf: raw, ended: true, names: s.names}
	if err := inner.skip(); err != nil {
		return err
	}
	return json.Unmarshal(raw, value)
}

// object reads an object: member is called for each of its members and reads that one's value.
func (s *stream) object(member func(name string) error) error {
	if err := s.open('{'); err != nil {
		return err
	}
	seen := make([]string, 0, 24)
	var many map[string]bool // instead of seen, in large objects
	for {
		more, err := s.more('}', len(seen)+len(many) == 0)
		if err != nil || !more {
			return err
		}
		n, err := s.name()
		if err != nil {
			return err
		}
		if slices.Contains(seen, n.folded) || many[n.folded] {
			return fmt.Errorf("its member %q is there twice, or spelled so that readers may differ", printable(n.name))
		}
		if len(seen) < cap(seen) {
			seen = append(seen, n.folded)
		} else {
			if many == nil {
				many = map[string]bool{}
			}
			if many[n.folded] = true; len(many) > maxMembers {
				return fmt.Errorf("has an object of more than %d members", maxMembers)
			}
		}
		if err := member(n.name); err != nil {
			return err
		}
	}
}

// array reads an array: element is called for each of its elements and reads it.
func (s *stream) array(element func() error) error {
	if err := s.open('['); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.more(']', first)
		if err != nil || !more {
			return err
		}
		if err := element(); err != nil {
			return err
		}
	}
}

func (s *stream) open(opening byte) error {
	if s.depth++; s.depth > maxDepth {
		return errors.New("is nested deeper than anything that Auditbell writes")
	}
	return s.take(opening)
}

// more reports whether an element follows, and passes over the comma before it.
func (s *stream) more(closing byte, first bool) (bool, error) {
	got, err := s.peek()
	switch {
	case err != nil:
		return false, err
	case got == closing:
		s.at++
		s.depth--
		return false, nil
	case first:
		return true, nil
	}
	return true, s.take(',')
}

// name reads a member's name and the colon behind it. Nearly all were read before and stand whole in the buffer.
func (s *stream) name() (memberName, error) {
	if rest := s.buf[s.at:]; len(rest) > 1 && rest[0] == '"' {
		if end := bytes.IndexByte(rest[1:], '"') + 1; end > 0 && end+1 < len(rest) && rest[end+1] == ':' {
			if n, known := s.names[string(rest[1:end])]; known {
				s.at += end + 2
				return n, nil
			}
		}
	}
	if got, err := s.peek(); err != nil || got != '"' {
		return memberName{}, errors.Join(err, errors.New("is not JSON: the name of a member is missing"))
	}
	text, err := s.str()
	if err != nil {
		return memberName{}, err
	}
	n, known := s.names[string(text)]
	if !known {
		n = memberName{string(text), strings.ToLower(string(text))}
		plain := !strings.ContainsFunc(n.name, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' })
		if plain && len(s.names) < maxMembers { // then it stands between quotation marks as it is
			s.names[n.name] = n
		}
	}
	return n, s.take(':')
}

// skip passes over the value that follows.
func (s *stream) skip() error {
	switch got, err := s.peek(); {
	case err != nil:
		return err
	case got == '{':
		return s.object(func(string) error { return s.skip() })
	case got == '[':
		return s.array(s.skip)
	case got == '"':
		_, err := s.str()
		return err
	}
	_, err := s.value()
	return err
}

// end checks that nothing follows.
func (s *stream) end() error {
	if got, err := s.peek(); err != nil || got != 0 || s.at < len(s.buf) {
		return errors.Join(err, errors.New("something follows its end"))
	}
	return nil
}
