package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/auditbell/auditbell/infra"
)

func TestEveryAuditHasItsQuery(t *testing.T) {
	t.Parallel()
	all, err := infra.ReadQueries()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range audits {
		if !slices.ContainsFunc(all, func(q infra.Query) bool { return q.Name == a.name }) {
			t.Errorf("the audit %s has no infra/queries/%s.kql, so that Log Analytics cannot be asked the same", a.name, a.name)
		}
	}
	for _, q := range all {
		var out bytes.Buffer
		code := Run(t.Context(), []string{"kql", q.Name}, Surroundings{Out: &out, Err: &out, Env: os.LookupEnv})
		file, err := os.ReadFile(filepath.Join("../../infra/queries", q.Name+".kql"))
		if err != nil || code != exitDone || !bytes.Equal(out.Bytes(), file) {
			t.Errorf("handler kql %s prints something else than its file (exit %d, %v)", q.Name, code, err)
		}
	}
}
