package slack

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/notify"
)

// TestTheHeadlineEndsWithWhatHolds has a headline that is too long: what is cut is the headline, and a name cannot break it.
func TestTheHeadlineEndsWithWhatHolds(t *testing.T) {
	t.Parallel()
	const standing = "Acknowledged by @ana at 22 Nov 12:00 UTC"
	for _, what := range []string{"", "Key Vault deleted", strings.Repeat("kv-", 100)} {
		m := notify.Message{Severity: notify.High, Headline: what, Standing: standing}
		if got := headline(m); !strings.HasPrefix(got, "HIGH") || !strings.HasSuffix(got, " · "+standing) || utf8.RuneCountInString(got) > maxHeader {
			t.Errorf("%q", got)
		}
	}
	m := notify.Message{Severity: notify.High, Headline: "Key Vault deleted", Standing: "Acknowledged by @" + strings.Repeat("x\n", 200)}
	if got := headline(m); !strings.HasPrefix(got, "HIGH · Key Vault deleted · Acknowledged by @x x") || utf8.RuneCountInString(got) > maxHeader {
		t.Errorf("%q", got)
	}
}
