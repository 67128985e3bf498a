package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/handler/activity"
)

const (
	callTimeout    = 7 * time.Second        // of all attempts: an action group waits 10 s for its answer
	attemptTimeout = 3 * time.Second        // of one, azcosmos' own 429 retries included
	attempts       = 4                      // of one idempotent call
	firstBackoff   = 100 * time.Millisecond // doubles, with jitter
	rebuildEvery   = 200 * time.Millisecond // a new client at most this often
)

var (
	errNotFound  = errors.New("not found")
	errExists    = errors.New("exists already")
	errConflict  = errors.New("changed meanwhile")
	errAmbiguous = errors.New("reply lost")
)

// provider hands out the client and replaces a poisoned one: azcosmos v1.5.0 reads the account's properties with its
// first request and, if that fails, answers every later request with the cached error for five minutes.
type provider struct {
	options Options
	clock   *clock

	mu     sync.Mutex
	client *azcosmos.Client
	built  time.Time
}

func (p *provider) current() (*azcosmos.Client, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != nil {
		return p.client, nil
	}
	client, err := build(p.options, p.clock)
	if err != nil {
		return nil, fmt.Errorf("make cosmos client: %w", err)
	}
	p.client, p.built = client, p.options.Now()
	return client, nil
}

// discard drops bad unless another call has replaced it or it is too young to be worth another account read.
func (p *provider) discard(bad *azcosmos.Client) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != bad || p.options.Now().Sub(p.built) < rebuildEvery {
		return false
	}
	p.client = nil
	return true
}

func build(o Options, c *clock) (*azcosmos.Client, error) {
	options := &azcosmos.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport:       o.Transport,
		PerCallPolicies: []policy.Policy{c},
		// Only 429 is worth retrying inside: azcosmos leaves 449, 410 and 503 to us and never repeats a write whose
		// reply was lost (facts: cosmos §1.4).
		Retry: policy.RetryOptions{MaxRetries: 3, MaxRetryDelay: 2 * time.Second, StatusCodes: []int{http.StatusTooManyRequests}},
	}}
	if o.Key == "" {
		return azcosmos.NewClient(o.Endpoint, o.Credential, options)
	}
	key, err := azcosmos.NewKeyCredential(o.Key)
	if err != nil {
		return nil, errors.New("the account key is not base64")
	}
	return azcosmos.NewClientWithKey(o.Endpoint, key, options)
}

// call runs one attempt of an operation on a container; it returns the request charge in RU.
type call func(ctx context.Context, c *azcosmos.ContainerClient) (ru float32, err error)

// do runs an operation until it is answered, a bounded number of times. It is for operations whose repetition does no
// harm. A create or replace that meets its own earlier, unanswered attempt comes back as errExists or errConflict
// joined with errAmbiguous; the caller reads again.
func (s *Store) do(ctx context.Context, container string, op call) (ru float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	ambiguous := false
	for attempt := range attempts {
		charge, err := s.attempt(ctx, container, op)
		ru += float64(charge)
		if kind := classify(err); kind != errAmbiguous && kind != errRetry { //nolint:errorlint // own sentinels
			return ru, settled(kind, ambiguous)
		} else if kind == errAmbiguous { //nolint:errorlint // own sentinel
			ambiguous = true
		}
		if ctx.Err() != nil || attempt == attempts-1 {
			return ru, &unavailableError{container, err}
		}
		s.log.Debug("retry cosmos", "container", container, "attempt", attempt+1, "error", short(err))
		if s.pause(ctx, firstBackoff<<attempt) != nil {
			return ru, &unavailableError{container, err}
		}
	}
	return ru, nil
}

// unavailableError ends an operation that was tried long enough: no decision is taken anew on it.
type unavailableError struct {
	container string
	err       error
}

func (e *unavailableError) Error() string {
	return "container " + e.container + " does not answer: " + short(e.err)
}

func settled(err error, ambiguous bool) error {
	if ambiguous && (errors.Is(err, errExists) || errors.Is(err, errConflict)) {
		return errors.Join(err, errAmbiguous)
	}
	return err
}

func (s *Store) attempt(ctx context.Context, container string, op call) (float32, error) {
	client, err := s.clients.current()
	if err != nil {
		return 0, err
	}
	c, err := client.NewContainer(s.clients.options.Database, container)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	ru, err := op(ctx, c)
	ru = max(ru, chargeOf(err))
	if poisoned(err) && s.clients.discard(client) {
		s.log.Info("replace the cosmos client: it could not read the account and would refuse for five minutes")
	}
	return ru, err
}

