//go:build unix

package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
)

const (
	subscriptionID = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
	groupID        = "/subscriptions/" + subscriptionID + "/resourceGroups/rg-auditbell"
	appID          = groupID + "/providers/Microsoft.Web/sites/func-auditbell-1a2b3c"
	vaultID        = groupID + "/providers/Microsoft.KeyVault/vaults/kv-auditbell-1a2b3c"
	topicID        = groupID + "/providers/Microsoft.EventGrid/systemTopics/evgt-auditbell-0b1f6471"
	bearer         = "Bearer head.eyJvaWQiOiI4ZjRiM2MxZS01ZDJhLTRmNmItOWM3ZC0wZTFmMmEzYjRjNWQifQ.sign" // oid 8f4b3c1e-…
	masterKey      = "bWFzdGVyLWtleQ=="
)

// azure is Azure as far as a deployment meets it: Azure Resource Manager, the app, and its deployment site, each a server
// of its own. It is as strict as the sources of Core Tools and App Service are: the app refuses who has no rule, a rule
// holds a while after it was made, and Event Grid refuses a function that is not published.
type azure struct {
	t              *testing.T
	arm, main, scm *httptest.Server

	mu            sync.Mutex
	requests      []string               // what was asked, by whom
	interrupt     func(n int, ua string) // called after the n-th request was carried out and before it is answered
	forbidPatch   bool                   // a policy forbids to change who may call
	app           bool
	rules         []map[string]any
	settling      int // requests until the newest rules hold
	holding       []map[string]any
	deployments   []deploymentState
	functions     []string
	subscribed    bool
	secrets       map[string]bool
	registered    map[string]bool
	generated     map[string]bool // what Application Insights made by itself
	delivered     int
	tried         bool
	syncs         int
	addressesSeen map[string]bool // rules of a publisher that were ever made
}

// byModule are the rules that the module gives the app.
func byModule() []map[string]any {
	return []map[string]any{
		{"name": "AzureEventGrid", "action": "Allow", "priority": 100.0, "tag": "ServiceTag", "ipAddress": "AzureEventGrid"},
		{"name": "ActionGroup", "action": "Allow", "priority": 101.0, "tag": "ServiceTag", "ipAddress": "ActionGroup"},
	}
}

func newAzure(t *testing.T) *azure {
	t.Helper()
	a := &azure{t: t, secrets: map[string]bool{"slack-webhook-url": true}, registered: map[string]bool{}, generated: map[string]bool{}, addressesSeen: map[string]bool{}}
	start := func(serve func(http.ResponseWriter, *http.Request)) *httptest.Server {
		s := httptest.NewUnstartedServer(a.counted(serve))
		s.Config.ErrorLog = nil
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	a.arm, a.main, a.scm = start(a.serveARM), start(a.serveMain), start(a.serveSCM)
	return a
}

// counted carries a request out as a whole, then lets the test kill who asked, then answers.
func (a *azure) counted(serve func(http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // cut off in the middle: nothing was carried out
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		a.mu.Lock()
		serve(answer, r)
		a.requests = append(a.requests, fmt.Sprintf("%s %s %s %d", who(r), r.Method, r.URL.Path, answer.Code))
		n, interrupt := len(a.requests), a.interrupt
		a.mu.Unlock()
		if interrupt != nil {
			interrupt(n, who(r))
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	}
}

// watch sets what is called after each request; nil: nothing.
func (a *azure) watch(f func(n int, by string)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.interrupt = f
}

// callers are the rules that say who may call the app now.
func (a *azure) callers() []map[string]any {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.rules)
}

// letIn reports whether a rule of a publisher was ever made.
func (a *azure) letIn() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.addressesSeen) > 0
}

