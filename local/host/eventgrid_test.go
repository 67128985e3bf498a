package host

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const twoEvents = `[ {"id":"1","eventTime":"2026-01-02T03:04:05.1234567Z","data":{"n":1.0,"big":12345678901234567890}},
	{"id":"2","data":"<text>"} ]`

// checkEnvelope compares Data and Metadata with what the real host's rule gives; sys is checked by its members.
func checkEnvelope(t *testing.T, got envelope, data, metadata map[string]string) {
	t.Helper()
	var sys struct{ MethodName, UtcNow, RandGuid string }
	if err := json.Unmarshal(got.Metadata["sys"], &sys); err != nil || sys.MethodName == "" || sys.UtcNow == "" || len(sys.RandGuid) != 36 {
		t.Errorf("sys %s: %v", got.Metadata["sys"], err)
	}
	delete(got.Metadata, "sys")
	for name, pair := range map[string][2]map[string]string{"Data": {data, texts(got.Data)}, "Metadata": {metadata, texts(got.Metadata)}} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func texts(raw map[string]json.RawMessage) map[string]string {
	text := map[string]string{}
	for name, value := range raw {
		text[name] = string(value)
	}
	return text
}

func TestInvocationRequest(t *testing.T) {
	t.Parallel()
	for _, contentLength := range []bool{false, true} {
		r := newRig(t, someFunctions, Options{ContentLength: contentLength}, nil)
		if status, answer := r.deliver("many", twoEvents); status != 202 || answer != "" {
			t.Fatalf("%d %s", status, answer)
		}
		got := r.call(0)
		id := got.Header.Get("X-Azure-Functions-InvocationId")
		want := http.Header{
			"Content-Type":                   {"application/json; charset=utf-8"},
			"User-Agent":                     {"Azure-Functions-Host/" + Version},
			"X-Azure-Functions-Hostversion":  {Version},
			"X-Azure-Functions-Invocationid": {id},
			"Traceparent":                    {got.Header.Get("Traceparent")},
		}
		if contentLength {
			want.Set("Content-Length", got.Header.Get("Content-Length"))
		}
		if diff := cmp.Diff(want, got.Header); diff != "" {
			t.Errorf("headers (-want +got)\n%s", diff)
		}
		if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
			t.Errorf("invocation id %q", id)
		}
		if trace := got.Header.Get("Traceparent"); !regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-00$`).MatchString(trace) {
			t.Errorf("traceparent %q", trace)
		}
		if got.Method != "POST" || got.Path != "/many" || !strings.HasPrefix(got.Host, "127.0.0.1:") {
			t.Errorf("%s %s at %s", got.Method, got.Path, got.Host)
		}
		if chunked := len(got.Transfer) == 1 && got.Transfer[0] == "chunked"; chunked == contentLength {
			t.Errorf("with ContentLength %t: transfer encoding %v, length %d", contentLength, got.Transfer, got.Length)
		}
	}
}

func TestEventGridMany(t *testing.T) {
	t.Parallel()
	r := newRig(t, someFunctions, Options{}, nil)
	r.deliver("many", twoEvents)
	checkEnvelope(t, r.envelope(0), map[string]string{
		"events": `"[{\"id\":\"1\",\"eventTime\":\"2026-01-02T03:04:05.1234567Z\",\"data\":{\"n\":1.0,\"big\":12345678901234567890}},{\"id\":\"2\",\"data\":\"<text>\"}]"`,
	}, map[string]string{
		"data": `"[{\"n\":1.0,\"big\":12345678901234567890},\"<text>\"]"`,
	})
	r.deliver("many", `{"specversion":"1.0","id":"3"}`) // one object is wrapped
	checkEnvelope(t, r.envelope(1), map[string]string{"events": `"[{\"specversion\":\"1.0\",\"id\":\"3\"}]"`}, map[string]string{"data": `"[null]"`})
}

func TestEventGridOne(t *testing.T) {
	t.Parallel()
	r := newRig(t, someFunctions, Options{}, func(call seen) reply {
		if strings.Contains(call.Body, `"id":"bad"`) {
			return reply{Status: 500, Type: "application/json", Body: "{}"}
		}
		return ok
	})
	if status, _ := r.deliver("one", `[{"id":"1","data":{"a":"é"}}]`); status != 202 {
		t.Errorf("got %d", status)
	}
	checkEnvelope(t, r.envelope(0), map[string]string{"event": `{"id":"1","data":{"a":"é"}}`}, map[string]string{"data": `{"a":"é"}`})
	r.deliver("one", `{"id":"2","data":"x"}`)
	checkEnvelope(t, r.envelope(1), map[string]string{"event": `{"id":"2","data":"x"}`}, map[string]string{"data": `"\"x\""`})
	r.deliver("one", `{"id":"3"}`)
	checkEnvelope(t, r.envelope(2), map[string]string{"event": `{"id":"3"}`}, map[string]string{})
	if status, answer := r.deliver("one", `[{"id":"4"},{"id":"bad"},{"id":"5"}]`); status != 500 || !strings.Contains(answer, "500 Internal Server Error") {
		t.Errorf("one bad event of three: got %d %s, want 500 for all", status, answer)
	}
	if n := r.count(); n != 6 {
		t.Errorf("%d calls, want 6: each event of a delivery runs", n)
	}
}

// What the real host would refuse by itself reaches the handler here, as text.
func TestEventGridJunkReachesTheHandler(t *testing.T) {
	t.Parallel()
	r := newRig(t, someFunctions, Options{}, nil)
	for i, c := range []struct{ body, want string }{
		{`hello "you"`, `"\"hello \\\"you\\\"\""`},
		{"", `"\"\""`},
		{"\xff[", `"\"�[\""`},
		{`"text"`, `"\"\\\"text\\\"\""`},
		{strings.Repeat("[", 20000), `"\"` + strings.Repeat("[", 20000) + `\""`},
	} {
		if status, answer := r.deliver("many", c.body); status != 202 {
			t.Errorf("%.20q: %d %s", c.body, status, answer)
		}
		if got := string(r.envelope(i).Data["events"]); got != c.want {
			t.Errorf("%.20q: got %.60s, want %.60s", c.body, got, c.want)
		}
	}
	r.await("the real host would answer 500")
}

func TestEventGridWebhookTable(t *testing.T) {
	t.Parallel()
	r := newRig(t, someFunctions, Options{}, nil)
	const path = "/runtime/webhooks/EVENTGRID?functionName="
	cases := []struct {
		name, method, path, kind, body string
		status                         int
		answer                         string
	}{
		{"unknown function", "POST", path + "none", "Notification", `[]`, 404, "cannot find function: 'none'\n"},
		{"no function", "POST", "/runtime/webhooks/eventgrid", "Notification", `[]`, 404, "cannot find function: ''\n"},
		{"other trigger", "POST", path + "tick", "Notification", `[]`, 404, "cannot find function: 'tick'\n"},
		{"case of the function counts", "POST", path + "ONE", "Notification", `[]`, 404, "cannot find function: 'ONE'\n"},
		{"validation, event grid schema", "POST", path + "one", "SubscriptionValidation", `[{"data":{"validationCode":"abc"}}]`, 200, `{"validationResponse":"abc"}` + "\n"},
		{"validation, cloud event", "POST", path + "one", "SubscriptionValidation", `{"data":{"validationCode":"abc"}}`, 200, `{"validationResponse":"abc"}` + "\n"},
		{"validation, data as text", "POST", path + "one", "subscriptionvalidation", `{"data":"{\"validationCode\":\"abc\"}"}`, 200, `{"validationResponse":"abc"}` + "\n"},
		{"validation without a code", "POST", path + "one", "SubscriptionValidation", `[{"data":{}}]`, 500, "read subscription validation: no data.validationCode\n"},
		{"validation that is none", "POST", path + "one", "SubscriptionValidation", `x`, 500, ""},
		{"unsubscribe", "POST", path + "one", "Unsubscribe", ``, 202, ""},
		{"no type", "POST", path + "one", "", `[]`, 400, ""},
		{"other type", "POST", path + "one", "Else", `[]`, 400, ""},
		{"get", "GET", path + "one", "Notification", ``, 400, ""},
		{"empty delivery, one by one", "POST", path + "one", "notification", `[]`, 202, ""},
	}
	for _, c := range cases {
		status, answer, _ := r.do(c.method, c.path, c.body, "aeg-event-type", c.kind)
		if status != c.status || c.answer != "" && answer != c.answer {
			t.Errorf("%s: got %d %q, want %d %q", c.name, status, answer, c.status, c.answer)
		}
	}
	if r.count() != 0 {
		t.Errorf("the handler was called %d times", r.count())
	}
	for origin, want := range map[string]string{"eventgrid.azure.net": "eventgrid.azure.net", "eventgrid.azure.us": "eventgrid.azure.us", "example.org": "eventgrid.azure.net"} {
		status, _, h := r.do("OPTIONS", path+"one", "", "WebHook-Request-Origin", origin)
		if got := h.Get("Webhook-Allowed-Origin"); status != 200 || got != want {
			t.Errorf("handshake from %s: %d, allowed %q, want %q", origin, status, got, want)
		}
	}
}
