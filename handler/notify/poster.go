package notify

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/auditbell/auditbell/handler/settings"
)

// Poster posts JSON to one secret address. Destinations hold a pointer to it instead of the address: package fmt prints
// the unexported fields of a struct without asking their types, settings.Secret included, but stops at pointers.
type Poster struct {
	url    settings.Secret
	client *http.Client
}

// NewPoster returns a Poster to url, which settings.SecretURL has checked.
func NewPoster(url settings.Secret, client *http.Client) *Poster { return &Poster{url, client} }

// Post sends body and sorts the outcome as Send does. Headers come in pairs of name and value.
func (p *Poster) Post(ctx context.Context, body []byte, headers ...string) (Answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url.Reveal(), bytes.NewReader(body))
	if err != nil {
		return Answer{}, Permanent(errors.New("the configured address is not a URL"))
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return Send(p.client, r)
}

// pingFor bounds the wait for an answer that says nothing.
const pingFor = 5 * time.Second

// Ping asks the address with GET, which posts nothing. Any answer will do.
func (p *Poster) Ping(ctx context.Context) error { return Ping(ctx, p.client, p.url.Reveal()) }

// Ping asks an address with GET. Any answer will do.
func Ping(ctx context.Context, client *http.Client, address string) error {
	ctx, cancel := context.WithTimeout(ctx, pingFor)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return errors.New("the configured address is not a URL")
	}
	if a, err := Send(client, r); err != nil && a.Status == 0 {
		return err
	}
	return nil
}

func (p *Poster) String() string { return "poster to [redacted]" }

// GoString implements fmt.GoStringer.
func (p *Poster) GoString() string { return p.String() }
