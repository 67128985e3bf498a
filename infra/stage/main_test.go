package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestFlagsReachTheLayout(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out, zip := filepath.Join(dir, "dist"), filepath.Join(dir, "a.zip")
	err := run(t.Context(), []string{"--source", "layout/testdata/repo", "--out", out, "--zip", zip})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{zip, filepath.Join(out, "bin", "handler")} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestPlatforms(t *testing.T) {
	t.Parallel()
	here := flags{GOOS: "plan9", GOARCH: "x", HostPlatform: true, Zip: "a.zip"}.options()
	if here.GOOS != runtime.GOOS || here.GOARCH != runtime.GOARCH {
		t.Errorf("--host-platform gave %s/%s", here.GOOS, here.GOARCH)
	}
	if windows := (flags{GOOS: "windows", Zip: "a.zip"}).options(); windows.Zip != "" {
		t.Error("a zip for windows, which Azure could not start")
	}
}

func TestUnknownFlagIsAnError(t *testing.T) {
	t.Parallel()
	if err := run(t.Context(), []string{"--nope"}); err == nil || !strings.Contains(err.Error(), "--nope") {
		t.Errorf("got %v", err)
	}
}
