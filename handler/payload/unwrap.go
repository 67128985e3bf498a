package payload

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// What people keep exports in: gzip, zip, UTF-16 as Windows PowerShell's > writes it, and CSV. Each is recognised by its first
// bytes and taken off, one within another, until JSON is left; what is none of these is refused by name, see refusal.

// sniffed is how much of an input is looked at.
const sniffed = 4 << 10

// maxWrappers bounds how deep one wrapper lies within another.
const maxWrappers = 4

// part is one text to read items from: a file, or one file of an archive.
type part struct {
	name  string // within an archive, else empty
	text  io.Reader
	base  int64 // offset of the text within the input, behind a byte order mark
	csv   csvSource
	fault string // why it cannot be read
	start []byte // of what cannot be read
	left  *int64 // how many more bytes all wrappers of the input may unpack to; nil: no limit
}

// unwrap yields the texts that an input holds; an error is that of reading it. left bounds what they unpack to.
func unwrap(r io.Reader, left *int64, yield func(part) bool) error {
	_, err := unwrapWithin(part{text: r, left: left}, 0, yield)
	return err
}

// unpacked reads what a wrapper holds, within the limit: a megabyte of gzip may hold a thousand, which no delivery does.
type unpacked struct {
	io.Reader
	left *int64
}

var errUnpacksTooMuch = errors.New("it unpacks to more than a delivery may hold")

func (u unpacked) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if *u.left -= int64(n); *u.left < 0 {
		return 0, errUnpacksTooMuch
	}
	return n, err
}

// unpack has p be what a wrapper holds.
func (p part) unpack(text io.Reader) part {
	if p.text = text; p.left != nil {
		p.text = unpacked{text, p.left}
	}
	return p
}

func unwrapWithin(p part, depth int, yield func(part) bool) (more bool, err error) {
	buffered := bufio.NewReaderSize(p.text, 64<<10)
	head, err := buffered.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return false, err // else it comes again when all that could be read was read
	}
	source := p.text
	p.text = buffered
	switch {
	case depth >= maxWrappers:
		return yield(p.refused(head, fmt.Sprintf("wrapped more than %d times", maxWrappers))), nil
	case bytes.HasPrefix(head, gzipMagic):
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return false, err
		}
		return unwrapWithin(p.unpack(unzipped), depth+1, yield)
	case bytes.HasPrefix(head, zipMagic):
		return p.unzip(source, depth, yield)
	case bytes.HasPrefix(head, byteOrderMark):
		p.base += int64(len(byteOrderMark))
		_, err := buffered.Discard(len(byteOrderMark))
		head = head[len(byteOrderMark):]
		if err != nil {
			return false, err
		}
	}
	if order, ok := utf16Order(head); ok {
		return unwrapWithin(p.unpack(transform.NewReader(buffered, unicode.UTF16(order, unicode.UseBOM).NewDecoder())), depth+1, yield)
	}
	return yield(p.asJSON(head)), nil
}

// asJSON makes CSV JSON, and refuses what cannot be read.
func (p part) asJSON(head []byte) part {
	header, _, _ := bytes.Cut(head, []byte("\n"))
	if looksJSON(head) {
		return p
	}
	if source, ok := csvKind(string(header)); ok {
		if reason := p.decide(&source); reason != "" {
			return p.refused(head, reason)
		}
		p.csv = source
		p.text = &csvObjects{rows: newCSV(p.text, source.comma), source: source}
		return p
	}
	if reason := refusal(head); reason != "" {
		return p.refused(head, reason)
	}
	return p
}

// looksJSON recognises text that begins as JSON, or is empty.
func looksJSON(head []byte) bool {
	head = head[jsonscan.Space(head, 0):]
	if len(head) == 0 {
		return true
	}
	inside := 0
	for inside < len(head) && (head[inside] == '[' || head[inside] == '{') {
		inside = jsonscan.Space(head, inside+1)
	}
	if inside < len(head) && head[inside] == '\x1b' {
		return false
	}
	if head[0] == '{' {
		return true
	}
	if head[0] == '"' { // a column's name may be quoted too
		header, _, _ := bytes.Cut(head, []byte("\n"))
		_, isCSV := csvKind(string(header))
		return !isCSV && !bytes.Contains(header, []byte(`","`))
	}
	return head[0] == '['
}

