package otlp

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	collectmetrics "go.opentelemetry.io/proto/slim/otlp/collector/metrics/v1"
	collecttraces "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/slim/otlp/metrics/v1"
	traces "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/auditbell/auditbell/handler/settings"
)

// collector is OpenTelemetry's own decoder behind a status.
type collector struct {
	t       *testing.T
	status  int
	hang    bool // until the client gives up
	headers []http.Header
	spans   []*traces.Span
	metrics map[string]*metrics.Metric
}

func (c *collector) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	c.headers = append(c.headers, r.Header)
	if status := max(c.status, http.StatusOK); status != http.StatusOK {
		return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Body: io.NopCloser(strings.NewReader(""))}, nil
	}
	switch r.URL.Path {
	case "/base/v1/traces":
		c.takeTraces(body)
	case "/base/v1/metrics":
		c.takeMetrics(body)
	default:
		c.t.Errorf("called %s", r.URL)
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(""))}, nil
}

func (c *collector) takeTraces(body []byte) {
	var request collecttraces.ExportTraceServiceRequest
	c.decode(body, &request)
	for _, of := range request.ResourceSpans {
		c.checkResource(of.Resource.Attributes)
		for _, scope := range of.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
}

func (c *collector) takeMetrics(body []byte) {
	var request collectmetrics.ExportMetricsServiceRequest
	c.decode(body, &request)
	c.metrics = map[string]*metrics.Metric{}
	for _, of := range request.ResourceMetrics {
		c.checkResource(of.Resource.Attributes)
		for _, scope := range of.ScopeMetrics {
			for _, m := range scope.Metrics {
				if c.metrics[m.Name] != nil {
					c.t.Errorf("%s comes twice", m.Name)
				}
				c.metrics[m.Name] = m
			}
		}
	}
}

// decode is stricter than a collector: what the definitions do not have is an error, anywhere in the message.
func (c *collector) decode(body []byte, into proto.Message) {
	if err := proto.Unmarshal(body, into); err != nil {
		c.t.Fatalf("the decoder refuses %x: %v", body, err)
	}
	var known func(protoreflect.Message)
	known = func(m protoreflect.Message) {
		if len(m.GetUnknown()) > 0 {
			c.t.Errorf("%s has what its definition does not: %x", m.Descriptor().FullName(), m.GetUnknown())
		}
		m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			switch {
			case f.Message() == nil:
			case f.IsList():
				for i := range v.List().Len() {
					known(v.List().Get(i).Message())
				}
			default:
				known(v.Message())
			}
			return true
		})
	}
	known(into.ProtoReflect())
}

func (c *collector) checkResource(attrs []*common.KeyValue) {
	if got := read(attrs); got["service.name"] != "auditbell" || got["service.version"] != "v1.2.3" || len(got["service.instance.id"].(string)) != 32 {
		c.t.Errorf("the resource is %v", got)
	}
}

func read(attrs []*common.KeyValue) map[string]any {
	all := map[string]any{}
	for _, a := range attrs {
		switch v := a.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			all[a.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			all[a.Key] = v.IntValue
		case *common.AnyValue_BoolValue:
			all[a.Key] = v.BoolValue
		case *common.AnyValue_DoubleValue:
			all[a.Key] = v.DoubleValue
		}
	}
	return all
}

func (c *collector) span(name string) *traces.Span {
	i := slices.IndexFunc(c.spans, func(s *traces.Span) bool { return s.Name == name })
	if i < 0 {
		c.t.Fatalf("no span %s among %d", name, len(c.spans))
	}
	return c.spans[i]
}

