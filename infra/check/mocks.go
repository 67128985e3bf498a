package check

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
)

// mocksFile is what each file of infra/tests has a copy of, between these two lines.
const (
	mocksFile  = "infra/tests/mocks.hcl"
	mocksBegin = "# Mocks, from mocks.hcl.\n"
	mocksEnd   = "# End of mocks.\n"
)

// Mocks are the files of infra/tests with the mocks that mocks.hcl has, by path.
func Mocks(fsys fs.FS) (map[string]string, error) {
	source, err := fs.ReadFile(fsys, mocksFile)
	if err != nil {
		return nil, fmt.Errorf("read mocks: %w", err)
	}
	source = hclwrite.Format(source) // tofu fmt formats the copies, and leaves out a file of this name
	at := strings.Index(string(source), "mock_provider")
	paths, err := fs.Glob(fsys, "infra/tests/*.tftest.hcl")
	if err != nil || at < 0 {
		return nil, fmt.Errorf("%s has no mock_provider, or no tests stand beside it: %w", mocksFile, err)
	}
	fresh := map[string]string{}
	for _, p := range paths {
		text, err := fs.ReadFile(fsys, p)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", p, err)
		}
		before, rest, begun := strings.Cut(string(text), mocksBegin)
		_, after, ended := strings.Cut(rest, mocksEnd)
		if !begun || !ended {
			return nil, fmt.Errorf("%s lacks the line %q or %q", p, mocksBegin, mocksEnd)
		}
		fresh[p] = before + mocksBegin + string(source[at:]) + mocksEnd + after
	}
	return fresh, nil
}

// checkMocks compares the copies.
func checkMocks(r *repo) ([]string, error) {
	fresh, err := Mocks(r.fsys)
	if err != nil {
		return nil, err
	}
	var problems []string
	for p, want := range fresh {
		have, err := fs.ReadFile(r.fsys, p)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", p, err)
		}
		if string(have) != want {
			problems = append(problems, p+" has other mocks than "+mocksFile+"; run go run ./infra/check/refresh mocks")
		}
	}
	return problems, nil
}
