// Package host speaks the custom-handler protocol of Azure Functions from the handler's side: the host POSTs an
// invocation as JSON, a Func turns it into a Result, the Server writes that back in the one form the host accepts.
//
// Where the host's behaviour is undocumented the code names the source file of Azure/azure-functions-host (4.1037) or
// the page "Azure Functions custom handlers" (learn.microsoft.com, 2025-11-12) it was read from.
//
// Not for deciding anything about an event, and not a general web server: what a binding value means is the Func's
// business, and only the Functions host is expected to call.
package host

import (
	"context"
	"crypto/rand"
	"log/slog"
	"maps"
	"net/http"
)

// Func serves one function.
//
// It may be called any number of times at once. A nil error tells the host that the work is durable; an error makes
// the host fail the invocation, which Event Grid and Event Hubs answer by delivering again. ctx ends at the server's
// deadline; what a Func returns after that is dropped.
type Func func(ctx context.Context, in Invocation) (Result, error)

// Invocation is one call of one function. Its bytes belong to the invocation and are never written to again, so a
// Func may keep slices of them.
type Invocation struct {
	Function string       // the function's folder name, which is the path the host called
	ID       string       // the host's invocation id, a GUID; empty when a person calls with curl
	Logger   *slog.Logger // carries function and invocation id, because the host attaches neither to our lines

	data     []member // Data, binding name and raw value, in the order received
	metadata []byte   // Metadata, checked but not decoded
}

// member is one name of a JSON object with its raw value.
type member struct {
	name string
	raw  []byte
}

// Result is what the host is told. The zero Result is a success that binds nothing and is written as {}: an empty
// body or null would leave the invocation hanging until functionTimeout and then cost the whole process
// (HttpScriptInvocationResult has no else-branch for it).
type Result struct {
	// Outputs are values for output bindings by name. Beware that the host decodes any string that happens to be
	// valid base64 ("test", "abcd") unless the binding has dataType binary (azure-functions-host#8352); an HTTP
	// answer, which is an object, is safe.
	Outputs map[string]any
	// Logs are lines the host writes at level Information, with the invocation's id, after a success only. What must
	// survive a failure goes to Invocation.Logger.
	Logs []string
}

// ResponseName is the name an HTTP function's output binding must have in function.json. "$return" would meet the
// base64 trap.
const ResponseName = "res"

// Response is the Result of an HTTP function. The status travels inside, because any status but 2xx between handler
// and host fails the invocation and reaches the caller as 500. A string body is sent as it is; anything else as JSON.
func Response(status int, body any) Result {
	kind := "application/json"
	if _, text := body.(string); text {
		kind = "text/plain; charset=utf-8"
	}
	return Result{Outputs: map[string]any{ResponseName: httpAnswer{
		StatusCode: status,
		Headers:    map[string]string{"Content-Type": kind},
		Body:       body,
	}}}
}

// Refuse is the answer of an HTTP function to a call that is wrong, with the reason.
func Refuse(status int, reason string) Result {
	return Response(status, map[string]string{"error": reason})
}

// Unavailable is the answer of an HTTP function that could not store what came: 503, after which action groups send again
// (learn: "Action groups", webhook retry).
func Unavailable() Result {
	return Refuse(http.StatusServiceUnavailable, "not stored, please send it again")
}

// Attempt is unique for each attempt, even where the host repeats an invocation under its old id.
func (in Invocation) Attempt() string { return in.ID + "-" + rand.Text()[:8] }

// WithHeader returns a copy of an HTTP function's Result with one more header; any other Result is returned as it is.
func (r Result) WithHeader(name, value string) Result {
	answer, ok := r.Outputs[ResponseName].(httpAnswer)
	if !ok {
		return r
	}
	answer.Headers = maps.Clone(answer.Headers)
	answer.Headers[name] = value
	r.Outputs = maps.Clone(r.Outputs)
	r.Outputs[ResponseName] = answer
	return r
}

// httpAnswer is the object the host accepts as an HTTP output.
type httpAnswer struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers,omitempty"`
	Body       any               `json:"body,omitempty"`
}
