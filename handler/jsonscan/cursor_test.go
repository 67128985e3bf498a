package jsonscan_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

func ExampleCursor() {
	doc := []byte(`{"caller":"ada","claims":{"upn":"ada@x","aio":"…"},"tags":["a","b"]}`)
	c := jsonscan.NewCursor(doc, 0)
	for name := range c.Members {
		switch string(name) {
		case "claims":
			for claim := range c.Members {
				if string(claim) == "upn" {
					fmt.Printf("upn = %s\n", c.Skip())
				}
			}
		case "tags":
			for i := range c.Elements {
				fmt.Printf("tag %d = %s\n", i, c.Skip())
			}
		}
	}
	fmt.Println(c.Err(), c.Pos() == len(doc))
	// Output:
	// upn = "ada@x"
	// tag 0 = "a"
	// tag 1 = "b"
	// <nil> true
}

// walk reads everything there is by descending into it.
func walk(c *jsonscan.Cursor) {
	switch c.Kind() {
	case '{':
		for range c.Members {
			walk(c)
		}
	case '[':
		for range c.Elements {
			walk(c)
		}
	default:
		c.Skip()
	}
}

// validByCursor reports whether a Cursor accepts data as one value.
func validByCursor(data []byte) error {
	c := jsonscan.NewCursor(data, 0)
	walk(c)
	if err := c.Err(); err != nil {
		return err
	}
	if rest := jsonscan.Space(data, c.Pos()); rest != len(data) {
		return fmt.Errorf("unexpected text at byte %d", rest)
	}
	return nil
}

func TestCursorAgreesWithEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, text := range append(texts, `{"a" : [ ] , "b":{ } , "c" : "x" }`, "{\n\t\"a\"\r:\n1 ,\"b\":2\n}", `{"a":1 "b":2}`, `{"a"}`, `{,}`, `[,]`, `{"a":}`, `{"é\n":1}`) {
		err := validByCursor([]byte(text))
		if got, want := err == nil, json.Valid([]byte(text)); got != want {
			t.Errorf("Cursor accepts %q: %v (%v), encoding/json says %v", text, got, err, want)
		}
	}
}

func TestCursorReportsDuplicates(t *testing.T) {
	t.Parallel()
	many := func(last string) string {
		var b strings.Builder
		for i := range 100 {
			fmt.Fprintf(&b, `"name-%d":%d,`, i, i)
		}
		return "{" + b.String() + last + ":1}"
	}
	for text, want := range map[string]string{
		`{"a":1,"a":2}`:               "a",
		`{"a":1,"\u0061":2}`:          "a",
		`{"\u0061":1,"a":2}`:          "a",
		`{"\u0061":1,"\u0061":2}`:     "a",
		`{"a":1,"b":{"c":1,"c":2}}`:   "c",
		`{"":1,"":2}`:                 "",
		many(`"name-3"`):              "name-3",
		many(`"name-77"`):             "name-77",
		many(`"n\u0061me-99"`):        "name-99",
		`{"aaaaaaaa":1,"aaaaaaaa":1}`: "aaaaaaaa",
	} {
		var twice *jsonscan.DuplicateError
		if err := validByCursor([]byte(text)); !errors.As(err, &twice) || twice.Name != want {
			t.Errorf("Cursor says %v of %.60s, want the duplicate %q", err, text, want)
		}
	}
	for _, text := range []string{
		`{"a":1,"A":2}`, `{"a":{"a":{"a":1}},"b":{"a":1}}`, `[{"a":1},{"a":2}]`, many(`"name-100"`), `{"a":1,"a ":2,"aa":3,"":4}`,
		`{"12345678":1,"x12345678":2,"2345678":3}`,
	} {
		if err := validByCursor([]byte(text)); err != nil {
			t.Errorf("Cursor says %v of %.60s, which has no duplicate", err, text)
		}
	}
}

// What is skipped is not read by name: its duplicates are its own affair.
func TestCursorSkipsDuplicatesUnread(t *testing.T) {
	t.Parallel()
	c := jsonscan.NewCursor([]byte(`{"x":{"a":1,"a":2},"y":1}`), 0)
	n := 0
	for range c.Members {
		n++
	}
	if c.Err() != nil || n != 2 {
		t.Errorf("%d members, %v; want 2, nil", n, c.Err())
	}
}

func TestCursorDepthIsBounded(t *testing.T) {
	t.Parallel()
	for _, open := range []string{"[", `{"a":`} {
		err := validByCursor([]byte(strings.Repeat(open, 1<<18)))
		if err == nil || !strings.Contains(err.Error(), "nested deeper than 200") {
			t.Errorf("Cursor says %v of endless %q, want the depth named", err, open)
		}
	}
	deepest := strings.Repeat("[", jsonscan.MaxDepth) + strings.Repeat("]", jsonscan.MaxDepth)
	if err := validByCursor([]byte(deepest)); err != nil {
		t.Errorf("Cursor says %v of the greatest depth", err)
	}
}

func TestCursorDoesNotAllocate(t *testing.T) {
	doc := []byte(`{"a":{"b":[1,2,{"c":"d"}],"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":"x"},"e":null}`)
	var c jsonscan.Cursor
	if n := testing.AllocsPerRun(100, func() { c.Reset(doc, 0); walk(&c) }); n > 0 {
		t.Errorf("a walk allocates %v times, want none", n)
	}
}

func TestAppendQuoteRoundTrips(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "plain", "é日本🚀", "\"\\/\b\f\n\r\t\x00\x1f", "a\"b", strings.Repeat("x", 40) + "\n"} {
		quoted := jsonscan.AppendQuote([]byte("x"), []byte(s))
		var std string
		if err := json.Unmarshal(quoted[1:], &std); err != nil || std != s {
			t.Errorf("AppendQuote(%q) = %s, which encoding/json reads as %q, %v", s, quoted, std, err)
		}
	}
}

func FuzzCursor(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Add([]byte(`{"a":1,"\u0061":{"b":[{"c":1}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		err := validByCursor(data)
		var twice *jsonscan.DuplicateError
		if errors.As(err, &twice) || strings.Contains(fmt.Sprint(err), "nested deeper") {
			return
		}
		if want := json.Valid(data); want != (err == nil) {
			t.Fatalf("Cursor says %v of %q, encoding/json says valid: %v", err, data, want)
		}
	})
}

// A name is found to stand twice wherever it stands, at the very beginning of the text too, and however it is written.
func TestDuplicatesOfEveryLength(t *testing.T) {
	t.Parallel()
	for n := range 20 {
		name := "abcdefghijklmnopqrst"[:n]
		for before := range 12 {
			for _, again := range []string{name, "\\u0061" + name[min(n, 1):]} {
				if n == 0 && again != name {
					continue
				}
				text := strings.Repeat(" ", before) + `{"` + name + `":1,"other":2,"` + again + `":3}`
				c := jsonscan.NewCursor([]byte(text), 0)
				for range c.Members {
				}
				var twice *jsonscan.DuplicateError
				if !errors.As(c.Err(), &twice) || twice.Name != name {
					t.Errorf("%s: %v", text, c.Err())
				}
			}
		}
	}
}
