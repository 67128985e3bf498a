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
	if got := o.mails("Azure Activity Log digest, 31 October 2026", "gone@contoso.example"); len(got) != 1 || !strings.Contains(got[0], "could not be mailed to you") || !strings.Contains(got[0], "report.pdf") {
		t.Errorf("what was owed to it came as %q", got)
	}
	if got := o.mails("Azure Activity Log digest, 31 October 2026", "audit@contoso.example"); len(got) != 1 {
		t.Errorf("the other has %d mails of the first digest, want one", len(got))
	}
}

// TestADigestNamesARemovedDestination takes Teams out of the settings while alerts wait for it.
func TestADigestNamesARemovedDestination(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	if err := o.inbox.Fail(inbox.Fault{Destination: inbox.Teams, Status: inbox.Failure{Status: 503}, Count: 1000}); err != nil {
		t.Fatal(err)
	}
	o.fill(t, small())
	delete(o.env, "TEAMS_WORKFLOW_URL")
	o.env["MAIL_TO"] = "bell@contoso.example"
	o.App, o.digests = o.instance(t)
	if _, err := o.digests.Run(t.Context(), invocation()); err != nil {
		t.Fatal(err)
	}
	if ends := o.endsOf(t, "2026-10-31"); len(ends) != 1 || ends[0].Name != "teams" || !ends[0].Removed || ends[0].Waiting == 0 {
		t.Errorf("the digest names %+v", ends)
	}
	if got := o.mails("is not in the settings any more", "audit@contoso.example"); len(got) != 1 {
		t.Errorf("%d mails say so to a reader, want one", len(got))
	}
}

// mails are the mails to a recipient that hold some words, as they were sent.
func (o *office) mails(subject, to string) (all []string) {
	for _, m := range o.inbox.Messages() {
		if m.Destination == inbox.Email && m.Channel == to && strings.Contains(string(m.Body), subject) {
			all = append(all, string(m.Body))
		}
	}
	return all
}

// TestWhatMayHaveArrivedIsSentOnceMore has the mail server and Teams take the digest and break the connection, again and again: each is
// sent it once more, and then it counts as sent.
func TestWhatMayHaveArrivedIsSentOnceMore(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.fill(t, small())
	o.Digests.List = o.digests.List
	for _, name := range []string{inbox.Email, inbox.Teams} {
		if err := o.inbox.Fail(inbox.Fault{Destination: name, Status: inbox.Failure{Mode: inbox.Reset}, Count: 9, After: true}); err != nil {
			t.Fatal(err)
		}
	}
	for run := range 4 {
		if _, err := o.digests.Run(t.Context(), invocation()); (err != nil) != (run < 2) {
			t.Errorf("run %d: %v", run, err)
		}
		o.clock.Add(3600)
	}
	if got := o.arrived("Activity Log digest, 31 October 2026"); got[inbox.Email] != 2 || got[inbox.Teams] != 2 {
		t.Errorf("the digest came %v, want it twice by mail and in Teams", got)
	}
	if lines := digestCheck(t.Context(), o.App); len(lines) != 1 || !lines[0].OK {
		t.Errorf("check says %+v", lines)
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
