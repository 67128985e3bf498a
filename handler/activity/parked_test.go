package activity_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/activity"
)

func TestExcerptHoldsNoClaim(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"data":{"claims":{"upn":"me@x"}}, broken "caller":"c"`: `{"data":{"claims removed}, broken "caller":"c"`,
		`{"claims":"{\"upn\":\"me@x\"}","a":1 oops`:              `{"claims removed,"a":1 oops`,
		`{"identity":{"Claims":{"upn":"me@x"`:                    `{"identity removed`,
		`{"identity":{"claims":{"upn":"me@x"},"a":1},"b" oops`:   `{"identity":{"claims removed,"a":1},"b" oops`,
		`{"identity":{"authorization":1,"upn":"me@x"`:            `{"identity removed`,
		`{"identity" : "{\"upn\":\"me@x\"}","b" oops`:            `{"identity removed,"b" oops`,
		`{"a":"x/identity/y", "identity2":1, oops`:               `{"a":"x/identity/y", "identity2":1, oops`,
		`"{\"claims\":{\"upn\":\"me@x\"}}" extra`:                `"{\"claims removed`,
		"plain \xff text": "plain \uFFFD text",
	} {
		if got := activity.Excerpt([]byte(text)); got != want {
			t.Errorf("Excerpt(%s)\n got %s\nwant %s", text, got, want)
		}
	}
	long := activity.Excerpt([]byte(strings.Repeat("é", activity.KeepExcerpt)))
	if len(long) > activity.KeepExcerpt+8 || !utf8.ValidString(long) {
		t.Errorf("a long excerpt has %d bytes, valid: %v", len(long), utf8.ValidString(long))
	}
}
