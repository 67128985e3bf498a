package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/digest/digesttest"
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
	const month = 100_000
	events, days := 2*month/31, 2
	if text := os.Getenv("AUDITBELL_MONTH"); text != "" {
		var err error
		if events, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
		days = 31
	}
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	var lines bytes.Buffer
	var line []byte
	records := digesttest.New(digesttest.Options{Seed: 1, From: from, To: from.AddDate(0, 0, days), Operations: events * 9 / 20}) // of two or three records each
	for r, ok := records.Next(); ok; r, ok = records.Next() {
		line = append(digesttest.AppendREST(line[:0], r), '\n')
		lines.Write(line)
	}
	before, after := replayMonth(t, eachByItself(t), lines.Bytes()), replayMonth(t, filepath.Join("..", "..", "config"), lines.Bytes())
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
	halved := replayMonth(t, routed(t, strings.Replace(string(config), "\nroutes:\n", "\nroutes:\n"+route, 1)), lines.Bytes()).Daily[0]
	t.Logf("%safter that: %s", after.Halved, halved.String())
	if left := int(math.Round(halved.Others * float64(halved.Days))); left != after.Halved.After || 2*left > after.Halved.Before {
		t.Errorf("with the route that replay prints %d messages are left of %d; it promised %d", left, after.Halved.Before, after.Halved.After)
	}
	first := strings.Replace(string(config), "    at_most: 12\n", "", 1)
	t.Logf("as many first ones of medium severity as there are: %s", replayMonth(t, routed(t, first), lines.Bytes()).Daily[0].String())
	for _, r := range after.Rules {
		if a := float64(r.Alerts) / float64(after.Daily[0].Days); r.Severity == "high" && a > 2 {
			t.Logf("%s makes %.1f alerts of high severity a day: %s", r.ID, a, looked[r.ID])
			if looked[r.ID] == "" {
				t.Errorf("%s makes %.1f alerts of high severity a day, and why it should was not looked at", r.ID, a)
			}
		}
	}
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
