package inbox

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/wneessen/go-mail"
)

// serveMail opens an inbox that takes mail, and a client for it.
func serveMail(t *testing.T, options ...mail.Option) (*Server, string, *mail.Client) {
	t.Helper()
	s, url := serve(t, Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.ServeSMTP(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve smtp: %v", err)
		}
	})
	options = append([]mail.Option{mail.WithPort(l.Addr().(*net.TCPAddr).Port)}, options...)
	client, err := mail.NewClient("127.0.0.1", options...)
	if err != nil {
		t.Fatal(err)
	}
	return s, url, client
}

func digest(t *testing.T) *mail.Msg {
	t.Helper()
	m := mail.NewMsg()
	for _, err := range []error{m.From("auditbell@contoso.com"), m.To("ann@contoso.com", "bob@contoso.com")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	m.Subject("Digest for October — 3 alerts")
	m.SetBodyString(mail.TypeTextPlain, "41,208 operations, ünïcode.\n")
	m.AddAlternativeString(mail.TypeTextHTML, `<html><body><h1>Digest</h1><script>alert(1)</script></body></html>`)
	if err := m.AttachReader("operations.csv", strings.NewReader("a,b\n1,2\n")); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMail(t *testing.T) {
	t.Parallel()
	s, url, client := serveMail(t, mail.WithTLSPolicy(mail.NoTLS))
	if err := client.DialAndSendWithContext(t.Context(), digest(t)); err != nil {
		t.Fatal(err)
	}
	m := s.Messages()[0]
	if m.Destination != Email || m.Kind != Post || m.Channel != "ann@contoso.com, bob@contoso.com" || m.Ref != m.ID {
		t.Errorf("got %+v", m)
	}
	if want := "Digest for October — 3 alerts\n\n41,208 operations, ünïcode."; m.Text != want {
		t.Errorf("text: got %q, want %q", m.Text, want)
	}
	var raw string
	if err := json.Unmarshal(m.Body, &raw); err != nil || !strings.Contains(raw, "Subject: ") {
		t.Errorf("body: got %.80s, %v, want the raw mail as a JSON string", m.Body, err)
	}
	page := call(t, "GET "+url+"/api/messages/"+m.ID+"/html", "")
	if policy := page.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "sandbox ") || strings.Contains(policy, "allow-scripts") || !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("HTML of a mail is served with the policy %q", policy)
	}
	if !strings.Contains(page.body, "<h1>Digest</h1>") {
		t.Errorf("HTML: got %s", page.body)
	}
	file := call(t, "GET "+url+"/api/messages/"+m.ID+"/attachments/0", "")
	if file.body != "a,b\n1,2\n" || !strings.Contains(file.header.Get("Content-Disposition"), "operations.csv") {
		t.Errorf("attachment: got %q as %q", file.body, file.header.Get("Content-Disposition"))
	}
	if got := call(t, "GET "+url+"/api/messages/"+m.ID+"/raw", ""); got.body != raw || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
		t.Errorf("raw: got %.60q as %s", got.body, got.header.Get("Content-Type"))
	}
	for _, path := range []string{"/attachments/1", "/attachments/-1", "/attachments/x"} {
		if got := call(t, "GET "+url+"/api/messages/"+m.ID+path, ""); got.status != 404 {
			t.Errorf("%s: got %d, want 404", path, got.status)
		}
	}
}

// TestMailSTARTTLS verifies the certificate, and that a password passes without being kept.
func TestMailSTARTTLS(t *testing.T) {
	t.Parallel()
	s, _, client := serveMail(t, mail.WithTLSPolicy(mail.TLSMandatory), mail.WithSMTPAuth(mail.SMTPAuthPlain),
		mail.WithUsername("robot"), mail.WithPassword("s3cret"))
	roots, err := s.RootCAs()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.SetTLSConfig(&tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}); err != nil {
		t.Fatal(err)
	}
	if err := client.DialAndSendWithContext(t.Context(), digest(t)); err != nil {
		t.Fatal(err)
	}
	if m := s.Messages(); len(m) != 1 || strings.Contains(string(m[0].Body), "s3cret") {
		t.Errorf("got %d messages, or a password in one", len(m))
	}
}

