package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

var texts = []string{
	`{}`, `[]`, `""`, `null`, `true`, `-0`, `0.5e-7`, ` {"a":[1,2,{"b":"c\u00e9\n"}]} `, `"\ud83d\ude80"`, `"\ud83d"`,
	``, ` `, `{`, `[1,]`, `{"a":1,}`, `{"a" 1}`, `01`, `1.`, `1e`, `-`, `nul`, `"a`, "\"a\nb\"", `"\x"`, `"\u12g4"`, `1 2`,
	`{"a":1}x`, `[1 2]`, `{1:2}`, "\"\xff\"", "\xef\xbb\xbf{}",
}

func TestValidAgreesWithEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, text := range texts {
		err := jsonscan.Valid([]byte(text))
		if got, want := err == nil, json.Valid([]byte(text)); got != want {
			t.Errorf("Valid(%q) = %v (%v), encoding/json says %v", text, got, err, want)
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	t.Parallel()
	deep := []byte(strings.Repeat("[", 1<<20))
	err := jsonscan.Valid(deep)
	if err == nil || !strings.Contains(err.Error(), "nested deeper than 200") {
		t.Errorf("Valid(1 MB of nesting) = %v, want the depth named", err)
	}
}

func TestUnquoteAgreesWithEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{`"plain"`, `"\"\\\/\b\f\n\r\t"`, `"\u00e9\ud83d\ude80\ud83d x"`, "\"caf\xc3\xa9 \xff\"", `"日本"`, `"\ud83d\u0041"`} {
		var want string
		if err := json.Unmarshal([]byte(raw), &want); err != nil {
			t.Fatal(err)
		}
		got, err := jsonscan.Unquote([]byte(raw))
		if err != nil || got != want {
			t.Errorf("Unquote(%s) = %q, %v; want %q", raw, got, err, want)
		}
	}
}

func TestPlainIsWhatNeedsNoEscape(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		want := c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\'
		for n := range 20 { // before and behind the eight that are looked at together
			text := bytes.Repeat([]byte{'a'}, 20)
			text[n] = byte(c)
			if jsonscan.Plain(text) != want || jsonscan.Plain(text[:n+1]) != want {
				t.Errorf("byte %#x at %d is plain: %v, want %v", c, n, !want, want)
			}
		}
	}
}

// TestAStringEndsWhereEncodingJSONSays puts each byte at each place of strings longer than what is looked at together. The
// others are such that a borrow of one byte from the next would show.
func TestAStringEndsWhereEncodingJSONSays(t *testing.T) {
	t.Parallel()
	for _, other := range []byte{'a', '!', '#', '[', ']', ' ', 0x7f, 0x80, 0xa2, 0xdc, 0xff} {
		for c := range 256 {
			for n := range 36 {
				text := bytes.Repeat([]byte{other}, 38)
				text[0], text[37], text[n+1] = '"', '"', byte(c)
				if got, want := jsonscan.Valid(text) == nil, json.Valid(text); got != want {
					t.Fatalf("Valid(%q) = %v, encoding/json says %v", text, got, want)
				}
			}
		}
	}
}

func ExampleObject() {
	doc := []byte(`{"status":"Succeeded","claims":{"aud":"x"}}`)
	err := jsonscan.Object(doc, func(name, value []byte) error {
		fmt.Printf("%s = %s\n", name, value)
		return nil
	})
	fmt.Println(err)
	// Output:
	// status = "Succeeded"
	// claims = {"aud":"x"}
	// <nil>
}

func TestWalkReportsWhereItBroke(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":1,"b":tru}`: "expected true at byte 11",
		`{"a":1} {}`:      "unexpected text after the value at byte 8",
		`[1]`:             "expected { at byte 0",
	} {
		err := jsonscan.Object([]byte(text), func(_, _ []byte) error { return nil })
		if err == nil || err.Error() != want {
			t.Errorf("Object(%s) = %v, want %q", text, err, want)
		}
	}
}

func FuzzValue(f *testing.F) {
	for _, text := range texts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := jsonscan.Valid(data)
		if want := json.Valid(data); want != (err == nil) && !strings.Contains(fmt.Sprint(err), "nested deeper") {
			t.Fatalf("Valid(%q) = %v, encoding/json says %v", data, err, want)
		}
		var want string
		if err == nil && jsonscan.Kind(data) == '"' && json.Unmarshal(data, &want) == nil {
			if got, err := jsonscan.Unquote(data); err != nil || got != want {
				t.Fatalf("Unquote(%q) = %q, %v; want %q", data, got, err, want)
			}
		}
	})
}

func BenchmarkValid(b *testing.B) {
	doc := []byte(`{"authorization":{"action":"Microsoft.Network/networkSecurityGroups/write","scope":"/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg"},"claims":{` +
		strings.Repeat(`"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":"somebody@contoso.example",`, 20) + `"ver":"1.0"},"n":12.5}`)
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		for b.Loop() {
			if err := jsonscan.Valid(doc); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		for b.Loop() {
			if !json.Valid(doc) {
				b.Fatal("invalid")
			}
		}
	})
}
