package slack

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/notify"
)

// TestTheHeadlineEndsWithWhatHolds has a headline that is too long: what is cut is the headline, and a name cannot break it.
func TestTheHeadlineEndsWithWhatHolds(t *testing.T) {
	t.Parallel()
	holds := notify.Standing{Mark: "🟢", Done: "Acknowledged", By: "@ana", When: ", 22 Nov 12:00 UTC"}
	for _, what := range []string{"", "Key Vault deleted", strings.Repeat("kv-", 100), strings.Repeat("a&b<c>", 60)} {
		m := notify.Message{Severity: notify.High, Headline: what, Standing: holds}
		if got := header(m).Text; !strings.HasPrefix(got, "HIGH") || !strings.HasSuffix(got, " · 🟢 Acknowledged by @ana, 22 Nov 12:00 UTC") || stored(got) > maxHeader {
			t.Errorf("%q", got)
		}
	}
	holds.By = "@" + strings.Repeat("x\n", 200)
	m := notify.Message{Severity: notify.High, Headline: "Key Vault deleted", Standing: holds}
	if got := header(m).Text; !strings.HasPrefix(got, "HIGH · Key Vault deleted · 🟢 Acknowledged by @x x") || !strings.HasSuffix(got, ", 22 Nov 12:00 UTC") || utf8.RuneCountInString(got) > maxHeader {
		t.Errorf("%q", got)
	}
}

// TestEveryFormSaysWhatHolds has Slack refuse blocks, and then more: what people did stands in each form, in the last one without
// the name, which its bearer chose.
func TestEveryFormSaysWhatHolds(t *testing.T) {
	t.Parallel()
	m := notify.Message{
		ID: "alert-1", Severity: notify.High, Headline: "Key Vault deleted", Summary: "ana did it.", Facts: []notify.Fact{{Name: "Who", Value: "ana"}},
		Standing: notify.Standing{Mark: "🔵", Done: "Snoozed", By: "@bob", When: " until 22 Nov 20:00 UTC"},
	}
	for _, form := range notify.Forms {
		p := Render(m.In(form))
		want := "🔵 Snoozed by @bob until 22 Nov 20:00 UTC"
		if form == notify.Fixed {
			want = "🔵 Snoozed until 22 Nov 20:00 UTC"
		}
		first, _, _ := strings.Cut(p.Text, "\n")
		if !strings.Contains(first, want) || form == notify.Fixed && strings.Contains(p.Text, "bob") {
			t.Errorf("%s: the first line is %q, want %q in it", form, first, want)
		}
	}
}

// TestEveryFormSaysWhereTheRestIs has Slack refuse a message with more facts than a shorter one holds.
func TestEveryFormSaysWhereTheRestIs(t *testing.T) {
	t.Parallel()
	m := notify.Message{ID: "alert-1", Severity: notify.High, Headline: "Key Vault deleted", Beside: true}
	for _, name := range []string{"Who", "Where", "Owner", "Tags", "Client", "Operation", "Role"} {
		m.Facts = append(m.Facts, notify.Fact{Name: name, Value: "x"})
	}
	for form, want := range map[notify.Form]string{
		notify.Full: "… and 1 more in the thread", notify.Brief: "… and 3 more: handler alerts show alert-1",
		notify.Bare: "… and 5 more: handler alerts show alert-1", notify.Fixed: "handler alerts show alert-1",
	} {
		text, err := json.Marshal(Render(m.In(form)))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: want %q in %s, %v", form, want, text, err)
		}
	}
}
