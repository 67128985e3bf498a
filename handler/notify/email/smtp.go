package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/mail"
	"strconv"

	gomail "github.com/wneessen/go-mail"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// smtpServer sends through any mail server. Encryption is required; only a server on this machine may do without.
type smtpServer struct {
	host     string
	port     int
	user     string
	password *settings.Secret // a pointer for the reason given at notify.Poster

	dial  func(ctx context.Context, network, address string) (net.Conn, error) // nil: the network
	more  []gomail.Option                                                      // of tests: whom to trust with STARTTLS
	roots *x509.CertPool                                                       // of tests: whom to trust on port 465; nil: the system's
}

// smtpLimit keeps a mail below the 10 MB that most servers take: MIME makes four bytes of three.
const smtpLimit = 7 << 20

func newSMTP(address, user string, password settings.Secret, dial gomail.DialContextFunc) (provider, *settings.Problem) {
	host, port, err := net.SplitHostPort(address)
	number, portErr := strconv.Atoi(port)
	if err != nil || portErr != nil || host == "" {
		return nil, &settings.Problem{Name: smtpDef.Name, Reason: "is not an address such as mail.contoso.example:587", Hint: smtpDef.Hint}
	}
	if user != "" && password == "" {
		return nil, &settings.Problem{Name: smtpPasswordDef.Name, Reason: "is not set, and SMTP_USER is", Hint: "set the password, or remove SMTP_USER"}
	}
	return &smtpServer{host: host, port: number, user: user, password: &password, dial: dial}, nil
}

func (s *smtpServer) limit() int64 { return smtpLimit }

func (s *smtpServer) send(ctx context.Context, from *mail.Address, m Mail) (string, notify.State, error) {
	return "", notify.Accepted, s.talk(ctx, from, m)
}

// talk sends one mail in a conversation of its own. What fails after the server took the mail changes nothing.
func (s *smtpServer) talk(ctx context.Context, from *mail.Address, m Mail) error {
	message, err := compose(from, m)
	if err != nil {
		return notify.Fail(notify.MessageRefused, err)
	}
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp() // go-mail v0.8.1 leaves a conversation open that it could not begin
	client, err := gomail.NewClient(s.host, s.options(ctx)...)
	if err != nil {
		return notify.Fail(notify.DestinationRefused, errors.New("SMTP_ADDRESS cannot be used"))
	}
	conversation, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return s.failed(ctx, m, err)
	}
	defer func() { _ = client.CloseWithSMTPClient(conversation) }()
	if err := client.SendWithSMTPClient(conversation, message); err != nil && !message.IsDelivered() {
		return s.failed(ctx, m, err)
	}
	return nil
}

// implicitTLS is the port on which a conversation is encrypted from its first byte (RFC 8314 §3.3).
const implicitTLS = 465

func (s *smtpServer) options(ctx context.Context) []gomail.Option {
	options := []gomail.Option{gomail.WithPort(s.port), gomail.WithTLSPolicy(gomail.TLSMandatory), gomail.WithDialContextFunc(s.bound(ctx))}
	switch {
	case settings.Loopback(s.host):
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	case s.port == implicitTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic)) // the connection is encrypted already: bound
	}
	options = append(options, s.more...)
	if s.user == "" {
		return options
	}
	auth := gomail.SMTPAuthAutoDiscover
	if settings.Loopback(s.host) {
		auth = gomail.SMTPAuthPlainNoEnc // go-mail asks for encryption otherwise, and there may be none within one machine
	}
	return append(options, gomail.WithSMTPAuth(auth), gomail.WithUsername(s.user), gomail.WithPassword(s.password.Reveal()))
}

// bound dials connections that end with ctx: go-mail v0.8.1 heeds it while dialing only, and then waits 15 seconds for a
// server that says nothing.
func (s *smtpServer) bound(ctx context.Context) gomail.DialContextFunc {
	dial := s.dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(dialing, network, address)
		if err != nil {
			return nil, err
		}
		bounded := &boundConn{conn, context.AfterFunc(ctx, func() { _ = conn.Close() })}
		if s.port != implicitTLS || settings.Loopback(s.host) {
			return bounded, nil
		}
		encrypted := tls.Client(bounded, &tls.Config{ServerName: s.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12})
		if err := encrypted.HandshakeContext(dialing); err != nil {
			_ = encrypted.Close()
			return nil, err
		}
		return encrypted, nil
	}
}

// boundConn forgets its context when it is closed.
type boundConn struct {
	net.Conn
	forget func() bool
}

func (c *boundConn) Close() error {
	c.forget()
	return c.Conn.Close()
}
