package publish

import (
	"encoding/json"
	"iter"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/tlog"
)

// BenchmarkHour makes of an hour's records, as the store has them, what is kept of the hour: the rollup alone; and with it their
// hashes, the list, and the entry of the log. `make bench-log` says what share of the whole the second part is.
func BenchmarkHour(b *testing.B) {
	hour := time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)
	var stored [][]byte
	seen := map[string]bool{}
	for _, r := range digesttest.All(digesttest.Options{Seed: 1, Operations: 600, From: hour, To: hour.Add(time.Hour)}) {
		for _, e := range payload.Events(payload.Decode(digesttest.AppendREST(nil, r))) {
			if seen[e.ID] {
				continue // the store has each record once
			}
			seen[e.ID] = true
			raw, err := json.Marshal(struct {
				activity.Event
				PK   string `json:"pk"`
				TTL  int    `json:"ttl"`
				ETag string `json:"_etag"`
			}{e, "20261001-01", 1, "\"0000\""})
			if err != nil {
				b.Fatal(err)
			}
			stored = append(stored, raw)
		}
	}
	var records iter.Seq2[[]byte, error] = func(yield func([]byte, error) bool) {
		for _, raw := range stored {
			if !yield(raw, nil) {
				return
			}
		}
	}
	b.Run("rolled up", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := digest.RollUp(hour, eventsOf(records)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("and logged", func(b *testing.B) {
		for b.Loop() {
			var sums hashedRecords
			if _, n, err := digest.RollUp(hour, eventsOf(sums.watch(records))); err != nil || n != len(stored) {
				b.Fatal(n, err)
			}
			list, err := tlog.ParseRecords([]byte(sums.text()))
			if err != nil || len(list) != len(stored) {
				b.Fatal(len(list), err)
			}
			_, _ = list.Text(), list.Entry(hour, 1, tlog.WhyClosed).Entry()
		}
	})
}
