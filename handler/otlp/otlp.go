// Package otlp sends traces and metrics to an OpenTelemetry collector (OTLP over HTTP, binary protobuf), where
// OTEL_EXPORTER_OTLP_ENDPOINT names one: a span for each invocation and for each of its stages, and what log lines count.
//
// It is a side door. It waits for nothing, fails nothing and holds a bounded amount: what a collector does not take in time is
// dropped and counted. Without an endpoint everything here does nothing. Nothing that an event says goes into a name or an
// attribute, only words and numbers of ours.
//
// It is our own because the SDK's exporter adds 8 MB to the program and milliseconds to every start, also when it is off.
package otlp

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/auditbell/auditbell/handler/settings"
)

const (
	// mostSpans bounds the spans that wait for the collector, about 300 bytes each; it is the SDK's default too (OTEL_BSP_MAX_QUEUE_SIZE).
	mostSpans = 2048
	// mostSeries bounds the metrics: names of counts times functions and destinations, all of them ours or the operator's.
	mostSeries = 1024
	// pause is the least time between two exports, so that a storm of invocations is not one of requests.
	pause = 5 * time.Second
	// patience bounds one request.
	patience = 10 * time.Second
	// lastPatience bounds the export with which a process ends. Azure kills it a little later.
	lastPatience = 2 * time.Second
)

// Collector is where traces and metrics go. A nil *Collector is none.
type Collector struct {
	traces, metrics string // addresses
	headers         map[string]settings.Secret
	service         string
}

// Read reads where the collector is; nil when there is none. What is wrong is a warning: no alert waits for telemetry.
func Read(s *settings.Set) *Collector {
	endpoint := s.Text(settings.Def{
		Name: "OTEL_EXPORTER_OTLP_ENDPOINT",
		Doc:  "Address of an OpenTelemetry collector (OTLP over HTTP) that gets traces and metrics; empty sends none.",
	})
	headers := s.Secret(settings.Def{
		Name: "OTEL_EXPORTER_OTLP_HEADERS",
		Doc:  "Headers for the collector, such as its key: NAME=VALUE, separated by commas, values percent-encoded.",
	})
	service := s.Text(settings.Def{Name: "OTEL_SERVICE_NAME", Default: "auditbell", Doc: "Name that traces and metrics carry."})
	if endpoint == "" {
		return nil
	}
	c := &Collector{service: service}
	if problem := c.address(endpoint, headers); problem != "" {
		s.Warn(settings.Problem{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Reason: problem + "; no traces and metrics are sent", Hint: "such as https://collector.example:4318"})
		return nil
	}
	return c
}

// World is what a collector is sent to from.
type World struct {
	Version string            // of the program
	Web     http.RoundTripper // nil: the real one
	Log     *slog.Logger      // hears that the collector takes nothing, and that it does again
	Now     func() time.Time
}

// Telemetry collects and sends. A nil *Telemetry is off.
type Telemetry struct {
	*Collector
	resource wire
	client   *http.Client
	log      *slog.Logger
	now      func() time.Time
	began    time.Time

	spans   chan span
	wake    chan struct{} // an invocation has ended
	dropped atomic.Int64  // spans that no collector took

	mu     sync.Mutex
	series map[string]*series
}

// Open begins to collect; what there is goes out with Send.
func (c *Collector) Open(w World) *Telemetry {
	if c == nil {
		return nil
	}
	client := &http.Client{Transport: w.Web, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Telemetry{
		Collector: c, resource: resource(c.service, w.Version), client: client, log: w.Log, now: w.Now, began: w.Now(),
		spans: make(chan span, mostSpans), wake: make(chan struct{}, 1), series: map[string]*series{},
	}
}

// address reads where to send and with which headers, or says what is wrong.
func (c *Collector) address(endpoint string, headers settings.Secret) (problem string) {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "is not an address that begins with https:// or http://"
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "must be an address without user, query and fragment"
	case u.Scheme == "http" && headers != "" && !settings.Loopback(u.Hostname()):
		return "must begin with https://, because OTEL_EXPORTER_OTLP_HEADERS is a secret"
	}
	c.traces, c.metrics = u.JoinPath("v1/traces").String(), u.JoinPath("v1/metrics").String()
	if c.headers, err = readHeaders(headers.Reveal()); err != nil {
		return "cannot be used, because OTEL_EXPORTER_OTLP_HEADERS is not NAME=VALUE,NAME=VALUE"
	}
	return ""
}

// readHeaders reads "a=b,c=d%20e" (OpenTelemetry: "Specifying headers via environment variables").
func readHeaders(text string) (map[string]settings.Secret, error) {
	all := map[string]settings.Secret{}
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, found := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if name = strings.TrimSpace(name); !found || err != nil || !isHeader(name, value) {
			return nil, errHeaders
		}
		all[name] = settings.Secret(value)
	}
	return all, nil
}

// isHeader reports whether net/http would send the pair: one that it refuses would fail every export.
func isHeader(name, value string) bool {
	token := func(r rune) bool {
		return r > ' ' && r < 0x7f && !strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	}
	return name != "" && strings.Trim(name, "!") != "" && !strings.ContainsFunc(name, func(r rune) bool { return !token(r) }) &&
		!strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// resource says whose traces and metrics these are. Each process is an instance, because counts begin with it.
func resource(service, version string) wire {
	var instance [16]byte
	_, _ = rand.Read(instance[:]) // crypto/rand does not fail
	var r wire
	for _, a := range []Attr{{"service.name", service}, {"service.version", version}, {"service.instance.id", hex.EncodeToString(instance[:])}, {"cloud.provider", "azure"}} {
		r.message(1, a.encode())
	}
	return r
}
