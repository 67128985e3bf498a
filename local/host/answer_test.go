package host

import (
	"strings"
	"testing"
)

// The response table: what the handler may say, and what becomes of the invocation.
func TestResponseTable(t *testing.T) {
	t.Parallel()
	json200 := func(body string) reply { return reply{Status: 200, Type: "application/json", Body: body} }
	cases := []struct {
		name   string
		do     reply
		status int    // what Event Grid is told
		says   string // in that answer or, for a success, in the log
	}{
		{"an object", json200(`{}`), 202, "Succeeded"},
		{"with a charset", reply{Status: 200, Type: "application/json; charset=utf-8", Body: `{}`}, 202, "Succeeded"},
		{"text/json", reply{Status: 201, Type: "text/json", Body: `{}`}, 202, "Succeeded"},
		{"names in any case, extras ignored", json200(`{"LOGS":["seen it"],"outputs":null,"x":1}`), 202, "seen it"},
		{"null", json200(`null`), 500, "wait until functionTimeout"},
		{"nothing", json200(``), 500, "wait until functionTimeout"},
		{"white space", json200(" \n"), 500, "wait until functionTimeout"},
		{"no content", reply{Status: 204, Type: "none"}, 500, "MediaTypeFormatter"},
		{"text/plain", reply{Status: 200, Type: "text/plain; charset=utf-8", Body: `{"a":1}`}, 500, `body: {"a":1}`},
		{"no type", reply{Status: 200, Type: "none", Body: `{}`}, 500, "MediaTypeFormatter"},
		{"problem+json", reply{Status: 200, Type: "application/problem+json", Body: `{}`}, 500, "MediaTypeFormatter"},
		{"an array", json200(`[]`), 500, "read invocation result"},
		{"not JSON", json200(`{`), 500, "read invocation result"},
		{"an object in Logs", json200(`{"Logs":[{"level":"info"}]}`), 500, "strings only"},
		{"outputs that are none", json200(`{"Outputs":[]}`), 500, "read invocation result"},
		{"client error", reply{Status: 400, Type: "application/json", Body: `{"Logs":["gone"]}`}, 500, "400 Bad Request"},
		{"server error", reply{Status: 503, Type: "application/json", Body: strings.Repeat("é", 400)}, 500, "503 Service Unavailable"},
		{"a redirect that keeps the method", reply{Status: 307, Type: "none", To: "/elsewhere"}, 202, "Succeeded"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, someFunctions, Options{}, func(call seen) reply {
				if call.Path == "/elsewhere" {
					return ok
				}
				return c.do
			})
			status, answer := r.deliver("one", `[{}]`)
			if status != c.status || status == 500 && !strings.Contains(answer, c.says) || !strings.Contains(r.log(), c.says) {
				t.Errorf("got %d %s, want %d and %q\n%s", status, answer, c.status, c.says, r.log())
			}
			if status == 500 && strings.Contains(r.log(), "Information Function.one: gone") {
				t.Error("Logs of a failure were written")
			}
		})
	}
}

func TestBase64TrapIsFlagged(t *testing.T) {
	t.Parallel()
	f := map[string]string{"one": `{"bindings":[{"type":"eventGridTrigger","name":"event"},
		{"type":"queue","direction":"out","name":"q"},{"type":"queue","direction":"out","name":"bytes","dataType":"binary"},{"type":"http","direction":"out","name":"res"}]}`}
	r := newRig(t, f, Options{}, func(seen) reply {
		return reply{Status: 200, Type: "application/json", Body: `{"Outputs":{"q":"abcd","bytes":"abcd","res":"abcd"},"ReturnValue":"12345678"}`}
	})
	r.deliver("one", `[{}]`)
	for _, want := range []string{`output q: "abcd"`, `output ReturnValue: "12345678"`} {
		if l := r.await(want); l.Level != Warning {
			t.Errorf("got %s", l)
		}
	}
	if log := r.log(); strings.Contains(log, "output bytes") || strings.Contains(log, "output res") {
		t.Errorf("flagged what the host leaves alone:\n%s", log)
	}
}

func TestHTTPOutput(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, outputs string
		status        int
		kind, body    string
	}{
		{
			"as our handler writes it", `{"res":{"statusCode":503,"headers":{"Content-Type":"application/json","Retry-After":5},"body":{"error":"x"}}}`,
			503, "application/json", "{\n  \"error\": \"x\"\n}",
		},
		{"status is not looked at; text body", `{"res":{"Status":"201","body":"made <it>"}}`, 200, "text/plain; charset=utf-8", "made <it>"},
		{"statusCode in a string", `{"res":{"status":400,"statusCode":"202"}}`, 202, "text/plain; charset=utf-8", ""},
		{"body without content type is text, whatever it is", `{"res":{"body":[1,true]}}`, 200, "text/plain; charset=utf-8", "[\n  1,\n  true\n]"},
		{"a number", `{"res":{"body":1.50}}`, 200, "text/plain; charset=utf-8", "1.50"},
		{"a truth", `{"res":{"body":true}}`, 200, "text/plain; charset=utf-8", "True"},
		{"null body", `{"res":{"statusCode":204,"body":null}}`, 204, "text/plain; charset=utf-8", ""},
		{"the object in a string", `{"res":"{\"statusCode\":418}"}`, 418, "text/plain; charset=utf-8", ""},
		{"not the binding's name", `{"other":{}}`, 200, "text/plain; charset=utf-8", "{}"},
		{"no outputs", `null`, 200, "text/plain; charset=utf-8", ""},
		{"no object", `{"res":7}`, 500, "", ""},
		{"text", `{"res":"hello"}`, 500, "", ""},
		{"a header that is null", `{"res":{"headers":{"X":null}}}`, 500, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, someFunctions, Options{}, func(seen) reply {
				return reply{Status: 200, Type: "application/json", Body: `{"Outputs":` + c.outputs + `}`}
			})
			status, body, h := r.do("POST", "/api/alert", "x")
			if status != c.status || body != c.body || h.Get("Content-Type") != c.kind {
				t.Errorf("got %d %q %q, want %d %q %q\n%s", status, h.Get("Content-Type"), body, c.status, c.kind, c.body, r.log())
			}
		})
	}
}
