package cli

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
)

func TestVersionSaysWhatWasBuilt(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	std := Surroundings{Out: &out, Err: &out, Version: "v1.2.3", Commit: "0123abcd"}
	if code := Run(t.Context(), []string{"version"}, std); code != exitDone {
		t.Fatalf("exit code %d: %s", code, out.String())
	}
	for _, want := range []string{"version v1.2.3\n", "commit  0123abcd\n", runtime.Version()} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q lacks %q", out.String(), want)
		}
	}
}
