package slack_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/notifytest"
	"github.com/auditbell/auditbell/local/inbox"
)

// workspace is a Slack, and what opens a channel of it with a token.
func workspace(t *testing.T) (*inbox.Server, func(token, channel string) notify.Destination) {
	t.Helper()
	end, err := inbox.Open(inbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(end)
	t.Cleanup(server.Close)
	return end, func(token, channel string) notify.Destination {
		d, _ := openWith(map[string]string{"SLACK_BOT_TOKEN": token, "SLACK_CHANNEL": channel, "SLACK_API_URL": server.URL + "/slack/api/"})
		return d
	}
}

// TestFind looks for a message behind more than a page of others, by a token that may read the channel and by others.
func TestFind(t *testing.T) {
	t.Parallel()
	end, open := workspace(t)
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
		return d.(notify.Finder).Find(t.Context(), m, notify.Sought{Since: began})
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
		if _, revision, err := find(d, m); !errors.Is(err, notify.ErrUnsearchable) || revision != 0 {
			t.Errorf("%s: revision %d, %v; want an error, for it may be there", why, revision, err)
		}
	}
	if err := end.Fail(inbox.Fault{Destination: inbox.Slack, Status: inbox.Failure{Status: 503}}); err != nil {
		t.Fatal(err)
	}
	if _, revision, err := find(d, m); err == nil || errors.Is(err, notify.ErrUnsearchable) || revision != 0 {
		t.Errorf("while Slack fails: revision %d, %v; want an error that passes", revision, err)
	}
}

// TestFindInTheThread looks for news and for the record, each of one revision, among the replies to their message.
func TestFindInTheThread(t *testing.T) {
	t.Parallel()
	_, open := workspace(t)
	d := open("xoxb-1-history", "#by-name")
	began := time.Now()
	m := notifytest.Grant()
	m.Revision = 1
	thread, err := d.Deliver(t.Context(), m, notify.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	for m.Revision = 2; m.Revision <= 130; m.Revision++ { // more than a page of them
		m.News = fmt.Sprint("Seen ", m.Revision, " times")
		if _, err := d.Deliver(t.Context(), m, thread); err != nil {
			t.Fatal(err)
		}
	}
	kept := func(revision int, record bool) int {
		m.Revision = revision
		_, found, err := d.(notify.Finder).Find(t.Context(), m, notify.Sought{Since: began, Thread: thread, Record: record})
		if err != nil {
			t.Error(err)
		}
		return found
	}
	if got := []int{kept(1, false), kept(2, false), kept(130, false), kept(131, false), kept(130, true)}; !slices.Equal(got, []int{0, 2, 130, 0, 0}) {
		t.Errorf("found the revisions %d", got)
	}
	if err := d.(notify.Recorder).Record(t.Context(), m, thread, "", "{}"); err != nil {
		t.Fatal(err)
	}
	if got := kept(7, true); got != 130 {
		t.Errorf("found the record of revision %d, it is there once for all", got)
	}
}

// TestWhatIsNotSlacksSaysNothingOfAMessage has something else than Slack answer where a message is looked for: it is not known to be
// missing, which would have it sent a second time.
func TestWhatIsNotSlacksSaysNothingOfAMessage(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{`{}`, `null`, `{"status":"ok"}`, `[]`, ``, `<html></html>`, `{"messages":[]}`, `{"ok":true,"has_more":true,"messages":[]}`} {
		d, _ := bot(t, answer)
		in, _ := d.In("C0SECURITY").(notify.Finder)
		if ref, revision, err := in.Find(t.Context(), notifytest.Grant(), notify.Sought{Since: time.Now()}); err == nil || errors.Is(err, notify.ErrUnsearchable) || revision != 0 || !ref.Zero() {
			t.Errorf("%s: found %+v of revision %d, %v; want an error that passes", answer, ref, revision, err)
		}
	}
}

// TestFindWhatReplacesAMessage loses the answer to an edit that found its message gone, and posted the alert again.
func TestFindWhatReplacesAMessage(t *testing.T) {
	t.Parallel()
	end, open := workspace(t)
	for _, channel := range []string{"C0SECURITY", "#by-name"} {
		d := open("xoxb-1-history", channel)
		m := notifytest.Grant()
		m.ID, m.Revision = "alert-"+channel, 1
		first, err := d.Deliver(t.Context(), m, notify.Ref{})
		if err != nil {
			t.Fatal(err)
		}
		since := time.Now()
		m.Revision, m.News = 2, "More"
		find := func() (notify.Ref, int) {
			ref, revision, err := d.(notify.Finder).Find(t.Context(), m, notify.Sought{Since: since, Thread: first})
			if err != nil && !errors.Is(err, notify.ErrUnsearchable) {
				t.Error(err)
			}
			return ref, revision
		}
		if ref, revision := find(); revision != 0 {
			t.Errorf("%s: found %+v of revision %d, and only the message to edit is there", channel, ref, revision)
		}
		end.Delete(first.ID)
		if ref, revision := find(); revision != 0 {
			t.Errorf("%s: found %+v of revision %d, and nothing is there", channel, ref, revision)
		}
		second, err := d.Deliver(t.Context(), m, first)
		if err != nil || second == first {
			t.Fatalf("%s: posted %+v, %v", channel, second, err)
		}
		if ref, revision := find(); ref != second || revision != 2 {
			t.Errorf("%s: found %+v of revision %d; want %+v of revision 2", channel, ref, revision, second)
		}
	}
}
