package email

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	gomail "github.com/wneessen/go-mail"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// post is a mail server that keeps what it receives, and refuses what refuse names.
type post struct {
	mu     sync.Mutex
	raw    [][]byte
	to     []string
	secure bool
	user   string
	refuse *smtp.SMTPError // of the recipient
	after  *smtp.SMTPError // of the content
}

func (p *post) NewSession(c *smtp.Conn) (smtp.Session, error) { return &session{post: p, conn: c}, nil }

type session struct {
	*post
	conn *smtp.Conn
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "hunter2hunter2" {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

func (s *session) Mail(string, *smtp.MailOptions) error { return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.refuse != nil {
		return s.refuse
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw = append(s.raw, raw)
	_, s.secure = s.conn.TLSConnectionState()
	if s.after != nil {
		return s.after
	}
	return err
}

func (*session) Reset()        {}
func (*session) Logout() error { return nil }

// serveImplicit starts the server behind TLS.
func serveImplicit(t *testing.T, p *post) (address string, trust *x509.CertPool) {
	t.Helper()
	trust = x509.NewCertPool()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", certificate(t, trust))
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(p)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String(), trust
}

// serve starts the server; secure offers STARTTLS with a certificate for mail.contoso.example.
func serve(t *testing.T, p *post, secure bool) (address string, trust *x509.CertPool) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(p)
	server.AllowInsecureAuth = true
	trust = x509.NewCertPool()
	if secure {
		server.TLSConfig = certificate(t, trust)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		_ = listener.Close() // which the server may not know yet
		<-done
	})
	return listener.Addr().String(), trust
}

func certificate(t *testing.T, trust *x509.CertPool) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.contoso.example"}, DNSNames: []string{"mail.contoso.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trust.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

// away is a provider that takes the server for another machine's.
func away(t *testing.T, address, user string, trust *x509.CertPool) *Mailer {
	t.Helper()
	return awayOn(t, "587", address, user, trust)
}

func awayOn(t *testing.T, port, address, user string, trust *x509.CertPool) *Mailer {
	t.Helper()
	p, problem := newSMTP("mail.contoso.example:"+port, user, settings.Secret("hunter2hunter2"), func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	})
	if problem != nil {
		t.Fatal(problem)
	}
	s, _ := p.(*smtpServer)
	s.more = []gomail.Option{
		gomail.WithTLSConfig(&tls.Config{RootCAs: trust, ServerName: "mail.contoso.example", MinVersion: tls.VersionTLS12}),
	}
	s.roots = trust
	return &Mailer{s, &mail.Address{Name: "Audit bell", Address: "bell@contoso.example"}}
}

func sample() Mail {
	return Mail{
		ID: "digest monthly 2026-10", To: "ann@contoso.example", Subject: "Größe – 日本 🚀", Text: "plain\r\nÜ\r\n", HTML: "<p>Ü</p>",
		Date: time.Date(2026, 11, 1, 5, 0, 0, 0, time.UTC), Attachments: []Attachment{{"report.pdf", "application/pdf", []byte("%PDF-1.3 \x00\xff")}, {"operations.csv", "text/csv", []byte("a,b\n")}},
	}
}

func TestSMTPConversation(t *testing.T) {
	t.Parallel()
	p := &post{}
	address, trust := serve(t, p, true)
	if _, err := away(t, address, "bell", trust).Send(t.Context(), sample()); err != nil {
		t.Fatal(err)
	}
	if !p.secure || p.user != "bell" || !slices.Equal(p.to, []string{"ann@contoso.example"}) {
		t.Errorf("secure %v, user %q, to %v", p.secure, p.user, p.to)
	}
	got, err := parse(p.raw[0])
	if err != nil {
		t.Fatal(err)
	}
	m := sample()
	if got.subject != m.Subject || got.parts["text/plain"] != m.Text || strings.TrimSpace(got.parts["text/html"]) != m.HTML {
		t.Errorf("subject %q, text %q, html %q", got.subject, got.parts["text/plain"], got.parts["text/html"])
	}
	for _, f := range m.Attachments {
		if string(got.files[f.Name]) != string(f.Data) {
			t.Errorf("%s is %q, want %q", f.Name, got.files[f.Name], f.Data)
		}
	}
	for name, want := range map[string]string{
		"Message-Id": messageID(m.ID, "bell@contoso.example"), "Auto-Submitted": "auto-generated", "From": `"Audit bell" <bell@contoso.example>`, "Date": "Sun, 01 Nov 2026 05:00:00 +0000",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.header.Get(name), want)
		}
	}
}

