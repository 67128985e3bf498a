package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"github.com/auditbell/auditbell/handler/notify"
)

// failed gives an error of the conversation its kind and says it in the server's own words, where the server said any.
func (s *smtpServer) failed(ctx context.Context, m Mail, err error) error {
	var step *gomail.SendError
	written := errors.As(err, &step) && step.Reason == gomail.ErrSMTPDataClose // the last byte is out
	kind := notify.NotSent
	if written {
		kind = notify.Unanswered
	}
	code, reply := replyOf(err)
	switch {
	case code/100 == 2 && written:
		return nil // it took the mail, without a word
	case code >= 400:
		kind = replyKind(code, written)
		err = fmt.Errorf("the mail server answered %d%s%s", code, s.words(reply, m), replyHint(code))
	case ctx.Err() != nil:
		err = fmt.Errorf("speak to the mail server: %w", ctx.Err())
	default:
		err = errors.New("speak to the mail server: " + obstacle(err))
	}
	return notify.Fail(kind, err)
}

// replyText finds the reply within the text of a gomail.SendError (v0.8.1), which does not give away the error beneath.
var replyText = regexp.MustCompile(`(?s)\b([245]\d\d) (.*?)(?:, affected (?:recipient|message)|$)`)

// replyOf returns the code and the text of a server's reply; 0 when there was none.
func replyOf(err error) (code int, text string) {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return reply.Code, reply.Msg
	}
	if bare := bareReply.FindStringSubmatch(err.Error()); bare != nil {
		code, _ = strconv.Atoi(bare[1]) // three digits
		return code, ""
	}
	var step *gomail.SendError
	if !errors.As(err, &step) || step.ErrorCode() == 0 {
		return 0, ""
	}
	if found := replyText.FindStringSubmatch(step.Error()); found != nil {
		text = found[2]
		if plain, err := strconv.Unquote(text); err == nil {
			text = plain
		}
	}
	return step.ErrorCode(), text
}

// bareReply finds a reply that is a code alone (RFC 5321 §4.2 allows it), which net/textproto takes for none.
var bareReply = regexp.MustCompile(`short response: "?([2-5]\d\d)"?`)

// replyKind sorts a reply code (RFC 5321 §4.2.1, RFC 4954 §6). Until the content is sent, a 5xx is about the sender, the
// recipient or the login; after it, about the content or the server's opinion of it.
func replyKind(code int, written bool) notify.Kind {
	switch {
	case code < 500:
		return notify.Trouble
	case code == 552, code == 523: // too large
		return notify.MessageRefused
	case written:
		return notify.Refused
	}
	return notify.DestinationRefused
}

func replyHint(code int) string {
	switch code {
	case 530, 534, 535, 538:
		return " (hint: check SMTP_USER and SMTP_PASSWORD)"
	case 550, 551, 553:
		return " (hint: check this address, and that the server lets MAIL_FROM send)"
	}
	return ""
}

// obstacle names what kept the conversation from taking place.
func obstacle(err error) string {
	var (
		certificate *tls.CertificateVerificationError
		unknown     x509.UnknownAuthorityError
		record      tls.RecordHeaderError
	)
	switch text := err.Error(); {
	case errors.As(err, &certificate), errors.As(err, &unknown):
		return "certificate not trusted"
	case errors.As(err, &record):
		return "no TLS on this port (hint: 465 wants TLS from the start, 587 STARTTLS; check the port in SMTP_ADDRESS)"
	case strings.Contains(text, "does not support STARTTLS"):
		return "the server does not offer STARTTLS (hint: use a server that does, or its port 465)"
	case strings.Contains(text, "does not support SMTP AUTH"), errors.Is(err, gomail.ErrNoSupportedAuthDiscovered):
		return "the server offers no login that can be used (hint: check SMTP_USER and the port in SMTP_ADDRESS)"
	case strings.HasSuffix(text, "EOF"), strings.Contains(text, "EOF,"), strings.Contains(text, "connection reset"): // gomail.SendError holds only texts
		return notify.Class(io.EOF)
	}
	return notify.Class(err)
}

// maxWords bounds what is kept of a reply, in characters.
const maxWords = 200

// words is a server's reply without what it may quote: addresses, the login, and words of the mail that only the mail can
// have brought.
func (s *smtpServer) words(reply string, m Mail) string {
	var kept []string
	for _, word := range strings.Fields(notify.Clean(reply, false)) {
		bare := strings.ToLower(strings.Trim(word, `.,;:!?()[]<>"'`))
		quoted := strings.ContainsAny(bare, "@/\\") || s.user != "" && strings.Contains(bare, strings.ToLower(s.user)) ||
			!replyVocabulary[bare] && bare != "" && strings.Contains(strings.ToLower(m.Subject+" "+m.Text+" "+m.HTML), bare) ||
			*s.password != "" && strings.Contains(word, s.password.Reveal())
		switch {
		case !quoted:
			kept = append(kept, word)
		case len(kept) == 0 || kept[len(kept)-1] != "…":
			kept = append(kept, "…")
		}
	}
	if len(kept) == 0 {
		return ""
	}
	return ": " + notify.Cut(strings.Join(kept, " "), maxWords)
}

// replyVocabulary are words of mail servers' replies that a mail may hold as well.
var replyVocabulary = func(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}(`a access account address allowed an and are as at authentication be because been blocked by cannot client command content
	credentials delivery denied disabled does domain due error exceeded exist failed for found from full has have host in
	invalid is it later limit local mail mailbox mailboxes message must name no not of on or permission permitted please policy
	quota rate receive recipient refused reject rejected rejecting relay relaying requested required send sender server service
	size spam tenant temporarily temporary than that the this timed to too transaction try unable unavailable unknown
	unauthenticated unverified user username valid verify with you your`)
