package payload_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/payload"
)

// TestScratchReadsAsDecodeLineDoes reads payloads one after the other into the same memory, each twice.
func TestScratchReadsAsDecodeLineDoes(t *testing.T) {
	t.Parallel()
	const record = `{"time":"2026-03-04T10:15:30Z","operationName":"A/B/DELETE","category":"Delete","properties":{"eventCategory":"Administrative","requestbody":"{\"a\":1}"},"identity":{"claims":{"upn":"ada@contoso.example"}}}`
	var scratch payload.Scratch
	for _, text := range []string{
		"", "  \n", "nonsense", record, "[" + record + "," + record + "]", `{"records":[` + record + `]}`, "\ufeff" + record, `"` + "x" + `"`,
		`{"time":"2026-03-04T10:15:30Z","operationName":"A/B/DELETE","category":"Delete"}`, `{"a":1}`, record + "\n{\n", "operation,caller\nx,y\n", record,
	} {
		for range 2 {
			var got []payload.Reading
			scratch.Each([]byte(text), func(r *payload.Reading) {
				one := *r
				one.Raw, one.Event.Properties = bytes.Clone(r.Raw), bytes.Clone(r.Event.Properties)
				got = append(got, one)
			})
			if diff := cmp.Diff(payload.DecodeLine([]byte(text)), got); diff != "" {
				t.Errorf("%q (-DecodeLine +Scratch) %s", text, diff)
			}
		}
	}
}
