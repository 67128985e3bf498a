package notify_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/notify"
)

func TestCutCountsCodePoints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"short", 10, "short"}, {"abcdef", 4, "abc…"}, {"ab cdef", 4, "ab…"}, {"🚀🚀🚀🚀", 4, "🚀🚀🚀🚀"}, {"🚀🚀🚀🚀🚀", 4, "🚀🚀🚀…"}, {"x", 0, ""},
	} {
		got := notify.Cut(c.text, c.limit)
		if got != c.want || utf8.RuneCountInString(got) > c.limit {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}

func TestCleanRemovesWhatHidesText(t *testing.T) {
	t.Parallel()
	got := notify.Clean("a\u202eb\u200bc\td\ne\x00f\U000e0041g é👩‍💻", true)
	if want := "abc d\ne fg é👩‍💻"; got != want {
		t.Errorf("Clean = %q, want %q", got, want)
	}
	if got := notify.Clean("a\nb", false); got != "a b" {
		t.Errorf("Clean on one line = %q", got)
	}
}

func TestErrorKindsSurviveWrapping(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("post: %w", notify.RetryAfter(errors.New("rate limited"), 7*time.Second))
	if d, ok := notify.Delay(err); !ok || d != 7*time.Second {
		t.Errorf("Delay = %v, %v", d, ok)
	}
	if notify.IsPermanent(err) || !notify.IsPermanent(fmt.Errorf("x: %w", notify.Permanent(err))) {
		t.Error("Permanent is not told apart")
	}
}

func TestClientSendsToHTTPSOnly(t *testing.T) {
	t.Parallel()
	_, err := notify.NewClient(http.DefaultTransport).Get("http://hooks.example.com/T0/B0/XYZ")
	if err == nil || !strings.Contains(err.Error(), "not https") {
		t.Errorf("plain http to another machine: %v, want a refusal", err)
	}
}
