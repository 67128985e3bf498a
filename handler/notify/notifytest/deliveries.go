package notifytest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/notify"
)

// deliveries are the cases in which everything goes well.
var deliveries = []testCase{
	{"posts what a reader must know", "a reader judges from this one message", postsEverything},
	{"returns a ref that finds the message", "with a zero ref every later revision would be posted as a new message", returnsRef},
	{"tells news of an earlier message", "who saw the first message must learn how it went on", tellsNews},
	{"stays quiet without news", "a message that says nothing new is noise", quietWithoutNews},
	{"takes blank news for none", "News of control characters would be an empty message, which channels refuse", blankNews},
	{"repeats an update without harm", "after a lost answer the pipeline delivers the same revision again", repeatsUpdate},
	{"serves concurrent deliveries", "the host runs invocations at once over one destination", concurrent},
	{"never prints its secrets", "destinations end up in logs and panics", printsNoSecret},
}

// postsEverything looks for every text of a usual message, and for its links as the only things that act.
func postsEverything(t *testing.T, e *end) {
	m := Grant()
	e.deliver(t, m, notify.Ref{})
	shown := e.arrived()
	if len(shown) != 1 || shown[0].Kind != Post {
		t.Fatalf("arrived %v, want one post", kinds(shown))
	}
	want := []string{"HIGH", m.Headline, m.Summary, "Succeeded", m.ID}
	for _, f := range m.Facts {
		want = append(want, f.Name, f.Value)
	}
	want = append(want, m.Steps...)
	want = append(want, m.Context...)
	for _, l := range m.Links {
		want = append(want, l.Title)
	}
	for _, text := range want {
		if !strings.Contains(shown[0].Text, text) {
			t.Errorf("a reader does not see %q in:\n%s", text, shown[0].Text)
		}
	}
	var links []string
	for _, l := range m.Links {
		links = append(links, l.URL)
	}
	if diff := cmp.Diff(links, shown[0].Live); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}

func returnsRef(t *testing.T, e *end) {
	ref := e.deliver(t, Grant(), notify.Ref{})
	if ref.Zero() {
		t.Fatal("Deliver returned the zero Ref")
	}
	if ref.State != e.State {
		t.Errorf("the message is called %q, the channel's answer proves %q", ref.State, e.State)
	}
	if posted := e.arrived()[0]; e.Edits && ref != posted.Ref {
		t.Errorf("ref = %+v, want that of the posted message, %+v", ref, posted.Ref)
	}
}

func tellsNews(t *testing.T, e *end) {
	m := Grant()
	ref := e.deliver(t, m, notify.Ref{})
	e.arrived()
	m.News, m.Result, m.Facts[0].Value = "Succeeded after 12 s", notify.Failed, "John Roe"
	e.checkKept(t, e.deliver(t, m, ref), ref)
	shown := e.arrived()
	if diff := cmp.Diff(e.updateKinds(), kinds(shown)); diff != "" {
		t.Fatalf("requests (-want +got):\n%s", diff)
	}
	last := shown[len(shown)-1]
	if !strings.Contains(last.Text, m.News) {
		t.Errorf("a reader does not see the news in:\n%s", last.Text)
	}
	if e.Edits && (shown[0].Ref != ref || !strings.Contains(shown[0].Text, "John Roe")) {
		t.Errorf("the edit of %+v shows:\n%s", shown[0].Ref, shown[0].Text)
	}
	if e.Replies && last.Ref != ref {
		t.Errorf("the reply went to %+v, want %+v", last.Ref, ref)
	}
	if !e.Edits && !strings.Contains(last.Text, m.Headline) {
		t.Errorf("the follow-up does not say what it follows:\n%s", last.Text)
	}
}

// updateKinds are the requests that an update with news takes.
func (e *end) updateKinds() []string {
	switch {
	case e.Edits && e.Replies:
		return []string{"edit", "reply"}
	case e.Edits:
		return []string{"edit"}
	}
	return []string{"post"}
}

func quietWithoutNews(t *testing.T, e *end) {
	m := Grant()
	ref := e.deliver(t, m, notify.Ref{})
	e.arrived()
	m.Summary = "It ended."
	if again := e.deliver(t, m, ref); again != ref {
		t.Errorf("ref = %+v, want %+v kept", again, ref)
	}
	checkQuiet(t, e)
}

func checkQuiet(t *testing.T, e *end) {
	t.Helper()
	var want []string
	if e.Edits {
		want = []string{"edit"}
	}
	if diff := cmp.Diff(want, kinds(e.arrived())); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func blankNews(t *testing.T, e *end) {
	m := Grant()
	ref := e.deliver(t, m, notify.Ref{})
	e.arrived()
	m.News = " \u200b\u202e\n\x00"
	e.deliver(t, m, ref)
	checkQuiet(t, e)
}

// repeatsUpdate counts nothing: an edit repeated is the same edit, and a second reply or follow-up after a lost answer is
// the documented gap. What must not happen is an error or another Ref.
func repeatsUpdate(t *testing.T, e *end) {
	m := Grant()
	ref := e.deliver(t, m, notify.Ref{})
	m.News = "Succeeded after 12 s"
	e.deliver(t, m, ref)
	e.checkKept(t, e.deliver(t, m, ref), ref)
}

// checkKept wants the message that is edited to be found under the same Ref. Where news is a post of its own, the Ref may be
// that of the newest message.
func (e *end) checkKept(t *testing.T, again, ref notify.Ref) {
	t.Helper()
	if again != ref && (e.Edits || again.Zero()) {
		t.Errorf("ref = %+v, want %+v kept", again, ref)
	}
}

func concurrent(t *testing.T, e *end) {
	const n = 16
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			m := Grant()
			m.Headline = fmt.Sprintf("Alert %02d.", i)
			ref, err := e.destination.Deliver(t.Context(), m, notify.Ref{})
			if err != nil || ref.Zero() {
				t.Errorf("Deliver = %+v, %v", ref, err)
			}
		})
	}
	wg.Wait()
	shown := e.arrived()
	for i := range n {
		headline := fmt.Sprintf("Alert %02d.", i)
		if !slices.ContainsFunc(shown, func(s Shown) bool { return strings.Contains(s.Text, headline) }) {
			t.Errorf("%q did not arrive among %d messages", headline, len(shown))
		}
	}
}

// printsNoSecret tries what loggers do. Package fmt prints unexported fields without asking their types how.
func printsNoSecret(t *testing.T, e *end) {
	printed := fmt.Sprintf("%v %+v %#v", e.destination, e.destination, e.destination)
	for _, secret := range e.Secrets {
		if strings.Contains(printed, secret) {
			t.Errorf("the destination prints as %s", printed)
		}
	}
}

// kinds names the requests in order.
func kinds(shown []Shown) []string {
	var names []string
	for _, s := range shown {
		names = append(names, s.Kind.String())
	}
	return names
}
