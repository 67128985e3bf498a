package source_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/source"
)

// BenchmarkEntries/<form> reads the same records as a dump of the REST API and as a storage export, by one worker. Compare
// entries/s: an export's record is shorter than the API's.
func BenchmarkEntries(b *testing.B) {
	for form, write := range map[string]func([]byte, digesttest.Record) []byte{"rest": digesttest.AppendREST, "records": digesttest.AppendRecord} {
		b.Run(form, func(b *testing.B) {
			var data []byte
			for _, r := range digesttest.All(digesttest.Options{Operations: 8000, Seed: 7}) {
				data = append(write(data, r), '\n')
			}
			b.SetBytes(int64(len(data)))
			n := 0
			for b.Loop() {
				n += entries(b, data)
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

func entries(b *testing.B, data []byte) (n int) {
	f := source.Files{Workers: 1, Inputs: func(yield func(source.Input, error) bool) {
		yield(source.Input{Name: "x", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}, nil)
	}}
	for batch, err := range f.Entries(b.Context(), source.NewVocabulary(nil)) {
		if err != nil || len(batch.Unreadable) > 0 {
			b.Fatal(err, batch.Unreadable)
		}
		n += len(batch.Entries)
	}
	return n
}
