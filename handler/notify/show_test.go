package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/notify"
)

func TestShownLinks(t *testing.T) {
	t.Parallel()
	m := notify.Message{Links: []notify.Link{
		{Title: "script", URL: "javascript:alert(1)"},
		{Title: "plain", URL: "http://portal.azure.com/"},
		{Title: "user", URL: "https://user@evil.example/"},
		{Title: "nowhere", URL: "https://"},
		{Title: "relative", URL: "/x"},
		{Title: "long", URL: "https://portal.azure.com/" + strings.Repeat("x", 100)},
		{Title: "A title that is long\u202e", URL: "https://portal.azure.com/a b<c>#@d"},
		{URL: "https://portal.azure.com/2"},
		{Title: "3", URL: "https://portal.azure.com/3"},
		{Title: "4", URL: "https://portal.azure.com/4"},
		{Title: "5", URL: "https://portal.azure.com/5"},
	}}
	want := []notify.Link{
		{Title: "A title t…", URL: "https://portal.azure.com/a%20b%3Cc%3E#@d"},
		{Title: "Open", URL: "https://portal.azure.com/2"},
		{Title: "3", URL: "https://portal.azure.com/3"},
		{Title: "4", URL: "https://portal.azure.com/4"},
	}
	if diff := cmp.Diff(want, m.ShownLinks(10, 100)); diff != "" {
		t.Errorf("ShownLinks (-want +got):\n%s", diff)
	}
}

func TestStatusIsNotToldTwice(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 9, 41, 2, 0, time.UTC)
	for _, c := range []struct {
		name  string
		facts []notify.Fact
		word  string
		when  bool
	}{
		{"no such fact", []notify.Fact{{Name: "Who", Value: "x"}}, "Failed", true},
		{"result is a fact", []notify.Fact{{Name: "result", Value: "Failed (Conflict)"}}, "", true},
		{"time is a fact", []notify.Fact{{Name: "When", Value: "x"}}, "Failed", false},
		{"the same time under another name", []notify.Fact{{Name: "Started", Time: at}}, "Failed", false},
		{"another time", []notify.Fact{{Name: "Began", Time: at.Add(-time.Hour)}}, "Failed", true},
	} {
		m := notify.Message{Result: notify.Failed, Time: at, Facts: c.facts}
		if word, when := m.Status(); word != c.word || !when.IsZero() != c.when {
			t.Errorf("%s: Status = %q, %v", c.name, word, when)
		}
	}
}

func TestSmallPrintHasTheIDOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ context, want []string }{
		{[]string{"rule x", "", "a-1"}, []string{"rule x", "a-1"}},
		{[]string{"rule x"}, []string{"rule x", "Alert a-1"}},
		{nil, []string{"Alert a-1"}},
	} {
		m := notify.Message{ID: "a-1", Context: c.context}
		if diff := cmp.Diff(c.want, m.SmallPrint()); diff != "" {
			t.Errorf("SmallPrint of %q (-want +got):\n%s", c.context, diff)
		}
	}
}

func TestUntag(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"<!channel>": "‹!channel>", "<@U1> <#C1> </a> <b> <?": "‹@U1> ‹#C1> ‹/a> ‹b> ‹?", "a < b <= 3 <": "a < b <= 3 <", "<<a": "<‹a", "": "",
	} {
		if got := notify.Untag(text); got != want {
			t.Errorf("Untag(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestPostedIsNeverZero(t *testing.T) {
	t.Parallel()
	if notify.Posted(notify.Message{}, notify.Accepted).Zero() || notify.Posted(notify.Message{ID: "a"}, notify.Accepted).ID != "a" {
		t.Error("Posted does not tell a told message from a new one")
	}
}
