//go:build plan

package infra_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// arm is Azure Resource Manager on the loopback, as far as the real providers ask it: it keeps what is put, and adds what
// Azure adds. It knows none of Azure's own rules: a plan that passes here is well-formed, which says nothing of quotas or policies.
type arm struct {
	*httptest.Server
	t         *testing.T
	mu        sync.Mutex
	resources map[string]map[string]any // by lower-case path
	published []string                  // functions that the app lists
	asked     []string
}

const (
	subscription = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
	tenant       = "9f2d6c1b-4a3e-4d5f-8b7c-6e5d4c3b2a19"
	principal    = "c7d8e9f0-1a2b-4c3d-8e5f-607182930a4b"
)

func newARM(t *testing.T) *arm {
	t.Helper()
	a := &arm{t: t, resources: map[string]map[string]any{}}
	a.Server = httptest.NewTLSServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	return a
}

func (a *arm) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := strings.TrimSuffix(r.URL.Path, "/")
	a.asked = append(a.asked, r.Method+" "+p)
	w.Header().Set("Content-Type", "application/json")
	switch {
	case p == "/metadata/endpoints":
		send(w, a.endpoints())
	case p == "/msi":
		send(w, map[string]any{"access_token": token(), "token_type": "Bearer", "expires_in": "3600", "expires_on": "4102444800", "resource": r.URL.Query().Get("resource")})
	case p == "/vault": // the provider waits until a new vault answers
	default:
		a.resource(w, r, p)
	}
}

