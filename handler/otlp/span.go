package otlp

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Attr is a name of OpenTelemetry's or of ours with a string, an int, a float64 or a bool.
type Attr struct {
	Key   string
	Value any
}

// Kinds of spans (opentelemetry.proto.trace.v1.Span.SpanKind).
const (
	internal = 1
	server   = 2
)

// span is one piece of work.
type span struct {
	trace      [16]byte
	id, parent [8]byte
	name       string
	kind       uint64
	start, end time.Time
	attrs      []Attr
	failed     bool
}

// Span is a piece of work that goes on. A nil *Span, where nothing is traced, does nothing. It belongs to one goroutine.
type Span struct {
	span
	to *Telemetry
}

type key struct{}

// Invocation begins the span of an invocation, below the one that the caller's traceparent names; end sends what there is
// soon. Whether the caller samples is not asked: the Functions host's own flag says what Application Insights keeps.
func (t *Telemetry) Invocation(ctx context.Context, header http.Header, function, id string) (_ context.Context, end func(error)) {
	if t == nil {
		return ctx, func(error) {}
	}
	s := &Span{to: t, span: span{name: function, kind: server, start: t.now(), attrs: []Attr{{"faas.name", function}}}}
	if id != "" {
		s.attrs = append(s.attrs, Attr{"faas.invocation_id", bounded(id)})
	}
	if trace, parent, ok := traceparent(header.Values("Traceparent")); ok {
		s.trace, s.parent = trace, parent
	} else {
		_, _ = rand.Read(s.trace[:]) // crypto/rand does not fail
	}
	_, _ = rand.Read(s.id[:])
	return context.WithValue(ctx, key{}, s), func(err error) {
		s.End(err)
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
}

// Start begins the span of a stage, below the one that ctx belongs to. End it.
func Start(ctx context.Context, stage string) (context.Context, *Span) {
	above, _ := ctx.Value(key{}).(*Span)
	if above == nil {
		return ctx, nil
	}
	s := &Span{to: above.to, span: span{trace: above.trace, parent: above.id, name: stage, kind: internal, start: above.to.now()}}
	_, _ = rand.Read(s.id[:])
	return context.WithValue(ctx, key{}, s), s
}

// Set adds an attribute.
func (s *Span) Set(name string, value any) {
	if s != nil {
		s.attrs = append(s.attrs, Attr{name, value})
	}
}

// End ends the span. Of an error only its kind is sent: its text is in the log, and may quote others.
func (s *Span) End(err error) {
	if s == nil {
		return
	}
	s.end = s.to.now()
	if err != nil {
		s.failed = true
		s.Set("error.type", kindOf(err))
	}
	s.to.send(s.span)
}

// kindOf names an error's kind as OpenTelemetry does; _OTHER is its word for the rest.
func kindOf(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	return "_OTHER"
}

// send queues a span; when the queue is full it is dropped.
func (t *Telemetry) send(s span) {
	select {
	case t.spans <- s:
	default:
		t.dropped.Add(1)
	}
}

// traceparent reads W3C's header (Trace Context, level 2, §3.2): version-trace-parent-flags in lower-case hex, neither id all
// zeros. Versions to come may have more behind a dash; two headers are none.
func traceparent(values []string) (trace [16]byte, parent [8]byte, ok bool) {
	if len(values) != 1 {
		return trace, parent, false
	}
	v := strings.TrimSpace(values[0])
	if len(v) < 55 || v[2] != '-' || v[35] != '-' || v[52] != '-' || len(v) > 55 && (v[:2] == "00" || v[55] != '-') {
		return trace, parent, false
	}
	var version, flags [1]byte
	for _, part := range []struct {
		into []byte
		text string
	}{{version[:], v[:2]}, {trace[:], v[3:35]}, {parent[:], v[36:52]}, {flags[:], v[53:55]}} {
		if part.text != strings.ToLower(part.text) {
			return trace, parent, false
		}
		if _, err := hex.Decode(part.into, []byte(part.text)); err != nil {
			return trace, parent, false
		}
	}
	return trace, parent, version[0] != 0xff && trace != [16]byte{} && parent != [8]byte{}
}

// bounded is at most 64 characters of what a caller wrote, all of them letters, digits and dashes.
func bounded(id string) string {
	keep := func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}
	id = strings.Map(keep, id)
	return id[:min(len(id), 64)]
}
