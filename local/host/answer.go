package host

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// answer is a handler's success.
type answer struct {
	outputs map[string]json.RawMessage // nil when the handler sent none
	logs    []string
	traps   []string // what the real host would do that nobody wants
}

// readAnswer applies the response table: what the real host takes for success, what fails the invocation, and what
// would hang it, which fails here at once (DefaultHttpWorkerService.cs, HttpScriptInvocationResult.cs).
func readAnswer(f *function, r *http.Response, body []byte) (answer, error) {
	if r.StatusCode < 200 || r.StatusCode > 299 {
		return answer{}, fmt.Errorf("response status code does not indicate success: %s (the real host drops the body: %s)", r.Status, excerpt(body))
	}
	if err := checkMediaType(r.Header.Get("Content-Type")); err != nil {
		return answer{}, fmt.Errorf("%w (body: %s)", err, excerpt(body))
	}
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || string(trimmed) == "null" {
		return answer{}, errors.New("the answer is empty or null: the real host would wait until functionTimeout and then kill the handler\nhint: answer at least {}")
	}
	var result struct {
		Outputs     map[string]json.RawMessage
		Logs        []json.RawMessage
		ReturnValue json.RawMessage
	}
	// Newtonsoft leaves members it does not know alone, and so does encoding/json.
	if err := json.Unmarshal(body, &result); err != nil { // names without regard to case, as in Newtonsoft
		return answer{}, fmt.Errorf("read invocation result: %w (body: %s)", err, excerpt(body))
	}
	a := answer{outputs: result.Outputs}
	for _, raw := range result.Logs {
		var line string
		if err := json.Unmarshal(raw, &line); err != nil {
			return answer{}, fmt.Errorf("read invocation result: Logs may hold strings only: %s", excerpt(raw))
		}
		a.logs = append(a.logs, line)
	}
	a.traps = base64Traps(f, result.Outputs, result.ReturnValue)
	return a, nil
}

// checkMediaType knows the two types the host has a formatter for.
func checkMediaType(header string) error {
	kind, _, err := mime.ParseMediaType(header)
	if err != nil || kind != "application/json" && kind != "text/json" {
		return fmt.Errorf("no MediaTypeFormatter is available to read an invocation result of media type %q", header)
	}
	return nil
}

// base64Traps names outputs that the host would turn into bytes because they happen to be valid base64
// (azure-functions-host#8352).
func base64Traps(f *function, outputs map[string]json.RawMessage, returned json.RawMessage) []string {
	var traps []string
	check := func(name string, raw json.RawMessage) {
		var text string
		if json.Unmarshal(raw, &text) != nil || text == "" {
			return
		}
		if _, err := base64.StdEncoding.DecodeString(text); err == nil {
			traps = append(traps, fmt.Sprintf("output %s: %q is valid base64, the real host sends its decoded bytes", name, text))
		}
	}
	for _, b := range f.bindings {
		raw, sent := outputs[b.Name]
		if !sent || strings.EqualFold(b.DataType, "binary") || b.Type == "http" && b.Name != "$return" {
			continue
		}
		check(b.Name, raw)
	}
	if returned != nil {
		check("ReturnValue", returned)
	}
	return traps
}

// excerpt is enough of a body to recognise it by in a line of the log.
func excerpt(body []byte) string {
	const limit = 300
	if len(body) > limit {
		return strings.ToValidUTF8(string(body[:limit]), "") + "…"
	}
	return string(body)
}

// webAnswer is what an HTTP function's caller gets.
type webAnswer struct {
	status  int
	headers map[string]string
	body    string
}

// web reads the output of the http binding (GetHttpOutputBindingResponse, HttpBinding.ParseResponseObject). Without
// any Outputs the host answers an empty 200; with Outputs that lack the binding, an object without members.
func (a answer) web(f *function) (webAnswer, error) {
	if a.outputs == nil {
		return webAnswer{status: http.StatusOK}, nil
	}
	for _, b := range f.bindings {
		if b.Type != "http" {
			continue
		}
		raw, sent := a.outputs[b.Name]
		if !sent {
			return webAnswer{status: http.StatusOK, body: "{}"}, nil
		}
		return readWebAnswer(raw)
	}
	return webAnswer{status: http.StatusOK}, nil
}

func readWebAnswer(raw json.RawMessage) (webAnswer, error) {
	var output struct {
		StatusCode any
		Body       json.RawMessage
		Headers    map[string]any
	}
	text := raw
	if len(raw) > 0 && raw[0] == '"' { // a string that holds the object will do: the host parses its ToString()
		var inner string
		if err := json.Unmarshal(raw, &inner); err != nil {
			return webAnswer{}, fmt.Errorf("read http output: %w", err)
		}
		text = []byte(inner)
	}
	if err := json.Unmarshal(text, &output); err != nil || len(text) == 0 || text[0] != '{' {
		return webAnswer{}, fmt.Errorf("http output is not in the expected format, an object: %s", excerpt(raw))
	}
	a := webAnswer{status: http.StatusOK, headers: map[string]string{}, body: bodyText(output.Body)}
	// The property statusCode is always there, and null where the handler gave none, so status is never looked at
	// (HttpScriptInvocationResultExtensions.cs, HttpBinding.cs).
	if n, ok := statusNumber(output.StatusCode); ok {
		a.status = n
	}
	for name, value := range output.Headers {
		if value == nil {
			return webAnswer{}, fmt.Errorf("http output: header %s is null", name)
		}
		a.headers[name] = fmt.Sprint(value)
	}
	return a, nil
}

// statusNumber reads a status that is a number or a string holding one; anything else is ignored.
func statusNumber(v any) (int, bool) {
	var n int
	if _, err := fmt.Sscanf(fmt.Sprint(v), "%d", &n); err != nil || n < 100 || n > 999 {
		return 0, false
	}
	return n, true
}

// bodyText is what .NET's ToString makes of a body: text as it is, objects and arrays indented, True and False.
func bodyText(raw json.RawMessage) string {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return ""
	case raw[0] == '"':
		var s string
		_ = json.Unmarshal(raw, &s) // it was part of valid JSON
		return s
	case raw[0] == '{', raw[0] == '[':
		var b bytes.Buffer
		_ = json.Indent(&b, raw, "", "  ")
		return b.String()
	case raw[0] == 't':
		return "True"
	case raw[0] == 'f':
		return "False"
	}
	return string(raw)
}

// write sends the answer. Without a content type the host's string formatter says text/plain, whatever the body is.
func (a webAnswer) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	for name, value := range a.headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(a.body))
}
