package host

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A stand-in that is killed outright takes its handler along.
func TestHandlerDiesWithItsParent(t *testing.T) {
	t.Parallel()
	var o Options
	prepare(t, &o, nil)
	writeFile(t, filepath.Join(o.Root, "one", "function.json"), someFunctions["one"])
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), "TEST_ROLE=host", "TEST_ROOT="+o.Root)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if err := json.NewDecoder(out).Decode(&pid); err != nil || !alive(pid) {
		t.Fatalf("handler %d: %v", pid, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	deadline := time.Now().Add(10 * time.Second)
	for running(pid) {
		if time.Now().After(deadline) {
			t.Fatalf("handler %d outlived the host", pid)
		}
	}
}

// running is alive, but for a zombie that nobody has waited for.
func running(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", jsonNumber(pid), "stat"))
	if err != nil {
		return false
	}
	for i := len(stat) - 1; i >= 0; i-- {
		if stat[i] == ')' {
			return stat[i+2] != 'Z'
		}
	}
	return false
}

func jsonNumber(n int) string {
	text, _ := json.Marshal(n)
	return string(text)
}
