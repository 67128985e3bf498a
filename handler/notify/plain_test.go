package notify_test

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/notifytest"
)

func TestPlain(t *testing.T) {
	t.Parallel()
	m := notifytest.Grant()
	m.News = "Succeeded after 12 s"
	want := `HIGH · Owner role granted on prod-payments
Succeeded · 2026-11-22 09:41:02 UTC
Jane Doe gave build-agent the role Owner on the subscription prod-payments; it
can now change everything in it, access included.
New: Succeeded after 12 s

  Who        Jane Doe (jane.doe@contoso.example), user
  From       203.0.113.7
  What       Microsoft.Authorization/roleAssignments/write
  Role       Owner, to build-agent (service principal)
  Where      prod-payments / rg-shared_services
  Principal  5b1c9f7e-0a2d-4c3b-9e8f-7a6b5c4d3e2f

What to do
  1. Ask Jane Doe whether this was planned, and by which change.
  2. If not: remove the assignment and end the sessions of build-agent.
  3. Look for other actions of Jane Doe in the last hour.

Resource:
  https://portal.azure.com/#@contoso.example/resource/subscriptions/3f0c7a0e-1111-4222-8333-444455556666/resourceGroups/prod-payments
Activity log:
  https://portal.azure.com/#@contoso.example/resource/subscriptions/3f0c7a0e-1111-4222-8333-444455556666/resourceGroups/prod-payments/eventlogs
Caller:
  https://entra.microsoft.com/#view/Microsoft_AAD_IAM/UserDetailsMenuBlade/~/Profile/userId/9c1d

Rule: privileged role assigned (auditbell) · Administrative · seen once · Alert
a-7d3f19c2e4b8
`
	if diff := cmp.Diff(want, notify.Plain(m)); diff != "" {
		t.Errorf("Plain (-want +got):\n%s", diff)
	}
}

func TestPlainOfLittle(t *testing.T) {
	t.Parallel()
	m := notify.Message{Severity: notify.Low, Headline: "Deleted", Result: notify.Failed, Facts: []notify.Fact{{Name: "At", Time: time.Unix(0, 0)}, {Name: "No"}}}
	if got, want := notify.Plain(m), "LOW · Deleted\nFailed\n\n  At  1970-01-01 00:00:00 UTC\n"; got != want {
		t.Errorf("Plain = %q, want %q", got, want)
	}
	if got, want := notify.Plain(notify.Message{}), "MEDIUM\n"; got != want {
		t.Errorf("Plain of nothing = %q, want %q", got, want)
	}
}

func TestPlainStaysInItsTerminal(t *testing.T) {
	t.Parallel()
	for _, m := range notifytest.Hostile() {
		for line := range strings.Lines(notify.Plain(m)) {
			line = strings.TrimRight(line, "\n")
			if strings.IndexFunc(line, unicode.IsControl) >= 0 || !utf8.ValidString(line) {
				t.Errorf("%q can control a terminal", line)
			}
			if utf8.RuneCountInString(line) > 80 && strings.ContainsRune(strings.TrimSpace(line), ' ') {
				t.Errorf("a line of several words is longer than 80 columns: %q", line)
			}
			if line != strings.TrimRight(line, " ") {
				t.Errorf("%q ends in blanks", line)
			}
		}
	}
	wide := notify.Message{Headline: strings.Repeat("リソース ", 30)}
	for line := range strings.Lines(notify.Plain(wide)) {
		if n := utf8.RuneCountInString(line); n > 60 {
			t.Errorf("a line of double-width characters has %d of them: %q", n, line)
		}
	}
}
