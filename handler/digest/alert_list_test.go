package digest_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/auditbell/auditbell/handler/digest"
)

// TestAlertsComeBack keeps alerts with usual and with hostile texts, asks for them again, and reads them in JSON.
func TestAlertsComeBack(t *testing.T) {
	t.Parallel()
	texts := []string{
		"", "a", "alert-ovp1gle03l9kgc6g773v1hmbrs", "alert-zzzzzzzzzzzzzzzzzzzzzzzzzz", "8b77cac6-5977-4f6a-98ed-056aae398023", "8B77CAC6-5977-4f6a-98ed-056aae398023", "<b>&\u2028", "Ä\"\\",
		"/subscriptions/s/resourcegroups/g/providers/x.y/z/n", "/providers/", "/", "microsoft.network/networksecuritygroups/delete",
	}
	dice := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // the same in every run
	one := func() string { return texts[dice.IntN(len(texts))] }
	at := func() time.Time {
		if dice.IntN(5) == 0 {
			return time.Time{}
		}
		return time.Unix(int64(dice.Uint32()), int64(dice.IntN(1e9))).UTC()
	}
	var want []digest.Alert
	for range 1500 { // more than one block
		a := digest.Alert{
			ID: one(), Rule: digest.Rule{ID: one(), Title: one(), Controls: []string{one()}}, Severity: []string{"low", "high", "odd"}[dice.IntN(3)], Headline: one(), Happened: at(), Opened: at(),
			Operation: one(), Caller: one(), Resource: one() + one(), Outcome: "Succeeded", EventID: one(), Count: int64(dice.IntN(9)), Records: int64(dice.IntN(9)),
		}
		if dice.IntN(3) == 0 {
			a.Deliveries = []digest.Delivery{{Destination: one(), State: digest.Waiting, At: at(), Reason: one()}}
			a.Answers = []digest.Answer{{Action: "acknowledged", By: one(), At: at()}}
		}
		want = append(want, a)
	}
	list := digest.AlertsOf(want...)
	for i, got := range list.All() {
		if diff := cmp.Diff(want[i], got, cmpopts.IgnoreFields(digest.Alert{}, "Latency")); diff != "" {
			t.Fatalf("alert %d (-kept +again) %s", i, diff)
		}
	}
	r := digest.Build(digest.NewTally(october), digest.Subject{Evidence: &digest.Evidence{Alerts: list}})
	var out bytes.Buffer
	if err := digest.JSON(&out, r); err != nil {
		t.Fatal(err)
	}
	var read struct {
		Alerts struct {
			List []json.RawMessage `json:"list"`
		} `json:"alerts"`
	}
	if err := json.Unmarshal(out.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	var texted, marshalled []string
	for _, text := range read.Alerts.List {
		texted = append(texted, compacted(t, text))
	}
	for i := range want {
		text, err := json.Marshal(want[i])
		if err != nil {
			t.Fatal(err)
		}
		marshalled = append(marshalled, compacted(t, text))
	}
	slices.Sort(texted)
	slices.Sort(marshalled)
	if diff := cmp.Diff(marshalled, texted); diff != "" {
		t.Errorf("the list in JSON (-encoding/json +ours) %s", diff)
	}
}

func compacted(t *testing.T, text []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}
