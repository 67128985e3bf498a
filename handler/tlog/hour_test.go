package tlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
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

func TestEveryRecordIsProven(t *testing.T) {
	t.Parallel()
	for n := range 40 {
		list := recordsOf(n)
		entry := list.Entry(noonHour, 1, WhyClosed)
		for i, r := range list {
			p, err := list.Prove(entry, r.ID)
			if err != nil {
				t.Fatal(err)
			}
			hour, was, err := p.Check()
			if err != nil || was == nil || *was != list[i] || hour != entry {
				t.Errorf("record %d of %d: %+v in %+v, %v", i, n, was, hour, err)
			}
			if _, present, err := again(t, p); err != nil || !present {
				t.Errorf("record %d of %d: the other implementation says %v, %v", i, n, present, err)
			}
		}
		for _, id := range []string{"!", "~", "7f", "80", "00", "ff", strings.Repeat("8", 40)} {
			p, err := list.Prove(entry, id)
			if err != nil {
				t.Fatal(err)
			}
			if _, was, err := p.Check(); err != nil || was != nil {
				t.Errorf("id %s of none of %d: %+v, %v", id, n, was, err)
			}
			if _, present, err := again(t, p); err != nil || present {
				t.Errorf("id %s of none of %d: the other implementation says %v, %v", id, n, present, err)
			}
		}
	}
}

// again checks a proof by its JSON alone and by docs/record-proof.md, sharing no code with the package.
func again(t *testing.T, p RecordProof) (entry string, present bool, err error) {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var read struct {
		Entry, ID string
		Shown     []struct {
			ID     string
			SHA256 []byte // base64
			Index  int
			Proof  [][]byte
		}
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return "", false, err
	}
	var records int
	var root string
	for line := range strings.Lines(read.Entry) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch key {
		case "records":
			if _, err := fmt.Sscan(value, &records); err != nil {
				return "", false, err
			}
		case "root":
			root = value
		}
	}
	hash := func(parts ...[]byte) []byte { h := sha256.Sum256(bytes.Join(parts, nil)); return h[:] }
	var climb func(leaf []byte, proof [][]byte, i, n int) []byte
	climb = func(leaf []byte, proof [][]byte, i, n int) []byte { // RFC 9162 §2.1.3.2, from the root down
		if n == 1 {
			return leaf
		}
		k := 1
		for k*2 < n {
			k *= 2
		}
		last := len(proof) - 1
		if i < k {
			return hash([]byte{1}, climb(leaf, proof[:last], i, k), proof[last])
		}
		return hash([]byte{1}, proof[last], climb(leaf, proof[:last], i-k, n-k))
	}
	var places []int
	for _, s := range read.Shown {
		leaf := hash([]byte{0}, []byte(s.ID+" "+base64.StdEncoding.EncodeToString(s.SHA256)+"\n"))
		if got := climb(leaf, s.Proof, s.Index, records); base64.StdEncoding.EncodeToString(got) != root {
			return read.Entry, false, fmt.Errorf("record %s leads to another root", s.ID)
		}
		if s.ID == read.ID {
			return read.Entry, true, nil
		}
		places = append(places, s.Index)
		if (s.ID < read.ID) != (len(places) == 1 && (len(read.Shown) == 2 || s.Index == records-1)) && records > 1 {
			return read.Entry, false, fmt.Errorf("record %s is not on its side", s.ID)
		}
	}
	whole := records == 0 || len(places) == 1 && (places[0] == 0 || places[0] == records-1) || len(places) == 2 && places[1] == places[0]+1
	if !whole {
		return read.Entry, false, fmt.Errorf("the places %v are not side by side", places)
	}
	return read.Entry, false, nil
}

