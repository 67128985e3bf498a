package inbox

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"
)

// maxParts bounds the nesting of a mail; real ones have three levels.
const maxParts = 10

// letter is a mail taken apart as a mail program shows it.
type letter struct {
	From, To, Cc, Subject, Date string
	Text, HTML                  string
	Attachments                 []attachedFile
}

// attachedFile is a file that came with a mail. Its name is the sender's and never used as a path.
type attachedFile struct {
	Name, Type string
	Data       []byte
}

// readLetter parses what SMTP brought. Like a real server it wants a sender and a date (RFC 5322 §3.6).
func readLetter(raw []byte) (letter, error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return letter{}, fmt.Errorf("parse mail header: %w", err)
	}
	l := letter{
		From: headerText(m.Header, "From"), To: headerText(m.Header, "To"), Cc: headerText(m.Header, "Cc"),
		Subject: headerText(m.Header, "Subject"), Date: headerText(m.Header, "Date"),
	}
	if _, err := m.Header.AddressList("From"); err != nil {
		return letter{}, fmt.Errorf("parse mail header From: %w", err)
	}
	if _, err := m.Header.Date(); err != nil {
		return letter{}, fmt.Errorf("parse mail header Date: %w", err)
	}
	if err := l.part(textproto.MIMEHeader(m.Header), m.Body, 0); err != nil {
		return letter{}, err
	}
	return l, nil
}

// headerText decodes =?utf-8?q?…?= words; one that cannot be decoded is shown as it came.
func headerText(h mail.Header, name string) string {
	text, err := new(mime.WordDecoder).DecodeHeader(h.Get(name))
	if err != nil {
		return h.Get(name)
	}
	return text
}

// part reads one MIME part: the first text and the first HTML are the mail, everything else hangs on it.
func (l *letter) part(h textproto.MIMEHeader, body io.Reader, depth int) error {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		kind, params = "text/plain", nil // RFC 2045 §5.2
	}
	if strings.HasPrefix(kind, "multipart/") {
		return l.multipart(multipart.NewReader(body, params["boundary"]), depth)
	}
	data, err := decodeBody(h.Get("Content-Transfer-Encoding"), body)
	if err != nil {
		return fmt.Errorf("decode mail part %s: %w", kind, err)
	}
	disposition, dparams, _ := mime.ParseMediaType(h.Get("Content-Disposition"))
	switch {
	case kind == "text/plain" && disposition != "attachment" && l.Text == "":
		l.Text = inUTF8(data, params["charset"])
	case kind == "text/html" && disposition != "attachment" && l.HTML == "":
		l.HTML = inUTF8(data, params["charset"])
	default:
		l.attach(kind, dparams["filename"], params["name"], data)
	}
	return nil
}

// attach keeps a part as a file. Some senders name it in Content-Disposition, older ones in Content-Type.
func (l *letter) attach(kind, filename, name string, data []byte) {
	if filename == "" {
		filename = name
	}
	decoded, err := new(mime.WordDecoder).DecodeHeader(filename)
	if err != nil || decoded == "" {
		decoded = fmt.Sprintf("part-%d", len(l.Attachments)+1)
	}
	l.Attachments = append(l.Attachments, attachedFile{Name: decoded, Type: kind, Data: data})
}

// multipart reads part after part. They are taken raw: NextPart would decode quoted-printable on its own and hide the header.
func (l *letter) multipart(parts *multipart.Reader, depth int) error {
	if depth >= maxParts {
		return fmt.Errorf("read mail parts: nested more than %d deep", maxParts)
	}
	for {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read mail parts: %w", err)
		}
		if err := l.part(p.Header, p, depth+1); err != nil {
			return err
		}
	}
}

// decodeBody undoes the transfer encoding; 7bit, 8bit and binary need nothing.
func decodeBody(encoding string, body io.Reader) ([]byte, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	return io.ReadAll(body)
}

// inUTF8 knows UTF-8 and Latin-1, which is all that our own senders use; anything else loses its accents, not its letters.
func inUTF8(data []byte, charset string) string {
	if !strings.EqualFold(charset, "iso-8859-1") {
		return strings.ToValidUTF8(string(data), "\uFFFD")
	}
	runes := make([]rune, len(data))
	for i, b := range data {
		runes[i] = rune(b)
	}
	return string(runes)
}

var (
	hiddenHTML = regexp.MustCompile(`(?is)<(head|style|script|title)\b.*?</(head|style|script|title)>|<!--.*?-->`)
	breaksHTML = regexp.MustCompile(`(?i)<(br|/p|/div|/tr|/h[1-6]|/li)\b[^>]*>`)
	tagsHTML   = regexp.MustCompile(`<[^>]*>`)
	spaceRuns  = regexp.MustCompile(`[ \t\r\x{a0}]+`)
	blankLines = regexp.MustCompile(`\n\s*\n+`)
)

// readable is the subject and the text, or what the HTML says if there is no text.
func (l letter) readable() string {
	text := l.Text
	if strings.TrimSpace(text) == "" {
		text = hiddenHTML.ReplaceAllString(l.HTML, "")
		text = tagsHTML.ReplaceAllString(breaksHTML.ReplaceAllString(text, "\n"), " ")
		text = spaceRuns.ReplaceAllString(html.UnescapeString(text), " ")
		text = blankLines.ReplaceAllString(text, "\n")
	}
	return strings.TrimSpace(l.Subject + "\n\n" + strings.ReplaceAll(strings.TrimSpace(text), "\r\n", "\n"))
}

// letterOf finds a mail by the id in the URL and answers 404 itself if there is none.
func (s *Server) letterOf(w http.ResponseWriter, r *http.Request) (letter, bool) {
	e, ok := s.store.find(r.PathValue("id"))
	var raw string
	if ok && e.Destination == Email && json.Unmarshal(e.Body, &raw) == nil {
		if l, err := readLetter([]byte(raw)); err == nil {
			return l, true
		}
	}
	http.NotFound(w, r)
	return letter{}, false
}

// mailHTML serves the HTML of a mail for a sandboxed frame: no scripts, no forms, no requests to anywhere.
func (s *Server) mailHTML(w http.ResponseWriter, r *http.Request) {
	l, ok := s.letterOf(w, r)
	if !ok {
		return
	}
	sandbox(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, l.HTML)
}

// mailAttachment serves a file to be saved, never to be shown here: its type is the sender's claim.
func (s *Server) mailAttachment(w http.ResponseWriter, r *http.Request) {
	l, ok := s.letterOf(w, r)
	if !ok {
		return
	}
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || number < 0 || number >= len(l.Attachments) {
		http.NotFound(w, r)
		return
	}
	sandbox(w)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": l.Attachments[number].Name}))
	_, _ = w.Write(l.Attachments[number].Data)
}
