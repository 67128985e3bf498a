package simulation

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/mail"
	"strings"
	"syscall"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/auditbell/auditbell/local/simulation/oracle"
)

// mailbox is the channel of an address, as routes and the store call it.
func mailbox(address string) string { return "email:" + address }

// dial connects an instance to the mail server of this world.
func (i *instance) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	c := &conversation{instance: i, ctx: context.WithoutCancel(ctx)}
	v, err := c.step(ctx, &step{phase: mailCommand, what: "connect"}, "")
	switch {
	case err != nil:
		return nil, err
	case v.fault == broken, v.fault == lost:
		return nil, syscall.ECONNREFUSED
	}
	ours, theirs := net.Pipe()
	c.conn, c.lines = theirs, bufio.NewReader(theirs)
	go c.serve(v)
	return ours, nil
}

// conversation is one connection to the mail server (RFC 5321). It is served in a goroutine of its own, which speaks when the
// goroutine that dialled waits for it; their calls are those of one routine.
type conversation struct {
	instance *instance
	ctx      context.Context
	conn     net.Conn
	lines    *bufio.Reader
	to       string
}

// step waits until the call is picked.
func (c *conversation) step(ctx context.Context, st *step, content string) (verdict, error) {
	st.instance, st.smtp = c.instance, true
	return c.instance.sim.scheduler.call(ctx, st, content)
}

// errHungUp ends a conversation.
var errHungUp = errors.New("the mail server hangs up")

func (c *conversation) serve(greeting verdict) {
	defer func() { _ = c.conn.Close() }()
	err := c.answer(greeting, 220)
	for err == nil {
		var line string
		if line, err = c.lines.ReadString('\n'); err == nil {
			err = c.obey(strings.TrimSpace(line))
		}
	}
}

// obey does one command.
func (c *conversation) obey(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO":
		return c.say("250-mail.invalid\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES")
	case "HELO", "MAIL", "RSET", "NOOP":
		return c.say("250 2.0.0 ok")
	case "RCPT":
		_, rest, _ = strings.Cut(rest, "<")
		c.to, _, _ = strings.Cut(rest, ">")
		v, err := c.step(c.ctx, &step{phase: mailCommand, channel: mailbox(c.to), what: "RCPT TO " + c.to}, "")
		if err != nil {
			return err
		}
		return c.answer(v, 250)
	case "DATA":
		if err := c.say("354 go ahead"); err != nil {
			return err
		}
		return c.data()
	case "QUIT":
		return errors.Join(c.say("221 2.0.0 bye"), errHungUp)
	}
	return c.say("502 5.5.1 not known here")
}

// data takes a mail, up to the line that consists of a dot.
func (c *conversation) data() error {
	var raw bytes.Buffer
	for {
		line, err := c.lines.ReadString('\n')
		if err != nil {
			return err
		}
		if line == ".\r\n" {
			break
		}
		raw.WriteString(strings.TrimPrefix(line, "."))
	}
	s := c.instance.sim
	st := &step{phase: post, channel: mailbox(c.to), text: letter(raw.Bytes(), s.plan.Seed%2 == 0)}
	st.describe()
	v, err := c.step(c.ctx, st, st.text)
	if err != nil {
		return err
	}
	if v.fault == refused || v.fault == forbidden {
		return c.answer(v, 250)
	}
	if v.fault == broken { // after the last byte of it: whether it was taken the sender cannot know
		s.mu.Lock()
		s.world.Doubts = append(s.world.Doubts, st.message(v, ""))
		s.mu.Unlock()
		return errHungUp
	}
	s.mu.Lock()
	at := len(s.messages)
	s.messages = append(s.messages, st.message(v, fmt.Sprintf("mail-%d", at)))
	s.mu.Unlock()
	if err = c.answer(v, 250); err != nil { // the sender does not know that it was taken
		s.mu.Lock()
		s.messages[at].Gap = true
		s.mu.Unlock()
	}
	return err
}

// answer says what became of a command.
func (c *conversation) answer(v verdict, well int) error {
	switch v.fault {
	case refused, forbidden:
		return c.say(fmt.Sprintf("%d simulated", v.status))
	case broken, lost:
		return errHungUp
	case late:
		if err := wait(c.ctx, v.wait); err != nil {
			return err
		}
	case killedAfter:
		return c.instance.sim.scheduler.bury()
	}
	return c.say(fmt.Sprintf("%d ok", well))
}

func (c *conversation) say(line string) error {
	_, err := io.WriteString(c.conn, line+"\r\n")
	return err
}

