package teams_test

import (
	"flag"
	"testing"

	"github.com/auditbell/auditbell/handler/notify/notifytest"
	"github.com/auditbell/auditbell/handler/notify/teams"
)

var update = flag.Bool("update", false, "rewrite testdata with what is rendered now")

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, s := range notifytest.Samples() {
		notifytest.Golden(t, s.Name, teams.Render(s.Message), *update)
	}
}
