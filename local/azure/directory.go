package azure

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// whole is an object as Microsoft Graph has it.
func (o Object) whole(id string) map[string]any {
	answer := map[string]any{"@odata.type": "#microsoft.graph." + o.Kind, "id": id, "displayName": o.DisplayName}
	switch o.Kind {
	case "user":
		answer["userPrincipalName"], answer["businessPhones"], answer["mail"] = o.UPN, []string{}, nil
	case "servicePrincipal":
		answer["appId"], answer["appRoles"] = o.AppID, []any{}
	}
	return answer
}

// objects answers Microsoft Graph's "directoryObject: getByIds": 1,000 GUIDs at most, no query options, whole objects in an
// order of its own, and none for an id that there is not. Where one id is none it is taken to refuse all.
func (s *Server) objects(w http.ResponseWriter, r *http.Request) {
	var q struct {
		IDs []string `json:"ids"`
	}
	wrong := r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") || r.URL.RawQuery != "" || json.NewDecoder(r.Body).Decode(&q) != nil
	if wrong || len(q.IDs) == 0 || len(q.IDs) > 1000 || slices.ContainsFunc(q.IDs, func(id string) bool { return !isID.MatchString(id) }) {
		refuse(w, http.StatusBadRequest, "Request_BadRequest", "expected POST of JSON with 1 to 1000 ids, and no query options")
		return
	}
	found := []any{}
	for _, id := range slices.Sorted(maps.Keys(s.directory.Objects)) {
		if slices.ContainsFunc(q.IDs, func(wanted string) bool { return strings.EqualFold(wanted, id) }) {
			found = append(found, s.directory.Objects[id].whole(id))
		}
	}
	reply(w, map[string]any{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#directoryObjects", "value": found})
}

var (
	isID       = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	appsFilter = regexp.MustCompile(`^appId in \('[0-9a-fA-F-]{36}'(,'[0-9a-fA-F-]{36}'){0,14}\)$`) // 15 at most
)

// apps answers Microsoft Graph's "List servicePrincipals" with a filter by client ids.
func (s *Server) apps(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if r.Method != http.MethodGet || q.Get("$select") != "appId,displayName" || !appsFilter.MatchString(q.Get("$filter")) {
		refuse(w, http.StatusBadRequest, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause specified, or more than 15 of them.")
		return
	}
	found := []any{}
	for _, id := range slices.Sorted(maps.Keys(s.directory.Objects)) {
		if o := s.directory.Objects[id]; o.AppID != "" && strings.Contains(strings.ToLower(q.Get("$filter")), "'"+strings.ToLower(o.AppID)+"'") {
			found = append(found, map[string]any{"appId": o.AppID, "displayName": o.DisplayName})
		}
	}
	reply(w, map[string]any{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#servicePrincipals(appId,displayName)", "value": found})
}
