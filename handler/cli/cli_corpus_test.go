package cli

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCorpusMatchesAgree runs `rules match` with published rules on published records, and compares with what another
// implementation found, in both directions. AUDITBELL_CORPUS names the folder, which stays outside the repository.
func TestCorpusMatchesAgree(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("AUDITBELL_CORPUS")
	if dir == "" {
		t.Skip("AUDITBELL_CORPUS is not set: the published rules and records were not read")
	}
	var want struct{ Matches map[string][]string }
	readJSONFile(t, filepath.Join(dir, "expected", "sigma_matches.json"), &want)
	files := corpusFiles(t, dir)
	args := append([]string{"rules", "match", "--no-library", "--rules", filepath.Join(dir, "sigma")}, slices.Sorted(maps.Keys(files))...)

	var out, complaints bytes.Buffer
	code := Run(t.Context(), args, Surroundings{In: nil, Out: &out, Err: &complaints, Env: func(string) (string, bool) { return "", false }})
	if code == exitMisuse {
		t.Fatal(complaints.String())
	}
	got := map[string][]string{}
	for decoder := json.NewDecoder(&out); decoder.More(); {
		var line matchLine
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		if name := files[line.Input]; !slices.Contains(got[name], line.Rule) {
			got[name] = append(got[name], line.Rule)
		}
	}
	if diff := cmp.Diff(want.Matches, got); diff != "" {
		t.Errorf("matches differ (-want +got):\n%s", diff)
	}
	t.Logf("%d inputs, %d of them match", len(files), len(got))
}

// corpusFiles gives the paths of all stored records with the names that the expectations use. Records that are kept
// together in one file are written into files of their own.
func corpusFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	var stored []struct{ File string }
	readJSONFile(t, filepath.Join(dir, "events", "manifest.json"), &stored)
	for _, f := range stored {
		files[filepath.Join(dir, f.File)] = f.File
	}
	var panther struct {
		Rules []struct {
			RuleID string `json:"rule_id"`
			Tests  []struct {
				Name  string
				Event json.RawMessage
			}
		}
	}
	readJSONFile(t, filepath.Join(dir, "panther", "rules_with_tests.json"), &panther)
	own := t.TempDir()
	for _, r := range panther.Rules {
		for _, x := range r.Tests {
			file, err := os.CreateTemp(own, "*.json")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := file.Write(x.Event); err != nil {
				t.Fatal(err)
			}
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
			files[file.Name()] = "panther|" + r.RuleID + "|" + x.Name
		}
	}
	return files
}

func readJSONFile(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}
