//go:build release

package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What `make release-check` looks at: the folder that goreleaser writes, and the zip of `make release-function`.
var (
	release     = filepath.Join("..", "..", "release")
	functionZip = filepath.Join("..", "..", ".release", "auditbell-function.zip")
)

// TestRelease looks at what goreleaser made.
func TestRelease(t *testing.T) {
	var archives []string
	for _, pattern := range []string{"auditbell_*.tar.gz", "auditbell_*.zip"} {
		found, err := filepath.Glob(filepath.Join(release, pattern))
		if err != nil {
			t.Fatal(err)
		}
		archives = append(archives, found...)
	}
	if len(archives) != 6 {
		t.Errorf("%d archives, want linux, macOS and Windows for amd64 and arm64: %v", len(archives), archives)
	}
	for _, a := range archives {
		checkArchive(t, a)
	}
	checkSums(t, filepath.Join(release, "SHA256SUMS"), append(archives, functionZip))
}

// TestReleasedFunction looks at the function zip, and starts its handler as the Functions host would.
func TestReleasedFunction(t *testing.T) {
	names := list(t, functionZip)
	for _, want := range []string{"host.json", "bin/handler", "eventgrid-activity/function.json"} {
		if !slices.Contains(names, want) {
			t.Errorf("the function zip lacks %s", want)
		}
	}
	if !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "licenses/github.com/Azure/") }) {
		t.Error("the function zip lacks licence texts")
	}
	handler := unpackHandler(t, functionZip)
	if info, err := os.Stat(handler); err != nil || info.Size() > 22_000_000 {
		t.Errorf("the handler has %d bytes, %v; every start reads them", info.Size(), err)
	}
	start(t, handler)
}

// checkArchive looks for both programs, the licence texts, what the module reads, and a list of what is in it.
func checkArchive(t *testing.T, archive string) {
	t.Helper()
	suffix := ""
	if strings.Contains(archive, "windows") {
		suffix = ".exe"
	}
	names := list(t, archive)
	for _, want := range []string{"auditbell" + suffix, "auditbell-deploy" + suffix, "LICENSE", "infra/main.tf", "infra/containers.json", "infra/queries/top.kql", "infra/operations/intake.kql", "infra/modules/subscription/main.tf", "infra/examples/minimal/main.tf", "functions/deliver/function.json", "local.settings.json.example", "docs/without-go.md"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s lacks %s", filepath.Base(archive), want)
		}
	}
	for _, n := range names {
		if strings.Contains(n, "/.terraform") || strings.Contains(n, ".tfstate") || strings.HasSuffix(n, ".auto.tfvars.json") {
			t.Errorf("%s has %s, which an apply on this machine left", filepath.Base(archive), n)
		}
	}
	if !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "licenses/github.com/Azure/") }) {
		t.Errorf("%s lacks the licence texts of what is built in", filepath.Base(archive))
	}
	if _, err := os.Stat(archive + ".spdx.json"); err != nil {
		t.Errorf("%s has no list of what is in it: %v", filepath.Base(archive), err)
	}
}

func list(t *testing.T, archive string) []string {
	t.Helper()
	if !strings.HasSuffix(archive, ".zip") {
		return listTar(t, archive)
	}
	r, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	var names []string
	for _, f := range r.File {
		names = append(names, f.Name)
	}
	return names
}

func listTar(t *testing.T, archive string) []string {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	g, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(g); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
	}
}

func checkSums(t *testing.T, sums string, files []string) {
	t.Helper()
	text, err := os.ReadFile(sums)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		if line := hex.EncodeToString(sum[:]) + "  " + filepath.Base(file); !strings.Contains(string(text), line) {
			t.Errorf("SHA256SUMS lacks %s", line)
		}
	}
}

// start runs a handler with a port and waits for any answer.
func start(t *testing.T, handler string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().(*net.TCPAddr)
	_ = l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // as long as the host waits
	defer cancel()
	cmd := exec.CommandContext(ctx, handler) //nolint:gosec // what the zip holds
	cmd.Dir, cmd.Env = filepath.Dir(handler), []string{fmt.Sprintf("FUNCTIONS_CUSTOMHANDLER_PORT=%d", address.Port)}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cancel(); _ = cmd.Wait() }()
	for ctx.Err() == nil {
		response, err := http.Get("http://" + address.String() + "/")
		if err == nil {
			_ = response.Body.Close()
			t.Logf("the handler of the zip answers %s", response.Status)
			return
		}
		<-time.After(25 * time.Millisecond) // as often as the host asks
	}
	t.Fatal("the handler of the zip does not answer")
}

func unpackHandler(t *testing.T, archive string) string {
	t.Helper()
	r, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	f, err := r.Open("bin/handler")
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(t.TempDir(), "handler")
	if err := os.WriteFile(target, content, 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	return target
}
