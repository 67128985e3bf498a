package teams_test

import (
	"net/http/httptest"
	"testing"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/notifytest"
	"github.com/auditbell/auditbell/local/inbox"
)

// The local inbox checks cards by rules that were written apart from this package.
func TestInboxTakesEverything(t *testing.T) {
	t.Parallel()
	end, err := inbox.Open(inbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(end)
	t.Cleanup(server.Close)
	d, _ := openWith(map[string]string{"TEAMS_WORKFLOW_URL": server.URL + "/teams/workflow/security"})
	for _, m := range notifytest.Hostile() {
		ref, err := d.Deliver(t.Context(), m, notify.Ref{})
		if err == nil {
			_, err = d.Deliver(t.Context(), m, ref)
		}
		if err != nil {
			t.Fatalf("%v: %+v", err, m)
		}
	}
}
