package inbox

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
	"log"
	"math/big"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// maxMail is generous beside Exchange Online's usual 35 MB for what a digest with its files weighs.
const maxMail = 25 << 20

// ServeSMTP takes mail on l until the context ends or the inbox closes, then closes l. AUTH PLAIN is offered, any user and
// password pass; STARTTLS uses a certificate that RootCAs trusts.
func (s *Server) ServeSMTP(ctx context.Context, l net.Listener) error {
	certificate, _, err := s.identity.load()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, conn: c}, nil
	}))
	server.Domain = "localhost"
	server.MaxMessageBytes = maxMail
	server.MaxRecipients = 100
	server.AllowInsecureAuth = true // plain passwords on loopback; they are dropped
	server.EnableSMTPUTF8 = true
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	server.ErrorLog = log.New(io.Discard, "", 0) // broken connections are what faults are for

	s.smtpAddr.Store(l.Addr().String())
	ended := make(chan struct{})
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		select {
		case <-ctx.Done():
		case <-s.done:
		case <-ended:
		}
		_ = server.Close()
		_ = l.Close() // which the server may not know yet
	}()
	err = server.Serve(l)
	close(ended)
	<-closed
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("serve smtp: %w", err)
	}
	return nil
}

// session is one mail client's connection.
type session struct {
	server *Server
	conn   *smtp.Conn
	to     []string
}

var _ smtp.AuthSession = (*session)(nil)

// AuthMechanisms offers the one that every client has.
func (*session) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth lets everybody in: a wrong password is the real server's business.
func (*session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, _, _ string) error { return nil }), nil
}

// Mail takes any envelope sender. What counts for people is the From header.
func (m *session) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt collects the envelope's recipients, the only place where Bcc can be seen.
func (m *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	m.to = append(m.to, to)
	return nil
}

// Reset forgets the envelope between two mails of one connection.
func (m *session) Reset() { m.to = nil }

// Logout ends the session, of which nothing is left then.
func (m *session) Logout() error { return nil }

// Data takes the mail, or lets the fault happen that was set for it.
func (m *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err // too large, or the client is gone: go-smtp words the answer
	}
	fault, befalls := m.server.faults.take(Email)
	if !befalls {
		return m.keep(raw)
	}
	if fault.After {
		_ = m.keep(raw)
	}
	m.server.store.failed(Email)
	return m.fail(fault)
}

// keep stores a mail, or refuses it as a server does that checks headers: permanently for a malformed one, for now if the disk
// is full.
func (m *session) keep(raw []byte) error {
	s, to := m.server, strings.Join(m.to, ", ")
	l, err := readLetter(raw)
	if err != nil {
		s.refuse(Email, to, err.Error(), nil)
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: err.Error()}
	}
	body := mustJSON(strings.ToValidUTF8(string(raw), "\uFFFD"))
	if err := s.keep(Message{Destination: Email, Channel: to, Text: l.readable(), Body: body}); err != nil {
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: err.Error()}
	}
	return nil
}

// fail maps a fault to SMTP: 429 and the statuses that only HTTP has mean "try again later" and become 451; the codes that
// SMTP has itself are sent as they are.
func (m *session) fail(fault Fault) error {
	switch fault.Status.Mode {
	case Timeout:
		<-m.server.done // the client's patience ends first, or the test does
		return errClosed
	case Reset:
		breakOff(m.conn.Conn())
		return errClosed
	}
	code := fault.Status.Status
	switch code {
	case 421, 450, 452, 550, 551, 552, 553, 554:
	default:
		code = 451
	}
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 3, 0}, Message: "a fault was set for this destination"}
}

// identity is a key pair made when first asked for, so that opening an inbox stays cheap.
type identity struct {
	once        sync.Once
	certificate tls.Certificate
	roots       *x509.CertPool
	err         error
}

// load makes the key pair at the first call.
func (i *identity) load() (tls.Certificate, *x509.CertPool, error) {
	i.once.Do(func() { i.err = i.make() })
	return i.certificate, i.roots, i.err
}

// make signs a certificate for this machine's own names. It lives in memory and ends with the process.
func (i *identity) make() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	now := time.Now() // the client's clock decides, not a test's
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "Auditbell local inbox"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("make certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("parse own certificate: %w", err)
	}
	i.roots = x509.NewCertPool()
	i.roots.AddCert(leaf)
	i.certificate = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	return nil
}

// RootCAs holds the certificate of the SMTP end, for clients that verify it.
func (s *Server) RootCAs() (*x509.CertPool, error) {
	_, roots, err := s.identity.load()
	return roots, err
}
