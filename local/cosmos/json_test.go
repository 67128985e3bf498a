package cosmos

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"keeps the order of properties", `{"b":1,"a":{"d":[],"c":{}}}`, `{"b":1,"a":{"d":[],"c":{}}}`},
		{"drops white space", " [ 1 ,\n\t2 , \"a b\" ] ", `[1,2,"a b"]`},
		{"unescapes and escapes", `"\u00e9\/\b\ud83d\ude80\"\\"`, "\"é/\\u0008🚀\\\"\\\\\""},
		{"rounds integers to doubles", `9007199254740993`, `9007199254740992`},
		{"shortens fractions", `[1.0,-0.0,1e2,1.50,1e-7]`, `[1,0,100,1.5,1e-07]`},
		{"keeps large exponents", `1e300`, `1e+300`},
	} {
		v, err := decodeJSON(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.want, string(appendJSON(nil, v))); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.name, diff)
		}
	}
}

func TestDecodeJSONRefuses(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"nothing":                   "",
		"two values":                "1 2",
		"leading zeros":             "01",
		"a lone minus":              "-",
		"a lone point":              "1.",
		"a trailing comma":          `[1,]`,
		"an unterminated object":    `{"a":1`,
		"an unquoted name":          `{a:1}`,
		"a control character":       "\"a\nb\"",
		"an unknown escape":         `"\x41"`,
		"a lone surrogate":          `"\ud800"`,
		"a surrogate and a letter":  `"\ud800\u0041"`,
		"invalid UTF-8":             "\"\xff\"",
		"a number beyond doubles":   "1e999",
		"a name twice":              `{"a":1,"a":2}`,
		"a name twice, many names":  manyNames(),
		"nesting beyond 128 levels": strings.Repeat("[", 130) + strings.Repeat("]", 130),
	} {
		if v, err := decodeJSON(in); err == nil {
			t.Errorf("%s: got %s, want an error", name, appendJSON(nil, v))
		}
	}
}

func manyNames() string {
	var b strings.Builder
	for i := range 100 {
		b.WriteString(`"n` + strings.Repeat("x", i) + `":1,`)
	}
	return "{" + b.String() + `"n":2}`
}

// FuzzDecodeJSON holds the decoder to encoding/json: what one takes the other takes, but for what is refused on
// purpose, and both read the same.
func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{
		`{"id":"a","pk":"b","n":[1,2.5,-3e7,null,true],"o":{"é":"\ud83d\ude80"}}`, `"\u0000"`, `[[[]]]`, `1e999`, `{"a":1,"a":2}`, "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		v, err := decodeJSON(in)
		if err != nil {
			onPurpose := slices.ContainsFunc(
				[]string{"UTF-8", "surrogate", "twice", "nesting", "too large"},
				func(reason string) bool { return strings.Contains(err.Error(), reason) })
			if json.Valid([]byte(in)) && !onPurpose {
				t.Fatalf("refused %q: %v", in, err)
			}
			return
		}
		if !json.Valid([]byte(in)) {
			t.Fatalf("took %q, which is not JSON", in)
		}
		out := appendJSON(nil, v)
		var want, got any
		if err := json.Unmarshal([]byte(in), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("wrote %q: %v", out, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-encoding/json +ours)\n%s", diff)
		}
	})
}