func TestMailFaults(t *testing.T) {
	t.Parallel()
	s, _, client := serveMail(t, mail.WithTLSPolicy(mail.NoTLS))
	cases := []struct {
		name, why string
		fault     Fault
		code      int
		temporary bool
		kept      int
	}{
		{"429", "an HTTP status that SMTP does not have means: try again", Fault{Status: Failure{Status: 429}}, 451, true, 0},
		{"500", "likewise", Fault{Status: Failure{Status: 500}}, 451, true, 0},
		{"550", "SMTP's own codes are kept", Fault{Status: Failure{Status: 550}}, 550, false, 0},
		{"after", "", Fault{Status: Failure{Status: 451}, After: true}, 451, true, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := len(s.Messages())
			c.fault.Destination = Email
			if err := s.Fail(c.fault); err != nil {
				t.Fatal(err)
			}
			err := client.DialAndSendWithContext(t.Context(), digest(t))
			var failed *mail.SendError
			if !errors.As(err, &failed) || failed.IsTemp() != c.temporary || failed.ErrorCode() != c.code {
				t.Errorf("%s\ngot %v, want code %d, temporary %t", c.why, err, c.code, c.temporary)
			}
			if got := len(s.Messages()) - before; got != c.kept {
				t.Errorf("kept %d, want %d", got, c.kept)
			}
		})
	}
	if err := s.Fail(Fault{Destination: Email, Status: Failure{Mode: Reset}}); err != nil {
		t.Fatal(err)
	}
	if err := client.DialAndSendWithContext(t.Context(), digest(t)); err == nil {
		t.Error("reset: got no error")
	}
	if err := client.DialAndSendWithContext(t.Context(), digest(t)); err != nil {
		t.Errorf("after the faults: %v", err)
	}
}

func TestMailTimeout(t *testing.T) {
	t.Parallel()
	s, _, client := serveMail(t, mail.WithTLSPolicy(mail.NoTLS))
	if err := s.Fail(Fault{Destination: Email, Status: Failure{Mode: Timeout}}); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() { failed <- client.DialAndSendWithContext(context.Background(), digest(t)) }()
	untilFailed(s, Email)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil {
		t.Error("got an answer, want silence and then a broken connection")
	}
}

func TestReadLetter(t *testing.T) {
	t.Parallel()
	head := "From: a@b.c\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
	cases := []struct{ name, why, raw, text, err string }{
		{"plain", "", head + "Subject: s\r\n\r\nhello\r\n", "s\n\nhello", ""},
		{"encoded subject", "", head + "Subject: =?utf-8?q?=C3=BC?=\r\n\r\nx", "ü\n\nx", ""},
		{"Latin-1", "", head + "Content-Type: text/plain; charset=iso-8859-1\r\n\r\n\xfc", "ü", ""},
		{"HTML only", "what a reader sees, without style and script", head + "Subject: s\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<style>p{}</style><p>one &amp; two</p><p>three<script>x()</script></p>", "s\n\none & two\n three", ""},
		{"base64", "", head + "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n", "hello", ""},
		{"no From", "RFC 5322 wants a sender", "Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n\r\nx", "", "header From"},
		{"no Date", "and a date", "From: a@b.c\r\n\r\nx", "", "header Date"},
		{"no header", "", "hello", "", "parse mail header"},
		{"part without end", "", head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx", "", "EOF"},
		{"parts too deep", "", head + deepParts(20), "", "nested more than"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l, err := readLetter([]byte(c.raw))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%s\ngot %v, want an error about %s", c.why, err, c.err)
				}
				return
			}
			if err != nil || l.readable() != c.text {
				t.Errorf("%s\ngot %q, %v, want %q", c.why, l.readable(), err, c.text)
			}
		})
	}
}

func deepParts(n int) string {
	var s strings.Builder
	for i := range n {
		boundary := strings.Repeat("b", i+1)
		s.WriteString("Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n--" + boundary + "\r\n")
	}
	return s.String() + "\r\nx"
}
