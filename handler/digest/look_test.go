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
		page, err := r.MailHTML(digest.Letter{Manifest: "73ee9504500e0601fb5259419924df8792344c208b7b8a1bc64d92a02e70fde7", Archive: "https://st.blob.core.windows.net/digests/monthly/2026-10", LeftOut: []string{"report.json"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name+"-mail.html"), []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
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
