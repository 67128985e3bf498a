package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// newClient is the client for invocations. It asks for no compression and follows redirects, as .NET's HttpClient.
func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableCompression:  true,
		MaxIdleConnsPerHost: 256, // parallel deliveries reuse their connections
	}}
}

// invoke runs a function once, or as often as its retry policy says, and returns what the handler answered last.
func (h *Host) invoke(f *function, data, metadata values) (answer, error) {
	return h.invokeWhile(f, data, metadata, func() bool { return true })
}

// invokeWhile is invoke that tries again only for as long as may says so.
func (h *Host) invokeWhile(f *function, data, metadata values, may func() bool) (answer, error) {
	metadata["sys"] = sys(f.name)
	if f.retry == nil {
		return h.attempt(f, data, metadata)
	}
	// The caller waits through all of it, as the real host's listener does.
	var last error
	for n := 0; ; n++ {
		metadata["RetryContext"] = f.retry.context(n, last)
		var a answer
		if a, last = h.attempt(f, data, metadata); last == nil || !f.retry.allows(n+1) {
			return a, last
		}
		select {
		case <-time.After(f.retry.delay(n)):
		case <-h.ctx.Done():
		}
		if h.ctx.Err() != nil || !may() {
			return answer{}, last
		}
	}
}

// attempt is one invocation with its lines in the log.
func (h *Host) attempt(f *function, data, metadata values) (answer, error) {
	id, category := newGUID(), "Function."+f.name
	h.log.printf(Information, category, "Executing 'Functions.%s' (Id=%s)", f.name, id)
	start := time.Now()
	a, err := h.call(f, id, encode(map[string]values{"Data": data, "Metadata": metadata}))
	took := time.Since(start).Round(time.Millisecond / 10)
	if err != nil {
		h.log.printf(Error, category, "Executed 'Functions.%s' (Failed, Id=%s, Duration=%s): %v", f.name, id, took, err)
		return answer{}, err
	}
	for _, line := range a.logs { // only now and only on success, as in the real host
		h.log.printf(Information, category, "%s", line)
	}
	for _, trap := range a.traps {
		h.log.printf(Warning, category, "%s", trap)
	}
	h.log.printf(Information, category, "Executed 'Functions.%s' (Succeeded, Id=%s, Duration=%s)", f.name, id, took)
	return a, nil
}

// call posts the envelope to the running handler. It ends with the host, not with whoever asked for it: the real host
// goes on when Event Grid or a browser hangs up. Exceeding functionTimeout costs the handler its life.
func (h *Host) call(f *function, id string, envelope []byte) (answer, error) {
	p, err := h.handler.ready(h.ctx)
	if err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithCancel(h.ctx)
	if h.app.functionTimeout > 0 {
		ctx, cancel = context.WithTimeout(h.ctx, h.app.functionTimeout)
	}
	defer cancel()
	request, err := h.newRequest(ctx, f, id, envelope)
	if err != nil {
		return answer{}, err
	}
	response, err := h.client.Do(request)
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			h.handler.timeOut(p)
			return answer{}, fmt.Errorf("functionTimeout of %s exceeded; the whole handler process was killed", h.app.functionTimeout)
		}
		return answer{}, fmt.Errorf("call handler: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, fmt.Errorf("read handler's answer: %w", err)
	}
	return readAnswer(f, response, body)
}

// newRequest has exactly the headers of DefaultHttpWorkerService.AddHeaders and of its JSON content.
func (h *Host) newRequest(ctx context.Context, f *function, id string, envelope []byte) (*http.Request, error) {
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(envelope)), nil }
	body, _ := open()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.handler.url(f.name), body)
	if err != nil {
		return nil, fmt.Errorf("make invocation: %w", err)
	}
	r.GetBody = open // for redirects that keep the method
	r.ContentLength = -1
	if h.options.ContentLength {
		r.ContentLength = int64(len(envelope))
	}
	r.Header.Set("X-Azure-Functions-HostVersion", Version)
	r.Header.Set("X-Azure-Functions-InvocationId", id)
	r.Header.Set("User-Agent", "Azure-Functions-Host/"+Version)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("traceparent", "00-"+random(16)+"-"+random(8)+"-00") // an invocation is an activity: DiagnosticsHandler adds it
	return r, nil
}
