package email

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"net/url"
	"strings"

	"github.com/auditbell/auditbell/handler/notify"
)

// graph sends from a mailbox through Microsoft Graph, as MIME: POST /users/{id}/sendMail with Content-Type text/plain
// and the message in base64 (learn: "Send mail", "Get MIME content of a message"). The permission Mail.Send lets the
// identity send from every mailbox until Exchange limits it (learn: "Role Based Access Control for Applications").
type graph struct {
	endpoint string
	client   *http.Client
	tokens   *tokens
}

// graphLimit keeps a request below 4 MB: MIME makes four bytes of three, and base64 around it does so again.
const graphLimit = 2 << 20

func newGraph(endpoint string, c *http.Client, t *tokens) provider {
	return &graph{strings.TrimRight(endpoint, "/"), c, t}
}

func (g *graph) limit() int64 { return graphLimit }

func (g *graph) send(ctx context.Context, from *mail.Address, m Mail) (string, notify.State, error) {
	return "", notify.Accepted, g.post(ctx, from, m)
}

func (g *graph) post(ctx context.Context, from *mail.Address, m Mail) error {
	message, err := encode(from, m)
	if err != nil {
		return notify.Fail(notify.MessageRefused, err)
	}
	body := base64.StdEncoding.EncodeToString(message)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.endpoint+"/users/"+url.PathEscape(from.Address)+"/sendMail", bytes.NewReader([]byte(body)))
	if err != nil {
		return notify.Fail(notify.DestinationRefused, errors.New("GRAPH_ENDPOINT is not an address"))
	}
	if err := g.tokens.authorize(ctx, r, g.scope()); err != nil {
		return err
	}
	r.Header.Set("Content-Type", "text/plain")
	answer, err := notify.Send(g.client, r)
	switch {
	case answer.Status == http.StatusForbidden, answer.Status == http.StatusUnauthorized:
		return fmt.Errorf("ask Microsoft Graph: %w (hint: give the identity the application permission Mail.Send)", err)
	case err != nil:
		return fmt.Errorf("ask Microsoft Graph: %w", err)
	case answer.Status != http.StatusAccepted:
		return notify.Fail(notify.Unconfirmed, fmt.Errorf("ask Microsoft Graph: answered %d, expected 202 (hint: check GRAPH_ENDPOINT and the proxy)", answer.Status))
	}
	return nil
}

// scope is Graph's own for the cloud it is in.
func (g *graph) scope() string {
	if u, err := url.Parse(g.endpoint); err == nil && u.Scheme == "https" {
		return "https://" + u.Host + "/.default"
	}
	return "https://graph.microsoft.com/.default"
}
