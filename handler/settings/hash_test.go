package settings_test

import (
	"testing"
	"testing/fstest"

	"github.com/auditbell/auditbell/handler/settings"
)

// TestConfigHash: the hash changes with every file, and with nothing else.
func TestConfigHash(t *testing.T) {
	t.Parallel()
	hash := func(files fstest.MapFS) string {
		t.Helper()
		s := settings.New(func(string) (string, bool) { return "", false })
		sum := s.HashConfig(files)
		if err := s.Err(); err != nil {
			t.Fatal(err)
		}
		return sum
	}
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	whole := fstest.MapFS{"auditbell.yaml": file("routes: []\n"), "exceptions.yaml": file("[]\n"), "rules/a.yml": file("title: a\n")}
	known := map[string]string{"the same": hash(whole)}
	if again := hash(whole); again != known["the same"] || len(again) != 64 {
		t.Errorf("%q, then %q", known["the same"], again)
	}
	for name := range whole {
		changed := fstest.MapFS{}
		for n, f := range whole {
			changed[n] = f
		}
		changed[name] = file("x")
		known["another "+name] = hash(changed)
		delete(changed, name)
		known["without "+name] = hash(changed)
	}
	known["two files in one"] = hash(fstest.MapFS{"auditbell.yaml": file("routes: []\n\"exceptions.yaml\" 3\n[]\n"), "rules/a.yml": file("title: a\n")})
	seen := map[string]string{}
	for what, sum := range known {
		if other, twice := seen[sum]; twice {
			t.Errorf("%s and %s have one hash", what, other)
		}
		seen[sum] = what
	}
	if sum := hash(fstest.MapFS{}); sum != "" {
		t.Errorf("nothing has the hash %s", sum)
	}
}
