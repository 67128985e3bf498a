package rules_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/rules"
)

// FuzzLoad: any file either loads or is refused with places; what loads compiles or says why, and matches without a
// panic whatever the event holds.
func FuzzLoad(f *testing.F) {
	for _, c := range cases {
		f.Add(ruleWith(c.detection), string(grant().Properties))
	}
	f.Add(failedOperation+"---\n"+correlation("type: event_count\nrules: failed_operation\ntimespan: 1m\ncondition: {gte: 3}"), "{}")
	f.Add("a: &a [*a]\n", `{"a":"\`)
	f.Fuzz(func(t *testing.T, text, properties string) {
		all, err := rules.Load(fstest.MapFS{"r.yml": {Data: []byte(text)}}, ".")
		if err != nil {
			if len(all) == 0 && !strings.Contains(err.Error(), "r.yml:") {
				t.Fatalf("refused without a place: %v", err)
			}
			return
		}
		set, err := rules.Compile(all)
		if err != nil {
			return
		}
		e := grant()
		e.Properties = activity.Properties(properties)
		matched := set.Match(nil, &e)
		for _, r := range set.Rules() {
			x, _ := set.Explain(&e, r.ID)
			met := false
			for _, m := range matched {
				met = met || m == r
			}
			if r.Correlation == nil && met != x.Matched && len(set.Rules()) == 1 {
				t.Fatalf("%s: match %v, explain %v", r.ID, met, x.Matched)
			}
		}
	})
}

// FuzzWildcards holds our matcher against the same pattern as a regular expression.
func FuzzWildcards(f *testing.F) {
	for _, seed := range [][2]string{
		{"a*b", "aXb"}, {"*", ""}, {"?", "é"}, {"a?c*", "abcd"}, {`\*`, "*"}, {`\\*`, `\x`}, {"*a*b*", "xaybz"}, {"ab*ba", "aba"}, {"*?b", "ab"}, {"K", "\u212a"}, {"*é??", "aéßx"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, value, text string) {
		value, text = strings.ToValidUTF8(value, "\uFFFD"), strings.ToValidUTF8(text, "\uFFFD")
		if text == "" || len(value) > 40 || strings.ContainsAny(value, "\x00\u0085\u2028\u2029\uFEFF\uFFFD") || !printable(value) {
			return
		}
		rule := ruleWith("s:\n  description|cased: " + fmt.Sprintf("%q", value) + "\ncondition: s")
		all, err := rules.Load(fstest.MapFS{"r.yml": {Data: []byte(rule)}}, ".")
		if err != nil {
			return // %q writes escapes that YAML does not know
		}
		set, err := rules.Compile(all)
		if err != nil {
			t.Fatal(err)
		}
		e := activity.Event{Description: text}
		got, want := len(set.Match(nil, &e)) > 0, regexp.MustCompile(asRegexp(value)).MatchString(text)
		if got != want {
			t.Errorf("pattern %q on %q = %v, want %v", value, text, got, want)
		}
	})
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' || r > 0xFFFF })
}

// asRegexp translates Sigma's wildcards by the letter of the specification.
func asRegexp(value string) string {
	var b strings.Builder
	for i, runes := 0, []rune(value); i < len(runes); i++ {
		switch {
		case runes[i] == '\\' && i+1 < len(runes) && strings.ContainsRune(`\*?`, runes[i+1]):
			i++
			b.WriteString(regexp.QuoteMeta(string(runes[i])))
		case runes[i] == '*':
			b.WriteString(".*")
		case runes[i] == '?':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(runes[i])))
		}
	}
	return `(?s)\A(?:` + b.String() + `)\z`
}

// FuzzFold: two texts compare equal exactly when strings.EqualFold says so.
func FuzzFold(f *testing.F) {
	for _, seed := range [][2]string{{"K", "\u212a"}, {"ſ", "S"}, {"Σ", "ς"}, {"ß", "SS"}, {"İ", "i"}, {"Ⱥ", "ⱥ"}, {"a", "b"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = strings.ToValidUTF8(a, "\uFFFD"), strings.ToValidUTF8(b, "\uFFFD")
		if got, want := rules.EqualFolded(a, b), strings.EqualFold(a, b); got != want {
			t.Errorf("%q and %q: folded equal = %v, want %v", a, b, got, want)
		}
	})
}

// FuzzProperties: text that breaks the contract of activity.Properties yields wrong values at worst.
func FuzzProperties(f *testing.F) {
	f.Add(string(grant().Properties), "requestbody.properties.roledefinitionid")
	f.Add(`{"a":[{"b":"\"`, "a.b")
	f.Fuzz(func(_ *testing.T, text, path string) {
		e := activity.Event{Properties: activity.Properties(text)}
		rules.Fields(&e, "properties."+path)
	})
}

// TestPlansChangeNothing: what a rule set answers through its memo, its lists and its one pass for keywords is what
// each rule answers by itself when every part of it is evaluated.
func TestPlansChangeNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		files := make(map[string]string)
		for i := range rapid.IntRange(1, 8).Draw(t, "rules") {
			text := ruleWith(drawDetection(t))
			files[fmt.Sprintf("%d.yml", i)] = strings.Replace(text, "111111111111\n", fmt.Sprintf("%012d\n", i), 1)
		}
		fsys := fstest.MapFS{}
		for name, text := range files {
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
		all, err := rules.Load(fsys, ".")
		if err != nil {
			t.Fatal(err)
		}
		set, err := rules.Compile(all)
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			e := drawEvent(t)
			matched := make(map[string]bool)
			for _, r := range set.Match(nil, &e) {
				matched[r.ID] = true
			}
			for _, r := range all {
				alone, err := rules.Compile([]*rules.Rule{r})
				if err != nil {
					t.Fatal(err)
				}
				if x, _ := alone.Explain(&e, r.ID); x.Matched != matched[r.ID] {
					t.Fatalf("%s: together %v, alone %v\n%s\n%+v", r.ID, matched[r.ID], x.Matched, files[r.File], e)
				}
			}
		}
	})
}

func drawDetection(t *rapid.T) string {
	items := []string{
		"operationName: [a/write, b/write]", "operationName|startswith: a", "operationName|contains: rit", "status: [Success, Failed]",
		"category: Policy", "caller: [ada, null]", "caller|exists: false", "properties.m: [x, y]", "properties.m|contains: z", "properties.n|gt: 3",
		"properties.n: 5", "caller|cased: Ada", "operationName|re: ^b", "caller|neq: ada",
	}
	var b strings.Builder
	for i := range 3 {
		fmt.Fprintf(&b, "s%d:\n  %s\n", i, rapid.SampledFrom(items).Draw(t, "item"))
	}
	fmt.Fprintf(&b, "k: [%s]\n", rapid.SampledFrom([]string{"rite", "xyz", "ada, zz", "'a*e'"}).Draw(t, "keyword"))
	return b.String() + "condition: " + rapid.SampledFrom([]string{
		"s0 and s1", "s0 or k", "not s0 and (k or s1)", "2 of s*", "1 of them", "all of them", "k and not 1 of s*", "k", "not k", "s0 and not (s1 or not s2)",
	}).Draw(t, "condition")
}

func drawEvent(t *rapid.T) activity.Event {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	return activity.Event{
		Operation: pick("operation", "", "a/write", "b/write", "b/xyz"), OperationDisplay: pick("display", "", "A/Write", "Write it"),
		Category: activity.Category(pick("category", "", "Policy", "Administrative")), Outcome: activity.Outcome(pick("outcome", "", "succeeded", "failed")),
		Caller:     pick("caller", "", "ada", "Ada", "grace"),
		Properties: activity.Properties(pick("properties", "", `{"m":"x"}`, `{"M":["y","zz"],"n":5}`, `{"n":"4","m":"a\\xyz"}`, `{"m":null,"n":2}`)),
	}
}
