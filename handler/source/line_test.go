package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/payload"
)

func listed(operation string) bool {
	return strings.Contains(operation, "delete") || strings.Contains(operation, "roleassignment")
}

// lines are records in the form that the fast reader is for, and what tools make of them.
func lines(n int) [][]byte {
	var all [][]byte
	for i, r := range digesttest.All(digesttest.Options{Seed: 7, Operations: n}) {
		line := digesttest.AppendREST(nil, r)
		switch i % 5 {
		case 1: // as python's json.dumps writes
			line = bytes.ReplaceAll(bytes.ReplaceAll(line, []byte(`,"`), []byte(`, "`)), []byte(`":`), []byte(`": `))
		case 2:
			line = append(line, ',', '\r')
		}
		all = append(all, line)
	}
	return all
}

// both reads a line both ways. fast is nil when the fast reader leaves the line to payload.
func both(l *lineEntries, line []byte) (fast *Entry, slow []payload.Reading) {
	l.data = append(bytes.Clone(line), make([]byte, padding)...)
	if len(line) > 0 && line[0] == '{' {
		if end, ok := l.read(0); ok && end == len(line) {
			fast = new(Entry)
			if !l.entry(fast) {
				fast = nil
			}
		}
	}
	return fast, payload.Decode(line)
}

// check holds what the fast reader has accepted to what payload makes of the same line.
func check(l *lineEntries, line []byte) (accepted bool, problem string) {
	fast, slow := both(l, line)
	if fast == nil {
		return false, ""
	}
	if len(slow) != 1 || slow[0].Kind != payload.Activity {
		return true, fmt.Sprintf("the fast reader accepts what payload reads as %+v", slow)
	}
	want := l.v.Entry(&slow[0].Event)
	return true, cmp.Diff(want, *fast, cmp.Comparer(func(a, b *Symbol) bool { return a == b }))
}

func TestFastReaderAgreesWithPayload(t *testing.T) {
	t.Parallel()
	l := newLineEntries(NewVocabulary(listed))
	usual := 0
	all := lines(3000)
	for _, line := range all {
		accepted, problem := check(l, line)
		if problem != "" {
			t.Fatalf("%s\n(-payload +fast) %s", line, problem)
		}
		if accepted {
			usual++
		}
	}
	if share := float64(usual) / float64(len(all)); share < 0.97 {
		t.Errorf("the fast reader takes %.3f of usual records, want nearly all", share)
	}
}

// TestFastReaderAgreesOnDamage damages records in every way that could matter: whatever the fast reader still accepts
// must read the same in payload.
func TestFastReaderAgreesOnDamage(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	l := newLineEntries(NewVocabulary(listed))
	all := lines(400)
	accepted := 0
	for i := range 20_000 {
		line := damage(rng, bytes.Clone(all[i%len(all)]))
		ok, problem := check(l, line)
		if problem != "" {
			t.Fatalf("%s\n(-payload +fast) %s", line, problem)
		}
		if ok {
			accepted++
		}
	}
	if accepted < 1000 {
		t.Errorf("only %d damaged records were accepted: the damage tests nothing", accepted)
	}
}

// damage changes one or two things about a record.
func damage(rng *rand.Rand, line []byte) []byte {
	for range 1 + rng.IntN(2) {
		at := rng.IntN(len(line))
		switch rng.IntN(8) {
		case 0:
			line[at] = byte(rng.IntN(256))
		case 1:
			line = append(line[:at], line[at+1:]...)
		case 2:
			line = append(line[:at], append([]byte{"\"\\{}[]:, \t\x00éA"[rng.IntN(13)]}, line[at:]...)...)
		case 3:
			line = line[:at+1]
		case 4:
			line = replaceOne(rng, line, `"caller":`, `"eventDataId":`, `"correlationId":`, `"status":{"value":`, `"properties":{`, `"claims":{`, `"value":`)
		case 5:
			line = insertMember(rng, line)
		case 6:
			line = replaceValue(rng, line)
		case 7:
			line = bytes.ReplaceAll(line, []byte("claims/upn"), []byte("claims/emailaddress"))
		}
		if len(line) == 0 {
			return []byte("{}")
		}
	}
	return line
}

