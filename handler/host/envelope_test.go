package host

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

func opened(t testing.TB, body string) Invocation {
	t.Helper()
	in := Invocation{Function: "f"}
	if err := in.open([]byte(body)); err != nil {
		t.Fatal(err)
	}
	return in
}

// Every row of what the host sends, by trigger, and each string form also with one layer less: the custom-handlers
// page shows single-encoded queue text where the SDK's source gives double.
func TestValuePeelsEveryTriggersForm(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, why, data, want string }{
		{"event grid one", "a JObject is sent as it is", `{"id":"1","data":{"n":1.0}}`, `{"id":"1","data":{"n":1.0}}`},
		{"event grid many", "a JObject[] is no object, so it is sent as text", `"[{\"id\":\"1\"},{\"id\":\"2\"}]"`, `[{"id":"1"},{"id":"2"}]`},
		{"event grid many, single-encoded", "other hosts send the array itself", `[{"id":"1"}]`, `[{"id":"1"}]`},
		{"cloud event", "same trigger, other keys", `{"specversion":"1.0","id":"x"}`, `{"specversion":"1.0","id":"x"}`},
		{"timer", "TimerInfo is an object", `{"IsPastDue":false}`, `{"IsPastDue":false}`},
		{"queue text", "a string value is quoted again", `"\"hello\""`, `hello`},
		{"queue text, single-encoded", "as the page shows it", `"hello"`, `hello`},
		{"queue JSON", "twice", `"\"{\\\"a\\\":1}\""`, `{"a":1}`},
		{"queue JSON, single-encoded", "once", `"{\"a\":1}"`, `{"a":1}`},
		{"event hub one", "as queue", `"\"{\\\"records\\\":[]}\""`, `{"records":[]}`},
		{"event hub many", "object[]", `"[{\"records\":[1]},{\"records\":[2]}]"`, `[{"records":[1]},{"records":[2]}]`},
		{"event hub many, strings", "string[]", `"[\"{\\\"records\\\":[]}\",\"{\\\"records\\\":[1]}\"]"`, `[{"records":[]},{"records":[1]}]`},
		{"event hub many, strings with junk", "junk stays a string for the reader to park", `"[\"not json\",\"{\\\"a\\\":1}\"]"`, `["not json",{"a":1}]`},
		{"event hub many, binary", "byte[][] is an array of base64", `"[\"eyJhIjoxfQ==\"]"`, `["eyJhIjoxfQ=="]`},
		{"cosmos", "twice-encoded array", `"\"[{\\\"id\\\":\\\"1\\\"}]\""`, `[{"id":"1"}]`},
		{"blob", "byte[] is base64 text", `"eyJhIjoxfQ=="`, `eyJhIjoxfQ==`},
		{"empty text", "an empty message is no error", `""`, ``},
		{"null", "kept for the reader to judge", `null`, `null`},
		{"text that begins with a quotation mark", "only whole JSON strings are layers", `"\"half"`, `"half`},
		{"text that looks like an array", "the reader parks it", `"[oops"`, `[oops`},
		{"five layers", "four are taken off", nest(`{"a":1}`, 5), nest(`{"a":1}`, 1)},
		{"white space around the inner value", "allowed", `" {\"a\":1}\n"`, `{"a":1}`},
		{"pairs and escapes", "as encoding/json reads them", `"{\"a\":\"\\ud83d\\ude00\\n\"}"`, `{"a":"\ud83d\ude00\n"}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := opened(t, `{"Data":{"x":`+c.data+`},"Metadata":{"sys":{}}}`).Value("x")
			if err != nil || string(got) != c.want {
				t.Errorf("got %s, %v, want %s (%s)", got, err, c.want, c.why)
			}
		})
	}
}

func nest(value string, layers int) string {
	for range layers {
		value = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
	}
	return value
}

func TestOpenChecksTheWholeEnvelope(t *testing.T) {
	t.Parallel()
	bad := map[string]string{
		"empty":                   ``,
		"null":                    `null`,
		"array":                   `[]`,
		"no data":                 `{"Metadata":{}}`,
		"data no object":          `{"Data":"x"}`,
		"cut off":                 `{"Data":{"x":{"a":1}}`,
		"text behind":             `{"Data":{}} {}`,
		"metadata broken":         `{"Data":{"x":1},"Metadata":{"a":tru}}`,
		"metadata broken string":  "{\"Data\":{\"x\":1},\"Metadata\":{\"a\":\"\n\"}}",
		"no colon":                `{"Data" {}}`,
		"no comma":                `{"Data":{} "Metadata":{}}`,
		"trailing comma":          `{"Data":{"x":1,}}`,
		"name is no string":       `{Data:{}}`,
		"two of one binding":      `{"Data":{"x":1,"x":2}}`,
		"two of Data":             `{"Data":{},"Data":{}}`,
		"nested beyond all sense": `{"Data":{"x":` + strings.Repeat("[", 1<<20) + `}}`,
	}
	for name, body := range bad {
		if err := new(Invocation).open([]byte(body)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestValueNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	_, err := opened(t, `{"Data":{"timer":{}}}`).Value("events")
	if err == nil || !strings.Contains(err.Error(), "[timer]") || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("got %v, want an error that lists timer and has a hint", err)
	}
}

func TestTimer(t *testing.T) {
	t.Parallel()
	last := time.Date(2026, 1, 2, 3, 4, 5, 123456700, time.UTC)
	cases := []struct {
		name, value string
		want        Timer
	}{
		{
			"usual", `{"Schedule":{"AdjustForDST":true},"ScheduleStatus":{"Last":"2026-01-02T03:04:05.1234567+00:00","Next":"2026-02-01T00:00:00+00:00","LastUpdated":"2026-01-02T03:04:05+00:00"},"IsPastDue":false}`,
			Timer{Last: last, Next: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), LastUpdated: last.Truncate(time.Second)},
		},
		{"without useMonitor", `{"ScheduleStatus":null,"IsPastDue":true}`, Timer{IsPastDue: true}},
		{
			"first run", `{"ScheduleStatus":{"Last":"0001-01-01T00:00:00+00:00","Next":"2026-02-01T01:00:00+01:00"},"IsPastDue":false}`,
			Timer{Next: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)},
		},
		{
			"without offsets", `{"ScheduleStatus":{"Last":"0001-01-01T00:00:00","Next":"2026-02-01T00:00:00","LastUpdated":7},"IsPastDue":false}`,
			Timer{Next: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)},
		},
	}
	for _, c := range cases {
		got, err := opened(t, `{"Data":{"timer":`+c.value+`}}`).Timer("timer")
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", c.name, err, diff)
		}
	}
	if _, err := opened(t, `{"Data":{"timer":"soon"}}`).Timer("timer"); err == nil {
		t.Error("a timer that is no object: no error")
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	const head = `"Url":"http://127.0.0.1:7071/api/a?x=1","Method":"POST","Identities":[{"AuthenticationType":null}],`
	cases := []struct {
		name, value string
		want        Request
	}{
		{
			"today", `{` + head + `"Query":{"x":"1"},"Headers":{"content-type":["application/json"],"X-Two":["a","b"]},"Params":{"id":"7"},"Body":"{\"a\":1}"}`,
			Request{
				Query: map[string]string{"x": "1"}, Params: map[string]string{"id": "7"}, Body: []byte(`{"a":1}`),
				Headers: http.Header{"Content-Type": {"application/json"}, "X-Two": {"a", "b"}},
			},
		},
		{
			"as the page shows it", `{` + head + `"Query":"{\"x\":\"1\"}","Headers":{"Accept":"*/*"},"Params":{}}`,
			Request{Query: map[string]string{"x": "1"}, Params: map[string]string{}, Headers: http.Header{"Accept": {"*/*"}}},
		},
		{
			"chunked: the body is lost", `{` + head + `"Query":{},"Headers":{"Transfer-Encoding":["chunked"]},"Params":null}`,
			Request{Query: map[string]string{}, Headers: http.Header{"Transfer-Encoding": {"chunked"}}},
		},
		{
			"binary", `{` + head + `"Query":null,"Headers":{"Content-Type":["application/octet-stream"]},"Params":{},"Body":"AAEC"}`,
			Request{Params: map[string]string{}, Headers: http.Header{"Content-Type": {"application/octet-stream"}}, Body: []byte{0, 1, 2}},
		},
		{
			"body that is itself a JSON string", `{` + head + `"Headers":{},"Body":"\"x\""}`,
			Request{Headers: http.Header{}, Body: []byte(`"x"`)},
		},
		{
			"body sent as an object", `{` + head + `"Headers":{},"Body":{"a":1}}`,
			Request{Headers: http.Header{}, Body: []byte(`{"a":1}`)},
		},
		{"body null", `{` + head + `"Headers":{},"Body":null}`, Request{Headers: http.Header{}}},
	}
	for _, c := range cases {
		c.want.Method, c.want.URL = "POST", "http://127.0.0.1:7071/api/a?x=1"
		got, err := opened(t, `{"Data":{"req":`+c.value+`}}`).Request("req")
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", c.name, err, diff)
		}
	}
	for _, bad := range []string{`[]`, `{"Headers":7}`, `{"Headers":{"Content-Type":["multipart/mixed"]},"Body":"%"}`} {
		if _, err := opened(t, `{"Data":{"req":`+bad+`}}`).Request("req"); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	cases := []struct {
		metadata string
		want     Retry
		found    bool
	}{
		{`{"sys":{},"RetryContext":{"MaxRetryCount":3,"RetryCount":1,"Exception":{"Message":"x"}}}`, Retry{1, 3}, true},
		{`{"RetryContext":"{\"MaxRetryCount\":\"3\",\"RetryCount\":\"2\"}"}`, Retry{2, 3}, true},
		{`{"sys":{}}`, Retry{}, false},
		{`"odd"`, Retry{}, false},
	}
	for _, c := range cases {
		got, found := opened(t, `{"Data":{},"Metadata":`+c.metadata+`}`).Retry()
		if got != c.want || found != c.found {
			t.Errorf("%s: got %v %v, want %v %v", c.metadata, got, found, c.want, c.found)
		}
	}
	if _, found := opened(t, `{"Data":{}}`).Retry(); found {
		t.Error("found a retry without Metadata")
	}
}

// FuzzOpen holds the envelope to this: no panic, what it accepts is valid JSON, and every value it hands out lies
// within what was sent.
func FuzzOpen(f *testing.F) {
	for _, seed := range []string{
		`{"Data":{"events":"[{\"id\":\"1\"}]"},"Metadata":{"sys":{"MethodName":"f"}}}`,
		`{"Data":{"timer":{"ScheduleStatus":{"Last":"0001-01-01T00:00:00"},"IsPastDue":true}},"Metadata":{"RetryContext":{"RetryCount":"1"}}}`,
		`{"Data":{"req":{"Method":"POST","Query":"{}","Headers":{"a":["b"]},"Params":{},"Body":"\"x\""}}}`,
		`{"Data":{"q":"\"[\\\"{}\\\"]\""}}`, `{"Data":{"":""}}`, `{`, "{\"Data\":{\"\xff\":\"\\ud800\"}}",
	} {
		f.Add([]byte(seed))
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds in testdata: %v", err)
	}
	for _, name := range files {
		seed, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var in Invocation
		if in.open(body) != nil {
			return
		}
		if err := jsonscan.Valid(body); err != nil {
			t.Fatalf("accepted %q: %v", body, err)
		}
		in.Retry()
		for _, m := range in.data {
			value, err := in.Value(m.name)
			if err != nil || len(value) > 3*len(m.raw) { // an invalid byte grows to U+FFFD
				t.Errorf("value of %q: %q, %v", m.raw, value, err)
			}
			_, _ = in.Timer(m.name)
			_, _ = in.Request(m.name)
		}
	})
}
