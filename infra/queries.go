package infra

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
)

//go:embed queries/*.kql
var queries embed.FS

// Query is a question for Log Analytics; the query pack of monitor.tf and `handler kql` show the same text.
type Query struct {
	Name  string `json:"name"` // the file's, without .kql
	Title string `json:"title"`
	Text  string `json:"text"`
}

// ReadQueries returns queries/*.kql by name. The first line of each is a comment with its title.
func ReadQueries() ([]Query, error) {
	entries, err := queries.ReadDir("queries")
	if err != nil {
		return nil, fmt.Errorf("list infra/queries: %w", err)
	}
	all := make([]Query, 0, len(entries))
	for _, entry := range entries {
		text, err := queries.ReadFile(path.Join("queries", entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("read infra/queries: %w", err)
		}
		title, _, _ := strings.Cut(string(text), "\n")
		all = append(all, Query{strings.TrimSuffix(entry.Name(), ".kql"), strings.TrimSpace(strings.TrimLeft(title, "/ ")), string(text)})
	}
	slices.SortFunc(all, func(a, b Query) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}
