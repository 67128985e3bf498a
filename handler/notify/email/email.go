// Package email sends mail: alerts to people whom no chat reaches, and the digest with its files.
//
// There are three ways to send, chosen by MAIL_PROVIDER: Azure Communication Services (acs) and Microsoft Graph (graph)
// by the app's identity, without a password anywhere, and any mail server (smtp). A mail cannot be edited, so what
// becomes of an alert is told in a mail of its own that clients show in the same conversation.
//
// Not for reading mail, and not for deciding what is sent when.
package email

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// Mail is one mail, before a provider gives it its form.
type Mail struct {
	// ID is the same for the same mail: what is sent again under it, because an answer was lost, is recognised by
	// providers that can (acs), and by mail clients.
	ID           string
	Try          string // a mail whose sending ended as failed is sent again under another Try
	Conversation string // ID of the mail that this one follows; empty: it begins one
	To           string // one address: each recipient's mail is sent, refused and repeated by itself
	Subject      string
	Text, HTML   string
	Date         time.Time
	Attachments  []Attachment
	// Confirm makes Send wait until the provider says what became of the mail, where it says so at all.
	Confirm bool
}

// Attachment is a file of a mail.
type Attachment struct {
	Name string
	Type string // media type
	Data []byte
}

// provider is one way to send. The error kinds are those of notify.
type provider interface {
	// send returns the id under which confirm finds the sending, empty where the provider is no reporter.
	send(ctx context.Context, from *mail.Address, m Mail) (id string, state notify.State, err error)
	ping(ctx context.Context) error
	limit() int64 // bytes of attachments that a mail may have
}

// reporter is a provider that reports later what became of a sending.
type reporter interface {
	confirm(ctx context.Context, id string) (notify.State, error)
}

// Mailer sends mail from one address.
type Mailer struct {
	provider provider
	from     *mail.Address
}

// settings of this package.
var (
	providerDef = settings.Def{
		Name: "MAIL_PROVIDER", Doc: "How mail is sent: acs (Azure Communication Services), graph (Microsoft Graph) or smtp; empty sends none.",
		Hint: "set it to acs, graph or smtp, or leave it empty",
	}
	fromDef = settings.Def{Name: "MAIL_FROM", Example: "", Doc: "Address that mail is sent from.", Hint: "for acs, terraform output email_sender; for graph, the mailbox"}
	toDef   = settings.Def{
		Name: "MAIL_TO", Doc: "Addresses that alerts are mailed to, comma-separated; leave empty to send no mail.",
		Hint: "use plain addresses such as soc@contoso.example, separated by commas",
	}
	acsDef = settings.Def{
		Name: "ACS_ENDPOINT", Example: "", Doc: "Address of Azure Communication Services, for MAIL_PROVIDER acs.",
		Hint: "terraform output email_endpoint",
	}
	graphDef = settings.Def{Name: "GRAPH_ENDPOINT", Default: "https://graph.microsoft.com/v1.0", Doc: "Address of Microsoft Graph; sovereign clouds have their own."}
	smtpDef  = settings.Def{
		Name: "SMTP_ADDRESS", Doc: "Mail server and port, for MAIL_PROVIDER smtp: TLS from the start on port 465, STARTTLS on every other one unless the server is this machine.",
		Hint: "mail.contoso.example:587",
	}
	smtpUserDef     = settings.Def{Name: "SMTP_USER", Doc: "User name at the mail server; empty sends without one."}
	smtpPasswordDef = settings.Def{Name: "SMTP_PASSWORD", Doc: "Password at the mail server."}
)

// Way is how mail leaves the process, beside the client that everything is asked with. The zero values are the real ones.
type Way struct {
	Identity azcore.TokenCredential                                               // as whom Communication Services and Microsoft Graph are asked
	Dial     func(ctx context.Context, network, address string) (net.Conn, error) // connects to a mail server
}

// OpenMailer returns the Mailer that the operator chose; nil when mail is not configured. Problems go into s.
func OpenMailer(s *settings.Set, c *http.Client) *Mailer { return Way{}.mailer(s, c) }

