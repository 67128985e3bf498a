package otlp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

var errHeaders = errors.New("headers cannot be read")

// Send sends until ctx ends, and once more then, in a goroutine of its own; the channel is closed after that.
func (t *Telemetry) Send(ctx context.Context) <-chan struct{} {
	over := make(chan struct{})
	if t == nil {
		close(over)
		return over
	}
	go func() {
		defer close(over)
		t.run(ctx)
	}()
	return over
}

func (t *Telemetry) run(ctx context.Context) {
	var e exporter
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-t.wake:
			select {
			case <-ctx.Done():
			case <-time.After(pause):
				e.export(ctx, t)
			}
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastPatience)
	defer cancel()
	e.export(last, t)
}

// exporter is what run remembers.
type exporter struct {
	waiting []wire // spans that a collector asked to be sent again
	failing bool
}

// export sends what there is. Spans are kept for the next time while a collector may take them later; counts are whole each time.
func (e *exporter) export(ctx context.Context, t *Telemetry) {
	e.take(t)
	again, err := false, error(nil)
	if len(e.waiting) > 0 {
		again, err = t.post(ctx, t.traces, t.scope(e.waiting))
	}
	if !again {
		if err != nil {
			t.dropped.Add(int64(len(e.waiting)))
		}
		e.waiting = nil
	}
	_, failed := t.post(ctx, t.metrics, t.scope(t.measured()))
	e.say(t, errors.Join(err, failed))
}

// take takes the spans out of the queue. The newest are kept when there are too many.
func (e *exporter) take(t *Telemetry) {
	for {
		select {
		case s := <-t.spans:
			e.waiting = append(e.waiting, s.encode())
			continue
		default:
		}
		break
	}
	if over := len(e.waiting) - mostSpans; over > 0 {
		e.waiting = e.waiting[over:]
		t.dropped.Add(int64(over))
	}
}

// say logs that the collector takes nothing, once, and once that it does again.
func (e *exporter) say(t *Telemetry, err error) {
	if failing := err != nil; failing != e.failing {
		e.failing = failing
		if failing {
			t.log.Warn("the collector does not take traces and metrics; alerts do not wait for it", "error", err)
			return
		}
		t.log.Info("the collector takes traces and metrics again")
	}
}

// post sends one request. again says that the collector asks for it once more (OTLP: "Failures", retryable status codes), or did
// not answer.
func (t *Telemetry) post(ctx context.Context, address string, body []byte) (again bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return false, fmt.Errorf("send to the collector: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("User-Agent", "auditbell")
	for name, value := range t.headers {
		r.Header.Set(name, value.Reveal())
	}
	answer, err := t.client.Do(r)
	if err != nil {
		return true, fmt.Errorf("send to the collector: %w", err)
	}
	defer answer.Body.Close()                                       //nolint:errcheck // nothing was written
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection is used again
	switch answer.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return false, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true, fmt.Errorf("the collector answered %s", answer.Status)
	}
	return false, fmt.Errorf("the collector answered %s", answer.Status)
}
