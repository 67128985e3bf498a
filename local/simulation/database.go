package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// database is the account as one instance reaches it: an azcore policy.Transporter in front of the stand-in.
type database struct{ instance *instance }

// Do is one request of azcosmos.
func (d *database) Do(r *http.Request) (*http.Response, error) {
	body, err := readAll(r.Body, r.ContentLength)
	if err != nil {
		return nil, err
	}
	s := d.instance.sim
	p, what, brings := describe(r, body)
	v, err := s.scheduler.call(r.Context(), &step{instance: d.instance, phase: p, what: what}, partition(r)+string(body))
	if err != nil {
		return nil, err
	}
	s.requests.Add(1)
	switch v.fault {
	case refused:
		return refusal(r, v), nil
	case broken:
		return nil, io.EOF
	case stale:
		if old, ok := s.replica.old(r.URL.Path); ok && p == storeRead {
			old.header = old.header.Clone()
			return old.response(r), nil
		}
	}
	got, err := s.answer(r, body, p)
	if err != nil {
		return nil, err
	}
	if got.status < 300 && got.status != http.StatusMultiStatus { // which a batch gets of which nothing was written
		s.owed.wrote(brings)
	}
	switch v.fault {
	case lost:
		return nil, io.EOF
	case late:
		if err := wait(r.Context(), v.wait); err != nil {
			return nil, err
		}
	case killedAfter:
		return nil, s.scheduler.bury()
	}
	return got.response(r), nil
}

// answer asks the stand-in, which always finishes what it began.
func (s *simulation) answer(r *http.Request, body []byte, p phase) (reply, error) {
	ask := r.WithContext(context.WithoutCancel(r.Context()))
	ask.Body, ask.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	response, err := s.cosmos.Do(ask)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	text, err := readAll(response.Body, response.ContentLength)
	if err != nil {
		return reply{}, err
	}
	got := reply{response.StatusCode, response.Header, text}
	ru, _ := strconv.ParseFloat(response.Header.Get("x-ms-request-charge"), 64)
	s.mu.Lock()
	s.ru += ru
	s.mu.Unlock()
	if p == storeRead {
		s.replica.keep(r.URL.Path, got)
	}
	return got, nil
}

// reply is an answer that can be given more than once.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (a reply) response(r *http.Request) *http.Response {
	return &http.Response{
		Status: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)), StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r,
	}
}

// refusal is an answer of the account that says no.
func refusal(r *http.Request, v verdict) *http.Response {
	header := http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}, "X-Ms-Request-Charge": {"1"}}
	if v.wait > 0 {
		header["X-Ms-Retry-After-Ms"] = []string{strconv.FormatInt(v.wait.Milliseconds(), 10)}
	}
	return reply{v.status, header, []byte(`{"code":"Simulated","message":"simulated"}`)}.response(r)
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// account is the read of the account's properties, the first request of every client.
const account = "account"

// describe says what a request is, for the trace, and what a write brings.
func describe(r *http.Request, body []byte) (p phase, what string, brings []written) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	container := ""
	if len(parts) > 3 {
		container = parts[3]
	}
	switch {
	case r.Method == http.MethodGet && len(parts) > 5:
		return storeRead, container + " " + partition(r) + parts[5], nil
	case r.Method == http.MethodGet:
		return storeRead, account, nil
	case r.Header.Get("x-ms-documentdb-query") != "":
		var q struct{ Query string }
		_ = json.Unmarshal(body, &q) // for the trace only
		_, where, _ := strings.Cut(q.Query, "WHERE ")
		return storeQuery, container + " " + where[:min(len(where), 70)], nil
	}
	brings = items(body)
	switch {
	case r.Header.Get("x-ms-cosmos-is-batch-request") != "":
		what = "batch of " + ids(brings)
	case r.Method == http.MethodPost:
		what = "create " + ids(brings)
	default:
		what = strings.ToLower(r.Method) + " " + parts[len(parts)-1]
	}
	return storeWrite, container + " " + what, brings
}

// partition is a request's partition key, as the header has it: ids repeat among partitions.
func partition(r *http.Request) string { return r.Header.Get("x-ms-documentdb-partitionkey") + " " }

// ids are those of what a write brings.
func ids(items []written) string {
	var list []string
	for _, one := range items {
		list = append(list, one.id)
	}
	if len(list) > 4 {
		list = append(list[:3], fmt.Sprintf("%d more", len(list)-3))
	}
	return strings.Join(list, ", ")
}
