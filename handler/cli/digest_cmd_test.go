package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
)

// TestSameInputSameBundle makes every format and the bundle twice from one export: the files must be the same bytes, as
// docs/digest.md says. TestSameInputSameBytes in package digest does it with several numbers of workers.
func TestSameInputSameBundle(t *testing.T) {
	t.Parallel()
	var month []byte
	for _, r := range digesttest.All(digesttest.Options{Seed: 17, Operations: 1500}) {
		month = append(digesttest.AppendREST(month, r), '\n')
	}
	path := filepath.Join(t.TempDir(), "month.jsonl")
	if err := os.WriteFile(path, month, 0o600); err != nil {
		t.Fatal(err)
	}
	var bundles []string
	for range 2 {
		dir := t.TempDir()
		args := []string{"digest", path, "--format", "all", "-o", dir, "--at", "2026-11-01T06:00:00Z", "--zone", "Europe/Berlin"}
		var b bytes.Buffer
		if code := Run(context.Background(), args, Surroundings{In: strings.NewReader(""), Out: &b, Err: &b, Env: noEnv}); code != 0 {
			t.Fatalf("exits %d: %s", code, &b)
		}
		bundles = append(bundles, dir)
	}
	names := []string{digest.ManifestName}
	for _, f := range digest.Formats {
		names = append(names, f.File)
	}
	for _, name := range names {
		a, errA := os.ReadFile(filepath.Join(bundles[0], name))
		b, errB := os.ReadFile(filepath.Join(bundles[1], name))
		if errA != nil || errB != nil || len(a) < 500 || !bytes.Equal(a, b) {
			t.Errorf("%s: %d and %d bytes, equal: %v (%v, %v)", name, len(a), len(b), bytes.Equal(a, b), errA, errB)
		}
	}
}
