package digest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/auditbell/auditbell/handler/digest"
)

// TestLook writes the samples in every format to the folder that DIGEST_LOOK names, for a person to look at.
func TestLook(t *testing.T) {
	folder := os.Getenv("DIGEST_LOOK")
	if folder == "" {
		t.Skip("set DIGEST_LOOK to a folder to look at the samples")
	}
	for name, r := range map[string]digest.Report{"busy": busy(t), "quiet": quiet(t), "empty": empty(t)} {
		for _, f := range digest.Formats {
			out, err := os.Create(filepath.Join(folder, name+"-"+f.File))
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Write(out, r); err != nil {
				t.Errorf("%s as %s: %v", name, f.Name, err)
			}
			if err := out.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
