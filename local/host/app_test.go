package host

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// One wrong function is left out and named; the others run.
func TestWrongFunctionsAreLeftOut(t *testing.T) {
	t.Parallel()
	const trigger = `{"type":"eventGridTrigger","name":"e"}`
	functions := map[string]string{
		"one":       someFunctions["one"],
		"9lives":    `{"bindings":[` + trigger + `]}`,
		"host":      `{"bindings":[` + trigger + `]}`,
		"none":      `{"bindings":[]}`,
		"two":       `{"bindings":[` + trigger + `,{"type":"timerTrigger","name":"t"}]}`,
		"twins":     `{"bindings":[` + trigger + `,{"type":"http","direction":"out","name":"E"}]}`,
		"nameless":  `{"bindings":[{"type":"eventGridTrigger"}]}`,
		"lost":      `{"bindings":[{"type":"http","direction":"out","name":"res"}]}`,
		"foreign":   `{"bindings":[{"type":"queueTrigger","name":"q"}]}`,
		"torn":      `{`,
		"route":     `{"bindings":[{"type":"httpTrigger","name":"req","route":"a/{id:int}"}]}`,
		"optional":  `{"bindings":[{"type":"httpTrigger","name":"req","route":"{a?}/b"}]}`,
		"mixed":     `{"bindings":[{"type":"httpTrigger","name":"req","route":"a{b}"}]}`,
		"retrying":  `{"bindings":[` + trigger + `],"retry":{"strategy":"fixedDelay","maxRetryCount":1,"delayInterval":"00:00:01"}}`,
		"badretry":  `{"bindings":[{"type":"eventHubTrigger","name":"e"}],"retry":{"strategy":"often"}}`,
		"badretry2": `{"bindings":[{"type":"eventHubTrigger","name":"e"}],"retry":{"strategy":"fixedDelay","maxRetryCount":1}}`,
		"badretry3": `{"bindings":[{"type":"eventHubTrigger","name":"e"}],"retry":{"strategy":"fixedDelay","delayInterval":"soon"}}`,
	}
	r := newRig(t, functions, Options{}, nil)
	if status, _ := r.deliver("one", `[{}]`); status != 202 {
		t.Errorf("the good one: %d", status)
	}
	_, answer, _ := r.do("GET", "/admin/host/status", "")
	var status struct{ BrokenFunctions map[string]string }
	if err := json.Unmarshal([]byte(answer), &status); err != nil {
		t.Fatal(err)
	}
	if got := len(status.BrokenFunctions); got != len(functions)-1 {
		t.Errorf("%d left out, want %d: %v", got, len(functions)-1, status.BrokenFunctions)
	}
	if l := r.await("the function two is left out"); l.Level != Error || !strings.Contains(l.Text, "more than one trigger") {
		t.Errorf("got %s", l)
	}
}