// open is telemetry that sends to c until the test ends.
func open(t *testing.T, c *collector, log io.Writer) *Telemetry {
	t.Helper()
	c.t = t
	env := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.example/base", "OTEL_EXPORTER_OTLP_HEADERS": "api-key=s3cret%2Cx, x-scope = a b"}
	s := settings.New(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	telemetry := Read(s).Open(World{Version: "v1.2.3", Web: c, Log: slog.New(slog.NewTextHandler(log, nil)), Now: time.Now})
	if len(s.Warnings()) > 0 || telemetry == nil {
		t.Fatal(s.Warnings())
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	over := telemetry.Send(ctx)
	t.Cleanup(func() {
		stop()
		<-over
	})
	return telemetry
}

const caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"

func TestACollectorTakesEverySpan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &collector{}
		telemetry := open(t, c, io.Discard)
		header := http.Header{"Traceparent": {caller}}
		ctx, end := telemetry.Invocation(t.Context(), header, "eventgrid-activity", "3f2a-\n<b>"+strings.Repeat("x", 99))
		began := time.Now()
		<-time.After(time.Second)
		inside, record := Start(ctx, "record")
		record.Set("auditbell.items", -7)
		record.Set("auditbell.first", true)
		record.Set("auditbell.share", 0.5)
		<-time.After(time.Second)
		_, deeper := Start(inside, "mark")
		deeper.End(fmt.Errorf("store: %w", context.DeadlineExceeded))
		record.End(errors.New("Bearer s3cret"))
		end(nil)
		<-time.After(pause)
		synctest.Wait()

		root, stage, last := c.span("eventgrid-activity"), c.span("record"), c.span("mark")
		if hex.EncodeToString(root.TraceId) != "0af7651916cd43dd8448eb211c80319c" || hex.EncodeToString(root.ParentSpanId) != "b7ad6b7169203331" || root.Kind != traces.Span_SPAN_KIND_SERVER {
			t.Errorf("the caller's trace is not continued: %v", root)
		}
		if !bytes.Equal(stage.ParentSpanId, root.SpanId) || !bytes.Equal(last.ParentSpanId, stage.SpanId) || !bytes.Equal(last.TraceId, root.TraceId) || stage.Kind != traces.Span_SPAN_KIND_INTERNAL {
			t.Errorf("stages are not below what they belong to: %v %v", stage, last)
		}
		if stage.StartTimeUnixNano != uint64(began.Add(time.Second).UnixNano()) || stage.EndTimeUnixNano-stage.StartTimeUnixNano != uint64(time.Second) {
			t.Errorf("from %d to %d", stage.StartTimeUnixNano, stage.EndTimeUnixNano)
		}
		if got := read(root.Attributes); got["faas.name"] != "eventgrid-activity" || got["faas.invocation_id"] != "3f2a-b"+strings.Repeat("x", 58) || root.Status.GetCode() != traces.Status_STATUS_CODE_UNSET {
			t.Errorf("the invocation is %v, %v", got, root.Status)
		}
		if got := read(stage.Attributes); got["auditbell.items"] != int64(-7) || got["auditbell.first"] != true || got["auditbell.share"] != 0.5 || got["error.type"] != "_OTHER" || stage.Status.GetCode() != traces.Status_STATUS_CODE_ERROR {
			t.Errorf("the stage is %v, %v", got, stage.Status)
		}
		if got := read(last.Attributes); got["error.type"] != "timeout" {
			t.Errorf("the last is %v", got)
		}
		if strings.Contains(fmt.Sprint(c.spans), "s3cret") {
			t.Error("an error's text was sent")
		}
		if h := c.headers[0]; h.Get("Api-Key") != "s3cret,x" || h.Get("X-Scope") != "a b" || h.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("sent with %v", h)
		}
	})
}

func TestACollectorTakesWhatLinesCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &collector{}
		var lines bytes.Buffer
		telemetry := open(t, c, io.Discard)
		log := telemetry.Logger(slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelWarn}))).With("function", "deliver")
		type counts struct {
			Sent   int     `json:"sent"`
			RU     float64 `json:"ru"`
			Behind int     `json:"behind"`
			Name   string  `json:"name"`
		}
		log.Info("deliveries", slog.Any("counts", counts{Sent: 2, RU: 1.5, Behind: 9, Name: "x"}))
		log.Info("deliveries", slog.Any("counts", counts{Sent: 3, RU: 2.25, Behind: 4}))
		log.Info("sent", "destination", "slack", "first", true, "latency_ms", int64(300000))
		log.Info("sent", "destination", "slack", "first", true, "latency_ms", int64(300001))
		log.Warn("canary", "late_s", 7)
		_, end := telemetry.Invocation(t.Context(), nil, "deliver", "")
		end(nil)
		<-time.After(pause)
		synctest.Wait()

		sent := c.metrics["auditbell.sent"].GetSum()
		if sent.GetDataPoints()[0].GetAsDouble() != 5 || !sent.IsMonotonic || sent.AggregationTemporality != metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE {
			t.Errorf("sent is %v", sent)
		}
		if got := read(sent.DataPoints[0].Attributes); got["function"] != "deliver" || got["line"] != "deliveries" {
			t.Errorf("sent is of %v", got)
		}
		if got := c.metrics["auditbell.ru"].GetSum().DataPoints[0].GetAsDouble(); got != 3.75 {
			t.Errorf("ru is %v", got)
		}
		if got := c.metrics["auditbell.behind"].GetGauge().DataPoints[0].GetAsDouble(); got != 4 {
			t.Errorf("behind is %v", got)
		}
		latency := c.metrics["auditbell.latency_ms"].GetHistogram().DataPoints[0]
		if latency.Count != 2 || latency.GetSum() != 600001 || latency.BucketCounts[5] != 1 || latency.BucketCounts[6] != 1 || len(latency.BucketCounts) != len(latency.ExplicitBounds)+1 || c.metrics["auditbell.latency_ms"].Unit != "ms" {
			t.Errorf("latency is %v", latency)
		}
		if got := c.metrics["auditbell.late_s"].GetGauge().DataPoints[0].GetAsDouble(); got != 7 {
			t.Errorf("late is %v", got)
		}
		if c.metrics["auditbell.name"] != nil || strings.Contains(lines.String(), "deliveries") || !strings.Contains(lines.String(), "canary") {
			t.Errorf("text became a number, or the log's level changed: %s", &lines)
		}
	})
}