func who(r *http.Request) string {
	agent := r.UserAgent()
	for _, name := range []string{"tofu", "func"} {
		if agent == name {
			return name
		}
	}
	return "deploy"
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"code": code, "message": message}})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (a *azure) serveARM(w http.ResponseWriter, r *http.Request) {
	p := r.URL.Path
	switch {
	case r.Header.Get("Authorization") != bearer:
		refuse(w, http.StatusUnauthorized, "AuthenticationFailed", "no token")
	case r.URL.Query().Get("api-version") == "":
		refuse(w, http.StatusBadRequest, "MissingApiVersionParameter", "")
	case strings.HasPrefix(p, "/subscriptions/"+subscriptionID+"/providers/"):
		a.provider(w, r)
	case p == "/subscriptions/"+subscriptionID+"/resourceGroups/rg-auditbell-try":
		a.try(w, r)
	case p == appID && r.Method == http.MethodPut:
		a.app, a.rules, a.holding = true, byModule(), byModule()
	case strings.HasPrefix(p, appID) && !a.app:
		refuse(w, http.StatusNotFound, "ResourceNotFound", "no such app")
	case strings.HasPrefix(p, appID):
		a.serveApp(w, r, strings.TrimPrefix(p, appID))
	case strings.HasPrefix(p, vaultID+"/secrets/") && !a.secrets[path.Base(p)]:
		refuse(w, http.StatusNotFound, "SecretNotFound", "")
	case strings.HasPrefix(p, vaultID+"/secrets/"):
		answer(w, map[string]string{"name": path.Base(p)})
	case strings.HasPrefix(p, topicID):
		a.serveTopic(w, r, strings.TrimPrefix(p, topicID))
	case r.Method == http.MethodDelete && a.generated[path.Base(p)]:
		delete(a.generated, path.Base(p))
	default:
		refuse(w, http.StatusNotFound, "ResourceNotFound", p)
	}
}

func (a *azure) provider(w http.ResponseWriter, r *http.Request) {
	name := strings.Split(r.URL.Path, "/")[4]
	if r.Method == http.MethodPost {
		a.registered[name] = true
	}
	state := "NotRegistered"
	if a.registered[name] {
		state = "Registered"
	}
	answer(w, map[string]string{"namespace": name, "registrationState": state})
}

func (a *azure) try(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodDelete && !a.tried {
		refuse(w, http.StatusNotFound, "ResourceGroupNotFound", "")
		return
	}
	a.tried = r.Method == http.MethodPut
	if a.subscribed && r.Method == http.MethodDelete {
		a.delivered++
	}
}

func (a *azure) serveApp(w http.ResponseWriter, r *http.Request, rest string) {
	switch r.Method + " " + rest {
	case "GET ":
		answer(w, map[string]any{"properties": map[string]any{
			"defaultHostName": host(a.main), "publicNetworkAccess": "Enabled",
			"hostNameSslStates": []map[string]string{{"name": host(a.main), "hostType": "Standard"}, {"name": host(a.scm), "hostType": "Repository"}},
		}})
	case "GET /config/web":
		last := map[string]any{"name": "Deny all", "action": "Deny", "priority": 2147483647, "ipAddress": "Any"} // as Azure shows the default
		answer(w, map[string]any{"properties": map[string]any{"ipSecurityRestrictions": append(slices.Clone(a.rules), last), "ipSecurityRestrictionsDefaultAction": "Deny"}})
	case "PATCH /config/web":
		a.patchRules(w, r)
	case "GET /functions":
		list := []map[string]string{}
		for _, f := range a.functions {
			list = append(list, map[string]string{"name": "func-auditbell-1a2b3c/" + f})
		}
		answer(w, map[string]any{"value": list})
	case "GET /config/configreferences/appsettings":
		status := "SecretNotFound"
		if a.secrets["slack-webhook-url"] {
			status = "Resolved"
		}
		answer(w, map[string]any{"value": []any{map[string]any{"name": "SLACK_WEBHOOK_URL", "properties": map[string]string{"status": status}}}})
	case "POST /host/default/sync":
		a.syncs++
	case "POST /host/default/listkeys":
		answer(w, map[string]string{"masterKey": masterKey})
	default:
		refuse(w, http.StatusNotFound, "ResourceNotFound", rest)
	}
}

