package host

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// serveHTTPTrigger finds the function by method and route and answers with its http output. A path that fits with
// another method is 404, as ASP.NET's method constraint has it.
func (h *Host) serveHTTPTrigger(w http.ResponseWriter, r *http.Request) {
	f, params := h.app.route(r)
	if f == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if !h.authorized(f, r) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	leave, ok := h.enter(r)
	if !ok {
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	defer leave()
	body, ok := readAll(w, r)
	if !ok {
		return
	}
	request := encode(httpRequest(r, params, body))
	a, err := h.invoke(f, values{f.trigger.Name: request}, httpMetadata(r, params, body))
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError) // whatever the handler said is lost
		return
	}
	answer, err := a.web(f)
	if err != nil { // binding the output fails the invocation, too late for the line that said it succeeded
		h.log.printf(Error, "Function."+f.name, "%v", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	answer.write(w)
}

// enter waits for one of the places that all HTTP functions share (HttpThrottleMiddleware.cs). A place is held while the body
// comes in, however slowly. false when too many wait, or the caller has left.
func (h *Host) enter(r *http.Request) (leave func(), ok bool) {
	if h.app.atOnce <= 0 {
		return func() {}, true
	}
	waiting := h.outstanding.Add(1)
	if h.app.outstanding > 0 && waiting > int64(h.app.outstanding) {
		h.outstanding.Add(-1)
		return nil, false
	}
	select {
	case h.places <- struct{}{}:
		return func() { <-h.places; h.outstanding.Add(-1) }, true
	case <-r.Context().Done():
		h.outstanding.Add(-1)
		return nil, false
	}
}

// authorized checks the function key where one was configured.
func (h *Host) authorized(f *function, r *http.Request) bool {
	if h.options.FunctionKey == "" || strings.EqualFold(f.trigger.AuthLevel, "anonymous") {
		return true
	}
	same := func(key string) bool {
		return subtle.ConstantTimeCompare([]byte(key), []byte(h.options.FunctionKey)) == 1
	}
	return same(r.URL.Query().Get("code")) || same(r.Header.Get("x-functions-key"))
}

// path is a function's address below the host, prefix included.
func (a *app) path(f *function) string {
	return strings.TrimPrefix(a.routePrefix+"/"+strings.Trim(f.trigger.Route, "/"), "/")
}

// route finds the HTTP function for a request and the values of its route's placeholders.
func (a *app) route(r *http.Request) (*function, map[string]string) {
	segments := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	for _, f := range a.functions {
		if f.trigger.Type != "httpTrigger" || !allows(f.trigger.Methods, r.Method) {
			continue
		}
		if params, ok := matchRoute(strings.Split(a.path(f), "/"), segments); ok {
			return f, params
		}
	}
	return nil, nil
}

// allows is true for a method on the list, and for any when there is none.
func allows(methods []string, method string) bool {
	return len(methods) == 0 || slices.ContainsFunc(methods, func(m string) bool { return strings.EqualFold(m, method) })
}

// checkRoute accepts literals, {name}, {name?} at the end and {*name} at the end: what ASP.NET routes are mostly made
// of. Constraints such as {id:int} are refused rather than ignored.
func checkRoute(route string) error {
	segments := strings.Split(strings.Trim(route, "/"), "/")
	for i, s := range segments {
		name, placeholder := placeholderIn(s)
		switch {
		case !placeholder && strings.ContainsAny(s, "{}"), strings.ContainsAny(name, "{}:="):
			return fmt.Errorf("route %s: the stand-in knows {name}, {name?} and {*name} as whole segments", route)
		case i < len(segments)-1 && strings.ContainsAny(name, "?*"):
			return fmt.Errorf("route %s: {%s} must come last", route, name)
		}
	}
	return nil
}

// placeholderIn returns what stands between the braces of a segment that is one.
func placeholderIn(segment string) (name string, ok bool) {
	if strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}") {
		return segment[1 : len(segment)-1], true
	}
	return "", false
}