// graphMail is who a mail to Microsoft Graph is for, and what its reader sees: it is sent as MIME in base64 (learn: "Send mail").
func graphMail(body []byte, asHTML bool) (channel, text string) {
	raw, err := base64.StdEncoding.DecodeString(string(body))
	if err != nil {
		return "", ""
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return "", ""
	}
	to, err := m.Header.AddressList("To")
	if err != nil || len(to) != 1 {
		return "", ""
	}
	return mailbox(to[0].Address), letter(raw, asHTML)
}

// letter is what a reader sees of a mail: its subject, and its text or what its HTML shows.
func letter(raw []byte, asHTML bool) string {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return ""
	}
	subject, _ := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	_, params, _ := mime.ParseMediaType(m.Header.Get("Content-Type"))
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if err != nil {
			return ""
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") == asHTML {
			body, _ := io.ReadAll(part) // what cannot be read is not there
			return mailText(subject, string(body), asHTML)
		}
	}
}

func mailText(subject, body string, asHTML bool) string {
	if asHTML {
		body = visible(body)
	}
	return unescape.Replace(plain(body + " " + subject))
}

// visible is what a reader sees of HTML: the text of its body, without what is hidden, and where its links lead.
func visible(page string) string {
	_, page, _ = strings.Cut(page, "<body")
	var b strings.Builder
	for {
		tag, rest, _ := strings.Cut(page, ">")
		if strings.Contains(tag, "display:none") {
			_, rest, _ = strings.Cut(rest, "</div>")
		}
		text, next, more := strings.Cut(rest, "<")
		_, link, _ := strings.Cut(tag, `href="`)
		link, _, _ = strings.Cut(link, `"`)
		b.WriteString(link + " " + text + " ")
		if !more {
			return html.UnescapeString(b.String())
		}
		page = next
	}
}

// communication is Azure Communication Services: it takes a mail under an id and says later what became of it (learn:
// "Email - Send", "Email - Get Send Result").
type communication struct {
	sendings map[string]*mailing
}

type mailing struct {
	at     int // among the messages
	asked  int // how often for the result
	failed bool
}

// acsMail is what of a mail its reader sees.
type acsMail struct {
	Content    struct{ Subject, PlainText, HTML string }
	Recipients struct{ To []struct{ Address string } }
}

// read says what a request to the service is.
func (*communication) read(st *step, r *http.Request, body []byte, asHTML bool) {
	var m acsMail
	if r.Method != http.MethodPost || json.Unmarshal(body, &m) != nil || len(m.Recipients.To) != 1 {
		st.phase, st.what = mailCommand, r.Method+" of the result of a sending"
		return
	}
	st.channel = mailbox(m.Recipients.To[0].Address)
	st.text = mailText(m.Content.Subject, m.Content.PlainText, false)
	if asHTML {
		st.text = mailText(m.Content.Subject, m.Content.HTML, true)
	}
	st.describe()
}

// take takes a mail, or says what became of one. The caller holds the simulation's lock.
func (c *communication) take(s *simulation, st *step, r *http.Request, v verdict) reply {
	state := func(code int, text string) reply {
		return reply{code, http.Header{"Content-Type": {"application/json"}}, []byte(text)}
	}
	if st.phase == post {
		id := r.Header.Get("Operation-Id")
		if c.sendings[id] == nil { // under the same id it is the same mail
			c.sendings[id] = &mailing{at: len(s.messages)}
			s.messages = append(s.messages, st.message(v, id))
		}
		return state(http.StatusAccepted, `{"id":"`+id+`","status":"Running"}`)
	}
	one := c.sendings[r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]]
	switch {
	case one == nil:
		return state(http.StatusNotFound, `{"error":{"code":"NotFound"}}`)
	case one.failed:
		return state(http.StatusOK, `{"status":"Failed","error":{"code":"EmailDropped"}}`)
	}
	if one.asked++; one.asked == 1 && one.at%3 == 0 {
		return state(http.StatusOK, `{"status":"Running"}`)
	}
	return state(http.StatusOK, `{"status":"Succeeded"}`)
}

// fail has a sending end as failed: no reader gets what the service had taken. One that has ended otherwise stays as it is.
func (c *communication) fail(s *simulation, r *http.Request) {
	one := c.sendings[r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]]
	if one != nil && one.asked == 0 {
		one.failed, s.messages[one.at].Kind = true, ""
	}
}

// message is what a channel has taken.
func (st *step) message(v verdict, ref string) oracle.Message {
	return oracle.Message{
		At: time.Now(), Channel: st.channel, Kind: "post", Ref: ref, Alert: st.alert, Text: st.text,
		Gap: v.fault == lost || v.fault == late || v.fault == killedAfter,
	}
}

// identity is the app's own, which everything in this world believes.
type identity struct{}

func (identity) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "simulation", ExpiresOn: time.Now().Add(time.Hour)}, nil
}
