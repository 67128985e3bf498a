package cli

import (
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/store"
)

// meteredAccount counts what a store is asked and what that costs.
type meteredAccount struct {
	http.Handler

	mu       sync.Mutex
	requests int
	ru       float64
}

func (m *meteredAccount) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.Handler.ServeHTTP(w, r)
	ru, _ := strconv.ParseFloat(w.Header().Get("x-ms-request-charge"), 64) // what has none is free
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests++
	m.ru += ru
}

// since returns what was asked and charged since the last call.
func (m *meteredAccount) since() (requests int, ru float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	requests, ru = m.requests, m.ru
	m.requests, m.ru = 0, 0
	return requests, ru
}

// monthly makes the office send a digest a month.
func (o *office) monthly(t *testing.T) {
	t.Helper()
	list := settings.DefaultDigests()
	list[0].Name, list[0].Period, list[0].Recipients = "monthly", "monthly", []string{"audit@contoso.example"}
	o.digests.List = list
}

// TestDigestOfAnEmptyMonthAsksLittle makes the first digest of an account: nothing was rolled up in that month, and nothing
// happened but on one day.
func TestDigestOfAnEmptyMonthAsksLittle(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.monthly(t)
	e := activity.Event{ID: "only", Form: activity.FormREST, Time: activity.At(time.Date(2026, 10, 7, 9, 0, 0, 0, time.UTC)), Operation: "a/b/delete", Outcome: activity.Succeeded}
	if _, _, err := o.Store.Append(t.Context(), e, "test"); err != nil {
		t.Fatal(err)
	}
	o.meter.since()
	if _, err := o.digests.Run(t.Context(), invocation()); err != nil {
		t.Fatal(err)
	}
	// 744 rollups are looked for, and 16 shards asked on each of 31 days and in each hour of the one that has something
	// and of the last two, which are rolled up. Asking in every hour would be 12,000.
	requests, ru := o.meter.since()
	if requests > 3000 {
		t.Errorf("%d requests for %.0f RU, want 3000 at most", requests, ru)
	}
	if n := o.arrived("Activity Log digest, October 2026"); len(n) != 2 {
		t.Errorf("the digest came %v, want to mail and channel", n)
	}
}

// hourOfRecords are the records of the hour that begins at from, about n of them.
func hourOfRecords(seed uint64, from time.Time, n int) []activity.Event {
	var events []activity.Event
	for _, r := range digesttest.All(digesttest.Options{Seed: seed, Operations: max(n*10/23, 1), From: from, To: from.Add(time.Hour)}) {
		events = append(events, payload.Events(payload.Decode(digesttest.AppendREST(nil, r)))...)
	}
	return events
}

// TestMonthAtScale lives through a month, or its first AUDITBELL_DAYS, with AUDITBELL_SCALE events a month: they are
// stored, rolled up by the hour, and the digest is made. It prints what each part costs and the memory it needs
// (docs/cost.md). With AUDITBELL_STEP the rollup's timer fires every so many hours only; with AUDITBELL_LOG=1 hours are logged
// too, after a quiet week, and with AUDITBELL_TLS=1 the account is asked over TLS. AUDITBELL_PROFILE names a file for the CPU
// profile of all but the first two days, whose hours later ones look back at. `make bench-rollup`, `make bench-log`.
func TestMonthAtScale(t *testing.T) {
	events := number(t, "AUDITBELL_SCALE", 0)
	if events == 0 {
		t.Skip("AUDITBELL_SCALE is not set")
	}
	hours, step := 24*number(t, "AUDITBELL_DAYS", 31), number(t, "AUDITBELL_STEP", 1)
	o := openOffice(t) // in memory: a million commits to a disk take an hour
	if number(t, "AUDITBELL_LOG", 0) == 1 {
		o.keepLog(t)
	}
	o.monthly(t)
	from, to := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	var stored, rolled, sent cost
	rollUp := func() {
		patiently(t, "rollup", func() error { _, err := o.Digests.Rollups.Run(t.Context(), invocation()); return err })
	}
	for at := from.AddDate(0, 0, -7); o.Digests.Rollups.Log != nil && at.Before(from); at = at.AddDate(0, 0, 1) {
		o.clock.Store(at.Unix())
		rollUp()
	}
	stop := func() {}
	for h := range hours {
		if h == 48 {
			stop = profiled(t, os.Getenv("AUDITBELL_PROFILE"))
		}
		hour := from.Add(time.Duration(h) * time.Hour)
		o.clock.Store(hour.Add(50 * time.Minute).Unix())
		records := hourOfRecords(uint64(hour.Unix()), hour, events/744) //nolint:gosec // a seed
		stored.of(o.meter, func() { stored.ru += o.append(t, records) })
		stored.events += len(records)
		if (h+1)%24 == 0 {
			t.Logf("day %d: %d events; stored %s; rollups %s", (h+1)/24, stored.events, stored, rolled)
		}
		if (h+1)%step == 0 {
			o.clock.Store(hour.Add(65 * time.Minute).Unix())
			rolled.of(o.meter, rollUp)
		}
	}
	stop()
	o.clock.Store(to.Add(2 * time.Hour).Unix())
	sent.of(o.meter, func() {
		patiently(t, "digest", func() error { _, err := o.digests.Run(t.Context(), invocation()); return err })
	})
	t.Logf("%d events in %d hours\nstored  %s\nrollups %s\ndigest  %s", stored.events, hours, stored, rolled, sent)
}

