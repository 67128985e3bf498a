package rules_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/rules"
)

// A part decides when the rule would have gone the other way had this part alone been otherwise.
func TestExplainSaysWhatDecides(t *testing.T) {
	t.Parallel()
	const selections = `
  yes1: {operation: a/b/write}
  yes2: {caller: rob}
  no1: {operation: c/d/write}
  no2: {caller: ana}
  unused: {caller: ann}
`
	for _, c := range []struct{ condition, outcomes, want string }{
		{"yes1", "", "yes1"},
		{"yes1 and yes2", "", "yes1 yes2"},
		{"yes1 or yes2", "", ""}, // either would have done
		{"yes1 or no1", "", "yes1"},
		{"no1", "", "no1"},
		{"yes1 and no1", "", "no1"},
		{"no1 and no2", "", ""}, // both stand in the way
		{"no1 or no2", "", "no1 no2"},
		{"yes1 and not yes2", "", "yes2"},
		{"yes1 and not no1", "", "yes1 no1"},
		{"1 of yes*", "", ""},
		{"all of yes*", "", "yes1 yes2"},
		{"2 of *1 or yes2 and no2", "", "no1 no2"},
		{"yes1", "[succeeded]", "auditbell.outcomes yes1"},
		{"yes1", "[failed]", "auditbell.outcomes"},
		{"no1", "[succeeded]", "no1"},
		{"no1", "[failed]", ""},
	} {
		text := "title: T\nlogsource: {product: azure, service: activitylogs}\ndetection:" + selections + "  condition: " + c.condition + "\nauditbell: {id: r}\n"
		if c.outcomes != "" {
			text = strings.Replace(text, "{id: r}", "{id: r, outcomes: "+c.outcomes+"}", 1)
		}
		all, err := rules.Load(fstest.MapFS{"r.yml": {Data: []byte(text)}}, ".")
		if err != nil {
			t.Fatal(err)
		}
		set, err := rules.Compile(all)
		if err != nil {
			t.Fatal(err)
		}
		e := activity.Event{Operation: "a/b/write", Caller: "rob", Outcome: activity.Succeeded}
		x, _ := set.Explain(&e, "r")
		var got []string
		for _, part := range x.Parts {
			if part.Decides {
				got = append(got, part.Name)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s %s: %q decide, want %q", c.condition, c.outcomes, got, c.want)
		}
	}
}
