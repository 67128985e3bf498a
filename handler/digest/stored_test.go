package digest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/source"
)

// shelf keeps events by the hour, as the store does: each id once.
type shelf struct {
	events  map[time.Time][]activity.Event
	seen    map[string]bool
	rollups map[time.Time][]byte
	read    int // hours whose events were read
}

func newShelf() *shelf {
	return &shelf{events: map[time.Time][]activity.Event{}, seen: map[string]bool{}, rollups: map[time.Time][]byte{}}
}

func (s *shelf) put(t *testing.T, data []byte) {
	t.Helper()
	for _, r := range payload.Decode(data) {
		if r.Kind != payload.Activity {
			t.Fatalf("%s: %s", r.Kind, r.Reason)
		}
		if e := r.Event; !s.seen[e.ID] {
			s.seen[e.ID] = true
			hour := e.Time.UTC().Truncate(time.Hour)
			s.events[hour] = append(s.events[hour], e)
		}
	}
}

func (s *shelf) Hour(_ context.Context, hour time.Time) iter.Seq2[activity.Event, error] {
	s.read++
	return func(yield func(activity.Event, error) bool) {
		for _, e := range s.events[hour] {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (s *shelf) RolledUp(_ context.Context, hour time.Time) ([]byte, error) {
	return s.rollups[hour], nil
}

func (s *shelf) rollUp(t *testing.T) {
	t.Helper()
	for hour := october.From.Add(-24 * time.Hour); hour.Before(october.To); hour = hour.Add(time.Hour) {
		body, _, err := digest.RollUp(hour, s.Hour(t.Context(), hour))
		if err != nil {
			t.Fatal(err)
		}
		s.rollups[hour] = body
	}
	s.read = 0
}

// jsonOf is a report's JSON without what it says of its source, and without the keys that differ because of it.
func jsonOf(t *testing.T, r digest.Report) map[string]any {
	t.Helper()
	var out bytes.Buffer
	if err := digest.JSON(&out, r); err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(out.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	c, _ := all["completeness"].(map[string]any)
	all["subscriptions"], all["hours_without_entries"], all["redelivered"] = c["subscriptions"], c["hours_without_entries"], c["redelivered"]
	delete(all, "completeness")
	return all
}

func storedReport(t *testing.T, s *shelf, w source.Window, zone *time.Location) digest.Report {
	t.Helper()
	tally := digest.NewStoredTally(w)
	for b, err := range (digest.Stored{Hours: s, Window: w}).Entries(t.Context(), tally.Vocabulary) {
		if err != nil {
			t.Fatal(err)
		}
		tally.Add(b)
	}
	return digest.Build(tally, digest.Subject{Zone: zone, RoleName: roleName})
}

// TestStoreAndFilesTellTheSame reads one corpus both ways, in zones that cut hours in every way.
func TestStoreAndFilesTellTheSame(t *testing.T) {
	t.Parallel()
	records := digesttest.All(digesttest.Options{Seed: 31, Operations: 1500})
	s := newShelf()
	for _, r := range records {
		s.put(t, digesttest.AppendREST(nil, r))
	}
	lines := text(records, digesttest.AppendREST)
	for _, name := range []string{"UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu"} {
		zone := mustZone(name)
		w := source.Window{From: time.Date(2026, 10, 3, 0, 0, 0, 0, zone), To: time.Date(2026, 10, 20, 0, 0, 0, 0, zone)}
		want := digest.Build(tallied(t, w, source.Files{Inputs: inputs(file("a", lines))}), digest.Subject{Zone: zone, RoleName: roleName})
		s.rollups = map[time.Time][]byte{}
		fromEvents := jsonOf(t, storedReport(t, s, w, zone))
		s.rollUp(t)
		fromRollups := jsonOf(t, storedReport(t, s, w, zone))
		if s.read > 2 {
			t.Errorf("%s: the events of %d hours were read although they are rolled up", name, s.read)
		}
		wanted := jsonOf(t, want)
		delete(wanted, "redelivered") // the store drops redeliveries before anybody counts them
		delete(fromEvents, "redelivered")
		delete(fromRollups, "redelivered")
		if diff := cmp.Diff(wanted, fromEvents); diff != "" {
			t.Errorf("%s: (-files +events) %s", name, diff)
		}
		if diff := cmp.Diff(wanted, fromRollups); diff != "" {
			t.Errorf("%s: (-files +rollups) %s", name, diff)
		}
		if want.Summary.Total < 1000 {
			t.Errorf("%s: %d entries prove little", name, want.Summary.Total)
		}
	}
}

// TestFeedsAreNotCountedTwice stores records that came by the export and, where Event Grid has them, by Event Grid too.
func TestFeedsAreNotCountedTwice(t *testing.T) {
	t.Parallel()
	records := digesttest.All(digesttest.Options{Seed: 32, Operations: 400})
	one, both := newShelf(), newShelf()
	twins := 0
	for _, r := range records {
		one.put(t, digesttest.AppendREST(nil, r))
		both.put(t, digesttest.AppendREST(nil, r))
		if r.Category == "Administrative" && (r.Status == "Succeeded" || r.Status == "Failed") && !r.Again {
			twins++
			both.put(t, eventGrid(r))
		}
	}
	want, got := storedReport(t, one, october, time.UTC), storedReport(t, both, october, time.UTC)
	a, b := jsonOf(t, want), jsonOf(t, got)
	delete(a, "redelivered")
	delete(b, "redelivered")
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("(-one feed +two) %s", diff)
	}
	if got.Completeness.Again != int64(twins) || twins < 100 {
		t.Errorf("%d entries are said to have come twice, want %d", got.Completeness.Again, twins)
	}
}

func eventGrid(r digesttest.Record) []byte {
	kind := map[string]string{"Succeeded": "Success", "Failed": "Failure"}[r.Status]
	return fmt.Appendf(nil, `[{"id":"eg-%s","eventType":"Microsoft.Resources.ResourceWrite%s","subject":%q,"eventTime":%q,"topic":"/subscriptions/%s","data":`+
		`{"correlationId":%q,"operationName":%q,"resourceUri":%q,"status":%q,"subscriptionId":%q,"tenantId":"t","claims":{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":%q}},"dataVersion":"2"}]`,
		r.EventID, kind, r.Resource, r.Time.UTC().Format(time.RFC3339Nano), r.Subscription, r.Correlation, r.Operation, r.Resource, r.Status, r.Subscription, r.Caller)
}

func TestRollupIsTheSameBytesInAnyOrder(t *testing.T) {
	t.Parallel()
	s := newShelf()
	for _, r := range digesttest.All(digesttest.Options{Seed: 33, Operations: 900}) {
		s.put(t, digesttest.AppendREST(nil, r))
	}
	for hour, events := range s.events {
		forward, _, err := digest.RollUp(hour, s.Hour(t.Context(), hour))
		if err != nil {
			t.Fatal(err)
		}
		back := newShelf()
		for i := range events {
			back.events[hour] = append(back.events[hour], events[len(events)-1-i])
		}
		backward, _, err := digest.RollUp(hour, back.Hour(t.Context(), hour))
		if err != nil || !bytes.Equal(forward, backward) {
			t.Fatalf("%s: the order of events changes the rollup (%v)", hour, err)
		}
	}
}

func TestBrokenRollupIsAnError(t *testing.T) {
	t.Parallel()
	for _, body := range [][]byte{nil, []byte("x"), []byte(zipped(t, `{"v":2}`)), []byte(zipped(t, `{"v":1,"lives":"AAAA"}`)), []byte(zipped(t, "no"))} {
		if _, err := digest.Unroll(october.From, body, source.NewStoredVocabulary(digest.Listed)); err == nil {
			t.Errorf("%q is read as a rollup", body)
		}
	}
}

// stream makes up an hour's events as they are asked for and keeps none.
type stream struct {
	perHour int
	live    []uint64 // bytes of heap in use when an hour begins to be read
	ended   uint64   // the same when the last one was read
}

// heap is the bytes of heap in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (s *stream) Hour(_ context.Context, hour time.Time) iter.Seq2[activity.Event, error] {
	s.live = append(s.live, heap())
	return func(yield func(activity.Event, error) bool) {
		for i := range s.perHour {
			id := fmt.Sprintf("%d-%d", hour.Unix(), i)
			e := activity.Event{
				ID: id, Form: activity.FormREST, Time: activity.At(hour.Add(time.Duration(i) * time.Millisecond)), Operation: "a/b/write",
				Outcome: activity.Succeeded, Caller: "ann@contoso.example", ResourceID: "/subscriptions/s1/resourcegroups/" + id, SubscriptionID: "s1", CorrelationID: id,
				Properties: activity.Properties(`{"what":"` + strings.Repeat("x", 500) + `"}`),
			}
			if !yield(e, nil) {
				return
			}
		}
		s.ended = heap()
	}
}

func (s *stream) RolledUp(context.Context, time.Time) ([]byte, error) { return nil, nil }

// TestStoredStreams reads 60 hours of the store: what stays of an event is its operation's key and what a key set has
// to spare, some 20 bytes of the kilobyte that it was. Not parallel: it looks at the heap of the whole process.
func TestStoredStreams(t *testing.T) { //nolint:paralleltest // see above
	const hours, perHour = 60, 1500
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	s := &stream{perHour: perHour}
	w := source.Window{From: from, To: from.Add(hours * time.Hour)}
	tally := digest.NewStoredTally(w)
	for b, err := range (digest.Stored{Hours: s, Window: w}).Entries(t.Context(), tally.Vocabulary) {
		if err != nil {
			t.Fatal(err)
		}
		tally.Add(b)
	}
	if got := digest.Build(tally, digest.Subject{}).Summary.Total; got != hours*perHour {
		t.Fatalf("%d entries, want %d", got, hours*perHour)
	}
	const settled = 10
	grown := int64(s.live[len(s.live)-1]) - int64(s.live[settled]) //nolint:gosec // far below
	if perEvent := float64(grown) / float64((len(s.live)-1-settled)*perHour); perEvent > 40 {
		t.Errorf("%.0f bytes stay of each event", perEvent)
	} else {
		t.Logf("%.0f bytes stay of each event", perEvent)
	}
}

// TestFloodedHourFits rolls up an hour in which as much happens as otherwise in days: of each event only what the rollup
// says of it is held. Not parallel, as above.
func TestFloodedHourFits(t *testing.T) { //nolint:paralleltest // see above
	s := &stream{perHour: 60_000}
	hour := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	_, n, err := digest.RollUp(hour, s.Hour(t.Context(), hour))
	if err != nil || n != s.perHour {
		t.Fatalf("%d events and %v, want %d", n, err, s.perHour)
	}
	if perEvent := float64(s.ended-s.live[0]) / float64(n); perEvent > 150 {
		t.Errorf("%.0f bytes are held of each event", perEvent)
	} else {
		t.Logf("%.0f bytes are held of each event", perEvent)
	}
}
