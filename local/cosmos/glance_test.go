package cosmos

import (
	"testing"
	"time"
)

// TestAGlanceLosesNothing has filters and items: what a glance passes by must not meet the filter when it is read.
func TestAGlanceLosesNothing(t *testing.T) {
	t.Parallel()
	items := []string{
		`{"a":"one","b":"two","n":1}`, `{"b":"two","a":"one and two"}`, `{"a":"\u006fne","b":"two"}`, `{"a":"o\/ne","b":"two"}`,
		`{"a":["one"],"b":"two"}`, `{"a":"other","b":"o\"ne"}`, `{"x":"one"}`, `{}`,
	}
	passed := map[string]int{}
	for _, filter := range []string{
		`c.a = "one"`, `c.a = "one" AND c.b = "two"`, `(c.a = "one" OR c.a = "other") AND c.b = "two"`, `c.a = "one" OR c.n = 1`, `c.a = "o/ne"`,
		`c.b = "o\"ne"`, `NOT (c.a = "one")`, `c.a != "one"`, `"one" = c.a`, `c.a = "one" AND IS_DEFINED(c.b)`, `c.n = 1`, `c.a = c.b`, `c.a >= "one"`,
	} {
		q, err := parseQuery("SELECT * FROM c WHERE "+filter, nil, time.Time{})
		if err != nil {
			t.Fatal(filter, err)
		}
		first := glanceOf(q.where)
		for _, text := range items {
			v, err := decodeJSON(text)
			if err != nil {
				t.Fatal(err)
			}
			meets := false
			err = q.each(v, func(*env) bool { meets = true; return true })
			if err != nil && !first.passes(text) {
				t.Errorf("%s is passed by, and %s refuses it: %v", text, filter, err)
			}
			if meets && !first.passes(text) {
				t.Errorf("%s is passed by, and meets %s", text, filter)
			}
			if !first.passes(text) {
				passed[filter]++
			}
		}
	}
	if passed[`c.a = "one"`] == 0 || passed[`c.a = "one" OR c.n = 1`] > 0 {
		t.Errorf("passed by %v: something by an equality, and nothing by an OR", passed)
	}
}
