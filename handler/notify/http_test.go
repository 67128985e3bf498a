package notify_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// failing is a transport that fails as a real one would for reasons that a test cannot bring about.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

func TestNetworkFailuresHaveAClassAndNoAddress(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(untrusted.Close)
	for _, c := range []struct {
		base http.RoundTripper
		url  string
		want string
	}{
		{http.DefaultTransport, closed.URL, "send: connection refused"},
		{http.DefaultTransport, untrusted.URL, "send: certificate not trusted"},
		{failing{&net.DNSError{Err: "no such host", Name: "hooks.example"}}, closed.URL, "send: host name not resolved"},
		{failing{errors.New("http2: hunter2")}, closed.URL, "send: network failure"},
	} {
		poster := notify.NewPoster(settings.Secret(c.url+"/hunter2"), notify.NewClient(c.base))
		_, err := poster.Post(t.Context(), []byte("{}"))
		if err == nil || err.Error() != c.want || notify.IsPermanent(err) {
			t.Errorf("%v (permanent %v), want %q", err, notify.IsPermanent(err), c.want)
		}
	}
}

func TestPosterRefusesWhatIsNoURL(t *testing.T) {
	t.Parallel()
	_, err := notify.NewPoster("hunter2://\x00", http.DefaultClient).Post(t.Context(), nil)
	if !notify.IsPermanent(err) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v, want a permanent error without the address", err)
	}
}
