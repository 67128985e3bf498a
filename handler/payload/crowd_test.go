package payload_test

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/payload"
)

// TestACrowdOfUnreadableItemsIsBounded reads deliveries of very many items of which none can be read, with an event among them. They
// take little memory, the event is read, and no item is left uncounted. It does not run beside other tests, which take memory too.
func TestACrowdOfUnreadableItemsIsBounded(t *testing.T) {
	event := `{"operationName":"Microsoft.KeyVault/vaults/delete","resourceId":"/subscriptions/s/resourceGroups/rg","time":"2026-09-01T10:00:00Z","category":"Administrative"}`
	const n = 20_000
	for name, c := range map[string]struct{ before, item, after string }{
		"quotation marks":   {`"",`, `"",`, `""`},
		"a list of objects": {"[", "{},", "{}]"},
		"a list of lists":   {"[", "[0],", "[0]]"},
		"packed":            {"", "{}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := []byte(c.before + strings.Repeat(c.item, n) + event + "," + strings.Repeat(c.item, n) + c.after)
			if name == "packed" {
				text = gzipped(t, text)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			readings := payload.Decode(text)
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 32<<20 {
				t.Errorf("%d bytes took %d MiB", len(text), got>>20)
			}
			if events := payload.Events(readings); len(events) != 1 || len(readings) > 1100 {
				t.Fatalf("%d readings with %d events", len(readings), len(events))
			}
			unreadable := 0
			for _, r := range readings {
				if r.Kind != payload.Invalid {
					continue
				}
				unreadable++
				others := 0
				if _, err := fmt.Sscanf(r.Reason, "%d more items, the first: ", &others); err == nil {
					unreadable += others - 1
				}
			}
			if unreadable < 2*n {
				t.Errorf("%d of %d items are counted", unreadable, 2*n)
			}
		})
	}
}

// TestChunksAreWhatDecodeReads cuts deliveries into chunks, those with a crowd and packed ones among them.
func TestChunksAreWhatDecodeReads(t *testing.T) {
	t.Parallel()
	const record = `{"time":"2026-03-04T10:15:30Z","operationName":"A/B/DELETE","category":"Administrative","identity":{"claims":{"upn":"ada@contoso.example"}}}`
	many := "[" + strings.Repeat(record+",{},", 1100) + record + "]"
	for _, text := range []string{"", "[]", record, many, string(gzipped(t, []byte(many)))} {
		want := payload.Decode([]byte(text))
		for _, most := range []int{1, 7, 1000} {
			var got []payload.Reading
			payload.Chunks([]byte(text), most, func(chunk []payload.Reading) {
				if len(chunk) > most+1 { // one stands for others
					t.Errorf("a chunk of %d, want at most %d", len(chunk), most)
				}
				got = append(got, chunk...)
			})
			if !slices.EqualFunc(want, got, func(x, y payload.Reading) bool { return reflect.DeepEqual(x, y) }) {
				t.Errorf("%.20q in chunks of %d has %d readings that are not the %d of Decode", text, most, len(got), len(want))
			}
		}
	}
}
