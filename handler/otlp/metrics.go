package otlp

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"
)

// bounds of the latency histogram, in milliseconds: the objective of infra (delivery_objective) is one of them.
var bounds = []float64{1000, 5000, 15000, 30000, 60000, 300000, 900000, 3600000}

// levels are counts that say how something is now, rather than how often something happened.
var levels = map[string]bool{"failing": true, "behind": true}

// series is one metric with its attributes. Counts grow from the start of the process (cumulative).
type series struct {
	name   string
	attrs  []Attr
	form   uint64 // the field of Metric that holds it: 5 gauge, 7 sum, 9 histogram
	value  float64
	counts []uint64 // histogram
	at     time.Time
}

const (
	gauge     = 5
	sum       = 7
	histogram = 9
)

// Logger returns a logger that counts what its lines count: `counts`, `latency_ms` and `late_s`. So a metric is named and
// valued as the line that docs/operations.md describes, and the two cannot differ.
func (t *Telemetry) Logger(l *slog.Logger) *slog.Logger {
	if t == nil {
		return l
	}
	return slog.New(&meter{Handler: l.Handler(), to: t})
}

type meter struct {
	slog.Handler
	to       *Telemetry
	function string
}

var _ slog.Handler = (*meter)(nil)

// Enabled is true for lines that count, although LOG_LEVEL may leave them out of the log.
func (m *meter) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || m.Handler.Enabled(ctx, level)
}

func (m *meter) Handle(ctx context.Context, r slog.Record) error {
	m.to.count(m.function, r)
	if !m.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return m.Handler.Handle(ctx, r)
}

func (m *meter) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := &meter{m.Handler.WithAttrs(attrs), m.to, m.function}
	for _, a := range attrs {
		if a.Key == "function" {
			next.function = a.Value.String()
		}
	}
	return next
}

func (m *meter) WithGroup(name string) slog.Handler {
	return &meter{m.Handler.WithGroup(name), m.to, m.function}
}

// count takes the numbers of one line.
func (t *Telemetry) count(function string, r slog.Record) {
	line := map[string]slog.Value{}
	r.Attrs(func(a slog.Attr) bool {
		line[a.Key] = a.Value
		return true
	})
	where := []Attr{{"function", function}, {"line", r.Message}}
	if counts, ok := line["counts"]; ok {
		for name, n := range numbers(counts.Any()) {
			form := uint64(sum)
			if levels[name] {
				form = gauge
			}
			t.add(form, "auditbell."+name, where, n)
		}
	}
	if late, ok := line["late_s"]; ok {
		t.add(gauge, "auditbell.late_s", where, float64(late.Int64()))
	}
	if latency, ok := line["latency_ms"]; ok {
		t.add(histogram, "auditbell.latency_ms", []Attr{{"destination", line["destination"].String()}, {"first", line["first"].String()}}, float64(latency.Int64()))
	}
}

// numbers are the fields of a line's counts, by the names that the log has.
func numbers(counts any) map[string]float64 {
	text, err := json.Marshal(counts)
	if err != nil {
		return nil
	}
	var all map[string]any
	if json.Unmarshal(text, &all) != nil {
		return nil
	}
	found := map[string]float64{}
	for name, value := range all {
		if n, ok := value.(float64); ok {
			found[name] = n
		}
	}
	return found
}

// add takes one number in. Beyond mostSeries only those go on that are there.
func (t *Telemetry) add(form uint64, name string, attrs []Attr, n float64) {
	id := name
	for _, a := range attrs {
		id += "\x00" + a.Value.(string)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.series[id]
	if s == nil {
		if len(t.series) >= mostSeries {
			return
		}
		s = &series{name: name, attrs: attrs, form: form, counts: make([]uint64, len(bounds)+1)}
		t.series[id] = s
	}
	s.at = t.now()
	switch form {
	case gauge:
		s.value = n
	case histogram:
		s.counts[sort.SearchFloat64s(bounds, n)]++
		s.value += n
	default:
		s.value += max(n, 0) // a sum that is monotonic never falls
	}
}

// measured are all metrics, each name once with its series as points.
func (t *Telemetry) measured() []wire {
	t.add(sum, "auditbell.spans_dropped", nil, float64(t.dropped.Swap(0)))
	t.mu.Lock()
	defer t.mu.Unlock()
	points := map[string]*wire{}
	var all []wire
	names := map[string]uint64{}
	for _, id := range slices.Sorted(maps.Keys(t.series)) {
		s := t.series[id]
		if points[s.name] == nil {
			points[s.name] = &wire{}
		}
		points[s.name].message(1, s.point(t.began))
		names[s.name] = s.form
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		all = append(all, metric(name, names[name], *points[name]))
	}
	return all
}

// metric writes a Metric (opentelemetry.proto.metrics.v1). data holds its points.
func metric(name string, form uint64, data wire) wire {
	if form != gauge {
		data.number(2, 2) // AGGREGATION_TEMPORALITY_CUMULATIVE
	}
	if form == sum {
		data.number(3, 1) // is_monotonic
	}
	var m wire
	m.text(1, name)
	m.text(3, unit(name))
	m.message(form, data)
	return m
}

// unit is a metric's unit, by its name (UCUM).
func unit(name string) string {
	for _, u := range []string{"ms", "s"} {
		if strings.HasSuffix(name, "_"+u) {
			return u
		}
	}
	return "1"
}

// point writes a NumberDataPoint, or a HistogramDataPoint.
func (s *series) point(began time.Time) []byte {
	attrs, values := uint64(7), uint64(4)
	if s.form == histogram {
		attrs, values = 9, 5
	}
	var m wire
	for _, a := range s.attrs {
		m.message(attrs, a.encode())
	}
	m.time(2, began)
	m.time(3, s.at)
	if s.form == histogram {
		var n uint64
		for _, c := range s.counts {
			n += c
		}
		m.fixed(4, n)
		packed(&m, 6, s.counts)
		packed(&m, 7, bounds)
	}
	m.double(values, s.value)
	return m
}
