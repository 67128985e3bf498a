package infra_test

import (
	"strings"
	"testing"

	"github.com/auditbell/auditbell/infra"
)

func TestEveryQuerySaysWhatItAsks(t *testing.T) {
	t.Parallel()
	all, err := infra.ReadQueries()
	if err != nil || len(all) == 0 {
		t.Fatalf("queries = %d, %v", len(all), err)
	}
	for _, q := range all {
		if q.Title == "" || !strings.HasPrefix(q.Text, "// "+q.Title) {
			t.Errorf("%s.kql begins with %q; its first line must be a comment that is its title", q.Name, q.Title)
		}
		if !strings.Contains(q.Text, "\nAzureActivity\n") {
			t.Errorf("%s.kql does not ask AzureActivity", q.Name)
		}
	}
}
