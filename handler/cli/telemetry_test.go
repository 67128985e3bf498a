package cli

import (
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	collectmetrics "go.opentelemetry.io/proto/slim/otlp/collector/metrics/v1"
	collecttraces "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/otlp"
	"github.com/auditbell/auditbell/handler/settings"
)

// telemetry is what a collector was sent.
type telemetry struct {
	spans  map[string]*traces.Span // by name
	counts map[string]float64      // by metric, of the function eventgrid-activity
	text   string                  // all of it
}

func (c *telemetry) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.text += string(body)
	var spans collecttraces.ExportTraceServiceRequest
	if r.URL.Path == "/v1/traces" && proto.Unmarshal(body, &spans) == nil {
		for _, s := range spans.ResourceSpans[0].ScopeSpans[0].Spans {
			c.spans[s.Name] = s
		}
	}
	var metrics collectmetrics.ExportMetricsServiceRequest
	if r.URL.Path == "/v1/metrics" && proto.Unmarshal(body, &metrics) == nil {
		for _, m := range metrics.ResourceMetrics[0].ScopeMetrics[0].Metrics {
			for _, p := range m.GetSum().GetDataPoints() {
				if len(p.Attributes) > 0 && p.Attributes[0].Value.GetStringValue() == "eventgrid-activity" {
					c.counts[m.Name] = p.GetAsDouble()
				}
			}
		}
	}
}

// TestOneEventIsOneTrace follows an event from the host's call to the mark behind its message: a span for each stage, below the
// call's traceparent, and each count of the log as a metric. Nothing that the event says is sent.
func TestOneEventIsOneTrace(t *testing.T) {
	t.Parallel()
	got := &telemetry{spans: map[string]*traces.Span{}, counts: map[string]float64{}}
	collector := httptest.NewServer(got)
	defer collector.Close()
	o := newOutage(t)
	o.server.Close()
	o.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.URL
	sender := otlp.Read(settings.New(func(name string) (string, bool) { v, ok := o.env[name]; return v, ok })).Open(otlp.World{Version: "v1", Log: slog.New(slog.DiscardHandler), Now: time.Now})
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	over := sender.Send(ctx)
	o.world.Log = sender.Logger(slog.New(slog.DiscardHandler))
	lazy := app.NewLazy(func() app.World { return o.world }, o.world.Log)
	lazy.Telemetry = sender
	handler := app.NewServer(lazy, o.world.Log).Handler()
	o.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00") // as the host's HttpClient does
		handler.ServeHTTP(w, r)
	}))
	who := o.event()
	stop()
	<-over

	for stage, above := range map[string]string{"eventgrid-activity": "", "decode": "eventgrid-activity", "record": "eventgrid-activity", "match": "eventgrid-activity", "commit": "eventgrid-activity", "deliver": "eventgrid-activity", "mark": "eventgrid-activity"} {
		s := got.spans[stage]
		if s == nil {
			t.Errorf("no span %s", stage)
			continue
		}
		parent := "b7ad6b7169203331"
		if above != "" {
			parent = hex.EncodeToString(got.spans[above].GetSpanId())
		}
		if hex.EncodeToString(s.TraceId) != "0af7651916cd43dd8448eb211c80319c" || hex.EncodeToString(s.ParentSpanId) != parent {
			t.Errorf("%s is of trace %x, below %x", stage, s.TraceId, s.ParentSpanId)
		}
	}
	for _, name := range countsOfTheLog(t) {
		if _, ok := got.counts["auditbell."+name]; !ok {
			t.Errorf("docs/operations.md has the count %s, and there is no metric of it", name)
		}
	}
	if got.counts["auditbell.received"] != 1 || got.counts["auditbell.opened"] != 1 || got.counts["auditbell.sent"] != 2 {
		t.Errorf("counted %v", got.counts)
	}
	for _, word := range []string{who, "rg-0001", "policyAssignments", "xoxb-story", "story-secret", "11112222"} {
		if strings.Contains(got.text, word) {
			t.Errorf("the collector was sent %s", word)
		}
	}
}

// countsOfTheLog are the names that docs/operations.md lists for the line "handled", but for those that it says are left out when 0.
func countsOfTheLog(t *testing.T) (names []string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| name | counts |")
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.Lines(table) {
		if m := regexp.MustCompile("^\\| `([a-z_]+)` \\|").FindStringSubmatch(line); m != nil && !strings.Contains(line, "left out") {
			names = append(names, m[1])
		}
	}
	if len(names) < 10 {
		t.Fatalf("found %q", names)
	}
	return names
}
