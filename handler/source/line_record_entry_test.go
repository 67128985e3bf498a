package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/payload"
)

// checkRecord holds what the fast reader of records has accepted to what payload makes of the same line.
func checkRecord(l *recordEntries, line []byte) (accepted bool, problem string) {
	l.data = append(bytes.Clone(line), make([]byte, padding)...)
	var fast Entry
	if len(line) == 0 || line[0] != '{' {
		return false, ""
	}
	if end, ok := l.read(0); !ok || end != len(line) || !l.entry(&fast) {
		return false, ""
	}
	slow := payload.Decode(line)
	if len(slow) != 1 || slow[0].Kind != payload.Activity {
		return true, fmt.Sprintf("the fast reader accepts what payload reads as %+v", slow)
	}
	return true, cmp.Diff(l.v.Entry(&slow[0].Event), fast, cmp.Comparer(func(a, b *Symbol) bool { return a == b }))
}

func usualRecords(n int) [][]byte {
	var all [][]byte
	for i, r := range digesttest.All(digesttest.Options{Seed: 11, Operations: n}) {
		line := digesttest.AppendRecord(nil, r)
		if i%7 == 1 { // as python's json.dumps writes
			line = bytes.ReplaceAll(bytes.ReplaceAll(line, []byte(`,"`), []byte(`, "`)), []byte(`":`), []byte(`": `))
		}
		all = append(all, line)
	}
	return all
}

func TestFastReaderOfRecordsAgreesWithPayload(t *testing.T) {
	t.Parallel()
	l := newRecordEntries(NewVocabulary(listed))
	all, usual := usualRecords(3000), 0
	for _, line := range all {
		accepted, problem := checkRecord(l, line)
		if problem != "" {
			t.Fatalf("%s\n(-payload +fast) %s", line, problem)
		}
		if accepted {
			usual++
		}
	}
	t.Logf("%d of %d", usual, len(all))
	if share := float64(usual) / float64(len(all)); share < 0.95 {
		t.Errorf("the fast reader takes %.3f of usual records", share)
	}
}

// Records that were changed at will: a name, a value, a byte. Whatever is still accepted reads the same.
func TestFastReaderOfRecordsAgreesOnOddOnes(t *testing.T) {
	t.Parallel()
	l := newRecordEntries(NewVocabulary(listed))
	random := rand.New(rand.NewPCG(1, 2))
	odd := []string{
		`"resultSignature":"None"`, `"resultSignature":"Failed.NotFound"`, `"resultSignature":"Started."`, `"level":"Information"`, `"Level":4`, `"durationMs":12`, `"durationMs":null`,
		`"category":"Write"`, `"category":"SignInLogs"`, `"operationName":"Sign-in"`, `"operationName":"Microsoft.KeyVault//vaults%2fdelete."`, `"operationName":"ADD MEMBER TO ROLE COMPLETED (PIM ACTIVATION)"`, `"time":"2026-03-04"`,
		`"properties":{}`, `"properties":null`, `"properties":"{\"a\":1}"`, `"properties":{"a":"{\"b\":1}"}`, `"properties":{"claims":{"upn":"x@y"},"b":1}`, `"properties":{"x":{"Claims":{"upn":"x@y"}}}`,
		`"properties":{"x":[{"claims":{"upn":"x@y"}}]}`, `"properties":{"eventCategory":"Policy","x":[1,2,{"a":null}],"y":true}`, `"properties":{"eventProperties":{"a":1}}`, `"properties":{"PIM":1}`,
		`"properties":{"httpRequest":{"clientIpAddress":"1.2.3.4"}}`, `"properties":{"operationId":"o"}`, `"properties":{"Content":{"a":1}}`, `"properties":{"a": 1}`, `"properties":{"a":" [1]"}`, `"properties":{"a":"{\"claims\":{\"upn\":\"x@y\"},\"b\":\"[1, 2]\"}"}`, `"properties":{"a":"[Count]","b":"{no"}`,
		`"properties":{"a":"{\"b\":1,\"b\":2}"}`, `"properties":{"a":"\"{\\\"b\\\":1}\""}`, `"properties":{"a": "x","eventCategory":"{}"}`, `"properties":{"requestbody":"{\"properties\":{\"access\": \"Allow\"}}","statusCode":"OK"}`, `"properties":{"a":"\n{}"}`,
		`"resourceId":"/providers/Microsoft.Authorization"`, `"resourceId":"/SUBSCRIPTIONS/É/X"`, `"resourceId":""`, `"tenantId":null`, `"identity":"{\"claims\":{\"upn\":\"a@b\"}}"`, `"identity":{"Claims":{"upn":"a@b"}}`,
		`"identity":{"claims":"{\"upn\":\"a@b\"}"}`, `"identity":{}`, `"resultDescription":" text "`, `"resultDescription":"text"`, `"eventDataId":"e"`, `"operationId":"o"`, `"correlationId":"A"`, `"TimeGenerated":"x"`, `"caller":"x"`,
	}
	accepted := 0
	for _, line := range usualRecords(300) {
		var members map[string]json.RawMessage
		if json.Unmarshal(line, &members) != nil {
			t.Fatal("not JSON")
		}
		for range 12 {
			pick := odd[random.IntN(len(odd))]
			name, value, _ := bytes.Cut([]byte(pick), []byte(":"))
			changed := map[string]json.RawMessage{}
			for k, v := range members {
				changed[k] = v
			}
			changed[string(bytes.Trim(name, `"`))] = json.RawMessage(value)
			text := []byte("{")
			for k, v := range changed {
				if len(text) > 1 {
					text = append(text, ',')
				}
				text = append(append(append(text, '"'), k...), '"', ':')
				text = append(text, v...)
			}
			text = append(text, '}')
			if random.IntN(4) == 0 {
				text[random.IntN(len(text))] = "\"{}[],:\\ x"[random.IntN(10)]
			}
			ok, problem := checkRecord(l, text)
			if problem != "" {
				t.Fatalf("%s\n(-payload +fast) %s", text, problem)
			}
			if ok {
				accepted++
			}
		}
	}
	if accepted < 100 {
		t.Errorf("%d accepted: nothing is shown", accepted)
	}
}

func TestFastReaderOfRecordsAgreesOnDamage(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	l := newRecordEntries(NewVocabulary(listed))
	all := usualRecords(400)
	accepted := 0
	for i := range 20_000 {
		line := damage(rng, bytes.Clone(all[i%len(all)]))
		ok, problem := checkRecord(l, line)
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

func FuzzFastReaderOfRecords(f *testing.F) {
	for _, line := range usualRecords(12) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.IndexByte(line, '\n') >= 0 {
			return
		}
		if _, problem := checkRecord(newRecordEntries(NewVocabulary(listed)), line); problem != "" {
			t.Fatalf("(-payload +fast) %s", problem)
		}
	})
}