// profiled writes a CPU profile to a file until it is stopped; "" for none.
func profiled(t *testing.T, path string) (stop func()) {
	t.Helper()
	if path == "" {
		return func() {}
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	runtime.SetCPUProfileRate(1000) // pprof asks for 100 and is refused, which it says: a share needs more samples than that gives
	if err := pprof.StartCPUProfile(file); err != nil {
		t.Fatal(err)
	}
	return func() {
		pprof.StopCPUProfile()
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
}

// serveAccount serves an account; with AUDITBELL_TLS=1 as Azure does, so that what is measured has the cost of encryption in it.
func serveAccount(t *testing.T, account http.Handler) *httptest.Server {
	t.Helper()
	if number(t, "AUDITBELL_TLS", 0) == 0 {
		return httptest.NewServer(account)
	}
	s, roots := httptest.NewTLSServer(account), filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", roots) // read when the first certificate is verified
	return s
}

// number reads a number from the environment.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(name, err)
	}
	return n
}

// patiently does again what a busy machine had no time for, as the timer would in the next hour.
func patiently(t *testing.T, what string, work func() error) {
	t.Helper()
	var err error
	for range 5 {
		if err = work(); err == nil {
			return
		}
		t.Logf("%s: %v", what, err)
	}
	t.Errorf("%s: %v", what, err)
}

// append stores events, past the wire, so that a million of them do not take an hour.
func (o *office) append(t *testing.T, events []activity.Event) (ru float64) {
	t.Helper()
	near, err := store.Open(store.Options{Endpoint: "http://cosmos.test/", Key: "a2V5", Transport: o.account, Now: o.now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	todo, charged := make(chan activity.Event), make(chan float64, 5*len(events))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for e := range todo {
				patiently(t, "append", func() error {
					_, one, err := near.Append(t.Context(), e, "test")
					charged <- one
					return err
				})
			}
		})
	}
	for _, e := range events {
		todo <- e
	}
	close(todo)
	wg.Wait()
	close(charged)
	for one := range charged {
		ru += one
	}
	return ru
}

// cost is what a part of the month's work took.
type cost struct {
	events, requests int
	ru               float64
	took             time.Duration
	heap             uint64 // the largest heap seen meanwhile; SQLite's memory is not in it
}

func (c *cost) of(m *meteredAccount, work func()) {
	m.since()
	start := time.Now()
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { c.watch(done) })
	work()
	close(done)
	watching.Wait()
	c.took += time.Since(start)
	requests, ru := m.since()
	c.requests, c.ru = c.requests+requests, c.ru+ru
}

// watch looks at the heap every now and then.
func (c *cost) watch(done <-chan struct{}) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		c.heap = max(c.heap, s.HeapInuse)
		select {
		case <-tick.C:
		case <-done:
			return
		}
	}
}

func (c cost) String() string {
	return fmt.Sprintf("%9.0f RU, %7d requests, %6.1f s, heap at most %d MiB", c.ru, c.requests, c.took.Seconds(), c.heap>>20)
}
