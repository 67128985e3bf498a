package azure

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Entry is an Activity Log entry in the form of the REST API.
type Entry struct {
	// Scope is the log that it stands in: "" for the tenant's, /providers/Microsoft.Management/managementGroups/NAME, or
	// /subscriptions/ID. A log answers with its own entries only.
	Scope string
	Time  time.Time
	From  time.Time // when it becomes visible; zero: at once
	Item  json.RawMessage
}

// Log adds entries to the Activity Logs.
func (s *Server) Log(entries ...Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, entries...)
}

const listSuffix = "/providers/Microsoft.Insights/eventtypes/management/values"

var (
	logScope  = regexp.MustCompile(`(?i)^(/subscriptions/[0-9a-f-]{36}|/providers/Microsoft\.Management/managementGroups/[^/]+)?$`)
	logFilter = regexp.MustCompile(`^eventTimestamp ge '([^']+)'(?: and eventTimestamp le '([^']+)')?$`)
)

// activityLog answers "Activity Logs - List" and "Tenant Activity Logs - List", api-version 2015-04-01, and the list of a
// management group, which no page describes: it takes the harsher reading and knows only groups that have entries.
func (s *Server) activityLog(w http.ResponseWriter, r *http.Request) {
	scope := strings.TrimSuffix(r.URL.Path, listSuffix)
	filter := logFilter.FindStringSubmatch(r.URL.Query().Get("$filter"))
	if r.Method != http.MethodGet || r.URL.Query().Get("api-version") != "2015-04-01" || !logScope.MatchString(scope) || filter == nil {
		refuse(w, http.StatusBadRequest, "BadRequest", "expected GET with api-version=2015-04-01 and a $filter by eventTimestamp")
		return
	}
	from, err := time.Parse(time.RFC3339Nano, filter[1])
	to := s.now()
	if err == nil && filter[2] != "" {
		to, err = time.Parse(time.RFC3339Nano, filter[2])
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "BadRequest", err.Error())
		return
	}
	items, known := s.visible(scope, from, to)
	if !known && strings.Contains(scope, "managementGroups") {
		refuse(w, http.StatusNotFound, "NotFound", "The management group was not found.")
		return
	}
	reply(w, map[string]any{"value": items})
}

// visible lists a log's entries between two moments that have appeared; known: the log has entries at all.
func (s *Server) visible(scope string, from, to time.Time) (items []json.RawMessage, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	items = []json.RawMessage{}
	for _, e := range s.entries {
		if !strings.EqualFold(e.Scope, scope) {
			continue
		}
		known = true
		if !e.Time.Before(from) && !e.Time.After(to) && !e.From.After(s.now()) {
			items = append(items, e.Item)
		}
	}
	return items, known
}
