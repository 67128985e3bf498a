package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/local/inbox"
)

// cursed is an account of which every request panics that writes of a person, but for what is set aside.
type cursed struct{ person string }

func (c cursed) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if bytes.Contains(body, []byte(c.person)) && !bytes.Contains(body, []byte(`"excerpt"`)) {
			panic("cursed")
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return http.DefaultClient.Do(r)
}

// hubBatch is an invocation with the records of three people in two messages, which failed so many times before.
func hubBatch(at time.Time, failed int) []byte {
	record := func(n int) any {
		return map[string]any{
			"time": at, "operationName": "MICROSOFT.AUTHORIZATION/POLICYASSIGNMENTS/WRITE", "category": "Administrative", "resultType": "Success",
			"resourceId":    fmt.Sprintf("/SUBSCRIPTIONS/5F1C0A52-7C1E-4B7D-9A41-2D6A8C3E9B10/RESOURCEGROUPS/RG-%d/PROVIDERS/MICROSOFT.AUTHORIZATION/POLICYASSIGNMENTS/P1", n),
			"correlationId": fmt.Sprintf("c0000000-0000-0000-0000-%012d", n), "level": "Information", "properties": map[string]any{"eventCategory": "Administrative"},
			"identity": map[string]any{"claims": map[string]string{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": fmt.Sprintf("hub%04d@contoso.example", n)}},
		}
	}
	text := func(v any) string {
		raw, _ := json.Marshal(v) // maps and strings always marshal
		return string(raw)
	}
	messages := text([]string{text(map[string]any{"records": []any{record(0), record(1)}}), text(map[string]any{"records": []any{record(2)}})})
	return []byte(text(map[string]any{
		"Data":     map[string]any{"records": text(messages)},
		"Metadata": map[string]any{"RetryContext": text(map[string]int{"RetryCount": failed, "MaxRetryCount": -1})},
	}))
}

// TestARecordThatPanicsIsSetAside has the handling of one of three records of a batch panic. Five times the batch fails as a whole;
// then the record is set aside with the reason, an alert says so, and the other two are alerts as ever.
func TestARecordThatPanicsIsSetAside(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	o.world.Cosmos = cursed{"hub0001"}
	for failed := range 6 {
		answer := post(o.server.URL+"/eventhub-activity", hubBatch(storyBegins, failed))
		if want := map[bool]string{true: "200", false: "500"}[failed == 5]; !strings.HasPrefix(answer, want) {
			t.Fatalf("after %d failures the batch is answered %s, want %s", failed, answer, want)
		}
	}
	o.ticks(30, time.Minute)
	for n, want := range []int{1, 0, 1} {
		if got := o.kept(inbox.Slack, fmt.Sprintf("hub%04d", n)); got != want {
			t.Errorf("Slack has the alert of record %d %d times, want %d", n, got, want)
		}
	}
	if got := o.kept(inbox.Slack, "could not be read"); got != 1 {
		t.Errorf("Slack has %d alerts about what was set aside, want one:", got)
		for _, m := range o.inbox.Messages() {
			t.Log(m.Destination, m.Text)
		}
	}
	if out, _ := o.handler("", "check"); !strings.Contains(out, "failed 5 times with its batch, and alone: panic: cursed") {
		t.Errorf("check does not say why the record is set aside:\n%s", out)
	}
}
