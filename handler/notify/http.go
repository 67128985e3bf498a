package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
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

// Send performs one request and sorts its outcome into the kinds of errors.go. Only a 2xx answer comes without an
// error; other answers come beside it, so that a destination can look for its own error codes in the body.
//
// No error says more than a class of failure: net/http's own errors carry the address, and webhook addresses are
// secrets. Only the context's own errors stay in the chain.
func Send(client *http.Client, r *http.Request) (Answer, error) {
	resp, err := client.Do(r)
	if err != nil {
		// The one case in which Do returns both: CheckRedirect refused (net/http, Client.Do).
		if resp != nil {
			return Answer{Status: resp.StatusCode}, Permanent(fmt.Errorf("status %d: redirects are refused", resp.StatusCode))
		}
		return Answer{}, network(r.Context(), err)
	}
	defer func() { _ = resp.Body.Close() }() // nothing depends on it once the body is read
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return Answer{}, network(r.Context(), err)
	}
	a := Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}
	return a, a.check(time.Now())
}

// check turns a status into the kind of error that decides what happens next. A 4xx is about us and stays so; a 5xx,
// a timeout seen by the server (408) and "too early" (425) are about now.
func (a Answer) check(now time.Time) error {
	if a.Status >= 200 && a.Status <= 299 {
		return nil
	}
	text := http.StatusText(a.Status)
	err := fmt.Errorf("status %d %s", a.Status, strings.ToLower(text))
	if a.Status == http.StatusTooManyRequests || a.Status >= 500 {
		if delay, named := retryAfter(a.Header, now); named {
			return RetryAfter(err, delay)
		}
		return err
	}
	if a.Status == http.StatusRequestTimeout || a.Status == http.StatusTooEarly {
		return err
	}
	return Permanent(err)
}

// retryAfter reads both forms of Retry-After (RFC 9110 §10.2.3). A date is measured against the answer's own Date,
// where it has one, so that a clock that is off cannot turn ten seconds into an hour.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(max(time.Duration(seconds)*time.Second, time.Second), maxDelay), true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	if sent, err := http.ParseTime(h.Get("Date")); err == nil {
		now = sent
	}
	return min(max(at.Sub(now), time.Second), maxDelay), true
}

// network names the class of a failure below HTTP. All of them may pass.
func network(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("send: %w", cause)
	}
	return errors.New("send: " + class(err))
}

// class knows what operators can act on: a name that does not resolve, a certificate, a port nobody listens on. The rest
// passes with time or shows elsewhere.
func class(err error) string {
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
