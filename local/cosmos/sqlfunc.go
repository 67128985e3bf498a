package cosmos

import (
	"math"
	"strings"
	"time"
	"unicode"
)

// function is one system function. clock functions are evaluated once per query, when it is parsed.
type function struct {
	least, most int // arguments
	eval        func(*env, []value) value
	clock       func(time.Time) value
}

// functions are those whose pages leave no doubt about any argument. Functions that count or cut characters
// (LENGTH, SUBSTRING, INDEX_OF, ...) are missing because the pages do not say what a character is.
var functions = map[string]function{
	"IS_DEFINED":   typeTest(func(v value) bool { return v.kind != undefined }),
	"IS_NULL":      typeTest(func(v value) bool { return v.kind == null }),
	"IS_BOOL":      typeTest(func(v value) bool { return v.kind == boolean }),
	"IS_NUMBER":    typeTest(func(v value) bool { return v.kind == number }),
	"IS_STRING":    typeTest(func(v value) bool { return v.kind == text }),
	"IS_ARRAY":     typeTest(func(v value) bool { return v.kind == array }),
	"IS_OBJECT":    typeTest(func(v value) bool { return v.kind == object }),
	"IS_PRIMITIVE": typeTest(func(v value) bool { return v.kind >= null && v.kind <= text }),

	"STARTSWITH":   textTest(strings.HasPrefix),
	"ENDSWITH":     textTest(strings.HasSuffix),
	"CONTAINS":     textTest(strings.Contains),
	"STRINGEQUALS": textTest(func(a, b string) bool { return a == b }),

	"LOWER":  textMap(strings.ToLower),
	"UPPER":  textMap(strings.ToUpper),
	"CONCAT": {least: 2, most: 32, eval: concat},

	"ARRAY_CONTAINS": {least: 2, most: 3, eval: arrayContains},
	"ARRAY_LENGTH":   {least: 1, most: 1, eval: arrayLength},

	"ABS":     numberMap(math.Abs),
	"FLOOR":   numberMap(math.Floor),
	"CEILING": numberMap(math.Ceil),

	"GETCURRENTTIMESTAMP": {clock: func(t time.Time) value { return numberOf(float64(t.UnixMilli())) }},
	"GETCURRENTDATETIME": {clock: func(t time.Time) value {
		return textOf(t.UTC().Format("2006-01-02T15:04:05.0000000Z"))
	}},
}

// typeTest makes a test of a value's type; it answers false, never undefined, for what is undefined.
func typeTest(holds func(value) bool) function {
	return function{least: 1, most: 1, eval: func(_ *env, args []value) value { return boolOf(holds(args[0])) }}
}

// textTest compares two strings; a third argument true ignores case. Of other types the result is not documented.
func textTest(holds func(a, b string) bool) function {
	return function{least: 2, most: 3, eval: func(e *env, args []value) value {
		a, b := args[0], args[1]
		if a.kind != text || b.kind != text {
			return value{kind: unsure}
		}
		if len(args) == 3 && args[2].kind != boolean {
			return e.fail("The third argument of a string function must be a boolean.")
		}
		if len(args) == 3 && args[2].truth {
			return boolOf(holds(foldCase(a.str), foldCase(b.str)))
		}
		return boolOf(holds(a.str, b.str))
	}}
}

// foldCase makes letters comparable without case, one character at a time and without regard to language.
func foldCase(s string) string {
	return strings.Map(func(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }, s)
}

// textMap makes a function of one string; of anything else it is undefined.
func textMap(f func(string) string) function {
	return function{least: 1, most: 1, eval: func(_ *env, args []value) value {
		if args[0].kind != text {
			return value{}
		}
		return textOf(f(args[0].str))
	}}
}

// numberMap makes a function of one number; of anything else it is undefined.
func numberMap(f func(float64) float64) function {
	return function{least: 1, most: 1, eval: func(_ *env, args []value) value {
		if args[0].kind != number {
			return value{}
		}
		return numberOf(f(args[0].num))
	}}
}

// concat joins strings; one argument that is no string makes it undefined.
func concat(_ *env, args []value) value {
	var b strings.Builder
	for _, arg := range args {
		if arg.kind != text {
			return value{}
		}
		b.WriteString(arg.str)
	}
	return textOf(b.String())
}

// arrayLength is undefined for what is no array.
func arrayLength(_ *env, args []value) value {
	if args[0].kind != array {
		return value{}
	}
	return numberOf(float64(len(args[0].items)))
}

// arrayContains looks for a value; with a third argument true an object matches when it has all properties of the
// one looked for. How deep that goes is not documented, so nested objects are refused.
func arrayContains(e *env, args []value) value {
	list, want := args[0], args[1]
	if list.kind != array || want.kind == undefined {
		return value{kind: unsure}
	}
	partial := false
	if len(args) == 3 {
		if args[2].kind != boolean {
			return e.fail("The third argument of ARRAY_CONTAINS must be a boolean.")
		}
		partial = args[2].truth
	}
	for _, item := range list.items {
		if equal(item, want) || partial && hasAll(e, item, want) {
			return boolOf(true)
		}
	}
	return boolOf(false)
}

// hasAll reports whether item has every property of want with an equal value.
func hasAll(e *env, item, want value) bool {
	if item.kind != object || want.kind != object {
		return false
	}
	for i, v := range want.items {
		if v.kind == object || v.kind == array {
			e.fail("ARRAY_CONTAINS with a partial match of nested values is not served.")
			return false
		}
		if !equal(item.member(want.names[i]), v) {
			return false
		}
	}
	return true
}
