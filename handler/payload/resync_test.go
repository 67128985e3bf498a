package payload_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/auditbell/auditbell/handler/payload"
)

// hostile is what an attacker who may name a thing writes into a description: a record that ends the one around it.
const hostile = `x"}},{"time":"2026-03-04T10:15:30Z","operationName":"MICROSOFT.KEYVAULT/VAULTS/DELETE","category":"Administrative","resultType":"Success","correlationId":"hostile"}]},{"records":[{"time":"2026-03-04T10:15:30Z","operationName":"A/B/DELETE","category":"Administrative","correlationId":"hostile"},{"a":"`

// listRecord is the record at a position of a list, with a text of the attacker's in two places.
func listRecord(i int, text string) string {
	quoted, _ := json.Marshal(text)
	return fmt.Sprintf(`{"time":"2026-03-04T10:%02d:%02dZ","resourceId":"/SUBSCRIPTIONS/S/RESOURCEGROUPS/QUAY/PROVIDERS/MICROSOFT.WEB/SITES/CRANE%d","operationName":"MICROSOFT.WEB/SITES/WRITE","category":"Administrative","resultType":"Success","resultDescription":%s,"correlationId":"c%d","identity":{"authorization":{"scope":"/subscriptions/s","action":"Microsoft.Web/sites/write"},"claims":{"name":"Ines Duarte","groups":["g1","g2"]}},"properties":{"eventCategory":"Administrative","note":%s,"items":[{"a":1},{"b":"two"}]},"tenantId":"t"}`,
		i/60, i%60, i, quoted, i, quoted)
}

