package tlog

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var noonHour = time.Date(2026, 10, 3, 12, 0, 0, 0, time.UTC)

func recordsOf(n int) Records {
	var list []Record
	for i := range n {
		sum := sha256.Sum256(fmt.Appendf(nil, "id %d", i))
		list = append(list, Record{fmt.Sprintf("%x", sum[:20]), sha256.Sum256(sum[:])})
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return SortRecords(list)
}

func TestRecordsReadBack(t *testing.T) {
	t.Parallel()
	list := recordsOf(50)
	got, err := ParseRecords(list.Text())
	if err != nil || !slices.Equal(got, list) {
		t.Errorf("%d records, %v", len(got), err)
	}
	for _, text := range []string{"x\n", "a AAAA\n", string(Records{list[1], list[0]}.Text()), string(Records{list[0], {list[0].ID, list[1].Sum}}.Text())} {
		if got, err := ParseRecords([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestCanonicalForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"members are sorted, white space goes", "{ \"b\" : [ 1 , true ],\n\"a\":{\"d\":null,\"c\":\"x\"} }", `{"a":{"c":"x","d":null},"b":[1,true]}`},
		{"the store's own members go", `{"pk":"1","hour":"h","ttl":5,"by":"me","actor":"a","_ts":1,"id":"i"}`, `{"id":"i"}`},
		{"and stay deeper down", `{"a":{"by":"x","_ts":1}}`, `{"a":{"_ts":1,"by":"x"}}`},
		{"one spelling of strings", `{"a":"\u0041\/\u001f\n\"\\\u00e9"}`, `{"a":"A/\u001f\n\"\\é"}`},
		{"one spelling of numbers", `{"a":[1.0,1e3,-0,1e21,0.000001,1E-7,333333333.33333329]}`, `{"a":[1,1000,0,1e+21,0.000001,1e-7,333333333.3333333]}`},
		{"numbers that no reader has stay", `{"a":[1e999,-1E+400,12345678901234567890123]}`, `{"a":[1e999,-1E+400,1.2345678901234568e+22]}`},
		{
			"names by UTF-16 (RFC 8785 §3.2.3)", `{"\u20ac":"Euro","\r":"CR","\ufb33":"Dalet","1":"One","\ud83d\ude00":"Smiley","\u0080":"Control","\u00f6":"o"}`,
			"{\"\\r\":\"CR\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"o\",\"€\":\"Euro\",\"😀\":\"Smiley\",\"\ufb33\":\"Dalet\"}",
		},
	} {
		var w canonical
		if err := w.record([]byte(c.in)); err != nil || string(w.text) != c.want {
			t.Errorf("%s: %s, %v, want %s", c.name, w.text, err, c.want)
		}
	}
	for _, in := range []string{"", "[]", `{"a":1,"a":2}`, `{"a":`, `{"a":01}`} {
		var w canonical
		if err := w.record([]byte(in)); err == nil {
			t.Errorf("%s has the canonical form %s", in, w.text)
		}
	}
}

// BenchmarkHours takes a million records, in the hours of a month, from JSON to their roots.
func BenchmarkHours(b *testing.B) {
	record := []byte(`{"id":"0123456789012345678901234567890123456789","pk":"20261003-01","ttl":1,"form":"eventgrid","time":"2026-10-03T12:00:00Z","operation":"Microsoft.Compute/virtualMachines/write",` +
		`"caller":"a@example.com","properties":{"statusCode":"OK","serviceRequestId":"9c1a","eventCategory":"Administrative","entity":"/subscriptions/x/resourcegroups/y"}}`)
	b.ReportAllocs()
	for b.Loop() {
		var reader RecordReader
		for range 720 {
			var list []Record
			for range 1389 {
				r, err := reader.Read(record)
				if err != nil {
					b.Fatal(err)
				}
				list = append(list, r)
			}
			_ = Records(list).Root()
		}
	}
}
