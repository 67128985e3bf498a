package azure

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The queries that are understood, to the letter: three shapes, in which only literals differ. Any other is refused, so
// that a query with a mistake in it fails here as it would in Azure.
var (
	aroundQuery = regexp.MustCompile(`^resourcecontainers \| where id in~ \((` + quoted + `(?:, ` + quoted + `)*)\) \| project id, name, tags` +
		`(?: \| union \(resources \| where id =~ (` + quoted + `) \| project id, name, tags\))?$`)
	subscriptionsQuery = regexp.MustCompile(`^resourcecontainers \| where type =~ 'microsoft\.resources/subscriptions' \| project id, name$`)
	changesQuery       = regexp.MustCompile(`^resourcechanges \| extend correlation = tostring\(properties\.changeAttributes\.correlationId\), ` +
		`target = tostring\(properties\.targetResourceId\) \| where correlation =~ (` + quoted + `) and target startswith (` + quoted + `) ` +
		`\| project target, kind = tostring\(properties\.changeType\), changes = properties\.changes$`)
	oneQuoted = regexp.MustCompile(quoted)
)

const quoted = `'(?:[^'\\]|\\['\\])*'`

// query answers Resource Graph's "Resources", api-version 2024-04-01, as armresourcegraph v0.10.0 asks it.
func (s *Server) query(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Query         string   `json:"query"`
		Subscriptions []string `json:"subscriptions"`
		Options       struct {
			ResultFormat string `json:"resultFormat"`
			Top          int    `json:"$top"`
			SkipToken    string `json:"$skipToken"`
		} `json:"options"`
	}
	if r.Method != http.MethodPost || r.URL.Query().Get("api-version") != "2024-04-01" || json.NewDecoder(r.Body).Decode(&q) != nil {
		refuse(w, http.StatusBadRequest, "BadRequest", "expected POST of JSON with api-version=2024-04-01")
		return
	}
	rows, ok := s.rows(q.Query, q.Subscriptions)
	if !ok || q.Options.ResultFormat != "objectArray" {
		refuse(w, http.StatusBadRequest, "BadRequest", "Please provide below info when asking for support: the query is not understood: "+q.Query)
		return
	}
	from, _ := strconv.Atoi(q.Options.SkipToken) // empty: the first page
	rest := rows[min(from, len(rows)):]
	size := len(rest)
	if s.PageSize > 0 {
		size = min(size, s.PageSize)
	}
	answer := map[string]any{"totalRecords": len(rows), "count": size, "data": slices.Clone(rest[:size]), "facets": []any{}, "resultTruncated": "false"}
	if size < len(rest) {
		answer["$skipToken"] = strconv.Itoa(from + size)
	}
	w.Header().Set("x-ms-user-quota-remaining", "14")
	if s.QuotaGone {
		w.Header().Set("x-ms-user-quota-remaining", "0")
	}
	w.Header().Set("x-ms-user-quota-resets-after", "00:00:05")
	reply(w, answer)
}

// rows runs a query; false when it is not understood.
func (s *Server) rows(text string, subscriptions []string) ([]any, bool) {
	rows := []any{}
	if m := aroundQuery.FindStringSubmatch(text); m != nil {
		wanted := append(literals(m[1]), literals(m[2])...)
		for _, r := range s.directory.Resources {
			if visible(r.ID, subscriptions) && slices.ContainsFunc(wanted, func(id string) bool { return strings.EqualFold(id, r.ID) }) {
				rows = append(rows, r)
			}
		}
		return rows, true
	}
	if subscriptionsQuery.MatchString(text) {
		for _, r := range s.directory.Resources {
			if strings.Count(r.ID, "/") == 2 {
				rows = append(rows, map[string]string{"id": r.ID, "name": r.Name})
			}
		}
		return rows, true
	}
	m := changesQuery.FindStringSubmatch(text)
	if m == nil {
		return nil, false
	}
	correlation, target := literals(m[1])[0], strings.ToLower(literals(m[2])[0])
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.directory.Changes {
		on := strings.EqualFold(c.Correlation, correlation) && strings.HasPrefix(strings.ToLower(c.Target), target)
		if on && visible(c.Target, subscriptions) && !c.From.After(s.now()) {
			rows = append(rows, map[string]any{"target": c.Target, "kind": c.Kind, "changes": c.Changes})
		}
	}
	return rows, true
}

// literals reads quoted texts.
func literals(text string) []string {
	var out []string
	for _, q := range oneQuoted.FindAllString(text, -1) {
		out = append(out, strings.NewReplacer(`\\`, `\`, `\'`, `'`).Replace(q[1:len(q)-1]))
	}
	return out
}

func visible(id string, subscriptions []string) bool {
	return len(subscriptions) == 0 || slices.ContainsFunc(subscriptions, func(s string) bool {
		return strings.HasPrefix(strings.ToLower(id)+"/", "/subscriptions/"+strings.ToLower(s)+"/")
	})
}
