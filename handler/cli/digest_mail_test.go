package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/outbox"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/local/inbox"
)

// TestARefusedRecipientIsNamed has the mail server refuse the first of two recipients of a digest: the other gets it, one
// alert names the address, check has a line, and the next digest names it, beside a delivery that a person discarded.
func TestARefusedRecipientIsNamed(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.fill(t, small())
	o.digests.List[0].Recipients = []string{"gone@contoso.example", "audit@contoso.example"}
	o.Digests.List, o.digests.MailAlerts = o.digests.List, o.Pipeline
	for i := range 2 { // the second time it is refused again, and no mail is sent twice
		if err := o.inbox.Fail(inbox.Fault{Destination: inbox.Email, Status: inbox.Failure{Status: 550}, Count: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := o.digests.Run(t.Context(), invocation()); err == nil || !strings.Contains(err.Error(), "gone@contoso.example") {
			t.Fatalf("run %d: a recipient is refused, and the digest reports %v", i, err)
		}
		lines := digestCheck(t.Context(), o.App)
		if len(lines) != 1 || lines[0].OK || !strings.Contains(lines[0].Detail, "gone@contoso.example") || strings.Contains(lines[0].Detail, "audit@") {
			t.Errorf("check says %+v", lines)
		}
		o.clock.Add(3600)
	}
	if _, err := o.Pipeline.DeliverDue(t.Context(), pipeline.Batch{ID: "tick", Logger: invocation().Logger}); err != nil {
		t.Fatal(err)
	}
	if got := o.arrived("has not reached everybody"); got[inbox.Teams] != 1 {
		t.Errorf("the alert came %v", got)
	}
	if got := o.arrived("Activity Log digest, 31 October 2026"); got[inbox.Email] != 1 {
		t.Errorf("the digest came %v, want one mail", got)
	}
	if _, _, err := o.Store.ChangeHealth(t.Context(), "slack", func(h *outbox.Health) bool {
		h.Discard(outbox.Discarded{Alert: "alert-1", Title: "Something of the test", At: o.now(), By: "ana"})
		return true
	}); err != nil {
		t.Fatal(err)
	}
	o.clock.Store(time.Date(2026, 11, 2, 7, 0, 0, 0, time.UTC).Unix())
	if _, err := o.digests.Run(t.Context(), invocation()); err != nil {
		t.Fatal(err)
	}
	ends := o.endsOf(t, "2026-11-01")
	if len(ends) != 2 || ends[0].Name != "slack" || len(ends[0].Discarded) != 1 || ends[0].Discarded[0].By != "ana" || ends[1].Name != "gone@contoso.example" || ends[1].Reason == "" {
		t.Errorf("the next digest names %+v", ends)
	}
	if lines := digestCheck(t.Context(), o.App); len(lines) != 1 || !lines[0].OK {
		t.Errorf("check says %+v when it is sent", lines)
	}
}

// endsOf reads what the archived digest of a day says of destinations.
func (o *office) endsOf(t *testing.T, day string) []digest.End {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(o.archive, "daily", day, "*", "report.json"))
	if len(found) != 1 {
		t.Fatalf("reports of %s: %v", day, found)
	}
	text, err := os.ReadFile(found[0])
	var r struct {
		Destinations []digest.End `json:"destinations"`
	}
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r.Destinations
}
