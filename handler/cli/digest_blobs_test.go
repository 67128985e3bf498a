package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/source/blobs/blobtest"
)

// TestManifestNamesBlobsByETag reads an export from storage: the manifest says of every blob which bytes of which version were
// read. A blob that changes while it is read is said to be unreadable, in one line.
func TestManifestNamesBlobsByETag(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	for _, r := range small() {
		name := r.Time.UTC().Format("resourceId=/SUBSCRIPTIONS/A/y=2006/m=01/d=02/h=15/m=00/PT1H.json")
		texts[name] += string(digesttest.AppendRecord(nil, r)) + "\n"
	}
	container := blobtest.New("insights-activity-logs", texts)
	container.Page = 5000
	server := httptest.NewServer(container)
	t.Cleanup(server.Close)
	run := func() (m digest.Manifest, said string, code int) {
		folder, errs := t.TempDir(), bytes.Buffer{}
		code = Run(t.Context(), []string{"digest", "--source", "blobs", "--container", server.URL + "/insights-activity-logs", "--from", "2026-10-31", "--to", "2026-11-01", "-o", folder},
			Surroundings{Out: &bytes.Buffer{}, Err: &errs, Env: func(string) (string, bool) { return "", false }})
		text, err := os.ReadFile(filepath.Join(folder, digest.ManifestName)) //nolint:gosec // the test's own folder
		if err == nil {
			m, _, err = digest.ReadManifest(text)
		}
		if err != nil {
			t.Fatalf("%v: %s", err, errs.String())
		}
		return m, errs.String(), code
	}
	var want []digest.File
	for name, text := range texts {
		sum := sha256.Sum256([]byte(text))
		want = append(want, digest.File{Name: name, Bytes: int64(len(text)), SHA256: hex.EncodeToString(sum[:]), ETag: container.ETag(name)})
	}
	m, said, code := run()
	slices.SortFunc(want, func(a, b digest.File) int { return strings.Compare(a.Name, b.Name) })
	if diff := cmp.Diff(want, m.Inputs); diff != "" || code != exitDone || m.Counts.Entries == 0 || m.Verdict != digest.NotKnown {
		t.Errorf("exit %d, %d entries, %s: %s inputs (-want +got) %s", code, m.Counts.Entries, m.Verdict, said, diff)
	}
	changed := want[0].Name
	container.Cut(changed, func() { container.Put(changed, texts[changed]) })
	m, said, code = run()
	if line := lineWith(said, changed+": "); code == exitDone || m.Verdict != digest.Incomplete || !strings.Contains(line, "412 ConditionNotMet") || len(line) > 300 {
		t.Errorf("changed while it is read: exit %d, %s: %s", code, m.Verdict, said)
	}
}

func lineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}
