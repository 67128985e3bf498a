package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// compose gives a mail its MIME form: text and HTML as alternatives, files behind them.
func compose(from *mail.Address, m Mail) (*gomail.Msg, error) {
	message := gomail.NewMsg()
	if err := errors.Join(message.From(from.String()), message.To(m.To)); err != nil {
		return nil, errors.New("an address is not one") // the error itself quotes it
	}
	message.Subject(m.Subject)
	message.SetMessageIDWithValue(strings.Trim(messageID(m.ID, from.Address), "<>"))
	if m.Conversation != "" {
		id := messageID(m.Conversation, from.Address)
		message.SetGenHeader(gomail.HeaderInReplyTo, id)
		message.SetGenHeader(gomail.HeaderReferences, id)
	}
	date := m.Date
	if date.IsZero() {
		date = time.Now()
	}
	message.SetDateWithValue(date)
	message.SetGenHeader("Auto-Submitted", "auto-generated") // no out-of-office answers (RFC 3834)
	message.SetGenHeader("X-Auto-Response-Suppress", "All")
	message.SetUserAgent("Auditbell")
	message.SetBodyString(gomail.TypeTextPlain, m.Text)
	message.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	for _, f := range m.Attachments {
		err := message.AttachReader(f.Name, bytes.NewReader(f.Data), gomail.WithFileContentType(gomail.ContentType(f.Type)))
		if err != nil {
			return nil, errors.New("attach file")
		}
	}
	return message, nil
}

// encode is the bytes of the composed mail.
func encode(from *mail.Address, m Mail) ([]byte, error) {
	message, err := compose(from, m)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if _, err := message.WriteTo(&out); err != nil {
		return nil, errors.New("write mail")
	}
	return out.Bytes(), nil
}

// messageID is the Message-ID of a mail: the same for the same ID, in the sender's domain. IDs of alerts come from
// events, so they are hashed.
func messageID(id, from string) string {
	sum := sha256.Sum256([]byte(id))
	domain := "auditbell.invalid"
	if _, after, ok := strings.Cut(from, "@"); ok {
		domain = after
	}
	return "<" + hex.EncodeToString(sum[:16]) + "@" + domain + ">"
}
