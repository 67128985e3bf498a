package lookup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

var (
	// errNothing ends a question: there is no answer, and asking again would not bring one.
	errNothing = errors.New("there is nothing to be found")
	// errUnreadable is for an answer that is none, or too long a one.
	errUnreadable = fmt.Errorf("%w: the answer cannot be read", errNothing)
	// errNotYet is for what Azure will have on record in a few minutes.
	errNotYet = errors.New("not on record yet")
	// errResting is for a service that is left alone for a while.
	errResting = errors.New("the service is left alone for a while")
)

// refusedError says that we may not ask. Somebody can grant it; until then asking again is noise.
type refusedError struct{ reason string }

func (e *refusedError) Error() string { return e.reason }

// mayAnswerLater reports whether the same question may have an answer in a few minutes.
func mayAnswerLater(err error) bool {
	var refused *refusedError
	return err != nil && !errors.Is(err, errNothing) && !errors.As(err, &refused)
}

// sort folds what a call came back with to one of the kinds above. What is none of them passes with time.
func sort(ctx context.Context, err error) error {
	var response *azcore.ResponseError
	var forGood interface{ NonRetriable() } // azcore marks failures to sign in with it
	switch {
	case err == nil, errors.Is(err, errNothing), errors.Is(err, errNotYet):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("wait for an answer: %w", ctx.Err())
	case errors.As(err, &response):
		return sortStatus(response)
	case errors.As(err, &forGood):
		return &refusedError{"sign in: " + short(err)}
	}
	var network net.Error
	if errors.As(err, &network) {
		return errors.New("the service does not answer") // net/http's own text carries the address
	}
	return errUnreadable
}

func sortStatus(r *azcore.ResponseError) error {
	text := fmt.Sprintf("answered %d %s", r.StatusCode, r.ErrorCode)
	switch {
	case r.StatusCode == http.StatusUnauthorized, r.StatusCode == http.StatusForbidden:
		return &refusedError{text}
	case r.StatusCode == http.StatusTooManyRequests, r.StatusCode == http.StatusServiceUnavailable:
		return &waitError{text, retryAfter(r.RawResponse)}
	case r.StatusCode >= 500, r.StatusCode == http.StatusRequestTimeout:
		return errors.New(text)
	}
	return fmt.Errorf("%w: %s", errNothing, text)
}

// waitError says that a service asked us to wait.
type waitError struct {
	reason string
	wait   time.Duration
}

func (e *waitError) Error() string { return e.reason }

// retryAfter reads Retry-After in seconds, which is how Azure Resource Manager, Resource Graph and Microsoft Graph write
// it (learn: "Understand how Azure Resource Manager throttles requests", "Microsoft Graph throttling guidance").
func retryAfter(r *http.Response) time.Duration {
	const usual, least, most = 30 * time.Second, time.Second, 10 * time.Minute
	if r == nil {
		return usual
	}
	seconds, err := strconv.Atoi(strings.TrimSpace(r.Header.Get("Retry-After")))
	if err != nil {
		return usual
	}
	return min(max(time.Duration(seconds)*time.Second, least), most)
}

// short is an error in one line; azcore's texts hold whole responses.
func short(err error) string {
	var response *azcore.ResponseError
	if errors.As(err, &response) {
		return fmt.Sprintf("answered %d %s", response.StatusCode, response.ErrorCode)
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	const most = 200
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
