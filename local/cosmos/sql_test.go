package cosmos

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var queryTime = time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC)

// evaluate projects one item through a query and joins the rows.
func evaluate(sql, item string) (string, error) {
	q, err := parseQuery(sql, map[string]value{"@p": textOf("v"), "@n": numberOf(1), "@l": {kind: array}}, queryTime)
	if err != nil {
		return "", err
	}
	doc, err := decodeJSON(item)
	if err != nil {
		return "", err
	}
	rows, err := q.filter([]value{doc})
	if err != nil {
		return "", err
	}
	var out []string
	for _, row := range rows {
		out = append(out, string(appendJSON(nil, row)))
	}
	return strings.Join(out, " "), nil
}

const sample = `{"id":"x","n":3,"s":"text","b":true,"z":null,"l":[1,2,3],"o":{"a":1,"c":{"d":2}},"tags":["r","g"],"name":"50% off_[x]"}`

func TestEvaluate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ why, in, want string }{
		{"multiplication binds tighter", "c.n + 2 * 3", "9"},
		{"parentheses", "(c.n + 2) * 3", "15"},
		{"subtraction is left associative", "10 - 3 - 2", "5"},
		{"remainder", "c.n % 2", "1"},
		{"unary minus", "-c.n", "-3"},
		{"AND binds tighter than OR", "true OR false AND false", "true"},
		{"false AND undefined is false", "false AND c.absent", "false"},
		{"true OR undefined is true", "true OR c.absent", "true"},
		{"true AND undefined is undefined", "true AND c.absent", ""},
		{"NOT of undefined is undefined", "NOT c.absent", ""},
		{"NOT of a number is undefined", "NOT c.n", ""},
		{"NOT before AND", "NOT c.b AND true", "false"},
		{"equality of arrays is deep", "c.l = [1, 2, 3]", "true"},
		{"equality of objects ignores order", `c.o = {"c": {"d": 2}, "a": 1}`, "true"},
		{"order across types is undefined", "c.n < 'a'", ""},
		{"order of arrays is undefined", "c.l < [9]", ""},
		{"null is not less than null", "null < null", "false"},
		{"false is less than true", "false < true", "true"},
		{"strings compare byte by byte", "'Z' < 'a'", "true"},
		{"<> is !=", "c.n <> 4", "true"},
		{"BETWEEN binds its AND", "c.n BETWEEN 1 AND 3 AND c.b", "true"},
		{"NOT BETWEEN", "c.n NOT BETWEEN 4 AND 5", "true"},
		{"IN", "c.s IN ('a', 'text')", "true"},
		{"IN with a needle that is undefined", "c.absent IN (1)", ""},
		{"ternary nests to the right", "c.n = 1 ? 'a' : c.n = 3 ? 'b' : 'c'", `"b"`},
		{"a condition that is not boolean takes the second branch", "c.n ? 'a' : 'b'", `"b"`},
		{"an unsure condition takes the second branch", "c.n = 'a' ? 'a' : 'b'", `"b"`},
		{"coalesce chains", "c.x ?? c.y ?? c.n", "3"},
		{"undefined in arrays is left out", "[1, c.absent, 2]", "[1,2]"},
		{"undefined in objects is left out", `{"a": c.absent, b: 1}`, `{"b":1}`},
		{"parameters", "@p", `"v"`},
		{"parameter as subscript", "c.l[@n]", "2"},
		{"nested properties", `c.o["c"].d`, "2"},
		{"subscript beyond the end", "c.l[9]", ""},
		{"property of a number", "c.n.x", ""},
		{"LIKE %", "c.s LIKE 't%t'", "true"},
		{"LIKE _ is one character", "c.s LIKE 'te_t'", "true"},
		{"LIKE without wildcards is equality", "c.s LIKE 'tex'", "false"},
		{"LIKE set", "c.s LIKE '[a-t]ext'", "true"},
		{"LIKE negated set", "c.s LIKE '[^a-s]ext'", "true"},
		{"LIKE with brackets as escape", "c.name LIKE '50[%]%'", "true"},
		{"LIKE with ESCAPE", "c.name LIKE '%off!_![x]' ESCAPE '!'", "true"},
		{"LIKE goes back to the last %", "'aXbXc' LIKE '%X_'", "true"},
		{"NOT LIKE", "c.s NOT LIKE 'a%'", "true"},
		{"case-insensitive contains", "CONTAINS(c.s, 'EX', true)", "true"},
		{"concat", "CONCAT(c.s, '-', 'a')", `"text-a"`},
		{"lower and upper", "[LOWER('Ab'), UPPER('Ab')]", `["ab","AB"]`},
		{"lower of a number is undefined", "LOWER(1)", ""},
		{"rounding", "[FLOOR(-1.5), CEILING(1.2), ABS(-2)]", "[-2,2,2]"},
		{"array length", "ARRAY_LENGTH(c.l)", "3"},
		{"array contains by value", "ARRAY_CONTAINS(c.l, 4)", "false"},
		{"type tests", "[IS_NULL(c.z), IS_NULL(c.absent), IS_PRIMITIVE(c.s), IS_OBJECT(c.o), IS_DEFINED(c.z)]", "[true,false,true,true,true]"},
		{"function names have no case", "is_defined(c.n)", "true"},
		{"the clock, in milliseconds", "GetCurrentTimestamp()", "1795343400000"},
		{"the clock, as text", "GetCurrentDateTime()", `"2026-11-22T10:30:00.0000000Z"`},
		{"numbers with exponent", "1e3 + .5", "1000.5"},
		{"strings with escapes", `'it\'s \u00e9'`, `"it's é"`},
	} {
		got, err := evaluate("SELECT VALUE "+c.in+" FROM c", sample)
		if err != nil {
			t.Errorf("%s: %s: %v", c.why, c.in, err)
		} else if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s (-want +got)\n%s", c.why, c.in, diff)
		}
	}
}

