package activity_test

import (
	"testing"

	"github.com/auditbell/auditbell/handler/activity"
)

// TestNamesAreFoundHoweverTheyAreWritten asks for members in text that is walked only where it may have them.
func TestNamesAreFoundHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, name, want string
		may              bool
	}{
		{`{"requestbody":1}`, "requestbody", "1", true},
		{`{"RequestBODY":1}`, "requestbody", "1", true},
		{`{"re\u0071uestbody":1}`, "requestbody", "1", true},
		{`{"re\u0051uestbody":1,"x":"q"}`, "requestbody", "1", true},
		{`{"quest":"q","requestbod":"y","requestbody":1}`, "requestbody", "1", true},
		{`{"a":"requestbody"}`, "requestbody", "", true}, // a text, which MayName does not distinguish
		{`{"requestbod":"y","questbody":1,"q":2}`, "requestbody", "", false},
		{`{"reque` + "ſ" + `tbody":1}`, "requestbody", "", true}, // a reader that folds may take it for an s
		{`{"trac` + "\u212a" + `ingId":1}`, "trackingId", "", true},
		{`{"tracKINGid":1}`, "trackingId", "1", true},
		{`{"http:\/\/a\/b":1}`, "http://a/b", "1", true},
		{`{"ä":1}`, "ä", "1", true},
		{`{"42":1}`, "42", "1", true},
		{`{"":1}`, "", "1", true},
		{``, "requestbody", "", false},
	} {
		if got := activity.Properties(c.text).Text(c.name); got != c.want {
			t.Errorf("%s of %s is %q, want %q", c.name, c.text, got, c.want)
		}
		if got := activity.MayName([]byte(c.text), c.name); got != c.may {
			t.Errorf("%s may have %s: %v, want %v", c.text, c.name, got, c.may)
		}
	}
}
