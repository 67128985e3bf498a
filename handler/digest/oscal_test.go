package digest_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/auditbell/auditbell/handler/digest"
)

// oscalSchema is NIST's own JSON schema of OSCAL 1.1.3 (a work of the United States government, in the public domain).
func oscalSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	file, err := os.Open("testdata/oscal_complete_schema-1.1.3.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jsonschema.UnmarshalJSON(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("oscal.json", text); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("oscal.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestOSCALIsNISTs(t *testing.T) {
	t.Parallel()
	schema := oscalSchema(t)
	f, _ := digest.FormatNamed("oscal")
	for name, r := range map[string]digest.Report{"busy": busy(t), "quiet": quiet(t), "empty": empty(t), "hostile": hostile(t)} {
		first := render(t, f, r)
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(first))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(document); err != nil {
			t.Errorf("%s: %v\n%.3000s", name, err, first)
		}
		if members := document.(map[string]any)["assessment-results"].(map[string]any); members != nil { //nolint:forcetypeassert // validated
			delete(members, "import-ap")
			if schema.Validate(document) == nil {
				t.Errorf("%s: the schema takes a document without a plan", name)
			}
		}
		if again := render(t, f, r); !bytes.Equal(first, again) {
			t.Errorf("%s: the same report gives other bytes", name)
		}
		refer(t, name, first, r)
	}
}

// refer checks that what the document refers to is in it, that each control has its observation, and each gap its risk.
func refer(t *testing.T, name string, text []byte, r digest.Report) {
	t.Helper()
	var read struct {
		Results struct {
			Plan struct {
				Href string `json:"href"`
			} `json:"import-ap"`
			Results []struct {
				Local struct {
					Components []struct{ UUID string }
				} `json:"local-definitions"`
				Observations []struct {
					UUID     string
					Subjects []struct {
						UUID string `json:"subject-uuid"`
					}
					Evidence []struct{ Href string } `json:"relevant-evidence"`
				}
				Risks []struct {
					UUID    string
					Related []struct {
						UUID string `json:"observation-uuid"`
					} `json:"related-observations"`
				}
			}
			Back struct {
				Resources []struct{ UUID string }
			} `json:"back-matter"`
		} `json:"assessment-results"`
	}
	if err := json.Unmarshal(text, &read); err != nil || len(read.Results.Results) != 1 {
		t.Fatalf("%s: %d results, %v", name, len(read.Results.Results), err)
	}
	one, known := read.Results.Results[0], map[string]bool{}
	know := func(id string) {
		if known[id] {
			t.Errorf("%s: the id %s is there twice", name, id)
		}
		known[id] = true
	}
	for _, c := range one.Local.Components {
		know(c.UUID)
	}
	for _, b := range read.Results.Back.Resources {
		know("#" + b.UUID)
	}
	for _, o := range one.Observations {
		know(o.UUID)
	}
	wanted := []string{read.Results.Plan.Href}
	for _, o := range one.Observations {
		for _, s := range o.Subjects {
			wanted = append(wanted, s.UUID)
		}
		for _, e := range o.Evidence {
			wanted = append(wanted, e.Href)
		}
	}
	for _, risk := range one.Risks {
		know(risk.UUID)
		wanted = append(wanted, risk.Related[0].UUID)
	}
	for _, id := range wanted {
		if !known[id] {
			t.Errorf("%s: %s is referred to and not there", name, id)
		}
	}
	gaps := len(r.Completeness.Reasons)
	if r.Completeness.Ledger != nil {
		gaps += len(r.Completeness.Ledger.Unproven)
	}
	for _, c := range r.Controls {
		if c.Verdict == digest.NotWatched || c.Verdict == digest.FellShort {
			gaps++
		}
	}
	if len(one.Observations) != len(r.Controls)+1 || len(one.Risks) != gaps {
		t.Errorf("%s: %d observations and %d risks, want %d and %d", name, len(one.Observations), len(one.Risks), len(r.Controls)+1, gaps)
	}
}