// TestThePageIsRight checks the example of docs/record-proof.md by both implementations.
func TestThePageIsRight(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/record-proof.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(name string) []byte {
		_, rest, found := bytes.Cut(page, []byte(" "+name+"\n"))
		text, _, ends := bytes.Cut(rest, []byte("```"))
		if !found || !ends {
			t.Fatalf("the page has no block %q", name)
		}
		return text
	}
	list, err := ParseRecords(block("records"))
	if err != nil {
		t.Fatal(err)
	}
	entry, err := ParseHour(block("entry"))
	if err != nil || list.Entry(entry.Hour, 1, WhyClosed) != entry {
		t.Errorf("the entry is %+v, %v; its records make %+v", entry, err, list.Entry(entry.Hour, 1, WhyClosed))
	}
	var reader RecordReader
	if one, err := reader.Read(block("record")); err != nil || one != list[1] || !bytes.Equal(append(reader.form.text, '\n'), block("record")) {
		t.Errorf("the record is %+v, %v, in the list %+v", one, err, list[1])
	}
	var p RecordProof
	if err := json.Unmarshal(block("proof"), &p); err != nil {
		t.Fatal(err)
	}
	if made, err := list.Prove(entry, p.ID); err != nil || !reflect.DeepEqual(made, p) {
		t.Errorf("the proof is\n%+v, want\n%+v, %v", p, made, err)
	}
	if _, was, err := p.Check(); err != nil || was != nil {
		t.Errorf("%+v, %v", was, err)
	}
	if _, present, err := again(t, p); err != nil || present {
		t.Errorf("the other implementation says %v, %v", present, err)
	}
}

func TestForgedProofsAreRefused(t *testing.T) {
	t.Parallel()
	list := recordsOf(20)
	entry := list.Entry(noonHour, 1, WhyClosed)
	prove := func(id string) RecordProof {
		p, err := list.Prove(entry, id)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for name, p := range map[string]RecordProof{
		"left out, by two that are not neighbours": {string(entry.Entry()), list[5].ID, []ShownLeaf{prove(list[4].ID).Shown[0], prove(list[6].ID).Shown[0]}},
		"left out, by the first alone":             {string(entry.Entry()), list[5].ID, prove(list[0].ID).Shown},
		"left out, by the last alone":              {string(entry.Entry()), list[5].ID, prove(list[19].ID).Shown},
		"left out, by nothing":                     {string(entry.Entry()), list[5].ID, nil},
		"left out, by neighbours the other way":    {string(entry.Entry()), list[5].ID, []ShownLeaf{prove(list[6].ID).Shown[0], prove(list[4].ID).Shown[0]}},
		"invented":                                 {string(entry.Entry()), "00", []ShownLeaf{{Record{"00", list[0].Sum}, 0, prove(list[0].ID).Shown[0].Hashes}}},
		"altered":                                  {string(entry.Entry()), list[3].ID, []ShownLeaf{{Record{list[3].ID, list[0].Sum}, 3, prove(list[3].ID).Shown[0].Hashes}}},
		"of another hour":                          {string(list.Entry(noonHour, 1, WhyClosed).Entry()), "00", slices.Clone(recordsProof(t, recordsOf(3), "00"))},
	} {
		if hour, was, err := p.Check(); err == nil {
			t.Errorf("%s: accepted as %+v in %+v", name, was, hour)
		}
	}
}

func recordsProof(t *testing.T, l Records, id string) []ShownLeaf {
	t.Helper()
	p, err := l.Prove(l.Entry(noonHour, 1, WhyClosed), id)
	if err != nil {
		t.Fatal(err)
	}
	return p.Shown
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
		{"names by UTF-16 (RFC 8785 §3.2.3)", `{"\u20ac":"Euro","\r":"CR","\ufb33":"Dalet","1":"One","\ud83d\ude00":"Smiley","\u0080":"Control","\u00f6":"o"}`,
			"{\"\\r\":\"CR\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"o\",\"€\":\"Euro\",\"😀\":\"Smiley\",\"\ufb33\":\"Dalet\"}"},
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
