package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// maxAnswer bounds what is read of an answer: Slack echoes the whole message, nothing sensible is longer.
const maxAnswer = 1 << 20

// maxDelay bounds how long a channel may put us off; a delay of years would be a silent gap.
const maxDelay = 24 * time.Hour

// Answer is what a channel said to one request, read to the end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Send performs one request and gives its failure the Kind of errors.go. Only a 2xx answer comes without an error; other
// answers come beside it, so that a destination can look for its own error codes in the body.
//
// No error says more than a class of failure: net/http's own errors carry the address, and webhook addresses are
// secrets. Only the context's own errors stay in the chain.
func Send(client *http.Client, r *http.Request) (Answer, error) {
	var written atomic.Bool // the last byte of the request has left
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) { written.Store(info.Err == nil) },
	}))
	answered := statusOf{base: client.Transport}
	c := *client
	c.Transport = &answered
	resp, err := c.Do(r)
	switch {
	case err != nil && answered.status/100 == 3: // CheckRedirect refused, or it leads nowhere
		return Answer{Status: answered.status}, Fail(Refused, fmt.Errorf("status %d: redirects are refused", answered.status))
	case err != nil && written.Load():
		return Answer{}, Fail(Unanswered, network(r.Context(), err))
	case err != nil:
		return Answer{}, Fail(NotSent, network(r.Context(), err))
	}
	defer func() { _ = resp.Body.Close() }() // nothing depends on it once the body is read
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return Answer{Status: resp.StatusCode}, Fail(Refused, errors.New("status 101: another protocol is refused")) // its body never ends
	}
	body, readErr := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	a := Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}
	if err := a.check(time.Now()); err != nil || readErr == nil {
		return a, err
	}
	return Answer{Status: a.Status}, Fail(Unconfirmed, fmt.Errorf("status %d: %w", a.Status, network(r.Context(), readErr)))
}

// statusOf is a transport that remembers the status of its answer, of which Client.Do makes an error in some cases.
type statusOf struct {
	base   http.RoundTripper // nil: http.DefaultTransport
	status int
}

func (s *statusOf) RoundTrip(r *http.Request) (*http.Response, error) {
	base := s.base
	if base == nil {
		base = http.DefaultTransport
	}
	resp, err := base.RoundTrip(r)
	if resp != nil {
		s.status = resp.StatusCode
	}
	return resp, err
}

// statusKinds are the statuses that say what is at fault (RFC 9110 §15, RFC 6585). Any other 4xx and every redirect may
// as well come from a proxy between us and the service.
var statusKinds = map[int]Kind{
	http.StatusRequestTimeout: Trouble, http.StatusTooEarly: Trouble, http.StatusTooManyRequests: Throttled,
	http.StatusRequestEntityTooLarge: MessageRefused, http.StatusRequestURITooLong: MessageRefused, http.StatusRequestHeaderFieldsTooLarge: MessageRefused,
}

// check gives a status that is no 2xx its kind.
func (a Answer) check(now time.Time) error {
	if a.Status >= 200 && a.Status <= 299 {
		return nil
	}
	kind, known := statusKinds[a.Status]
	if !known && a.Status < 500 {
		kind = Refused
	}
	err := Fail(kind, errors.New(strings.TrimSpace(fmt.Sprintf("status %d %s", a.Status, strings.ToLower(http.StatusText(a.Status))))))
	return a.delayed(err, now)
}

// Delayed adds the delay that the answer asks for to an error that its service documents within a 2xx.
func (a Answer) Delayed(err error) error { return a.delayed(err, time.Now()) }

func (a Answer) delayed(err error, now time.Time) error {
	kind := KindOf(err)
	if delay, named := retryAfter(a.Header, now); named && (kind == Throttled || kind == Trouble) {
		return RetryAfter(err, delay)
	}
	return err
}

// retryAfter reads both forms of Retry-After (RFC 9110 §10.2.3), and seconds with decimals, which some gateways send. A
// date is measured against the answer's own Date, where it has one, so that a clock that is off cannot turn ten seconds
// into an hour.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseFloat(value, 64); err == nil || errors.Is(err, strconv.ErrRange) { // out of range: infinite
		if !(seconds >= 0) { // NaN, too
			return 0, false
		}
		return bounded(time.Duration(math.Ceil(min(seconds, maxDelay.Seconds()))) * time.Second), true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	if sent, err := http.ParseTime(h.Get("Date")); err == nil {
		now = sent
	}
	return bounded(at.Sub(now)), true
}

func bounded(delay time.Duration) time.Duration { return min(max(delay, time.Second), maxDelay) }

// network names the class of a failure below HTTP.
func network(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("send: %w", cause)
	}
	return errors.New("send: " + Class(err))
}

// WebPage reports whether an answer is a web page: a proxy's sign-in or block page, which no service sends to a program.
func (a Answer) WebPage() bool {
	text := strings.ToLower(string(bytes.TrimSpace(a.Body[:min(len(a.Body), 512)])))
	return strings.HasPrefix(text, "<!doctype html") || strings.HasPrefix(text, "<html") || strings.HasPrefix(text, "<head")
}

// Class names a failure below the protocol by what an operator can act on: a name that does not resolve, a certificate, a
// port without a listener. It shows nothing of the error's own text.
func Class(err error) string {
	var (
		timeout     net.Error
		lookup      *net.DNSError
		certificate *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &lookup):
		return "host name not resolved"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.As(err, &certificate):
		return "certificate not trusted"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection broken before the answer"
	}
	return "network failure"
}
