package email

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// script is a mail server that answers as it is set to: by the beginning of a command, "greet" before any and "." after the
// content. What it is not set for, it answers as a server that takes everything; "close" breaks the connection.
type script map[string]string

var usual = script{
	"greet": "220 mail.contoso.example", "EHLO": "250-mail.contoso.example\r\n250 8BITMIME", "HELO": "250 mail.contoso.example", "MAIL": "250 ok", "RCPT": "250 ok",
	"DATA": "354 go on", ".": "250 queued", "QUIT": "221 bye", "RSET": "250 ok", "NOOP": "250 ok",
}

func (s script) reply(command string) string {
	for _, from := range []script{s, usual} {
		for begins, answer := range from {
			if strings.HasPrefix(strings.ToUpper(command), strings.ToUpper(begins)) {
				return answer
			}
		}
	}
	return "500 unknown"
}

// serve takes one conversation and returns what was said to it.
func (s script) serve(t *testing.T) (address string, said func() []string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	heard := make(chan []string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		heard <- s.converse(conn)
	}()
	return listener.Addr().String(), func() []string { return <-heard }
}

func (s script) converse(conn io.ReadWriter) (said []string) {
	lines := bufio.NewScanner(conn)
	for command, within := "greet", false; ; {
		if !within {
			answer := s.reply(command)
			if answer == "close" {
				return said
			}
			_, _ = io.WriteString(conn, answer+"\r\n")
			within = command == "DATA" && strings.HasPrefix(answer, "3")
		}
		if !lines.Scan() {
			return said
		}
		command = lines.Text()
		if within && command != "." {
			command = ""
			continue
		}
		within, said = false, append(said, command)
	}
}

// TestOddMailServers speaks to servers that answer what few do.
func TestOddMailServers(t *testing.T) {
	t.Parallel()
	const fine = notify.Trouble // the kind of no error
	for name, c := range map[string]struct {
		script
		to, want string
		kind     notify.Kind
	}{
		"lines":                           {script{"greet": "220-welcome\r\n220-to\r\n220 mail", "EHLO": "250-mail\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 ENHANCEDSTATUSCODES", "RCPT": "250-2.1.5 yes\r\n250 2.1.5 ok"}, "", "<nil>", fine},
		"forwards":                        {script{"RCPT": "251 user not local; will forward"}, "", "<nil>", fine},
		"cannot verify":                   {script{"RCPT": "252 cannot verify user"}, "", "<nil>", fine},
		"knows HELO only":                 {script{"EHLO": "502 5.5.1 unrecognized command"}, "", "<nil>", fine},
		"fails after it took the mail":    {script{"QUIT": "421 shutting down"}, "", "<nil>", fine},
		"hangs up after it took the mail": {script{"QUIT": "close"}, "", "<nil>", fine},
		"greets with 421":                 {script{"greet": "421 4.3.2 too many connections"}, "", "answered 421: 4.3.2 too many connections", notify.Trouble},
		"greets with 554":                 {script{"greet": "554 5.7.1 no access for your address"}, "", "answered 554: 5.7.1 no access for your address", notify.DestinationRefused},
		"says nothing of SMTP":            {script{"greet": "HTTP/1.1 400 Bad Request"}, "", "speak to the mail server: ", notify.NotSent},
		"hangs up at once":                {script{"greet": "close"}, "", "speak to the mail server: connection broken", notify.NotSent},
		"421 for the sender":              {script{"MAIL": "421 4.4.2 closing"}, "", "answered 421: 4.4.2 closing", notify.Trouble},
		"421 for the recipient":           {script{"RCPT": "421-4.7.0 try again\r\n421 4.7.0 later"}, "", "answered 421: 4.7.0 try again 4.7.0 later", notify.Trouble},
		"hangs up at the recipient":       {script{"RCPT": "close"}, "", "speak to the mail server: connection broken", notify.NotSent},
		"refuses in lines":                {script{"RCPT": "550-5.1.1 no such\r\n550 5.1.1 user"}, "", "answered 550: 5.1.1 no such 5.1.1 user", notify.DestinationRefused},
		"does not let us send":            {script{"MAIL": "553 5.7.1 sender not owned by user"}, "", "answered 553: 5.7.1 sender not owned by user", notify.DestinationRefused},
		"takes no content":                {script{"DATA": "554 5.5.1 no valid recipients"}, "", "answered 554: 5.5.1 no valid recipients", notify.DestinationRefused},
		"421 for the content":             {script{".": "421 4.3.0 closing"}, "", "answered 421: 4.3.0 closing", notify.Trouble},
		"451 for the content":             {script{".": "451 4.7.1 greylisted"}, "", "answered 451: 4.7.1 greylisted", notify.Trouble},
		"hangs up after the content":      {script{".": "close"}, "", "connection broken", notify.Unanswered},
		"has no words":                    {script{"RCPT": "550"}, "", "answered 550", notify.DestinationRefused},
		"takes it without words":          {script{".": "250"}, "", "<nil>", fine},
		"takes a name beyond ASCII":       {script{}, "jörg@größe.example", "<nil>", fine},
		"takes no name beyond ASCII":      {script{"RCPT": "553 5.6.7 non-ASCII addresses not permitted"}, "jörg@größe.example", "answered 553: 5.6.7 non-ASCII addresses not permitted", notify.DestinationRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, said := c.serve(t)
			p, problem := newSMTP(address, "", settings.Secret(""), nil)
			if problem != nil {
				t.Fatal(problem)
			}
			m := sample()
			if c.to != "" {
				m.To = c.to
			}
			_, err := (&Mailer{p, away(t, address, "", nil).from}).Send(t.Context(), m)
			if got := fmt.Sprint(err); (err == nil) != (c.want == "<nil>") || !strings.Contains(got, c.want) || notify.KindOf(err) != c.kind {
				t.Errorf("%v (kind %v), want %q (kind %v); it heard %q", err, notify.KindOf(err), c.want, c.kind, said())
			}
		})
	}
}

// TestSTARTTLSThatIsRefused keeps the mail where encryption does not come about.
func TestSTARTTLSThatIsRefused(t *testing.T) {
	t.Parallel()
	for answer, c := range map[string]struct {
		want string
		kind notify.Kind
	}{
		"454 4.7.0 TLS not available": {"answered 454: 4.7.0 TLS not available", notify.Trouble},
		"501 5.5.4 no parameters":     {"answered 501: 5.5.4 no parameters", notify.DestinationRefused},
		"220 go ahead\r\nnot TLS":     {"no TLS on this port", notify.NotSent},
		"close":                       {"connection broken", notify.NotSent},
	} {
		address, said := script{"EHLO": "250-mail\r\n250 STARTTLS", "STARTTLS": answer}.serve(t)
		_, err := away(t, address, "", nil).Send(t.Context(), sample())
		if heard := said(); !strings.Contains(fmt.Sprint(err), c.want) || notify.KindOf(err) != c.kind || strings.Contains(strings.Join(heard, "\n"), "MAIL") {
			t.Errorf("%s: %v (kind %v), want %q (kind %v); it heard %q", answer, err, notify.KindOf(err), c.want, c.kind, heard)
		}
	}
}