func (a *azure) patchRules(w http.ResponseWriter, r *http.Request) {
	if a.forbidPatch {
		refuse(w, http.StatusForbidden, "RequestDisallowedByPolicy", "who may call is decided by policy")
		return
	}
	var c config
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
		refuse(w, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	a.rules, a.settling = slices.DeleteFunc(c.Properties.Rules, func(r map[string]any) bool { return r["ipAddress"] == "Any" }), 2
	for _, rule := range a.rules {
		if isOurs(rule) {
			a.addressesSeen[rule["ipAddress"].(string)] = true
		}
	}
}

func (a *azure) serveTopic(w http.ResponseWriter, r *http.Request, rest string) {
	switch {
	case r.Method == http.MethodPut && !slices.Contains(a.functions, "eventgrid-activity"):
		refuse(w, http.StatusBadRequest, "Endpoint validation", "Destination endpoint not found")
	case r.Method == http.MethodPut:
		a.subscribed = true
	case strings.HasPrefix(rest, "/eventSubscriptions/") && a.subscribed:
		answer(w, map[string]any{"properties": map[string]string{"provisioningState": "Succeeded"}})
	case strings.HasPrefix(rest, "/providers/Microsoft.Insights/metrics"):
		answer(w, map[string]any{"value": []any{map[string]any{"timeseries": []any{map[string]any{"data": []any{map[string]any{"total": a.delivered}}}}}}})
	default:
		refuse(w, http.StatusNotFound, "ResourceNotFound", rest)
	}
}

// serveMain is the app. Who has no rule is refused as App Service refuses: 403, and the address in a header.
func (a *azure) serveMain(w http.ResponseWriter, r *http.Request) {
	if a.settling--; a.settling <= 0 {
		a.holding = a.rules
	}
	address, _, _ := net.SplitHostPort(r.RemoteAddr)
	switch {
	case !allowed(a.holding, netip.MustParseAddr(address)):
		w.Header().Set("x-ms-forbidden-ip", address)
		w.WriteHeader(http.StatusForbidden)
	case r.URL.Query().Get("code") != masterKey:
		w.WriteHeader(http.StatusUnauthorized)
	case len(a.functions) == 0:
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		answer(w, map[string]string{"state": "Running"})
	}
}

func allowed(rules []map[string]any, address netip.Addr) bool {
	return slices.ContainsFunc(rules, func(rule map[string]any) bool {
		prefix, err := netip.ParsePrefix(rule["ipAddress"].(string))
		return err == nil && prefix.Contains(address)
	})
}

// serveSCM is the deployment site: one deployment a zip, which is building, then done; functions are listed when it is.
func (a *azure) serveSCM(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Authorization") != bearer:
		w.WriteHeader(http.StatusUnauthorized)
	case r.Method == http.MethodPost && r.URL.Path == "/api/publish":
		a.receive(w, r)
	case r.Method == http.MethodGet && r.URL.Path == "/api/deployments":
		answer(w, a.deployments)
		for i := range a.deployments {
			a.deployments[i].Status = min(a.deployments[i].Status+1, stateSuccess)
			if a.deployments[i].Status == stateFailed {
				a.deployments[i].Status = stateSuccess // the two stages before it were Building and Deploying
			}
		}
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// receive takes an archive whose handler may be executed; any other would start nothing.
func (a *azure) receive(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	archive, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		refuse(w, http.StatusBadRequest, "BadRequest", "no zip")
		return
	}
	var functions []string
	executable := false
	for _, f := range archive.File {
		if path.Base(f.Name) == "function.json" {
			functions = append(functions, path.Dir(f.Name))
		}
		executable = executable || f.Name == "bin/handler" && f.Mode()&0o100 != 0
	}
	if !executable {
		refuse(w, http.StatusBadRequest, "BadRequest", "bin/handler cannot be executed")
		return
	}
	a.functions = functions
	a.deployments = slices.Insert(a.deployments, 0, deploymentState{ID: fmt.Sprint(len(a.deployments) + 1), Status: 1})
	w.WriteHeader(http.StatusAccepted)
}

func host(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "https://") }