func TestSMTPRequiresEncryptionAway(t *testing.T) {
	t.Parallel()
	p := &post{}
	address, trust := serve(t, p, false)
	_, err := away(t, address, "", trust).Send(t.Context(), sample())
	if err == nil || len(p.raw) != 0 || notify.IsPermanent(err) {
		t.Errorf("a server without STARTTLS got %d mails: %v", len(p.raw), err)
	}
	_, strange := serve(t, &post{}, true)
	secured, _ := serve(t, p, true)
	if _, err := away(t, secured, "", strange).Send(t.Context(), sample()); err == nil || len(p.raw) != 0 {
		t.Errorf("a server with a strange certificate got %d mails: %v", len(p.raw), err)
	}
}

func TestSMTPOnThisMachine(t *testing.T) {
	t.Parallel()
	p := &post{}
	address, _ := serve(t, p, false)
	s := settings.New(func(name string) (string, bool) {
		v, ok := map[string]string{
			"MAIL_PROVIDER": "smtp", "MAIL_FROM": "bell@contoso.example", "MAIL_TO": "soc@contoso.example",
			"SMTP_ADDRESS": address, "SMTP_USER": "bell", "SMTP_PASSWORD": "hunter2hunter2",
		}[name]
		return v, ok
	})
	d := Open(s, nil)
	if err := s.Err(); err != nil || d == nil {
		t.Fatalf("open: %v, %v", d, err)
	}
	m := notify.Message{ID: "a-1", Severity: notify.High, Headline: "Owner role granted"}
	ref, err := d.Deliver(t.Context(), m, notify.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	m.News = "Succeeded after 12 s"
	if _, err := d.Deliver(t.Context(), m, ref); err != nil {
		t.Fatal(err)
	}
	first, err := parse(p.raw[0])
	second, err2 := parse(p.raw[1])
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	if second.header.Get("In-Reply-To") != first.header.Get("Message-Id") || !strings.HasPrefix(second.subject, "Re: [HIGH] Owner") {
		t.Errorf("the news is %q in reply to %q; the alert was %q", second.subject, second.header.Get("In-Reply-To"), first.header.Get("Message-Id"))
	}
}

func TestSMTPRefusalsInTheServersWords(t *testing.T) {
	t.Parallel()
	refused := func(code int, words string) *smtp.SMTPError {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: words}
	}
	for _, c := range []struct {
		refuse, after *smtp.SMTPError
		user          string
		kind          notify.Kind
		want          string
	}{
		{refuse: refused(550, "no such user secret@contoso.example"), kind: notify.DestinationRefused, want: "550: 5.1.1 no such user … (hint: check this address"},
		{refuse: refused(450, "mailbox busy, try later"), kind: notify.Trouble, want: "450: 4.1.1 mailbox busy, try later"},
		{after: refused(554, "message Größe rejected as spam"), kind: notify.Refused, want: "554: 5.1.1 message … rejected as spam"},
		{after: refused(552, "message too large"), kind: notify.MessageRefused, want: "552: 5.1.1 message too large"},
		{after: refused(452, "out of storage"), kind: notify.Trouble, want: "452: 4.1.1 out of storage"},
		{user: "wrong", kind: notify.DestinationRefused, want: "535: 5.7.8 Authentication failed (hint: check SMTP_USER and SMTP_PASSWORD)"},
	} {
		p := &post{refuse: c.refuse, after: c.after}
		address, trust := serve(t, p, true)
		m := away(t, address, c.user, trust)
		if c.user != "" {
			wrong := settings.Secret("not the password")
			m.provider.(*smtpServer).password = &wrong
		}
		_, err := m.Send(t.Context(), sample())
		if notify.KindOf(err) != c.kind || !strings.Contains(fmt.Sprint(err), "the mail server answered "+c.want) || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%v (kind %v), want %q (kind %v)", err, notify.KindOf(err), c.want, c.kind)
		}
	}
}

// TestSMTPOnPort465 speaks TLS from the first byte (RFC 8314).
func TestSMTPOnPort465(t *testing.T) {
	t.Parallel()
	p := &post{}
	address, trust := serveImplicit(t, p)
	if _, err := awayOn(t, "465", address, "bell", trust).Send(t.Context(), sample()); err != nil || !p.secure || p.user != "bell" || len(p.raw) != 1 {
		t.Errorf("%v; secure %v, user %q, %d mails", err, p.secure, p.user, len(p.raw))
	}
	plain, _ := serve(t, p, true)
	_, err := awayOn(t, "465", plain, "bell", trust).Send(t.Context(), sample())
	if notify.KindOf(err) != notify.NotSent || !strings.Contains(fmt.Sprint(err), "no TLS on this port") {
		t.Errorf("a server that wants STARTTLS: %v", err)
	}
}

func TestSMTPStopsWithItsContext(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // accepts and never says a word
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := away(t, listener.Addr().String(), "", nil).Send(ctx, sample()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the deadline", err)
	}
}
