package source

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// REST is how Azure's own services are asked: with a bearer token, in pages, slower when they ask for it.
type REST struct {
	Client   *http.Client
	Endpoint string // scheme and host; tokens go nowhere else
	// Token returns a bearer token; whoever makes REST caches and renews it.
	Token func(context.Context) (string, error)
	// Pause waits between attempts; nil waits in real time. Tests pass their own clock.
	Pause func(context.Context, time.Duration) error
	// Patience is the longest pause that is waited for; 0: five minutes. Who has to be done soon gives up instead, and
	// asks again another time.
	Patience time.Duration
	// Answered is shown the header of every answer: it tells how much may still be asked. May be nil.
	Answered func(http.Header)
}

// RefusedError is an answer other than what was asked for.
type RefusedError struct {
	Status int           // of HTTP
	Wait   time.Duration // how long the service wants to be left alone; 0: it does not say
	text   string
}

func (e *RefusedError) Error() string { return e.text }

const (
	maxAttempts = 6
	maxPage     = 64 << 20
	maxPause    = 5 * time.Minute // a longer Retry-After is an answer for another day
)

// ask makes a request until it is answered: 429 and 5xx are asked again, as late as the service says (Azure Resource
// Manager's throttling page: Retry-After in seconds).
func (r REST) ask(ctx context.Context, method, address string, body []byte) ([]byte, error) {
	if err := r.ours(address); err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		answer, wait, err := r.once(ctx, method, address, body)
		if err == nil || wait < 0 || attempt == maxAttempts || ctx.Err() != nil {
			return answer, err
		}
		if wait == 0 {
			wait = time.Second << (attempt - 1)
		}
		if wait > cmp.Or(r.Patience, maxPause) {
			return nil, fmt.Errorf("%w; it asks to wait for %s", err, wait)
		}
		if err := r.pause(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// ours refuses links that lead elsewhere: whoever could forge a page would get the token.
func (r REST) ours(address string) error {
	to, err := url.Parse(address)
	if err != nil {
		return errors.New("follow link: it is no address")
	}
	home, err := url.Parse(r.Endpoint)
	if err != nil || to.Scheme != home.Scheme || to.Host != home.Host {
		return fmt.Errorf("follow link: it leads to %s, not to %s", to.Host, r.Endpoint)
	}
	return nil
}

// once makes one attempt. On an error, wait says how long the service wants to be left alone: 0 as long as we like,
// negative that it is of no use to ask again.
func (r REST) once(ctx context.Context, method, address string, body []byte) (answer []byte, wait time.Duration, err error) {
	token, err := r.Token(ctx)
	if err != nil {
		return nil, -1, fmt.Errorf("get token: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, -1, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := r.Client.Do(request)
	if err != nil {
		return nil, 0, fmt.Errorf("ask %s: %w", request.URL.Host, err)
	}
	defer response.Body.Close()
	if r.Answered != nil {
		r.Answered(response.Header)
	}
	answer, err = io.ReadAll(io.LimitReader(response.Body, maxPage+1))
	switch {
	case err != nil:
		return nil, 0, fmt.Errorf("read answer: %w", err)
	case len(answer) > maxPage:
		return nil, -1, fmt.Errorf("read answer: it is longer than %d bytes", maxPage)
	case response.StatusCode == http.StatusOK:
		return answer, 0, nil
	case response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= 500:
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After")) // 0: it does not say
		wait = time.Duration(max(seconds, 0)) * time.Second
		return nil, wait, &RefusedError{response.StatusCode, wait, refusal(response.StatusCode, answer)}
	}
	return nil, -1, &RefusedError{response.StatusCode, 0, refusal(response.StatusCode, answer)}
}

// refusal is what the service said, {"error":{"code":…,"message":…}}, and what to do about the usual ones.
func refusal(status int, body []byte) string {
	var said struct {
		Error struct{ Code, Message string }
	}
	_ = json.Unmarshal(body, &said) // what is no JSON says nothing
	text := fmt.Sprintf("answered %d %s", status, http.StatusText(status))
	if said.Error.Code != "" {
		text += ": " + said.Error.Code
	}
	switch status {
	case http.StatusUnauthorized:
		text += " (hint: az login)"
	case http.StatusForbidden:
		text += " (hint: the identity needs the role Reader there)"
	case http.StatusNotFound:
		text += " (hint: is the id right, and does this identity see it?)"
	case http.StatusBadRequest:
		text += ": " + said.Error.Message
	}
	return text
}

func (r REST) pause(ctx context.Context, d time.Duration) error {
	if r.Pause != nil {
		return r.Pause(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