// chargeOf reads what a refused request cost: azcosmos reports charges of successes only.
func chargeOf(err error) float32 {
	var response *azcore.ResponseError
	if !errors.As(err, &response) || response.RawResponse == nil {
		return 0
	}
	ru, err := strconv.ParseFloat(response.RawResponse.Header.Get("x-ms-request-charge"), 32)
	if err != nil {
		return 0
	}
	return float32(ru)
}

// poisoned recognises the failed account read by its text: v1.5.0 has no type for it, and wraps what the account answered. An
// answer to the request itself is none, and its text, which is the whole response, is not written out.
func poisoned(err error) bool {
	if _, answered := err.(*azcore.ResponseError); answered { //nolint:errorlint // not what is wrapped
		return false
	}
	return err != nil && strings.Contains(err.Error(), "failed to retrieve account properties")
}

var errRefused = errors.New("refused")

var errRetry = errors.New("try again")

// classify folds an error to one of our sentinels, errRetry, or itself.
func classify(err error) error {
	var response *azcore.ResponseError
	switch {
	case err == nil, errors.Is(err, errNotFound), errors.Is(err, errExists), errors.Is(err, errConflict):
		return err
	case errors.As(err, &response):
		return classifyStatus(response.StatusCode, err)
	case poisoned(err):
		return errRetry
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.DeadlineExceeded):
		return errAmbiguous
	}
	var network net.Error
	if errors.As(err, &network) {
		return errAmbiguous
	}
	return err
}

func classifyStatus(status int, err error) error {
	switch status {
	case http.StatusNotFound:
		return errNotFound
	case http.StatusConflict:
		return errExists
	case http.StatusPreconditionFailed:
		return errConflict
	case http.StatusTooManyRequests, 449, http.StatusGone:
		return errRetry
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusBadGateway:
		return errAmbiguous
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%w: %w", activity.ErrUnstorable, cmp.Or(err, errRefused))
	}
	return err
}

// itemRef names one item.
type itemRef struct{ container, pk, id string }

// version is what a read tells beside the item.
type version struct {
	etag azcore.ETag
	ru   float64
}

// read reads one item into v, which may be nil.
func (s *Store) read(ctx context.Context, ref itemRef, v any) (version, error) {
	var seen version
	var body []byte
	ru, err := s.do(ctx, ref.container, func(ctx context.Context, c *azcosmos.ContainerClient) (float32, error) {
		r, err := c.ReadItem(ctx, azcosmos.NewPartitionKeyString(ref.pk), ref.id, nil)
		body, seen.etag = r.Value, r.ETag
		return r.RequestCharge, err
	})
	seen.ru = ru
	if err != nil || v == nil {
		return seen, err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return seen, fmt.Errorf("read item %s/%s: %w", ref.container, ref.id, err)
	}
	return seen, nil
}

// write creates the item, or replaces the version that was read.
func (s *Store) write(ctx context.Context, ref itemRef, v any, was azcore.ETag) (now version, err error) {
	body, err := json.Marshal(v)
	if err != nil {
		return now, err
	}
	pk := azcosmos.NewPartitionKeyString(ref.pk)
	now.ru, err = s.do(ctx, ref.container, func(ctx context.Context, c *azcosmos.ContainerClient) (float32, error) {
		var r azcosmos.ItemResponse
		var err error
		if was == "" {
			r, err = c.CreateItem(ctx, pk, body, nil)
		} else {
			r, err = c.ReplaceItem(ctx, pk, ref.id, body, &azcosmos.ItemOptions{IfMatchEtag: &was})
		}
		now.etag = r.ETag
		return r.RequestCharge, err
	})
	return now, err
}

// pause waits for about d, or until ctx ends.
func (s *Store) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d/2 + s.jitter(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// short is an azcore error in one line: its text holds the whole response otherwise.
func short(err error) string {
	var response *azcore.ResponseError
	if errors.As(err, &response) {
		return fmt.Sprintf("cosmos answered %d %s", response.StatusCode, response.ErrorCode)
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// explain adds what an operator can do about an error of the account.
func explain(err error) error {
	var response *azcore.ResponseError
	if !errors.As(err, &response) {
		return errors.New(short(err) + " (hint: check COSMOS_ENDPOINT and that the app may reach it)")
	}
	switch response.StatusCode {
	case http.StatusUnauthorized:
		return errors.New(short(err) + " (hint: COSMOS_KEY is wrong, or key access is switched off: remove it to use the identity)")
	case http.StatusForbidden:
		return errors.New(short(err) + " (hint: give the identity the role Cosmos DB Built-in Data Contributor on the account)")
	}
	return errors.New(short(err))
}
