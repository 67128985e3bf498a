package email

import (
	"context"
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/auditbell/auditbell/handler/notify"
)

var _ notify.Pinger = (*Destination)(nil)

// Ping implements notify.Pinger.
func (d *Destination) Ping(ctx context.Context) error { return d.mailer.provider.ping(ctx) }

func (a *acs) ping(ctx context.Context) error   { return notify.Ping(ctx, a.client, a.endpoint) }
func (g *graph) ping(ctx context.Context) error { return notify.Ping(ctx, g.client, g.endpoint) }

// ping waits for the first byte of the server's greeting.
func (s *smtpServer) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := s.bound(ctx)(ctx, "tcp", net.JoinHostPort(s.host, strconv.Itoa(s.port)))
	if err != nil {
		return notify.Fail(notify.NotSent, errors.New("speak to the mail server: "+notify.Class(err)))
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		return notify.Fail(notify.Unanswered, errors.New("the mail server does not greet"))
	}
	return nil
}
