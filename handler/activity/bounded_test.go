package activity_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/activity"
)

func TestWhatAStoreRefusesIsBounded(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for name, properties := range map[string]string{
		"lone surrogate":          `{"a":"x\ud800y"}`,
		"lone surrogate in name":  `{"x\udfff":1}`,
		"beyond double":           `{"a":[1e999,-1E400]}`,
		"many digits":             `{"a":` + strings.Repeat("9", 400) + `}`,
		"61 levels":               deep(61),
		"124 levels":              deep(124),
		"140 levels":              deep(140),
		"5000 levels":             deep(5000),
		"lists":                   `{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
		"400 KB of one character": `{"a":"` + strings.Repeat("<", 400_000) + `"}`,
		"no Unicode":              "{\"a\":\"\xff\xfe\"}",
	} {
		e := activity.Event{ID: "e", Properties: activity.Properties(properties)}.Bounded()
		text, err := json.Marshal(e)
		if err != nil || !json.Valid(text) || !utf8.Valid(text) || len(text) > 1<<19 {
			t.Errorf("%s: %d bytes, %v", name, len(text), err)
		}
		if depth := depthOf(text); depth > 70 || strings.Contains(string(text), `\ud8`) || strings.Contains(string(text), "999]") {
			t.Errorf("%s: depth %d: %.200s", name, depth, text)
		}
	}
}

func depthOf(text []byte) (most int) {
	depth, quoted := 0, false
	for i, b := range text {
		if b == '"' && text[max(0, i-1)] != '\\' {
			quoted = !quoted
		}
		if quoted {
			continue
		}
		switch b {
		case '{', '[':
			depth++
			most = max(most, depth)
		case '}', ']':
			depth--
		}
	}
	return most
}

func TestWhatIsFineStaysAsItIs(t *testing.T) {
	t.Parallel()
	p := activity.Properties(`{"a":1.5,"b":[true,false,null],"c":"é\u00e9 \"e1\"","d":{"e":12345}}`)
	e := activity.Event{ID: "e", Caller: "Zoë", Properties: p}
	if got := e.Bounded(); got.Caller != e.Caller || string(got.Properties) != string(p) {
		t.Errorf("changed to %+v", got)
	}
}

func TestTextsThatBeginAlikeStayTwo(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	a, b := activity.Event{ResourceID: long + "a"}.Bounded(), activity.Event{ResourceID: long + "b"}.Bounded()
	if a.ResourceID == b.ResourceID || len(a.ResourceID) > 5000 || !strings.Contains(a.ResourceID, "…") {
		t.Errorf("%d bytes, alike %v", len(a.ResourceID), a.ResourceID == b.ResourceID)
	}
	if r := (activity.Event{ResourceID: long + "a"}).Reduced(); len(r.ResourceID) > 5000 {
		t.Errorf("reduced to %d bytes", len(r.ResourceID))
	}
}