func (p part) refused(head []byte, reason string) part {
	p.fault, p.start = reason, bytes.Clone(head)
	if p.name != "" {
		p.fault = p.name + ": " + reason
	}
	return p
}

// gzipMagic is how every gzip stream begins (RFC 1952, section 2.3.1); zipMagic the first local file header of an
// archive (APPNOTE 4.3.7).
var (
	gzipMagic     = []byte{0x1f, 0x8b}
	zipMagic      = []byte("PK\x03\x04")
	byteOrderMark = []byte("\xef\xbb\xbf")
)

// utf16Order recognises UTF-16 by its byte order mark, or by the zero bytes beside the first ASCII characters.
func utf16Order(head []byte) (unicode.Endianness, bool) {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return unicode.LittleEndian, true
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return unicode.BigEndian, true
	case len(head) < 4:
		return unicode.LittleEndian, false
	case head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return unicode.LittleEndian, true
	}
	return unicode.BigEndian, head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0
}

// largestZip bounds an archive that comes as a stream: its directory stands at its end.
const largestZip = 256 << 20

// unzip yields what the files of an archive hold, in the archive's order.
func (p part) unzip(source io.Reader, depth int, yield func(part) bool) (more bool, err error) {
	archive, size, err := p.seekable(source)
	if err != nil {
		return false, err
	}
	if archive == nil {
		return yield(p.refused(nil, fmt.Sprintf("a zip archive of more than %d MB that comes as a stream: unpack it", largestZip>>20))), nil
	}
	files, err := zip.NewReader(archive, size)
	if err != nil {
		return yield(p.refused(nil, "a zip archive that cannot be read ("+err.Error()+")")), nil
	}
	if slices.ContainsFunc(files.File, func(f *zip.File) bool { return f.Name == "[Content_Types].xml" }) { // ECMA-376-2, 7.2.3.5
		return yield(p.refused(nil, "an Office document, such as a workbook of Excel's"+readable)), nil
	}
	found := false
	for _, f := range files.File {
		if f.FileInfo().IsDir() || strings.HasPrefix(f.Name, "__MACOSX/") || path.Base(f.Name) == ".DS_Store" { // what Finder adds
			continue
		}
		found = true
		if more, err = p.zipped(f, depth, yield); !more || err != nil {
			return more, err
		}
	}
	if !found {
		return yield(p.refused(nil, "a zip archive without files")), nil
	}
	return true, nil
}

// zipped yields what one file of an archive holds. One that cannot be read leaves the others to be read.
func (p part) zipped(f *zip.File, depth int, yield func(part) bool) (more bool, err error) {
	entry := part{name: f.Name, left: p.left}
	const encrypted = 1 // general purpose bit flag (APPNOTE 4.4.4)
	if f.Flags&encrypted != 0 {
		return yield(entry.refused(nil, "encrypted")), nil
	}
	text, err := f.Open()
	if err != nil {
		return yield(entry.refused(nil, err.Error())), nil
	}
	defer text.Close()
	return unwrapWithin(entry.unpack(text), depth+1, yield)
}

// seekable returns an archive as zip wants it: the file itself, or what a stream holds; nil when that is too much.
func (p part) seekable(source io.Reader) (io.ReaderAt, int64, error) {
	type file interface {
		io.ReaderAt
		io.Seeker
	}
	if f, ok := source.(file); ok {
		size, err := f.Seek(0, io.SeekEnd)
		return f, size, err
	}
	whole, err := io.ReadAll(io.LimitReader(p.text, largestZip+1))
	if err != nil || len(whole) > largestZip {
		return nil, 0, err
	}
	return bytes.NewReader(whole), int64(len(whole)), nil
}
