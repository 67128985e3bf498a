package email

import (
	"context"
	"errors"
	"fmt"
	"net"
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

	dial func(ctx context.Context, network, address string) (net.Conn, error) // nil: the network; tests dial elsewhere
	more []gomail.Option                                                      // of tests: whom to trust
}

// smtpLimit keeps a mail below the 10 MB that most servers take: MIME makes four bytes of three.
const smtpLimit = 7 << 20

func newSMTP(address, user string, password settings.Secret) (provider, *settings.Problem) {
	host, port, err := net.SplitHostPort(address)
	number, portErr := strconv.Atoi(port)
	if err != nil || portErr != nil || host == "" {
		return nil, &settings.Problem{Name: smtpDef.Name, Reason: "is not an address such as mail.contoso.example:587", Hint: smtpDef.Hint}
	}
	if user != "" && password == "" {
		return nil, &settings.Problem{Name: smtpPasswordDef.Name, Reason: "is not set, and SMTP_USER is", Hint: "set the password, or remove SMTP_USER"}
	}
	return &smtpServer{host: host, port: number, user: user, password: &password}, nil
}

func (s *smtpServer) limit() int64 { return smtpLimit }

func (s *smtpServer) send(ctx context.Context, from string, m Mail) error {
	message, err := compose(from, m)
	if err != nil {
		return notify.Permanent(err)
	}
	client, err := gomail.NewClient(s.host, s.options(ctx)...)
	if err != nil {
		return notify.Permanent(errors.New("SMTP_ADDRESS cannot be used"))
	}
	if err := client.DialAndSendWithContext(ctx, message); err != nil {
		return s.kind(ctx, err)
	}
	return nil
}

func (s *smtpServer) options(ctx context.Context) []gomail.Option {
	options := []gomail.Option{gomail.WithPort(s.port), gomail.WithTLSPolicy(gomail.TLSMandatory), gomail.WithDialContextFunc(s.bound(ctx))}
	if settings.Loopback(s.host) {
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
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
		return &boundConn{conn, context.AfterFunc(ctx, func() { _ = conn.Close() })}, nil
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

// kind sorts an error. What the server said is left out: it may quote addresses and the mail.
func (s *smtpServer) kind(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("speak to the mail server: %w", ctx.Err())
	}
	var refused *gomail.SendError
	if !errors.As(err, &refused) {
		return errors.New("speak to the mail server: no conversation (hint: check SMTP_ADDRESS, SMTP_USER and that the server offers STARTTLS)")
	}
	code := refused.ErrorCode()
	text := errors.New("the mail server refused the mail")
	if code > 0 {
		text = fmt.Errorf("the mail server refused the mail with code %d", code)
	}
	if code >= 500 && !refused.IsTemp() {
		return notify.Permanent(text)
	}
	return text
}
