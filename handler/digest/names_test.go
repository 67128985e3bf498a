package digest_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/verify"
)

// namedMonth is a month whose ids have the names that a file and the store have.
func namedMonth(own, stored digest.Names) digest.Report {
	records := digesttest.All(digesttest.Options{Seed: 23, Operations: 60})
	tally := mustTally(localOctober, source.Files{Inputs: inputs(file("month.jsonl", text(records, digesttest.AppendREST)))})
	e := evidence(records)
	e.Names = stored
	return digest.Build(tally, digest.Subject{Name: "monthly", Source: "the store", Zone: berlin, Now: localOctober.To, RoleName: roleName, Evidence: e, Names: own})
}

// TestNamesStandBesideIDs: every kind of id gets its name from whichever knows it first, the id stays beside, and the bundle has
// the names that were used and no other.
func TestNamesStandBesideIDs(t *testing.T) {
	t.Parallel()
	const stranger = "00000000-0000-4000-8000-00000000ffff"
	bare := namedMonth(nil, nil)
	ids := bare.Nameless()
	if len(ids.Subscriptions) == 0 || len(ids.Principals) < 2 || len(bare.Names) > 0 {
		t.Fatalf("the month has ids %+v and names %v", ids, bare.Names)
	}
	subscription, principal, app := ids.Subscriptions[0], ids.Principals[0], ids.Principals[1]
	own := digest.Names{subscription: "Payments", stranger: "not in this month"}
	stored := digest.Names{subscription: "not this one", principal: "Ann Example, ann@contoso.example"}
	r := namedMonth(own, stored)
	r.AddNames(map[string]string{principal: "nor this", strings.ToUpper(app): "deploy-pipeline", stranger: "nor this"})
	want := digest.Names{subscription: "Payments", principal: "Ann Example, ann@contoso.example", app: "deploy-pipeline"}
	if !maps.Equal(r.Names, want) {
		t.Errorf("names %v", r.Names)
	}
	var page bytes.Buffer
	if err := digest.HTML(&page, r); err != nil {
		t.Fatal(err)
	}
	shown := strings.ReplaceAll(page.String(), "<wbr>", "")
	for id, name := range want {
		if !strings.Contains(shown, name) || strings.Count(shown, id) < strings.Count(shown, name) {
			t.Errorf("%q is not beside %s", name, id)
		}
	}
	if !strings.Contains(shown, "3 of ") {
		t.Error("the page does not say how many ids have a name")
	}
	files := bundleOf(t, r)
	var used digest.Names
	if err := json.Unmarshal(files[digest.NamesName].Data, &used); err != nil || !maps.Equal(used, want) {
		t.Errorf("%s: %v, %v", digest.NamesName, used, err)
	}
	if v := verify.Files(files); !v.OK() {
		t.Errorf("the bundle does not verify: %+v", v.Checks)
	}
	again := bundleOf(t, namedMonth(used, nil))
	for name, f := range files {
		if !bytes.Equal(f.Data, again[name].Data) {
			t.Errorf("%s differs, made of the names in the bundle", name)
		}
	}
}

func bundleOf(t *testing.T, r digest.Report) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	if _, _, err := (digest.Bundle{Report: r, Formats: digest.Formats, Tool: "auditbell test"}).Write(memory(files)); err != nil {
		t.Fatal(err)
	}
	return files
}
