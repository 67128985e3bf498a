package slack_test

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/notifytest"
	"github.com/auditbell/auditbell/local/inbox"
)

// TestFind looks for a message behind more than a page of others, by a token that may read the channel and by others.
func TestFind(t *testing.T) {
	t.Parallel()
	end, err := inbox.Open(inbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(end)
	t.Cleanup(server.Close)
	open := func(token, channel string) notify.Destination {
		d, _ := openWith(map[string]string{"SLACK_BOT_TOKEN": token, "SLACK_CHANNEL": channel, "SLACK_API_URL": server.URL + "/slack/api/"})
		return d
	}
	began := time.Now()
	d := open("xoxb-1-history", "C0SECURITY")
	m := notifytest.Grant()
	m.Revision = 1
	ref, err := d.Deliver(t.Context(), m, notify.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 220 {
		other := notify.Message{ID: fmt.Sprint("alert-other-", n), Revision: 1, Severity: notify.Low, Headline: "Other"}
		if _, err := d.Deliver(t.Context(), other, notify.Ref{}); err != nil {
			t.Fatal(err)
		}
	}
	find := func(d notify.Destination, m notify.Message) (notify.Ref, int, error) {
		return d.(notify.Finder).Find(t.Context(), m, began)
	}
	m.Revision = 2 // something joined since: it is there all the same, and not to be posted a second time
	if found, revision, err := find(d, m); found != ref || revision != 1 || err != nil {
		t.Errorf("found %+v of revision %d, %v; want %+v of revision 1", found, revision, err, ref)
	}
	m.ID = "alert-never-sent"
	if found, revision, err := find(d, m); revision != 0 || err != nil {
		t.Errorf("found %+v of revision %d, %v; it was never sent", found, revision, err)
	}
	for why, d := range map[string]notify.Destination{"without the scope": open("xoxb-1", "C0SECURITY"), "by a channel's name": open("xoxb-1-history", "#security")} {
		if _, revision, err := find(d, m); err == nil || revision != 0 {
			t.Errorf("%s: revision %d, %v; want an error, for it may be there", why, revision, err)
		}
	}
}
