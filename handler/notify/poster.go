package notify

import (
	"bytes"
	"context"
	"errors"
	"net/http"

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

func (p *Poster) String() string { return "poster to [redacted]" }

// GoString implements fmt.GoStringer.
func (p *Poster) GoString() string { return p.String() }