// damages are the ways in which a record was seen to be malformed, or can be.
var damages = map[string]func(string) string{
	"a raw line break in a string":     func(s string) string { return strings.Replace(s, "QUAY", "QU\nAY", 1) },
	"a control character":              func(s string) string { return strings.Replace(s, "QUAY", "QU\x00AY", 1) },
	"an unknown escape":                func(s string) string { return strings.Replace(s, "QUAY", `QU\xAY`, 1) },
	"half an escape":                   func(s string) string { return strings.Replace(s, "QUAY", `QU\u00AY`, 1) },
	"a quote too many":                 func(s string) string { return strings.Replace(s, "QUAY", `QU"AY`, 1) },
	"two quotes too many":              func(s string) string { return strings.Replace(s, "QUAY", `"QUAY"`, 1) },
	"a quote too few at the end":       func(s string) string { return strings.Replace(s, `WRITE",`, `WRITE,`, 1) },
	"a quote too few at the beginning": func(s string) string { return strings.Replace(s, `"MICROSOFT`, `MICROSOFT`, 1) },
	"an escaped closing quote":         func(s string) string { return strings.Replace(s, `WRITE",`, `WRITE\",`, 1) },
	"a name without its quote":         func(s string) string { return strings.Replace(s, `"category"`, `category"`, 1) },
	"a comma too few":                  func(s string) string { return strings.Replace(s, `,"category"`, `"category"`, 1) },
	"a comma too many":                 func(s string) string { return strings.Replace(s, `,"category"`, `,,"category"`, 1) },
	"a colon too few":                  func(s string) string { return strings.Replace(s, `"category":`, `"category"`, 1) },
	"a comma at the end":               func(s string) string { return strings.TrimSuffix(s, "}") + ",}" },
	"no closing brace":                 func(s string) string { return strings.TrimSuffix(s, "}") },
	"no closing brace within": func(s string) string {
		return strings.Replace(s, `"groups":["g1","g2"]}},`, `"groups":["g1","g2"]},`, 1)
	},
	"a closing brace too many":        func(s string) string { return s + "}" },
	"a closing brace too many within": func(s string) string { return strings.Replace(s, `"g2"]}},`, `"g2"]}}},`, 1) },
	"no opening brace":                func(s string) string { return strings.TrimPrefix(s, "{") },
	"no opening brace within":         func(s string) string { return strings.Replace(s, `"identity":{`, `"identity":`, 1) },
	"an opening brace too many":       func(s string) string { return "{" + s },
	"no closing bracket":              func(s string) string { return strings.Replace(s, `"g2"]`, `"g2"`, 1) },
	"a closing bracket too many":      func(s string) string { return strings.Replace(s, `"g2"]`, `"g2"]]`, 1) },
	"a closing bracket at the end":    func(s string) string { return s + "]" },
	"no opening bracket":              func(s string) string { return strings.Replace(s, `["g1"`, `"g1"`, 1) },
	"a word that is no value":         func(s string) string { return strings.Replace(s, `"tenantId":"t"`, `"tenantId":NaN`, 1) },
	"a number that is none":           func(s string) string { return strings.Replace(s, `"a":1`, `"a":01`, 1) },
	"single quotes":                   func(s string) string { return strings.Replace(s, `"Success"`, `'Success'`, 1) },
	"a comment":                       func(s string) string { return strings.Replace(s, `,"category"`, `/* , */,"category"`, 1) },
	"a name twice":                    func(s string) string { return strings.Replace(s, `"category"`, `"resultType":"Failure","category"`, 1) },
	"bytes that are no UTF-8":         func(s string) string { return strings.Replace(s, "QUAY", "QU\xffAY", 1) },
	"an end within a string":          func(s string) string { return s[:strings.Index(s, "MICROSOFT.WEB/SITES/WRITE")+12] },
	"an end within a name":            func(s string) string { return s[:strings.Index(s, `"category"`)+4] },
	"an end behind a colon":           func(s string) string { return s[:strings.Index(s, `"category":`)+len(`"category":`)] },
	"an end behind a comma":           func(s string) string { return s[:strings.Index(s, `"category"`)] },
	"an end within an object":         func(s string) string { return s[:strings.Index(s, `,"claims"`)] },
	"an end within a list":            func(s string) string { return s[:strings.Index(s, `,"g2"`)] },
	"an end within a list of objects": func(s string) string { return s[:strings.Index(s, `,{"b"`)] },
	"an end behind an escape":         func(s string) string { return s[:strings.Index(s, `"category"`)] + `"x":"\` },
	"nothing but the opening brace":   func(string) string { return "{" },
	"nothing at all, between two":     func(string) string { return "" },
	"text in its place":               func(string) string { return "undefined" },
	"a beginning in another's place":  func(s string) string { return s[:40] + s },
}

func TestOneMalformedRecordIsOneMalformedRecord(t *testing.T) {
	t.Parallel()
	const n = 100
	var plain, attacked [n]string
	for i := range n {
		plain[i], attacked[i] = listRecord(i, "calm"), listRecord(i, hostile)
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at := range n {
				records := plain
				for _, near := range []int{at - 1, at, at + 1} {
					if near >= 0 && near < n {
						records[near] = attacked[near]
					}
				}
				records[at] = damage(records[at])
				for _, shape := range []string{`{"records":[%s]}`, `{"records": [ %s ], "next": 1}`, `[%s]`, `[{"records":[%s]}]`, "{\"records\":[%s]}\n{\"records\":[" + listRecord(n, hostile) + "]}\n"} {
					if shape != `{"records":[%s]}` && at%9 > 0 {
						continue // the first shape at every position, the others at every ninth and at both ends
					}
					checkRecovered(t, fmt.Sprintf(shape, strings.Join(records[:], ",")), at, strings.Contains(shape, "\n"))
				}
			}
		})
	}
}

// checkRecovered reads a list of 100 records whose record at a position is malformed.
func checkRecovered(t *testing.T, text string, at int, second bool) {
	t.Helper()
	seen := map[string]int{}
	invalid := 0
	for _, r := range payload.Decode([]byte(text)) {
		switch {
		case r.Kind == payload.Invalid:
			invalid++
		case r.Kind == payload.Activity:
			seen[r.Event.CorrelationID]++
		}
	}
	want := 99
	if second {
		want = 100
	}
	bad := fmt.Sprint("c", at)
	if seen["hostile"] > 0 || seen[bad] > 0 || invalid != 1 || len(seen) != want {
		t.Errorf("position %d: %d records of %d, %d set aside, the malformed one %d times, the hostile one %d times\n%.20s", at, len(seen), want, invalid, seen[bad], seen["hostile"], text)
	}
	for id, times := range seen {
		if times != 1 {
			t.Errorf("position %d: %s was read %d times", at, id, times)
		}
	}
}

// What is set aside is the malformed record and nothing of its neighbours.
func TestExactlyTheMalformedRecordIsSetAside(t *testing.T) {
	t.Parallel()
	for name, damage := range damages {
		bad := damage(listRecord(1, hostile))
		text := `{"records":[` + listRecord(0, "calm") + "," + bad + ",\n " + listRecord(2, hostile) + `]}`
		for how, readings := range map[string][]payload.Reading{
			"whole": payload.Decode([]byte(text)), "streamed": stream(t, iotest.OneByteReader(strings.NewReader(text))),
		} {
			for _, r := range readings {
				if r.Kind == payload.Invalid && strings.Trim(string(r.Raw), ", \n") != strings.Trim(bad, ", \n") {
					t.Errorf("%s, %s: set aside %q, want %q", name, how, r.Raw, bad)
				}
			}
			if len(readings) != 3 {
				t.Errorf("%s, %s: %d readings", name, how, len(readings))
			}
		}
	}
}

// A record that was found by its beginning is marked, one behind a record that balances is not.
func TestRecoveredRecordsAreMarked(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"an unknown escape": false, "a quote too few at the end": true, "no closing brace": true} {
		text := `{"records":[` + listRecord(0, "calm") + "," + damages[name](listRecord(1, "calm")) + "," + listRecord(2, "calm") + `]}` + "\n" + `{"records":[` + listRecord(3, "calm") + `]}`
		events := payload.Events(payload.Decode([]byte(text)))
		if len(events) != 3 || events[0].Recovered || events[1].Recovered != want || events[2].Recovered {
			t.Errorf("%s: %d events, recovered %v %v %v", name, len(events), events[0].Recovered, events[1].Recovered, events[2].Recovered)
		}
	}
}

// Many malformed records in a row, and all of them.
func TestManyMalformedRecords(t *testing.T) {
	t.Parallel()
	for name, damage := range damages {
		var records []string
		for i := range 40 {
			record := listRecord(i, hostile)
			if i%4 == 1 || i%4 == 2 {
				record = damage(record)
			}
			records = append(records, record)
		}
		seen := map[string]int{}
		for _, e := range payload.Events(payload.Decode([]byte(`{"records":[` + strings.Join(records, ",") + `]}`))) {
			seen[e.CorrelationID]++
		}
		for i := range 40 {
			if good, times := i%4 == 0 || i%4 == 3, seen[fmt.Sprint("c", i)]; good != (times == 1) {
				t.Errorf("%s: record %d was read %d times", name, i, times)
			}
		}
		if seen["hostile"] > 0 {
			t.Errorf("%s: the hostile record was read", name)
		}
	}
}

// A comma between two records is missing: both are read, and it is said.
func TestMissingCommaBetweenRecords(t *testing.T) {
	t.Parallel()
	readings := payload.Decode([]byte(`{"records":[` + listRecord(0, "calm") + listRecord(1, "calm") + `]}`))
	if len(readings) != 3 || len(payload.Events(readings)) != 2 || !strings.Contains(readings[1].Reason, "expected ','") {
		t.Errorf("%+v", readings)
	}
}

// FuzzResync damages one record of a list at will: none is read twice, none is invented, and both readers agree.
func FuzzResync(f *testing.F) {
	for _, damage := range damages {
		f.Add([]byte(damage(listRecord(1, hostile))))
	}
	before, after := listRecord(0, hostile), listRecord(2, hostile)
	f.Fuzz(func(t *testing.T, middle []byte) {
		if bytes.Contains(middle, []byte(`"c0"`)) || bytes.Contains(middle, []byte(`"c2"`)) {
			return
		}
		text := []byte(`{"records":[` + before + "," + string(middle) + "," + after + `]}`)
		readings := payload.Decode(text)
		seen := map[string]int{}
		for _, e := range payload.Events(readings) {
			seen[e.CorrelationID]++
		}
		if seen["c0"] > 1 || seen["c2"] > 1 || seen["c0"] == 0 && bytes.IndexByte([]byte(" \t\r\n,{[\"0123456789-tfn"), append(bytes.TrimLeft(middle, " \t\r\n"), ',')[0]) >= 0 && !bytes.HasPrefix(bytes.TrimLeft(middle, " \t\r\n"), []byte(`"`)) {
			t.Errorf("c0 was read %d times, c2 %d times", seen["c0"], seen["c2"])
		}
		// An element that is a string may hold a whole record: relays encode twice.
		peeled := json.Valid(middle) && bytes.HasPrefix(bytes.TrimLeft(middle, " \t\r\n"), []byte(`"`))
		if !peeled && !bytes.Contains(middle, []byte(`"hostile"`)) && seen["hostile"] > 0 {
			t.Errorf("the hostile record was read %d times", seen["hostile"])
		}
		streamed := payload.Events(stream(t, iotest.OneByteReader(bytes.NewReader(text))))
		if a, b := len(payload.Events(readings)), len(streamed); a != b {
			t.Errorf("%d events, streamed %d", a, b)
		}
	})
}
