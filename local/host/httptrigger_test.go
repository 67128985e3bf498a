package host

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// requestOf is Data.req as the handler got it, with what varies taken out.
func requestOf(t *testing.T, e envelope, address string) map[string]any {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal(e.Data["req"], &got); err != nil {
		t.Fatal(err)
	}
	got["Url"] = strings.ReplaceAll(got["Url"].(string), address, "HOST")
	headers := got["Headers"].(map[string]any)
	for _, name := range []string{"Host", "User-Agent", "Accept-Encoding"} {
		if values, isList := headers[name].([]any); !isList || len(values) != 1 {
			t.Errorf("header %s is %v, want an array of one", name, headers[name])
		}
		delete(headers, name)
	}
	if identities, isList := got["Identities"].([]any); !isList || len(identities) != 1 {
		t.Errorf("identities %v", got["Identities"])
	}
	delete(got, "Identities")
	return got
}

func TestHTTPEnvelope(t *testing.T) {
	t.Parallel()
	r := newRig(t, map[string]string{"alert": `{"bindings":[{"type":"httpTrigger","name":"req","authLevel":"function","route":"alert/{kind}/{id?}"},{"type":"http","direction":"out","name":"res"}]}`}, Options{}, nil)
	cases := []struct {
		name, path, body string
		headers          []string
		want             map[string]any
		metadata         map[string]string // beside Query, Headers, Params
	}{
		{
			"JSON", "/api/alert/common/7?code=k&x=1&x=2", `{"schemaId":"s","data":{"a":1},"Query":"no"}`,
			[]string{"Content-Type", "application/json"},
			map[string]any{
				"Url": "http://HOST/api/alert/common/7?code=k&x=1&x=2", "Method": "POST",
				"Query": map[string]any{"code": "k", "x": "1,2"}, "Params": map[string]any{"kind": "common", "id": "7"},
				"Headers": map[string]any{"Content-Type": []any{"application/json"}, "Content-Length": []any{"44"}},
				"Body":    `{"schemaId":"s","data":{"a":1},"Query":"no"}`,
			},
			map[string]string{"schemaId": `"\"s\""`, "data": `{"a":1}`, "code": `"\"k\""`, "x": `"\"1,2\""`},
		},
		{
			"chunked: the body is lost", "/API/Alert/common", `{"a":1}`,
			[]string{"Transfer-Encoding", "chunked"},
			map[string]any{
				"Url": "http://HOST/API/Alert/common", "Method": "POST", "Query": map[string]any{}, "Params": map[string]any{"kind": "common"},
				"Headers": map[string]any{"Transfer-Encoding": []any{"chunked"}},
			},
			map[string]string{},
		},
		{
			"octets", "/api/alert/x", "\x00\xff",
			[]string{"Content-Type", "application/octet-stream"},
			map[string]any{
				"Url": "http://HOST/api/alert/x", "Method": "POST", "Query": map[string]any{}, "Params": map[string]any{"kind": "x"},
				"Headers": map[string]any{"Content-Type": []any{"application/octet-stream"}, "Content-Length": []any{"2"}}, "Body": "AP8=",
			},
			map[string]string{},
		},
		{
			"invalid UTF-8", "/api/alert/x", "a\xff", nil,
			map[string]any{
				"Url": "http://HOST/api/alert/x", "Method": "POST", "Query": map[string]any{}, "Params": map[string]any{"kind": "x"},
				"Headers": map[string]any{"Content-Length": []any{"2"}}, "Body": "a�",
			},
			map[string]string{},
		},
	}
	for i, c := range cases {
		r.do("POST", c.path, c.body, c.headers...)
		e := r.envelope(i)
		if diff := cmp.Diff(c.want, requestOf(t, e, r.addr.String())); diff != "" {
			t.Errorf("%s: Data.req (-want +got)\n%s", c.name, diff)
		}
		var headers map[string]string // plain strings here
		if err := json.Unmarshal(e.Metadata["Headers"], &headers); err != nil {
			t.Errorf("%s: Metadata.Headers: %v", c.name, err)
		}
		for _, name := range []string{"Query", "Headers", "Params", "sys"} {
			if e.Metadata[name] == nil || e.Metadata[name][0] != '{' {
				t.Errorf("%s: Metadata.%s is %s", c.name, name, e.Metadata[name])
			}
			delete(e.Metadata, name)
		}
		if diff := cmp.Diff(c.metadata, texts(e.Metadata)); diff != "" {
			t.Errorf("%s: Metadata (-want +got)\n%s", c.name, diff)
		}
	}
}