// matchRoute compares segment by segment, literals without regard to case as ASP.NET does, and collects the
// placeholders' values.
func matchRoute(route, path []string) (map[string]string, bool) {
	params := map[string]string{}
	for i, s := range route {
		name, placeholder := placeholderIn(s)
		switch {
		case strings.HasPrefix(name, "*"):
			params[name[1:]] = strings.Join(path[min(i, len(path)):], "/")
			return params, true
		case i >= len(path) && strings.HasSuffix(name, "?"):
			return params, true
		case i >= len(path):
			return nil, false
		case placeholder:
			params[strings.TrimSuffix(name, "?")] = path[i]
		case !strings.EqualFold(s, path[i]):
			return nil, false
		}
	}
	return params, len(path) == len(route)
}

// request is Data.<name> of an HTTP trigger (HttpRequestExtensions.cs, GetRequestAsJObject).
type request struct {
	URL        string `json:"Url"`
	Method     string
	Query      map[string]string
	Headers    http.Header // arrays, as ASP.NET's StringValues serialise
	Params     map[string]string
	Identities json.RawMessage
	Body       any `json:",omitempty"` // left out unless there was a Content-Length above 0
}

// anonymous is the one identity of a caller without App Service authentication.
const anonymous = `[{"AuthenticationType":null,"IsAuthenticated":false,"Actor":null,"BootstrapContext":null,"Claims":[],"Label":null,"Name":null,` +
	`"NameClaimType":"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name","RoleClaimType":"http://schemas.microsoft.com/ws/2008/06/identity/claims/role"}]`

// httpRequest builds the value. Url is what the caller used, the function key in ?code= included: handlers must not
// log it.
func httpRequest(r *http.Request, params map[string]string, body []byte) request {
	return request{
		URL: "http://" + r.Host + r.URL.RequestURI(), Method: r.Method,
		Query: flat(r.URL.Query()), Headers: headersOf(r), Params: params,
		Identities: json.RawMessage(anonymous), Body: bodyOf(r, body),
	}
}

// bodyOf is text, or bytes (which serialise as base64) for octet streams and multipart. A chunked body is lost: the
// host looks at Content-Length only.
func bodyOf(r *http.Request, body []byte) any {
	kind := strings.ToLower(r.Header.Get("Content-Type"))
	switch {
	case r.ContentLength <= 0:
		return nil
	case strings.HasPrefix(kind, "application/octet-stream"), strings.HasPrefix(kind, "multipart/"):
		return body
	}
	return string(body)
}

// headersOf adds what net/http keeps elsewhere and ASP.NET does not.
func headersOf(r *http.Request) http.Header {
	headers := r.Header.Clone()
	headers.Set("Host", r.Host)
	if r.ContentLength >= 0 && r.Method != http.MethodGet {
		headers.Set("Content-Length", fmt.Sprint(r.ContentLength))
	}
	if len(r.TransferEncoding) > 0 {
		headers["Transfer-Encoding"] = r.TransferEncoding
	}
	return headers
}

// flat joins what comes twice with a comma, as StringValues.ToString does.
func flat[M ~map[string][]string](lists M) map[string]string {
	single := map[string]string{}
	for name, list := range lists {
		single[name] = strings.Join(list, ",")
	}
	return single
}

// httpMetadata repeats query, headers (plain strings here) and route values, and copies the members of a JSON body and
// of the query to the top level.
func httpMetadata(r *http.Request, params map[string]string, body []byte) values {
	query := flat(r.URL.Query())
	metadata := values{"Query": encode(query), "Headers": encode(flat(headersOf(r))), "Params": encode(params)}
	if _, isText := bodyOf(r, body).(string); isText {
		copyMembers(metadata, body)
	}
	for name, value := range query {
		if _, taken := metadata[name]; !taken {
			metadata[name] = wireText(value)
		}
	}
	return metadata
}
