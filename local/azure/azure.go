// Package azure answers what Auditbell looks up, in place of Azure Resource Manager, Resource Graph and Microsoft Graph.
//
// It knows what it was given, in the shapes that Microsoft publishes, and is as strict as the originals: a request
// without a token, with another api-version or with a query that it does not understand is refused. It holds one copy
// of each fact and no behaviour of real resources; it is not for anything but looking up.
package azure

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Directory is what the stand-in knows. Ids compare without regard to case.
type Directory struct {
	Roles     map[string]Role   // by the GUID of the definition
	Objects   map[string]Object // by object id
	Resources []Resource        // subscriptions, resource groups and resources
	Changes   []Change
	Bodies    map[string]string // JSON of resources that Azure Resource Manager serves by id, in lower case
}

// Role is a role definition.
type Role struct {
	Name                                             string
	Actions, NotActions, DataActions, NotDataActions []string
}

// Object is a user, group or service principal.
type Object struct {
	Kind        string // "user", "group" or "servicePrincipal"
	AppID       string // of a service principal: its app's client id
	DisplayName string
	UPN         string
}

// Resource is a row of Resource Graph's tables resources and resourcecontainers.
type Resource struct {
	ID   string            `json:"id"`
	Name string            `json:"name"`
	Tags map[string]string `json:"tags"`
}

// Change is a record of Resource Graph's table resourcechanges.
type Change struct {
	Correlation string
	Target      string
	Kind        string // "Create", "Update", "Delete"
	Changes     map[string]any
	From        time.Time // when it is on record; zero: at once
}

// Fault answers the next Count requests whose path begins with Prefix.
type Fault struct {
	Prefix     string
	Count      int
	Status     int           // 0: the body alone
	RetryAfter string        // header
	Body       string        // in place of an error of the service's form
	Delay      time.Duration // before anything is answered
}

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	directory Directory
	now       func() time.Time
	// PageSize is the number of rows after which Resource Graph hands out a $skipToken; 0: all at once.
	PageSize int
	// QuotaGone makes Resource Graph say that the question it answers was the last one for five seconds.
	QuotaGone bool

	mu       sync.Mutex
	faults   []Fault
	requests []string
	entries  []Entry
}

// New returns a stand-in that knows d.
func New(d Directory, now func() time.Time) *Server { return &Server{directory: d, now: now} }

// Record adds changes to what is on record.
func (s *Server) Record(changes ...Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.directory.Changes = append(s.directory.Changes, changes...)
}

// Fail adds a fault.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// Requests lists the requests so far: the path, and of a query its text.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, faulty := s.note(r)
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
			return
		}
	}
	path := r.URL.Path
	switch {
	case faulty && f.answers():
		s.answerFault(w, f)
	case !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer "):
		refuse(w, http.StatusUnauthorized, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
	case path == "/v1.0/directoryObjects/getByIds":
		s.objects(w, r)
	case path == "/v1.0/servicePrincipals":
		s.apps(w, r)
	case strings.HasPrefix(path, "/v1.0/directoryObjects/"):
		s.object(w, r)
	case path == "/providers/Microsoft.ResourceGraph/resources":
		s.query(w, r)
	case strings.HasSuffix(path, listSuffix):
		s.activityLog(w, r)
	case definition.MatchString(path):
		s.role(w, r)
	case byID.MatchString(path):
		s.resource(w, r)
	default:
		refuse(w, http.StatusNotFound, "InvalidResourceType", "The stand-in does not serve "+path)
	}
}

// byID are resources that are read by their id. Management groups and the tenant's root have some too.
var byID = regexp.MustCompile(`(?i)^(/subscriptions/[0-9a-f-]{36}(/resourcegroups/[^/]+)?|/providers/microsoft\.management/managementgroups/[^/]+)?/providers/(microsoft\.[a-z]+/[^/]+/[^/]+)`)