// A collector that hangs, refuses or is overloaded costs an invocation nothing, and memory is bounded.
func TestNoInvocationWaitsForACollector(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		collector
		kept bool // until a collector takes it
	}{
		{"it hangs", collector{hang: true}, true},
		{"it is overloaded", collector{status: http.StatusTooManyRequests}, true},
		{"it restarts", collector{status: http.StatusServiceUnavailable}, true},
		{"it refuses", collector{status: http.StatusUnauthorized}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				telemetry := open(t, &c.collector, &log)
				began := time.Now()
				for range 3 * mostSpans {
					_, end := telemetry.Invocation(t.Context(), nil, "deliver", "")
					end(nil)
				}
				if waited := time.Since(began); waited != 0 {
					t.Errorf("invocations waited %s", waited)
				}
				<-time.After(3 * (pause + patience))
				_, end := telemetry.Invocation(t.Context(), nil, "deliver", "")
				end(nil)
				<-time.After(3 * (pause + patience))
				synctest.Wait()
				if strings.Count(log.String(), "does not take") != 1 || strings.Contains(log.String(), "s3cret") {
					t.Errorf("logged %s", &log)
				}
				c.hang, c.status = false, 0
				_, end = telemetry.Invocation(t.Context(), nil, "deliver", "")
				end(nil)
				<-time.After(pause + patience)
				synctest.Wait()
				if kept := len(c.spans) > 1; kept != c.kept || len(c.spans) > mostSpans {
					t.Errorf("%d spans came in the end", len(c.spans))
				}
				lost := c.metrics["auditbell.spans_dropped"].GetSum().DataPoints[0].GetAsDouble()
				if int(lost)+len(c.spans) != 3*mostSpans+2 || !strings.Contains(log.String(), "again") {
					t.Errorf("%v spans are counted as dropped, %d came; logged %s", lost, len(c.spans), &log)
				}
			})
		})
	}
}

func TestSeriesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		telemetry := open(t, &collector{}, io.Discard)
		for i := range 2 * mostSeries {
			telemetry.add(sum, "auditbell.x", []Attr{{"function", fmt.Sprint(i)}}, 1)
		}
		if len(telemetry.series) != mostSeries {
			t.Errorf("%d series", len(telemetry.series))
		}
	})
}

func TestTraceparent(t *testing.T) {
	t.Parallel()
	for _, good := range []string{caller, strings.Replace(caller, "00-", "cc-", 1), "cc" + caller[2:] + "-what-comes-later", " " + caller} {
		if _, _, ok := traceparent([]string{good}); !ok {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []string{
		"", "00", strings.ToUpper(caller), "ff" + caller[2:], caller + "-00", caller + "0", "cc" + caller[2:] + "0", strings.Replace(caller, "0af7", "0ag7", 1), strings.Replace(caller, "-", "_", 1),
		"00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", caller[:54] + "é", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-",
	} {
		if _, _, ok := traceparent([]string{bad}); ok {
			t.Errorf("%q is accepted", bad)
		}
	}
	if _, _, ok := traceparent([]string{caller, caller}); ok {
		t.Error("two headers are accepted")
	}
}

// Whatever is wrong with the settings of telemetry is a warning that quotes no secret, and nothing is sent.
func TestWrongSettingsStopNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ endpoint, headers string }{
		{"collector:4318", ""},
		{"ftp://collector.example", ""},
		{"https://", ""},
		{"https://user:s3cret@collector.example", ""},
		{"https://collector.example?key=s3cret", ""},
		{"https://collector.example#x", ""},
		{"http://collector.example", "key=s3cret"},
		{"https://collector.example", "s3cret"},
		{"https://collector.example", "k=s3cret%0d%0a"},
		{"https://collector.example", "k=%zz"},
		{"https://collector.example", "a b=s3cret"},
		{"https://collector.example", "=s3cret"},
	} {
		env := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.endpoint, "OTEL_EXPORTER_OTLP_HEADERS": c.headers}
		s := settings.New(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
		if Read(s) != nil || len(s.Warnings()) != 1 || s.Err() != nil || strings.Contains(fmt.Sprint(s.Warnings()), "s3cret") {
			t.Errorf("%+v: warnings %v, problems %v", c, s.Warnings(), s.Err())
		}
	}
	for _, endpoint := range []string{"http://otel-collector:4318", "http://127.0.0.1:4318/", "https://collector.example/otlp"} {
		env := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
		s := settings.New(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
		if c := Read(s); c == nil || !strings.HasSuffix(c.traces, "/v1/traces") || strings.Contains(c.traces, "//v1") {
			t.Errorf("%s: %+v, %v", endpoint, c, s.Warnings())
		}
	}
}

//nolint:paralleltest // testing.AllocsPerRun
func TestWithoutACollectorNothingIsDone(t *testing.T) {
	var off *Telemetry
	log := slog.New(slog.DiscardHandler)
	if off.Logger(log) != log {
		t.Error("the logger is wrapped")
	}
	<-off.Send(t.Context())
	n := testing.AllocsPerRun(100, func() {
		ctx, end := off.Invocation(t.Context(), nil, "deliver", "")
		_, span := Start(ctx, "record")
		span.Set("first", true)
		span.End(nil)
		end(nil)
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}