// replaceOne swaps one name for another one, so that members go missing or stand twice.
func replaceOne(rng *rand.Rand, line []byte, names ...string) []byte {
	return bytes.Replace(line, []byte(names[rng.IntN(len(names))]), []byte(names[rng.IntN(len(names))]), 1)
}

// insertMember puts a member that means something somewhere where it may or may not.
func insertMember(rng *rand.Rand, line []byte) []byte {
	members := []string{
		`"time":"2026-10-01T00:00:00Z"`, `"Caller":"eve"`, `"caller":null`, `"identity":{}`, `"eventCategory":"Policy"`, `"upn":"eve@contoso.example"`,
		`"value":[]`, `"records":[]`, `"type":"x"`, `"CallerInfo":"x"`, `"eventProperties":{"eventCategory":"Security"}`, `"a":{"b":1,"b":2}`,
		`"c":[{"d":1},{"d":2}]`, `"e":[[{"f":1,"f":1}]]`, `"n":1e5`, `"n":01`, `"t":true`, `"localized_value":"x"`, `"eventSource":{"value":"Policy"}`,
		`"subscription_id":"x"`, `"event_timestamp":"2026-10-01T00:00:00Z"`, `"resultType":"Failure"`, `"resultSignature":"Failed.Conflict"`, `"tenantId":7`,
	}
	opens := bytes.Count(line, []byte("{"))
	if opens == 0 {
		return line
	}
	at, n := 0, rng.IntN(opens)+1
	for ; n > 0; n-- {
		at += bytes.IndexByte(line[at:], '{') + 1
	}
	return append(line[:at:at], append([]byte(members[rng.IntN(len(members))]+","), line[at:]...)...)
}

// replaceValue gives a member of the record's top level another value.
func replaceValue(rng *rand.Rand, line []byte) []byte {
	var record map[string]json.RawMessage
	if json.Unmarshal(bytes.TrimRight(line, ",\r"), &record) != nil {
		return line
	}
	values := []string{
		`null`, `""`, `" x "`, `"\u0041b"`, `7`, `true`, `[]`, `{}`, `{"value":null}`, `{"value":"","localizedValue":"Failed"}`, `{"localizedValue":"Failed"}`,
		`"{\"upn\":\"eve@contoso.example\"}"`, `"2026-10-01T00:00:00+00:00"`, `"2026-10-01 00:00:00"`, `"2026-02-30T00:00:00Z"`, `"ÀÉ/İ"`,
		`"/subscriptions/S1"`, `"/Subscriptions/S1/ResourceGroups/RG/providers/Microsoft.A/b/C"`, `"Success"`, `{"value":"In Progress"}`, `"eve@contoso.example"`,
	}
	names := []string{"caller", "claims", "correlationId", "eventDataId", "category", "resourceId", "resourceType", "operationName", "properties", "status", "eventTimestamp", "subscriptionId", "authorization", "description"}
	record[names[rng.IntN(len(names))]] = json.RawMessage(values[rng.IntN(len(values))])
	text, err := json.Marshal(record)
	if err != nil {
		return line
	}
	return text
}

func FuzzFastReader(f *testing.F) {
	rng := rand.New(rand.NewPCG(3, 4))
	for i, line := range lines(8) {
		f.Add(line)
		if i < 8 {
			f.Add(damage(rng, bytes.Clone(line)))
		}
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.IndexByte(line, '\n') >= 0 {
			return
		}
		if _, problem := check(newLineEntries(NewVocabulary(listed)), line); problem != "" {
			t.Fatalf("(-payload +fast) %s", problem)
		}
	})
}