func TestHTTPRouting(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	writeFile(t, root+"/host.json", strings.Replace(minimalHostJSON, `"version"`, `"extensions":{"http":{"routePrefix":"hooks"}},"version"`, 1))
	spec := func(route string, methods ...string) string {
		list, _ := json.Marshal(methods)
		return `{"bindings":[{"type":"httpTrigger","name":"req","route":"` + route + `","methods":` + string(list) + `},{"type":"http","direction":"out","name":"res"}]}`
	}
	r := newRig(t, map[string]string{"a": spec("", "get", "POST"), "b": spec("b/{*rest}"), "c": spec("c/{id}/x")}, Options{Root: root}, nil)
	cases := []struct {
		method, path, want string // the function called, "" for 404
	}{
		{"GET", "/hooks/a", "/a"},
		{"POST", "/hooks/A/", "/a"},
		{"PUT", "/hooks/a", ""},
		{"GET", "/api/a", ""},
		{"GET", "/hooks/a/b", ""},
		{"PUT", "/hooks/b", "/b"},
		{"GET", "/hooks/b/1/2", "/b"},
		{"GET", "/hooks/c/7/x", "/c"},
		{"GET", "/hooks/c/7", ""},
		{"GET", "/", ""},
	}
	for _, c := range cases {
		before := r.count()
		status, _, _ := r.do(c.method, c.path, "")
		got := ""
		if r.count() > before {
			got = r.call(before).Path
		}
		if got != c.want || (c.want == "") != (status == http.StatusNotFound) {
			t.Errorf("%s %s: got %d %q, want %q", c.method, c.path, status, got, c.want)
		}
	}
	if got := string(r.envelope(3).Data["req"]); !strings.Contains(got, `"rest":"1/2"`) {
		t.Errorf("rest of the path: %s", got)
	}
}

func TestFunctionKey(t *testing.T) {
	t.Parallel()
	open := strings.Replace(someFunctions["alert"], `"function"`, `"anonymous"`, 1)
	r := newRig(t, map[string]string{"alert": someFunctions["alert"], "open": open}, Options{FunctionKey: "s3cret"}, nil)
	for _, c := range []struct {
		path, key string
		want      int
	}{{"/api/alert", "", 401}, {"/api/alert?code=no", "", 401}, {"/api/alert?code=s3cret", "", 200}, {"/api/alert", "s3cret", 200}, {"/api/open", "", 200}} {
		if status, _, _ := r.do("POST", c.path, "x", "X-Functions-Key", c.key); status != c.want {
			t.Errorf("%s with key %q: got %d, want %d", c.path, c.key, status, c.want)
		}
	}
}

func TestFailedHTTPFunctionIs500WithoutItsBody(t *testing.T) {
	t.Parallel()
	r := newRig(t, someFunctions, Options{}, func(seen) reply { return reply{Status: 404, Type: "application/json", Body: `{"error":"x"}`} })
	if status, body, _ := r.do("POST", "/api/alert", "x"); status != 500 || body != "" {
		t.Errorf("got %d %q", status, body)
	}
}

// endless is a body that is never held in memory.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestBodyIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, someFunctions, Options{}, nil)
	for _, path := range []string{"/api/alert", "/runtime/webhooks/eventgrid?functionName=one"} {
		request := httptest.NewRequest("POST", path, endless{})
		request.Header.Set("aeg-event-type", "Notification")
		request.ContentLength = maxBody + 1
		w := httptest.NewRecorder()
		r.server.Handler.ServeHTTP(w, request)
		if w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: got %d", path, w.Code)
		}
	}
}