// Where documentation and service may part ways, there is no answer at all.
func TestEvaluateRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ why, where string }{
		{"unlike across types: undefined by the page, true by the .NET engine", "c.n != 'a'"},
		{"unlike null", "c.s != null"},
		{"unlike of arrays", "c.l != [1]"},
		{"negated equality across types", "NOT (c.n = 'a')"},
		{"negated IN with another type", "c.n NOT IN ('a')"},
		{"negated string function of a number", "NOT CONTAINS(c.n, 'a')"},
		{"negated ARRAY_CONTAINS of no array", "NOT ARRAY_CONTAINS(c.absent, 1)"},
		{"coalesce of an unsure value", "(c.n = 'a') ?? true"},
		{"division by zero", "c.n / 0 > 1"},
		{"partial match of nested values", `ARRAY_CONTAINS([{"a": {"b": 1}}], {"a": {}}, true)`},
	} {
		got, err := evaluate("SELECT * FROM c WHERE "+c.where, sample)
		var p *problem
		if !errors.As(err, &p) || p.status != 400 {
			t.Errorf("%s: %s: got %q and %v, want 400", c.why, c.where, got, err)
		}
	}
	for _, c := range []struct{ why, where string }{
		{"equality across types keeps the row out either way", "c.n = 'a'"},
		{"also under AND and OR", "c.n = 'a' AND c.b OR c.n = 'b'"},
		{"IN with another type", "c.n IN ('a', true)"},
		{"a string function of a number", "STARTSWITH(c.n, 'a')"},
	} {
		if got, err := evaluate("SELECT * FROM c WHERE "+c.where, sample); err != nil || got != "" {
			t.Errorf("%s: %s: got %q and %v, want no row", c.why, c.where, got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for why, sql := range map[string]string{
		"nothing":                          "",
		"no FROM":                          "SELECT 1",
		"subquery":                         "SELECT VALUE x FROM (SELECT VALUE c FROM c) x",
		"subquery in a condition":          "SELECT * FROM c WHERE EXISTS(SELECT VALUE t FROM t IN c.l)",
		"subquery in the select list":      "SELECT ARRAY(SELECT VALUE t FROM t IN c.l) AS a FROM c",
		"join without IN":                  "SELECT * FROM c JOIN d",
		"from a property without IN":       "SELECT * FROM c.l",
		"alias twice":                      "SELECT VALUE 1 FROM c JOIN c IN c.l",
		"property name twice":              "SELECT c.a, c.b AS a FROM c",
		"element without alias":            "SELECT c.l[0] FROM c",
		"keyword as alias":                 "SELECT c.a AS value FROM c",
		"upper-case NULL is a name":        "SELECT * FROM c WHERE c.a = NULL",
		"comment":                          "SELECT * FROM c -- all",
		"block comment":                    "SELECT * FROM c /* all */",
		"semicolon":                        "SELECT * FROM c;",
		"bitwise operator":                 "SELECT VALUE c.n & 1 FROM c",
		"concatenation operator":           "SELECT VALUE c.s || 'a' FROM c",
		"bitwise not":                      "SELECT VALUE ~c.n FROM c",
		"user-defined function":            "SELECT VALUE udf.f(c.n) FROM c",
		"NOT before a comparison":          "SELECT * FROM c WHERE NOT c.n = 1",
		"NOT before IN":                    "SELECT * FROM c WHERE NOT c.n IN (1)",
		"chained comparison":               "SELECT * FROM c WHERE 1 < c.n < 3",
		"coalesce before ternary":          "SELECT VALUE c.a ?? c.b ? 1 : 2 FROM c",
		"ternary before coalesce":          "SELECT VALUE c.b ? 1 : 2 ?? 3 FROM c",
		"missing parameter":                "SELECT * FROM c WHERE c.n = @missing",
		"array parameter as subscript":     "SELECT VALUE c[@l] FROM c",
		"aggregate in WHERE":               "SELECT * FROM c WHERE COUNT(1) > 1",
		"aggregate of an aggregate":        "SELECT VALUE SUM(COUNT(1)) FROM c",
		"expression of an aggregate":       "SELECT VALUE SUM(c.n) + 1 FROM c",
		"COUNT of a star":                  "SELECT VALUE COUNT(*) FROM c",
		"property beside an aggregate":     "SELECT c.n, COUNT(1) AS k FROM c",
		"group by an expression":           "SELECT COUNT(1) AS k FROM c GROUP BY c.n + 1",
		"group by the item":                "SELECT COUNT(1) AS k FROM c GROUP BY c",
		"HAVING":                           "SELECT COUNT(1) AS k FROM c GROUP BY c.n HAVING COUNT(1) > 1",
		"star with GROUP BY":               "SELECT * FROM c GROUP BY c.n",
		"order by an element":              "SELECT * FROM c ORDER BY c.l[0]",
		"order by a joined value":          "SELECT VALUE t FROM c JOIN t IN c.l ORDER BY t.n",
		"distinct with order by":           "SELECT DISTINCT VALUE c.n FROM c ORDER BY c.n",
		"top with offset":                  "SELECT TOP 1 * FROM c OFFSET 1 LIMIT 1",
		"offset without limit":             "SELECT * FROM c OFFSET 1",
		"negative top":                     "SELECT TOP -1 * FROM c",
		"fractional limit":                 "SELECT * FROM c OFFSET 0 LIMIT 1.5",
		"clauses out of order":             "SELECT * FROM c ORDER BY c.n WHERE c.n > 1",
		"wrong number of arguments":        "SELECT VALUE CONTAINS(c.s) FROM c",
		"malformed LIKE set":               "SELECT * FROM c WHERE c.s LIKE '[a'",
		"LIKE ending in its escape":        "SELECT * FROM c WHERE c.s LIKE 'a!' ESCAPE '!'",
		"ESCAPE of two characters":         "SELECT * FROM c WHERE c.s LIKE 'a' ESCAPE '!!'",
		"number glued to a name":           "SELECT VALUE 1a FROM c",
		"unterminated string":              "SELECT VALUE 'a FROM c",
		"unknown escape":                   `SELECT VALUE 'a\q' FROM c`,
		"nested too deeply":                "SELECT VALUE " + strings.Repeat("(", 200) + "1" + strings.Repeat(")", 200) + " FROM c",
		"unary operators nested too deep":  "SELECT VALUE " + strings.Repeat("- ", 200) + "1 FROM c",
		"ternaries nested too deeply":      "SELECT VALUE " + strings.Repeat("1 ? 2 : ", 200) + "3 FROM c",
		"longer than the service's limit":  "SELECT VALUE '" + strings.Repeat("x", 600<<10) + "' FROM c",
		"not UTF-8":                        "SELECT VALUE '\xff' FROM c",
		"property of an object expression": `SELECT VALUE {"a": 1}.a FROM c`,
	} {
		q, err := parseQuery(sql, map[string]value{"@l": {kind: array}}, queryTime)
		var p *problem
		if !errors.As(err, &p) || p.status != 400 {
			t.Errorf("%s: got %+v and %v, want 400\n%.200s", why, q, err, sql)
		}
	}
}

func TestPins(t *testing.T) {
	t.Parallel()
	c := &container{key: partitionKey{kind: "Hash", paths: [][]string{{"pk"}}}}
	for _, x := range []struct {
		why, where, partition string
		want                  []keyRange
	}{
		{"key and id find one item", "c.pk = 'a' AND c.id = 'x'", "", []keyRange{{pk: `["a"]`, id: "x", item: true}}},
		{"constants may come first only as a path", "'a' = c.pk", "", []keyRange{{everything: true}}},
		{"alternatives", "(c.pk = 'b' AND c.id = 'y') OR (c.id = 'x' AND c.pk = 'a')", "", []keyRange{
			{pk: `["a"]`, id: "x", item: true}, {pk: `["b"]`, id: "y", item: true},
		}},
		{"lists", "c.pk = 'a' AND c.id IN ('y', 'x', 'y')", "", []keyRange{
			{pk: `["a"]`, id: "x", item: true}, {pk: `["a"]`, id: "y", item: true},
		}},
		{"a whole partition swallows its items", "c.pk = 'a' OR (c.pk = 'a' AND c.id = 'x')", "", []keyRange{{pk: `["a"]`}}},
		{"other conditions do not widen", "c.n > 1 AND c.pk = 'a'", "", []keyRange{{pk: `["a"]`}}},
		{"an alternative without a key needs everything", "c.pk = 'a' OR c.n = 1", "", []keyRange{{everything: true}}},
		{"an id alone needs everything", "c.id = 'x'", "", []keyRange{{everything: true}}},
		{"within the partition of the header", "c.id = 'x'", `["a"]`, []keyRange{{pk: `["a"]`, id: "x", item: true}}},
		{"a contradiction finds nothing", "c.pk = 'b'", `["a"]`, nil},
		{"numbers are keys, too", "c.pk = 1", "", []keyRange{{pk: `[1]`}}},
		{"negation pins nothing", "NOT (c.pk = 'a')", "", []keyRange{{everything: true}}},
	} {
		q, err := parseQuery("SELECT * FROM c WHERE "+x.where, nil, queryTime)
		if err != nil {
			t.Errorf("%s: %v", x.why, err)
			continue
		}
		if diff := cmp.Diff(x.want, q.scope(c, x.partition), cmp.AllowUnexported(keyRange{})); diff != "" {
			t.Errorf("%s: %s (-want +got)\n%s", x.why, x.where, diff)
		}
	}
}

// FuzzParseQuery: whatever comes in, a query is understood or refused with 400; nothing panics, and what was
// understood evaluates to rows or to 400.
func FuzzParseQuery(f *testing.F) {
	for _, seed := range []string{
		"SELECT * FROM c", "SELECT TOP 2 VALUE c.n FROM c WHERE c.n BETWEEN 1 AND @n ORDER BY c.n DESC",
		"SELECT c.a, COUNT(1) AS n FROM c GROUP BY c.a", "SELECT VALUE t FROM c JOIN t IN c.tags WHERE t LIKE '[a-z]%' ESCAPE '!'",
		"SELECT DISTINCT VALUE {\"a\": [c.n, -1.5e3]} FROM p IN c.parts OFFSET 1 LIMIT 2",
		"SELECT VALUE c.x ?? (IS_DEFINED(c['y']) ? c.l[0] : 'd') FROM root c WHERE NOT (c.n IN (1, 2)) OR STARTSWITH(c.s, @p, true)",
	} {
		f.Add(seed)
	}
	doc, err := decodeJSON(sample)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		q, err := parseQuery(sql, map[string]value{"@p": textOf("v"), "@n": numberOf(1)}, queryTime)
		if err == nil {
			g := newGatherer(q)
			err = q.each(doc, func(e *env) bool { g.add(e, "tie"); return e.err == nil })
			if err == nil {
				_, err = g.finish()
			}
		}
		var p *problem
		if err != nil && (!errors.As(err, &p) || p.status != 400) {
			t.Errorf("%q: %v, want 400", sql, err)
		}
	})
}
