// Command refresh rewrites what infra/check derives: `go run ./infra/check/refresh docs` the tables of infra/README.md,
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
	}
	return fmt.Errorf("say docs or schema (hint: from the root of the repository, go run ./infra/check/refresh docs)")
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
