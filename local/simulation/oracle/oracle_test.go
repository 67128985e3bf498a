package oracle_test

import (
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/local/simulation/oracle"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// shown is a world with one act, which came at noon, and one channel, which was sent posts after some time.
func shown(severity oracle.Severity, posts ...time.Duration) oracle.World {
	w := oracle.World{
		Acts:     []oracle.Act{{Kind: "vault deleted", Actor: "rob@contoso.example", Group: "rg-0001", Resource: "kv00001", Severity: severity, At: noon}},
		Arrivals: []oracle.Arrival{{At: noon}}, Channels: []string{"slack"}, Edits: map[string]bool{"slack": true}, Begun: noon.Add(-time.Hour), End: noon.Add(time.Hour),
	}
	for _, at := range posts {
		w.Messages = append(w.Messages, oracle.Message{
			At: noon.Add(at), Channel: "slack", Kind: "post", Ref: at.String(), Alert: "alert-0123456789abcdefghijklmnop",
			Text: severity.String() + " · vault deleted: kv00001 — rob@contoso.example succeeded alert-0123456789abcdefghijklmnop",
		})
	}
	return w
}

// TestBounds holds the oracle to the times that it judges by, to the second.
func TestBounds(t *testing.T) {
	t.Parallel()
	join := func(after time.Duration) oracle.World {
		w := shown(oracle.High, 0, after)
		w.Messages[0].Text = strings.ReplaceAll(w.Messages[0].Text, "kv00001", "kv00000")
		return w
	}
	faulty := shown(oracle.High, 11*time.Second)
	faulty.Faults = []oracle.Span{{From: noon.Add(-time.Hour), To: noon.Add(-time.Hour)}}
	again := shown(oracle.High, 0, 10*time.Minute)
	instead := again
	instead.Barred = []oracle.Message{{Channel: "slack", Alert: again.Messages[1].Alert, Text: again.Messages[1].Text, At: again.Messages[1].At}}
	for name, one := range map[string]struct {
		world oracle.World
		want  string
	}{
		"a grave act in time":            {shown(oracle.High, 10*time.Second), ""},
		"a grave act too late":           {shown(oracle.High, 11*time.Second), oracle.Timely},
		"a grave act in troubled times":  {faulty, ""},
		"what joins in time":             {join(30 * time.Second), ""},
		"what joins too late":            {join(31 * time.Second), oracle.Timely},
		"a milder act in time":           {shown(oracle.Low, 5*time.Minute), ""},
		"a milder act too late":          {shown(oracle.Low, 5*time.Minute+time.Second), oracle.Timely},
		"a grave act that was not shown": {shown(oracle.High), oracle.Named + oracle.Counted},
		"a message twice":                {again, oracle.Once},
		"in place of an edit":            {instead, ""},
	} {
		found, _ := oracle.Judge(one.world)
		got := ""
		for _, v := range found {
			got += v.Rule
		}
		if got != one.want {
			t.Errorf("%s: found %q, want %q", name, got, one.want)
		}
	}
}
