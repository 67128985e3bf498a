package notify

import (
	"errors"
	"net/http"
	"time"

	"github.com/auditbell/auditbell/handler/settings"
)

// Opener makes a destination from what the operator set. A nil Destination means: not configured. Every setting is
// read before the decision, so that `handler settings` lists all of them; problems go into the Set, not into an error.
type Opener func(s *settings.Set, client *http.Client) Destination

// AnswerIn is how long a destination may take to answer one request.
const AnswerIn = 15 * time.Second

// NewClient returns the one HTTP client that destinations share: https only (http to loopback), no redirects, no
// proxy surprises beyond the environment's, and a bound on every call beside the caller's deadline.
func NewClient(base http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: guard{base},
		Timeout:   AnswerIn,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("refuse redirect: the secret in the address would go elsewhere")
		},
	}
}

// guard refuses plain http to any other machine, whatever a setting or a response says.
type guard struct{ base http.RoundTripper }

func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "https" || r.URL.Scheme == "http" && settings.Loopback(r.URL.Hostname()) {
		return g.base.RoundTrip(r)
	}
	return nil, errors.New("refuse to send: the address is not https")
}
