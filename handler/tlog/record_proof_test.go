package tlog

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
)

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
	for line := range bytes.Lines(block("hashes")) {
		h, err := ParseHash(bytes.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		p.Hashes = append(p.Hashes, h)
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
	shown := func(id string, from int, hashes []Hash, list ...Record) RecordProof {
		return RecordProof{string(entry.Entry()), id, uint64(from), list, hashes}
	}
	row := func(from, to int) []Hash {
		hashes, err := row{uint64(from), list[from:to].Leaves()}.beside(list.Leaves(), 0, uint64(len(list)))
		if err != nil {
			t.Fatal(err)
		}
		return hashes
	}
	far, another := ^uint64(0), recordsOf(3)
	other, err := another.Prove(another.Entry(noonHour, 1, WhyClosed), "00")
	if err != nil {
		t.Fatal(err)
	}
	other.Entry = string(entry.Entry())
	for name, p := range map[string]RecordProof{
		"left out, by two that are not neighbours":   shown(list[5].ID, 4, row(4, 6), list[4], list[6]),
		"left out, by two that are not at one place": shown(list[5].ID, 4, row(4, 7), list[4], list[6]),
		"left out, by three":                         shown(list[5].ID, 4, row(4, 7), list[4], list[5], list[6]),
		"left out, by it and a neighbour":            shown(list[5].ID, 5, row(5, 7), list[5], list[6]),
		"left out, by the first alone":               shown(list[5].ID, 0, row(0, 1), list[0]),
		"left out, by the last alone":                shown(list[5].ID, 19, row(19, 20), list[19]),
		"left out, by the one before it":             shown(list[5].ID, 4, row(4, 5), list[4]),
		"left out, by nothing":                       shown(list[5].ID, 0, nil),
		"left out, by the root alone":                shown(list[5].ID, 0, []Hash{entry.Root}),
		"left out, by the root beside no record":     shown(list[5].ID, 20, []Hash{entry.Root}),
		"left out, beyond the last":                  shown("zz", 20, []Hash{entry.Root}, list[19]),
		"left out, far beyond the last":              {string(entry.Entry()), "zz", far, Records{list[19], list[19]}, []Hash{entry.Root}},
		"left out, by neighbours the other way":      shown(list[5].ID, 4, row(4, 6), list[6], list[4]),
		"invented":                                   shown("00", 0, row(0, 1), Record{"00", list[0].Sum}),
		"altered":                                    shown(list[3].ID, 3, row(3, 4), Record{list[3].ID, list[0].Sum}),
		"with a hash more":                           shown(list[3].ID, 3, append(row(3, 4), entry.Root), list[3]),
		"with a hash less":                           shown(list[3].ID, 3, row(3, 4)[1:], list[3]),
		"at another place":                           shown(list[3].ID, 2, row(3, 4), list[3]),
		"of another hour":                            other,
	} {
		if hour, was, err := p.Check(); err == nil {
			t.Errorf("%s: accepted as %+v in %+v", name, was, hour)
		}
		if p.Index == far {
			continue // the other implementation reads int
		}
		if _, present, err := again(t, p); err == nil {
			t.Errorf("%s: the other implementation accepts it as %v", name, present)
		}
	}
}

// TestARecordProofHasOneSpelling refuses what another reader of JSON could read as another proof.
func TestARecordProofHasOneSpelling(t *testing.T) {
	t.Parallel()
	list := recordsOf(20)
	p, err := list.Prove(list.Entry(noonHour, 1, WhyClosed), list[3].ID)
	if err != nil {
		t.Fatal(err)
	}
	text, err := p.Text()
	if err != nil {
		t.Fatal(err)
	}
	if read, err := ParseRecordProof(text); err != nil || !reflect.DeepEqual(read, p) {
		t.Errorf("%+v, %v, want %+v", read, err, p)
	}
	for _, replaced := range [][2]string{
		{`"id":`, `"ID":"00","id":`},
		{`"id":`, `"id":"00","id":`},
		{`"shown":`, `"Shown":`},
		{`"index":3`, `"index": 3`},
		{`"index":3,`, ``},
		{`"shown":[`, `"shown":[null,`},
		{`{"entry`, `{"more":1,"entry`},
		{"]}\n", "]}\n0"},
		{"]}\n", "]} \n"},
		{"]}\n", "]}"},
	} {
		if read, err := ParseRecordProof(bytes.Replace(text, []byte(replaced[0]), []byte(replaced[1]), 1)); err == nil {
			t.Errorf("with %s in place of %s it is read as %+v", replaced[1], replaced[0], read)
		}
	}
}