func TestWrongApps(t *testing.T) {
	t.Parallel()
	description := func(more string) string {
		return `{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"%TEST_BINARY%"}` + more + `}}`
	}
	cases := []struct{ name, file, content, want string }{
		{"no JSON", "host.json", `{`, "read host.json"},
		{"wrong types", "host.json", `{"version":2}`, "read host.json"},
		{"old version", "host.json", `{"version":"1.0"}`, "must be 2.0"},
		{"no executable", "host.json", `{"version":"2.0"}`, "defaultExecutablePath is missing"},
		{"forwarding", "host.json", description(`,"enableForwardingHttpRequest":true`), "envelopes only"},
		{"routes", "host.json", description(`,"http":{}`), "customHandler.http"},
		{"port", "host.json", description(`,"port":1`), "leave the port"},
		{"timeout", "host.json", `{"version":"2.0","functionTimeout":"5 minutes"}`, "functionTimeout"},
		{"ready timeout", "host.json", description(`,"initializationTimeout":"x.00:00:01"`), "initializationTimeout"},
		{"executable is not there", "host.json", `{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"bin/none"}}}`, "hint: no .exe"},
		{"executable is a folder", "host.json", `{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"one"}}}`, "find executable one"},
		{"no function", "one/function.json", `{}`, "hint: the folder must be staged"},
	}
	for _, c := range cases {
		var o Options
		prepare(t, &o, nil)
		writeFile(t, filepath.Join(o.Root, "one", "function.json"), someFunctions["one"])
		writeFile(t, filepath.Join(o.Root, filepath.FromSlash(c.file)), c.content)
		if _, err := Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Start(t.Context(), Options{Root: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "host.json") {
		t.Errorf("empty folder: got %v", err)
	}
}

func TestTimeSpan(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]time.Duration{"": time.Minute, "-1": 0, "00:05:00": 5 * time.Minute, "1.02:03:04": 26*time.Hour + 3*time.Minute + 4*time.Second} {
		if got, err := timeSpan(s, time.Minute); err != nil || got != want {
			t.Errorf("%q: got %s, %v, want %s", s, got, err, want)
		}
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	functions := map[string]string{"hub": `{"bindings":[{"type":"eventHubTrigger","name":"m"}]}`}
	for name, spec := range someFunctions {
		functions[name] = spec
	}
	r := newRig(t, functions, Options{}, nil)
	r.waitReady()
	if status, _, _ := r.do("GET", "/admin/host/ping", ""); status != 200 {
		t.Errorf("ping: %d", status)
	}
	_, answer, _ := r.do("GET", "/admin/host/status", "")
	var state struct {
		State      string `json:"state"`
		HandlerPID int    `json:"handlerPid"`
	}
	if err := json.Unmarshal([]byte(answer), &state); err != nil || state.State != "Running" || state.HandlerPID != r.HandlerPID() || state.HandlerPID == 0 {
		t.Errorf("status %s: %v", answer, err)
	}
	_, answer, _ = r.do("GET", "/admin/functions", "")
	var list []struct{ Name, Trigger, InvokeURL string }
	if err := json.Unmarshal([]byte(answer), &list); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range list {
		names = append(names, f.Name+" "+strings.TrimPrefix(f.InvokeURL, r.URL()))
	}
	want := []string{"alert /api/alert", "hub /runtime/webhooks/eventhub?functionName=hub", "many /runtime/webhooks/eventgrid?functionName=many", "one /runtime/webhooks/eventgrid?functionName=one", "tick "}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("functions (-want +got)\n%s", diff)
	}
}

// POST /admin/functions/<name> says 202 at once; what came of it is in the log.
func TestRunByHand(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, body, want string
		status           int
		logged           string
	}{
		{"tick", `{"input":""}`, `"IsPastDue":false`, 202, "Executed 'Functions.tick' (Succeeded"},
		{"TICK", `{}`, `"IsPastDue":false`, 202, "Executed 'Functions.tick' (Succeeded"},
		{"one", `{"input":"{\"id\":\"1\"}"}`, `"event":{"id":"1"}`, 202, "Executed 'Functions.one' (Succeeded"},
		{"many", `{"input":"[{\"id\":\"1\"}]"}`, `"events":"[{\"id\":\"1\"}]"`, 202, "Executed 'Functions.many' (Succeeded"},
		{"many", `{"input":"{\"id\":\"1\"}"}`, "", 202, "run many by hand: bind input"},
		{"one", `{"input":"x"}`, "", 202, "run one by hand: bind input"},
		{"alert", `{"input":"x"}`, "", 202, "at its own address"},
		{"hub", `{"input":"x"}`, `"m":"\"x\""`, 202, "Executed 'Functions.hub' (Succeeded"},
		{"none", `{"input":"x"}`, "", 404, ""},
		{"one", `null`, "", 400, ""},
		{"one", `x`, "", 400, ""},
	}
	for _, c := range cases {
		functions := map[string]string{"hub": `{"bindings":[{"type":"eventHubTrigger","name":"m"}]}`}
		for name, spec := range someFunctions {
			functions[name] = spec
		}
		r := newRig(t, functions, Options{NoTimers: true}, nil)
		if status, _, _ := r.do("POST", "/admin/functions/"+c.name, c.body); status != c.status {
			t.Errorf("%s %s: got %d, want %d", c.name, c.body, status, c.status)
		}
		if c.logged != "" {
			r.await(c.logged)
		}
		if c.want != "" && !strings.Contains(r.call(0).Body, c.want) {
			t.Errorf("%s %s: sent %s, want %s in it", c.name, c.body, r.call(0).Body, c.want)
		}
		_ = r.Close()
	}
}

func TestEventHub(t *testing.T) {
	t.Parallel()
	spec := func(more string) string { return `{"bindings":[{"type":"eventHubTrigger","name":"m"` + more + `}]}` }
	r := newRig(t, map[string]string{
		"one": spec(""), "onebinary": spec(`,"dataType":"binary"`), "many": spec(`,"cardinality":"many"`),
		"strings": spec(`,"cardinality":"many","dataType":"string"`), "binary": spec(`,"cardinality":"many","dataType":"binary"`),
	}, Options{}, nil)
	cases := []struct {
		function, body string
		data           []string // Data.m of each invocation
		metadata       map[string]string
	}{
		{"one", `{"records":[]}`, []string{`"\"{\\\"records\\\":[]}\""`}, map[string]string{"records": `"[]"`}},
		{"one", `[{"a":1},2]`, []string{`"\"{\\\"a\\\":1}\""`, `"\"2\""`}, nil},
		{"onebinary", `x`, []string{`"eA=="`}, map[string]string{}},
		{"many", `{"records":[{"a":1.0}]}`, []string{`"[{\"records\":[{\"a\":1.0}]}]"`}, map[string]string{}},
		{"many", `[{"a":1},{"b":2}]`, []string{`"[{\"a\":1},{\"b\":2}]"`}, map[string]string{}},
		{"strings", `{"records":[]}`, []string{`"[\"{\\\"records\\\":[]}\"]"`}, map[string]string{}},
		{"strings", `not json`, []string{`"[\"not json\"]"`}, map[string]string{}},
		{"binary", `{}`, []string{`"[\"e30=\"]"`}, map[string]string{}},
	}
	for _, c := range cases {
		before := r.count()
		status, answer, _ := r.do("POST", "/runtime/webhooks/eventHub?functionName="+c.function, c.body)
		if status != 202 || r.count()-before != len(c.data) {
			t.Errorf("%s %s: %d %s, %d calls", c.function, c.body, status, answer, r.count()-before)
			continue
		}
		for i, want := range c.data {
			e := r.envelope(before + i)
			if got := string(e.Data["m"]); got != want {
				t.Errorf("%s %s: got %s, want %s", c.function, c.body, got, want)
			}
			if c.metadata != nil {
				checkEnvelope(t, e, map[string]string{"m": want}, c.metadata)
			}
		}
	}
	for _, c := range []struct {
		method, function, body string
		want                   int
	}{{"POST", "many", "not json", 500}, {"POST", "none", "{}", 404}, {"GET", "many", "", 405}} {
		if status, _, _ := r.do(c.method, "/runtime/webhooks/eventhub?functionName="+c.function, c.body); status != c.want {
			t.Errorf("%s %s %q: got %d, want %d", c.method, c.function, c.body, status, c.want)
		}
	}
}
