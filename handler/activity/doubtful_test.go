package activity_test

import (
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
)

func TestDoubtful(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"a":{"b":1}}`: false, `{"a":{"b":1,"B":2}}`: true, `{"A":{},"a":{"b":1}}`: true, `{"a":{"b":1},"c":1,"C":2}`: false, `{}`: false, `{"a":"text"}`: false, ``: false,
	} {
		if got := activity.Properties(text).Doubtful("a", "b"); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}