func send(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func (a *arm) endpoints() map[string]any {
	host := strings.TrimPrefix(a.URL, "https://")
	return map[string]any{
		"name": "AzureCloud", "resourceManager": a.URL, "portal": a.URL, "graph": a.URL, "microsoftGraphResourceId": a.URL, "graphAudience": a.URL,
		"authentication": map[string]any{"loginEndpoint": a.URL, "audiences": []string{a.URL, "https://management.azure.com/"}, "tenant": "common", "identityProvider": "AAD"},
		"suffixes": map[string]any{
			"storage": "core.windows.net", "keyVaultDns": "vault.azure.net", "sqlServerHostname": "database.windows.net", "acrLoginServer": "azurecr.io",
			"mhsmDns": "managedhsm.azure.net", "azureFrontDoorEndpointSuffix": "azurefd.net", "synapseAnalytics": "dev.azuresynapse.net",
			"attestationEndpoint": "attest.azure.net", "batch": host, "mysqlServerEndpoint": "mysql.database.azure.com", "postgresqlServerEndpoint": "postgres.database.azure.com",
			"mariadbServerEndpoint": "mariadb.database.azure.com", "storageSyncEndpointSuffix": "afs.azure.net",
		},
	}
}

func token() string {
	part := func(v any) string {
		text, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	return part(map[string]string{"alg": "none"}) + "." + part(map[string]any{"oid": principal, "tid": tenant, "exp": 4102444800, "idtyp": "app", "appid": principal}) + ".x"
}

// created are the kinds whose PUT is answered with 201, which the provider demands.
var created = regexp.MustCompile(`/(eventsubscriptions|roledefinitions|roleassignments|locks)/[^/]+$`)

var lists = regexp.MustCompile(`(?i)/(functions|eventSubscriptions|resources|roleAssignments|roleDefinitions|providers|storageAccounts|vaults|databaseAccounts|containers|blobServices|activityLogAlerts|deletedWorkspaces|deletedVaults)$`)

func (a *arm) resource(w http.ResponseWriter, r *http.Request, p string) {
	key := strings.ToLower(p)
	switch r.Method {
	case http.MethodPut, http.MethodPatch:
		var body map[string]any
		_ = json.NewDecoder(r.Body).Decode(&body)
		a.put(p, body)
		if r.Method == http.MethodPut && created.MatchString(key) {
			w.WriteHeader(http.StatusCreated)
		}
		send(w, a.resources[key])
	case http.MethodDelete:
		delete(a.resources, key)
	case http.MethodPost:
		a.action(w, key)
	default:
		a.get(w, r, p, key)
	}
}

// put keeps a resource, merged into what was there, with what Azure adds.
func (a *arm) put(p string, body map[string]any) {
	key := strings.ToLower(p)
	now := a.resources[key]
	if now == nil {
		now = map[string]any{}
	}
	merge(now, body)
	now["id"], now["name"] = p, path.Base(p)
	if parts := strings.Split(p, "/providers/"); len(parts) > 1 {
		segments := strings.Split(parts[len(parts)-1], "/")
		kind := segments[0]
		for i := 1; i < len(segments); i += 2 {
			kind += "/" + segments[i]
		}
		now["type"] = kind
	}
	properties, _ := now["properties"].(map[string]any)
	if properties == nil {
		properties = map[string]any{}
		now["properties"] = properties
	}
	if identity, ok := now["identity"].(map[string]any); ok {
		identity["principalId"], identity["tenantId"] = principal, tenant
	}
	enrich(path.Base(p), now, properties)
	if strings.EqualFold(fmt.Sprint(now["type"]), "Microsoft.KeyVault/vaults") {
		properties["vaultUri"] = a.URL + "/vault/"
	}
	a.resources[key] = now
}

func merge(into, from map[string]any) {
	for name, v := range from {
		if child, ok := v.(map[string]any); ok {
			if have, ok := into[name].(map[string]any); ok {
				merge(have, child)
				continue
			}
		}
		into[name] = v
	}
}

// enrich adds what Azure adds to a resource of a kind.
func enrich(name string, resource, properties map[string]any) {
	properties["provisioningState"] = "Succeeded"
	kind, _ := resource["type"].(string)
	switch strings.ToLower(kind) {
	case "microsoft.storage/storageaccounts":
		endpoints := map[string]any{}
		for _, service := range []string{"blob", "file", "queue", "table", "web", "dfs"} {
			endpoints[service] = "https://" + name + "." + service + ".core.windows.net/"
		}
		properties["primaryEndpoints"], properties["primaryLocation"] = endpoints, resource["location"]
		if resource["kind"] == nil {
			resource["kind"] = "StorageV2"
		}
	case "microsoft.documentdb/databaseaccounts":
		properties["documentEndpoint"] = "https://" + name + ".documents.azure.com:443/"
		place := []any{map[string]any{"id": name + "-westeurope", "locationName": "westeurope", "failoverPriority": 0, "isZoneRedundant": false, "provisioningState": "Succeeded", "documentEndpoint": "https://" + name + "-westeurope.documents.azure.com:443/"}}
		properties["readLocations"], properties["writeLocations"], properties["locations"], properties["failoverPolicies"] = place, place, place, place
	case "microsoft.operationalinsights/workspaces":
		properties["customerId"] = "5a0c3f0e-6f0b-4a39-9d1c-1f5c5d3b2a10"
	case "microsoft.insights/components":
		properties["ConnectionString"], properties["InstrumentationKey"], properties["AppId"] = "InstrumentationKey=00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
	case "microsoft.web/sites":
		properties["defaultHostName"] = name + ".azurewebsites.net"
	case "microsoft.web/sites/config":
		withDefaultRule(properties)
	case "microsoft.eventgrid/systemtopics/eventsubscriptions":
		if filter, ok := properties["filter"].(map[string]any); ok {
			filter["subjectBeginsWith"], filter["subjectEndsWith"] = "", ""
		}
	case "microsoft.authorization/roleassignments":
		properties["scope"], _, _ = strings.Cut(fmt.Sprint(resource["id"]), "/providers/Microsoft.Authorization/")
	case "microsoft.communication/communicationservices":
		properties["hostName"] = name + ".europe.communication.azure.com"
	case "microsoft.communication/emailservices/domains":
		properties["fromSenderDomain"] = "3f5b1c2d.azurecomm.net"
	case "microsoft.authorization/roledefinitions":
		resource["id"] = "/subscriptions/" + subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + name
		properties["type"] = "CustomRole"
	}
}

// withDefaultRule adds what Azure shows at the end of the rules of every site, under this name and number.
func withDefaultRule(properties map[string]any) {
	action := "Allow"
	if properties["ipSecurityRestrictionsDefaultAction"] == "Deny" {
		action = "Deny"
	}
	rules, _ := properties["ipSecurityRestrictions"].([]any)
	others := slices.DeleteFunc(slices.Clone(rules), func(r any) bool { return r.(map[string]any)["ipAddress"] == "Any" })
	properties["ipSecurityRestrictions"] = append(others, map[string]any{"name": action + " all", "action": action, "priority": 2147483647.0, "ipAddress": "Any", "description": action + " all access", "tag": nil})
}

func (a *arm) action(w http.ResponseWriter, key string) {
	switch {
	case strings.HasSuffix(key, "/register"):
		p := strings.TrimSuffix(key, "/register")
		a.put(p, map[string]any{"namespace": path.Base(p), "registrationState": "Registered"})
		send(w, a.resources[p])
	case strings.HasSuffix(key, "/listkeys") && strings.Contains(key, "/storageaccounts/"):
		send(w, map[string]any{"keys": []any{map[string]string{"keyName": "key1", "value": "a2V5", "permissions": "Full"}, map[string]string{"keyName": "key2", "value": "a2V5", "permissions": "Full"}}})
	case strings.HasSuffix(key, "/host/default/listkeys"):
		send(w, map[string]any{"masterKey": "bQ==", "functionKeys": map[string]string{"default": "ZGVmYXVsdC1mdW5jdGlvbi1rZXktb2YtYS10ZXN0"}})
	case strings.HasSuffix(key, "/checknameavailability"):
		send(w, map[string]any{"nameAvailable": true})
	default:
		send(w, map[string]any{"primaryMasterKey": "", "primarySharedKey": "a2V5", "secondarySharedKey": "a2V5", "primaryConnectionString": "", "primaryKey": "a2V5", "connectionStrings": []any{}})
	}
}

func (a *arm) get(w http.ResponseWriter, r *http.Request, p, key string) {
	switch {
	case strings.HasSuffix(key, "/subscriptions/"+subscription):
		send(w, map[string]any{"id": p, "subscriptionId": subscription, "tenantId": tenant, "displayName": "Contoso", "state": "Enabled"})
	case strings.HasSuffix(key, "/functions"):
		a.list(w, key, a.published)
	case strings.HasSuffix(key, "/providers"):
		send(w, map[string]any{"value": []any{map[string]string{"namespace": "Microsoft.EventGrid", "registrationState": "NotRegistered"}, map[string]string{"namespace": "Microsoft.Insights", "registrationState": "Registered"}}})
	case strings.HasSuffix(key, "/resources"):
		a.find(w, r)
	case a.resources[key] != nil:
		send(w, a.resources[key])
	case a.role(p) != nil:
		send(w, a.role(p))
	case lists.MatchString(p):
		a.children(w, key)
	case strings.HasSuffix(key, "services/default") || strings.Contains(key, "/config/") || strings.HasSuffix(key, "/basicpublishingcredentialspolicies/ftp") || strings.HasSuffix(key, "/basicpublishingcredentialspolicies/scm") || strings.HasSuffix(key, "/networkrulesets/default") || strings.HasSuffix(key, "/currentbillingfeatures"):
		a.put(p, map[string]any{})
		send(w, a.resources[key])
	default:
		w.WriteHeader(http.StatusNotFound)
		send(w, map[string]any{"error": map[string]string{"code": "ResourceNotFound", "message": p}})
	}
}

// role is a role definition, which is the same from every scope: one that was put, or a built-in one that the module names.
func (a *arm) role(p string) map[string]any {
	id := path.Base(strings.ToLower(p))
	if !strings.Contains(strings.ToLower(p), "/roledefinitions/"+id) {
		return nil
	}
	for key, have := range a.resources {
		if strings.HasSuffix(key, "/roledefinitions/"+id) {
			return have
		}
	}
	for _, file := range []string{"identity.tf", "modules/subscription/identity.tf"} {
		if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), `"`+id+`"`) {
			return map[string]any{"id": p, "name": id, "type": "Microsoft.Authorization/roleDefinitions", "properties": map[string]any{"roleName": id, "type": "BuiltInRole"}}
		}
	}
	return nil
}

func (a *arm) list(w http.ResponseWriter, key string, names []string) {
	app := path.Base(path.Dir(key))
	values := []any{}
	for _, n := range names {
		values = append(values, map[string]string{"name": app + "/" + n})
	}
	send(w, map[string]any{"value": values})
}

// find answers the list of resources that azurerm_resources asks for, by name and type.
func (a *arm) find(w http.ResponseWriter, r *http.Request) {
	filter := r.URL.Query().Get("$filter")
	values := []any{}
	for _, have := range a.resources {
		name, _ := have["name"].(string)
		kind, _ := have["type"].(string)
		if strings.Contains(filter, "name eq '"+name+"'") && strings.Contains(strings.ToLower(filter), strings.ToLower("resourceType eq '"+kind+"'")) {
			values = append(values, map[string]any{"id": have["id"], "name": name, "type": kind, "location": have["location"]})
		}
	}
	send(w, map[string]any{"value": values})
}

func (a *arm) children(w http.ResponseWriter, key string) {
	values := []any{}
	for k, have := range a.resources {
		if path.Dir(k) == key {
			values = append(values, have)
		}
	}
	send(w, map[string]any{"value": values})
}
