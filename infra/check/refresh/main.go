// Command refresh rewrites what infra/check derives: `go run ./infra/check/refresh docs` the tables of infra/README.md,
// `go run ./infra/check/refresh mocks` what tests of the module begin with, and
// `tofu -chdir=infra providers schema -json | go run ./infra/check/refresh schema` the provider schema.
//
// It is not needed to check anything; `go test ./infra/check` says when it is time to run it.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/auditbell/auditbell/infra/check"
)

func main() {
	if err := run(os.Args[1:], os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "refresh:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader) error {
	switch {
	case len(args) == 1 && args[0] == "docs":
		return docs()
	case len(args) == 1 && args[0] == "schema":
		return schema(in)
	case len(args) == 1 && args[0] == "mocks":
		return mocks()
	}
	return fmt.Errorf("say docs, mocks or schema (hint: from the root of the repository, go run ./infra/check/refresh docs)")
}

func docs() error {
	const path = "infra/README.md"
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fresh, err := check.Readme(os.DirFS("."), string(text))
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(fresh), 0o644) //nolint:gosec // documentation, to be read by everybody
}

func mocks() error {
	fresh, err := check.Mocks(os.DirFS("."))
	if err != nil {
		return err
	}
	for path, text := range fresh {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil { //nolint:gosec // tests, to be read by everybody
			return err
		}
	}
	return nil
}

func schema(in io.Reader) error {
	used, err := check.Used(os.DirFS("."))
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := check.WriteSchema(&text, in, used); err != nil {
		return err
	}
	return os.WriteFile("infra/check/providers.txt", text.Bytes(), 0o644) //nolint:gosec // test data, to be read by everybody
}
