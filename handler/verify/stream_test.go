package verify

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/auditbell/auditbell/handler/source"
)

// months is a report of n entries of high risk, made as it is read.
type months struct {
	n, made int
	rest    bytes.Buffer
	most    uint64 // bytes of the heap in use, now and then
}

func (m *months) Read(p []byte) (int, error) {
	for m.rest.Len() < len(p) && m.made <= m.n+1 {
		switch {
		case m.made == 0:
			fmt.Fprintf(&m.rest, `{"period":"a","summary":{"total_operations":%[1]d,"successful":%[1]d},"by_outcome":{"Succeeded":%[1]d},"high_risk_operations":[`, m.n)
		case m.made > m.n:
			m.rest.WriteString(`]}`)
		default:
			if m.made > 1 {
				m.rest.WriteByte(',')
			}
			m.rest.WriteString(`{"timestamp":"2026-10-03T12:00:00Z","operation":"microsoft.compute/disks/delete","caller":null,"status":"Succeeded","resource":"`)
			m.rest.Write(long)
			m.rest.WriteString("\"}\n")
		}
		m.made++
		if m.made%1000 == 0 {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			m.most = max(m.most, now.HeapAlloc)
		}
	}
	return m.rest.Read(p)
}

var long = bytes.Repeat([]byte("/a"), 500)

func TestReportsAreReadInBoundedMemory(t *testing.T) {
	const n = 60_000
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	m := &months{n: n}
	r, err := parseReport(m, newCells(maphash.MakeSeed(), 1<<20), source.Window{})
	if err != nil || r.operated.risky != n || r.Summary.Total != n {
		t.Fatalf("%d entries, %v", r.operated.risky, err)
	}
	if got := m.most - before.HeapAlloc; got > 40<<20 { // 9 MiB of cells, and what is still to be collected
		t.Errorf("%d bytes were in use while a report of %d was read", got, n*1100)
	}
	runtime.KeepAlive(r)
}

// TestReportsAreReadAlikeInPieces holds that nothing depends on where the buffer ends.
func TestReportsAreReadAlikeInPieces(t *testing.T) {
	t.Parallel()
	text := "\t" + `{"period":"\u00e9 {[,:]} \"","summary":{"total_operations":12,"successful":-1},"x":[[],{},[true,false,null],"",-0.5e+3],"high_risk_operations":[{"timestamp":null,"y":{}}]}` + " \r\n"
	room := newCells(maphash.MakeSeed(), 10)
	whole, err := parseReport(strings.NewReader(text), room, source.Window{})
	if err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]io.Reader{"one byte at a time": iotest.OneByteReader(strings.NewReader(text)), "data with its end": iotest.DataErrReader(strings.NewReader(text))} {
		r, err := parseReport(from, room, source.Window{})
		if err != nil || r.Summary != whole.Summary || r.Period != whole.Period || r.operated.risky != 1 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	for end := range len(strings.TrimSpace(text)) {
		if _, err := parseReport(iotest.OneByteReader(strings.NewReader(text[:end])), room, source.Window{}); err == nil {
			t.Errorf("cut after %d bytes it is read", end)
		}
	}
}

func TestReportsThatReadersMayReadDifferently(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"a quotation mark in a name":        {`{"a\\":1,"a\":1}`, "is not JSON"},
		"a control character in a name":     {"{\"a\\u0001\":1,\"b\":{\"a\x01\":2}}", "is not JSON"},
		"a member twice":                    {`{"a":1,"a":2}`, `its member "a" is there twice`},
		"spelled with an escape":            {`{"a":1,"\u0061":2}`, `its member "a" is there twice`},
		"in capitals":                       {`{"summary":{"failed":1,"FAILED":2}}`, "there twice"},
		"by a letter that folds":            {`{"kind":1,"\u212aind":2}`, "there twice"},
		"deep down":                         {`{"x":[[{"y":{"z":1,"z":1}}]]}`, "there twice"},
		"among many":                        {`{"x":{` + manyMembers(100) + `,"m99":1}}`, "there twice"},
		"more members than anything has":    {`{"x":{` + manyMembers(maxMembers+100) + `}}`, "more than 4096 members"},
		"nested deeper than anything":       {`{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "nested deeper"},
		"a text without end":                {`{"x":"` + strings.Repeat("x", 3*maxValue) + `"}`, "more than 4194304 bytes"},
		"something else than a text":        {`{"high_risk_operations":[{"caller":1}]}`, "where a text is expected"},
		"no time":                           {`{"high_risk_operations":[{"timestamp":"soon"}]}`, "is not a time"},
		"not UTF-8":                         {"{\"x\":\"\xff\"}", "is not UTF-8"},
		"a second object":                   {`{}{}`, "something follows its end"},
		"a NUL behind the end":              {"{}\x00", "something follows its end"},
		"a number that no reader agrees on": {`{"x":01}`, "is not JSON"},
		"a comma too many":                  {`{"x":[1,]}`, "is not JSON"},
		"nothing":                           {``, "is not JSON"},
		"a list":                            {`[]`, "is not JSON"},
	} {
		if _, err := parseReport(strings.NewReader(c.text), newCells(maphash.MakeSeed(), 10), source.Window{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func manyMembers(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("\"m%d\":1", i))
	}
	return strings.Join(list, ",")
}

// TestCellsPassByChance measures what the comment on cells says, and that what was added always passes.
func TestCellsPassByChance(t *testing.T) {
	t.Parallel()
	c := newCells(maphash.MakeSeed(), 1<<20)
	const entries = 1 << 18 // a quarter of a million, and a quarter of the lines that are used
	at := time.Date(2026, 10, 3, 12, 0, 0, 0, time.UTC)
	operation := maphash.String(c.seed, "microsoft.compute/disks/delete")
	for i := range 4 * entries {
		c.add(c.timeHash(operation, at.Add(time.Duration(i))))
	}
	c.settle()
	passed := 0
	for i := range entries {
		if !c.has(c.timeHash(operation, at.Add(time.Duration(i)))) {
			t.Fatalf("cell %d was added and is not there", i)
		}
		if c.has(c.timeHash(operation, at.Add(-1-time.Duration(i)))) {
			passed++
		}
		if i%8 == 0 && c.has(c.hash(operation+1, aTime, c.cell(fmt.Sprint(at.UnixNano()+int64(i))))) {
			passed++
		}
	}
	if share := float64(passed) / entries; share > 0.01 {
		t.Errorf("%.4f of the cells that nothing mentions pass", share)
	}
}
