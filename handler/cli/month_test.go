package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/payload"
)

// looked are the rules that alone make more than two alerts of high severity a day of the generated month, and why they
// stay: what each reports cannot be taken back, or opens the rest. The month deletes at random, and more than companies do.
var looked = map[string]string{
	"storage-delete":            "what was in the account is gone",
	"keyvault-delete":           "nothing that uses its keys works until it is recovered, and it is purged next",
	"diagnostic-setting-delete": "from then on nothing of the resource is logged",
	"role-assignment-owner":     "an owner can do everything",
}

// TestAMonthLeavesTheChannelReadable replays days of the generated month by the routes of config/auditbell.yaml: beside alerts of
// high and critical severity a channel gets at most 40 messages a day, and the route that replay prints leaves half of them, as it
// says. `make month` replays all of it.
func TestAMonthLeavesTheChannelReadable(t *testing.T) {
	t.Parallel()
	lines := bytes.Join(monthLines(t, digesttest.Options{Seed: 1}), nil)
	before, after := replayMonth(t, eachByItself(t), lines), replayMonth(t, filepath.Join("..", "..", "config"), lines)
	t.Logf("%d events; before: %s", before.Events, before.Daily[0].String())
	t.Logf("%d alerts; after: %s", after.Alerts, after.Daily[0].String())
	if most := after.Daily[0].Most; most > 40 {
		t.Errorf("on one day there are %d messages beside those of high and critical severity, want at most 40", most)
	}
	if before.Daily[0].Grave != after.Daily[0].Grave {
		t.Errorf("%.2f messages a day are of high and critical severity, each by itself they were %.2f", after.Daily[0].Grave, before.Daily[0].Grave)
	}
	if before.Daily[0].Most <= 40 {
		t.Error("without routes the channel is readable too: this month shows nothing")
	}
	config, err := os.ReadFile(filepath.Join("..", "..", "config", "auditbell.yaml"))
	if err != nil || after.Halved == nil {
		t.Fatalf("no route would halve what is left: %v", err)
	}
	_, route, _ := strings.Cut(after.Halved.String(), "\n")
	halved := replayMonth(t, routed(t, strings.Replace(string(config), "\nroutes:\n", "\nroutes:\n"+route, 1)), lines).Daily[0]
	t.Logf("%safter that: %s", after.Halved, halved.String())
	if left := int(math.Round(halved.Others * float64(halved.Days))); left != after.Halved.After || 2*left > after.Halved.Before {
		t.Errorf("with the route that replay prints %d messages are left of %d; it promised %d", left, after.Halved.Before, after.Halved.After)
	}
	if os.Getenv("AUDITBELL_MONTH") != "" {
		first := strings.Replace(string(config), "    at_most: 12\n", "", 1)
		t.Logf("as many first ones of medium severity as there are: %s", replayMonth(t, routed(t, first), lines).Daily[0].String())
	}
	for _, r := range after.Rules {
		if a := float64(r.Alerts) / float64(after.Daily[0].Days); r.Severity == "high" && a > 2 {
			t.Logf("%s makes %.1f alerts of high severity a day: %s", r.ID, a, looked[r.ID])
			if looked[r.ID] == "" {
				t.Errorf("%s makes %.1f alerts of high severity a day, and why it should was not looked at", r.ID, a)
			}
		}
	}
}

// TestSharedIdsAddFewMessages replays days in which half of what people begin is a template deployment, whose operations share a
// correlation id: that a record continues an operation only where it must adds at most one message in a hundred to what it
// would be if every record of a correlation id, an operation and a resource continued the first. `make month` replays a month.
func TestSharedIdsAddFewMessages(t *testing.T) {
	t.Parallel()
	lines := monthLines(t, digesttest.Options{Seed: 2, Deployments: 0.5})
	old := eachByItself(t)
	all, first := replayMonth(t, old, bytes.Join(lines, nil)), replayMonth(t, old, bytes.Join(continuing(lines), nil))
	again, more := all.Events-first.Events, all.Alerts+all.Edits-first.Alerts-first.Edits
	t.Logf("%d records, %d of which say again what their correlation id said; %d alerts and %d edits without these, %d and %d with them",
		all.Events, again, first.Alerts, first.Edits, all.Alerts, all.Edits)
	if 100*more > first.Alerts {
		t.Errorf("%d messages and edits more than %d messages, want at most one in a hundred", more, first.Alerts)
	}
	if again < all.Events/500 {
		t.Errorf("only %d of %d records say again what their correlation id said: these days show nothing", again, all.Events)
	}
}

// continuing leaves out the records that report an outcome of a correlation id, an operation and a resource that is there already.
func continuing(lines [][]byte) (kept [][]byte) {
	said := map[string]string{} // by what a record says: its id
	for _, line := range lines {
		e := payload.Events(payload.Decode(line))[0]
		what := fmt.Sprint(alert.LifecycleKey(e), e.Outcome)
		if by, again := said[what]; !again || by == e.ID {
			said[what] = e.ID
			kept = append(kept, line)
		}
	}
	return kept
}

// monthLines are records of a generated month: two days of it, or all that AUDITBELL_MONTH says.
func monthLines(t *testing.T, o digesttest.Options) (lines [][]byte) {
	t.Helper()
	const month = 100_000
	events, days := 2*month/31, 2
	if text := os.Getenv("AUDITBELL_MONTH"); text != "" {
		var err error
		if events, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
		days = 31
	}
	o.From = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	o.To, o.Operations = o.From.AddDate(0, 0, days), events*9/20 // of two or three records each
	records := digesttest.New(o)
	for r, ok := records.Next(); ok; r, ok = records.Next() {
		lines = append(lines, append(digesttest.AppendREST(nil, r), '\n'))
	}
	return lines
}

// replayMonth is what replay prints of records by a config folder.
func replayMonth(t *testing.T, config string, records []byte) (r replayed) {
	t.Helper()
	var out, errs bytes.Buffer
	code := Run(context.Background(), []string{"replay", "--format", "json"}, Surroundings{
		In: bytes.NewReader(records), Out: &out, Err: &errs,
		Env: func(name string) (string, bool) { return config, name == "CONFIG_DIR" },
	})
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || code != 0 || len(r.Daily) != 1 {
		t.Fatalf("exit %d, %v: %s", code, err, errs.String())
	}
	return r
}