func (w Way) mailer(s *settings.Set, c *http.Client) *Mailer {
	name, from := s.Text(providerDef), s.Text(fromDef)
	endpoint, graph := s.URL(acsDef), s.URL(graphDef)
	server, user, password := s.Text(smtpDef), s.Text(smtpUserDef), s.Secret(smtpPasswordDef)
	tokens := &tokens{credential: w.Identity, clientID: s.Text(settings.Def{
		Name: "AZURE_CLIENT_ID",
		Doc:  "Client id of the user-assigned identity to use, when there is one.",
	})}
	var p provider
	var problem *settings.Problem
	switch name {
	case "":
		return nil
	case "acs":
		p, problem = newACS(endpoint, c, tokens)
	case "graph":
		p = newGraph(graph, c, tokens)
	case "smtp":
		p, problem = newSMTP(server, user, password, w.Dial)
	default:
		problem = &settings.Problem{Name: providerDef.Name, Reason: "is none of acs, graph, smtp", Hint: providerDef.Hint}
	}
	if problem != nil {
		s.Report(*problem)
		return nil
	}
	sender, err := mail.ParseAddress(from)
	if err != nil {
		s.Report(settings.Problem{Name: fromDef.Name, Reason: "is not a mail address", Hint: fromDef.Hint})
		return nil
	}
	return &Mailer{p, sender}
}

// Limit is how many bytes of attachments a mail may have; what is larger has to be linked to.
func (m *Mailer) Limit() int64 { return m.provider.limit() }

// Send sends one mail. An error is of the kinds of notify and says nothing of the mail.
func (m *Mailer) Send(ctx context.Context, one Mail) (notify.Ref, error) {
	if one.To == "" {
		return notify.Ref{}, notify.Fail(notify.MessageRefused, errors.New("send mail: no recipient"))
	}
	id, state, err := m.provider.send(ctx, m.from, one)
	if err != nil {
		return notify.Ref{}, fmt.Errorf("send mail: %w", err)
	}
	return notify.Ref{ID: cmp.Or(id, one.ID), State: state}, nil
}

// Destination mails alerts.
type Destination struct {
	mailer *Mailer // a pointer for the reason given at notify.Poster
	to     []string
}

var (
	_ notify.Destination = (*Destination)(nil)
	_ notify.Confirmer   = (*Destination)(nil)
	_ notify.Several     = (*Destination)(nil)
)

// Open is the notify.Opener of this package.
func Open(s *settings.Set, c *http.Client) notify.Destination { return Way{}.Open(s, c) }

// Open is the notify.Opener of mail that leaves in this way.
func (w Way) Open(s *settings.Set, c *http.Client) notify.Destination {
	mailer := w.mailer(s, c)
	to, err := Addresses(s.Text(toDef))
	if err != nil {
		s.Report(settings.Problem{Name: toDef.Name, Reason: "holds what is not a mail address", Hint: toDef.Hint})
		return nil
	}
	if mailer == nil || len(to) == 0 {
		return nil
	}
	return &Destination{mailer, to}
}

// Each implements notify.Several: a recipient that the mail server refuses keeps no other from getting the mail.
func (d *Destination) Each() map[string]notify.Destination {
	each := make(map[string]notify.Destination, len(d.to))
	for _, to := range d.to {
		each[to] = &Destination{d.mailer, []string{to}}
	}
	return each
}

// Deliver implements notify.Destination. For several recipients it stops at the first failure; see Each.
func (d *Destination) Deliver(ctx context.Context, m notify.Message, prev notify.Ref) (notify.Ref, error) {
	if !prev.Zero() && !m.HasNews() {
		return prev, nil
	}
	ref := prev
	for _, to := range d.to {
		var err error
		if ref, err = d.mailer.Send(ctx, render(m, to, !prev.Zero())); err != nil {
			return prev, err
		}
	}
	return ref, nil
}

// Reports implements notify.Confirmer.
func (d *Destination) Reports() bool {
	_, does := d.mailer.provider.(reporter)
	return does
}

// Confirm implements notify.Confirmer. What a provider that reports nothing took stays accepted.
func (d *Destination) Confirm(ctx context.Context, ref notify.Ref) (notify.State, error) {
	if r, does := d.mailer.provider.(reporter); does {
		return r.confirm(ctx, ref.ID)
	}
	return notify.Accepted, nil
}

// Addresses reads a list of addresses, separated by commas or semicolons, without the names beside them.
func Addresses(list string) ([]string, error) {
	var all []string
	for _, text := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ';' }) {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		a, err := mail.ParseAddress(text)
		if err != nil {
			return nil, errors.New("not a mail address")
		}
		if !slices.Contains(all, a.Address) {
			all = append(all, a.Address)
		}
	}
	return all, nil
}