// resource answers "Get" of a resource. Which API versions a type has the stand-in does not know; one must be named.
func (s *Server) resource(w http.ResponseWriter, r *http.Request) {
	body, ok := s.directory.Bodies[strings.ToLower(r.URL.Path)]
	switch {
	case r.Method != http.MethodGet || r.URL.Query().Get("api-version") == "":
		refuse(w, http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	case !ok:
		refuse(w, http.StatusNotFound, "ResourceNotFound", "The Resource '"+r.URL.Path+"' was not found.")
	default:
		reply(w, json.RawMessage(body))
	}
}

// note lists the request, in one step: others come at the same time. A query that is answered is listed with its text.
func (s *Server) note(r *http.Request) (Fault, bool) {
	line, query := r.Method+" "+r.URL.Path, queryText(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	fault, faulty := s.fault(r.URL.Path)
	if !faulty || !fault.answers() {
		line += query
	}
	s.requests = append(s.requests, line)
	return fault, faulty
}

// queryText is a blank and the query in the body, which is left to be read again; "" when there is none.
func queryText(r *http.Request) string {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	r.Body = io.NopCloser(bytes.NewReader(body))
	var q struct{ Query string }
	if err != nil || json.Unmarshal(body, &q) != nil || q.Query == "" {
		return ""
	}
	return " " + q.Query
}

// fault uses up one count of the first fault for the path.
func (s *Server) fault(path string) (Fault, bool) {
	for i := range s.faults {
		if f := &s.faults[i]; f.Count > 0 && strings.HasPrefix(path, f.Prefix) {
			f.Count--
			return *f, true
		}
	}
	return Fault{}, false
}

// answers reports whether the fault is an answer of its own, rather than a delay.
func (f Fault) answers() bool { return f.Status != 0 || f.Body != "" }

func (s *Server) answerFault(w http.ResponseWriter, f Fault) {
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	if f.Body == "" {
		refuse(w, f.Status, "Fault", "As the test wanted it.")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if f.Status != 0 {
		w.WriteHeader(f.Status)
	}
	_, _ = w.Write([]byte(f.Body)) // the client is gone when this fails
}

var definition = regexp.MustCompile(`^(/subscriptions/[0-9a-f-]{36})?/providers/Microsoft\.Authorization/roleDefinitions/([0-9a-fA-F-]{36})$`)

// role answers "Role Definitions - Get By Id", api-version 2022-04-01.
func (s *Server) role(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.URL.Query().Get("api-version") != "2022-04-01" {
		refuse(w, http.StatusBadRequest, "InvalidApiVersionParameter", "expected GET with api-version=2022-04-01")
		return
	}
	id := strings.ToLower(definition.FindStringSubmatch(r.URL.Path)[2])
	role, ok := s.directory.Roles[id]
	if !ok {
		refuse(w, http.StatusNotFound, "RoleDefinitionDoesNotExist", "The specified role definition with ID '"+id+"' does not exist.")
		return
	}
	reply(w, map[string]any{
		"id": r.URL.Path, "type": "Microsoft.Authorization/roleDefinitions", "name": id,
		"properties": map[string]any{
			"roleName": role.Name, "type": "BuiltInRole", "description": "", "assignableScopes": []string{"/"},
			"permissions": []any{map[string]any{"actions": role.Actions, "notActions": role.NotActions, "dataActions": role.DataActions, "notDataActions": role.NotDataActions}},
		},
	})
}

// object answers Microsoft Graph's "Get directoryObject".
func (s *Server) object(w http.ResponseWriter, r *http.Request) {
	id := strings.ToLower(strings.TrimPrefix(r.URL.Path, "/v1.0/directoryObjects/"))
	o, ok := s.directory.Objects[id]
	if r.Method != http.MethodGet || !ok {
		refuse(w, http.StatusNotFound, "Request_ResourceNotFound", "Resource '"+id+"' does not exist or one of its queried reference-property objects are not present.")
		return
	}
	answer := o.whole(id)
	answer["@odata.context"] = "https://graph.microsoft.com/v1.0/$metadata#directoryObjects/$entity"
	reply(w, answer)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v) // the client is gone when this fails
}

// refuse answers an error in the form that ARM and Microsoft Graph share.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"code": code, "message": message}})
}
