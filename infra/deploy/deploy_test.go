//go:build unix

package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) {
	if name := os.Getenv("AUDITBELL_ROLE"); name != "" {
		role(name, os.Args[1:])
	}
	os.Exit(m.Run())
}

// world is a machine with the programs on its PATH, a folder with a main.tf, and a stand-in of Azure.
type world struct {
	*azure
	t        *testing.T
	dir, bin string
	archive  string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{azure: newAzure(t), t: t, dir: t.TempDir(), bin: t.TempDir()}
	for _, name := range providers[1:] { // one is missing; killing the run after each would be the same test
		w.registered[name] = true
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"az", "tofu", "func"} {
		write(t, filepath.Join(w.bin, name), fmt.Sprintf("#!/bin/sh\nAUDITBELL_ROLE=%s exec %s \"$@\"\n", name, self), 0o755)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.arm.Certificate().Raw})
	write(t, filepath.Join(w.bin, "ca.pem"), string(certificate), 0o644)
	write(t, filepath.Join(w.dir, "main.tf"), "variable \"alert_emails\" {\n}\nvariable \"operator_object_ids\" {\n}\n", 0o644)
	w.archive = filepath.Join(w.bin, "auditbell.zip")
	writeArchive(t, w.archive)
	return w
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func writeArchive(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for _, name := range []string{"host.json", "bin/handler", "eventgrid-activity/function.json", "deliver/function.json"} {
		header := &zip.FileHeader{Name: name}
		header.SetMode(0o644)
		if name == "bin/handler" {
			header.SetMode(0o755)
		}
		entry, err := z.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = entry.Write([]byte(name))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// command is one run of deploy in a process group of its own.
func (w *world) command(args ...string) *exec.Cmd {
	self, _ := os.Executable()
	cmd := exec.Command(self, append([]string{"--infra", w.dir, "--zip", w.archive, "--yes"}, args...)...)
	cmd.Env = append(os.Environ(), "AUDITBELL_ROLE=deploy", "PATH="+w.bin+":/bin:/usr/bin", "AUDITBELL_ARM="+w.arm.URL,
		"AUDITBELL_PAUSE=1ms", "ARM_SUBSCRIPTION_ID=", "SSL_CERT_FILE="+filepath.Join(w.bin, "ca.pem"), "AZURE_CONFIG_DIR="+w.bin)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func (w *world) run(args ...string) (string, error) {
	return w.during(func(*os.Process, int, string) {}, args...)
}

// during runs the program. After each request that was carried out, and before it is answered, act may end the program.
func (w *world) during(act func(p *os.Process, n int, by string), args ...string) (string, error) {
	cmd, started := w.command(args...), make(chan struct{})
	w.watch(func(n int, by string) {
		<-started
		act(cmd.Process, n, by)
	})
	defer w.watch(nil)
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Start(); err != nil {
		return "", err
	}
	close(started)
	err := cmd.Wait() // it returns when every process that writes there has ended
	return text.String(), err
}

func (w *world) mustRun(args ...string) string {
	w.t.Helper()
	text, err := w.run(args...)
	if err != nil {
		w.t.Fatalf("deploy %v: %v\n%s\n%s", args, err, text, strings.Join(w.requests, "\n"))
	}
	return text
}

// deployed fails unless everything is as a finished deployment leaves it, and a plain plan is empty.
func (w *world) deployed() {
	w.t.Helper()
	w.mu.Lock()
	if diff := cmp.Diff(byModule(), w.rules); diff != "" {
		w.t.Errorf("who may call the app (-module +now):\n%s", diff)
	}
	if !w.subscribed || !slices.Contains(w.functions, "eventgrid-activity") || w.delivered == 0 {
		w.t.Errorf("subscribed %v, functions %v, delivered %d", w.subscribed, w.functions, w.delivered)
	}
	w.mu.Unlock()
	w.tofu("plan")
}

// tofu runs the module's program by itself, as an operator does.
func (w *world) tofu(action string) {
	w.t.Helper()
	self, _ := os.Executable()
	cmd := exec.Command(self, "-chdir="+w.dir, action)
	cmd.Env = append(w.command().Env, "AUDITBELL_ROLE=tofu")
	if text, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("%s: %v\n%s", action, err, text)
	}
}

func TestFirstDeployment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := w.mustRun("--alert-email", "soc@contoso.example")
	w.deployed()
	for _, want := range []string{"== 1 of 10", "== 10 of 10", "the app sees this machine as 127.0.0.1/32", "closed to this machine again", "made and deleted rg-auditbell-try"} {
		if !strings.Contains(text, want) {
			t.Errorf("the output lacks %q:\n%s", want, text)
		}
	}
	var choices map[string]any
	file, err := os.ReadFile(filepath.Join(w.dir, choicesFile))
	if err == nil {
		err = json.Unmarshal(file, &choices)
	}
	want := map[string]any{"alert_emails": []any{"soc@contoso.example"}, "operator_object_ids": []any{"8f4b3c1e-5d2a-4f6b-9c7d-0e1f2a3b4c5d"}}
	if diff := cmp.Diff(want, choices); err != nil || diff != "" {
		t.Errorf("choices %v (-want +got):\n%s", err, diff)
	}
}

// TestSecondDeployment needs no argument: what was chosen is in a file, and the stage is read from Azure.
func TestSecondDeployment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mustRun("--alert-email", "soc@contoso.example")
	w.mustRun()
	w.deployed()
}

// TestAnotherSubscription is az signed in elsewhere than what is deployed, or than the module would work: nothing is asked
// of Azure, because an apply would replace everything.
func TestAnotherSubscription(t *testing.T) {
	t.Parallel()
	deployed := newWorld(t)
	deployed.mustRun("--alert-email", "soc@contoso.example")
	const other = "7d4c2b1a-9e8f-4a6b-8c5d-3e2f1a0b9c8d"
	for setting, w := range map[string]*world{"AUDITBELL_ACCOUNT=" + other: deployed, "ARM_SUBSCRIPTION_ID=" + other: newWorld(t)} {
		for _, action := range []string{"--no-try", "--destroy"} {
			before, cmd := len(w.requests), w.command(action, "--alert-email", "soc@contoso.example")
			cmd.Env = append(cmd.Env, setting)
			text, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(text), "az account set --subscription") || len(w.requests) != before {
				t.Errorf("%s %s: %v, asked %v\n%s", setting, action, err, w.requests[before:], text)
			}
		}
	}
}

func TestTheFoldersProgramIsUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct {
		asked, lock string
		want        []string
	}{
		{"", "", []string{"tofu", "terraform"}},
		{"", `provider "registry.terraform.io/hashicorp/azurerm" {`, []string{"terraform"}},
		{"", `provider "registry.opentofu.org/hashicorp/azurerm" {`, []string{"tofu", "terraform"}},
		{"tofu", `provider "registry.terraform.io/hashicorp/azurerm" {`, []string{"tofu"}},
	} {
		write(t, filepath.Join(dir, ".terraform.lock.hcl"), c.lock, 0o644)
		if diff := cmp.Diff(c.want, candidates(c.asked, dir)); diff != "" {
			t.Errorf("%q, %s (-want +got):\n%s", c.asked, c.lock, diff)
		}
	}
}

// TestKilled kills the run after each request that it, func or the module makes, has been carried out, and before it is
// answered: the worst moment. The next run must end in success, and nothing may be left open.
func TestKilled(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"func", "through-arm"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			args := []string{"--alert-email", "soc@contoso.example"}
			if mode == "through-arm" {
				args = append(args, "--through-arm")
			}
			whole := newWorld(t)
			whole.mustRun(args...)
			n := len(whole.requests)
			step := 1
			if testing.Short() {
				step = 7
			}
			for k := 1; k <= n; k += step {
				killedAt(t, k, args)
			}
			t.Logf("killed after each of %d requests (every %d.)", n, step)
		})
	}
}

func killedAt(t *testing.T, k int, args []string) {
	t.Helper()
	w := newWorld(t)
	first, err := w.during(func(p *os.Process, n int, by string) {
		if n != k {
			return
		}
		// The module's apply is not killed: a caller that asks it to stop waits for its state. Killed itself, as by a power
		// cut, it forgets what it was making; docs/deploy.md says what to do then.
		_ = p.Kill()
		if by != "tofu" {
			_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
		}
	}, args...)
	if err == nil {
		t.Fatalf("request %d: the run was not killed:\n%s", k, first)
	}
	w.mu.Lock()
	asked := w.requests[k-1]
	w.mu.Unlock()
	if second, err := w.run(args...); err != nil {
		t.Fatalf("killed after request %d, %s: the next run: %v\n%s", k, asked, err, second)
	}
	if w.deployed(); t.Failed() {
		t.Fatalf("killed after request %d, %s", k, asked)
	}
}

// TestAskedToStop is Ctrl-C while func waits for the app: this very run closes the app again.
func TestAskedToStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var once sync.Once
	text, err := w.during(func(p *os.Process, _ int, by string) {
		if by == "func" && w.letIn() {
			once.Do(func() { _ = p.Signal(syscall.SIGTERM) })
		}
	}, "--alert-email", "soc@contoso.example")
	if err == nil {
		t.Fatalf("not stopped:\n%s", text)
	}
	if diff := cmp.Diff(byModule(), w.callers()); diff != "" || len(w.addressesSeen) != 1 {
		t.Errorf("who may call the app (-module +now):\n%s\n%s", diff, text)
	}
}

// TestPlainApplyClosesTheApp is a publication that was killed and never run again: any apply of the module takes the rule
// away, because the module reads the rules as they are. (infra/function.tf, azapi_update_resource.inbound.)
func TestPlainApplyClosesTheApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text, err := w.during(func(p *os.Process, _ int, by string) {
		if by == "func" {
			_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
		}
	}, "--alert-email", "soc@contoso.example")
	if err == nil {
		t.Fatalf("not killed:\n%s", text)
	}
	if rules := w.callers(); len(rules) != len(byModule())+1 {
		t.Fatalf("the test is wrong: rules %v", rules)
	}
	w.tofu("apply")
	if diff := cmp.Diff(byModule(), w.callers()); diff != "" {
		t.Errorf("who may call the app (-module +now):\n%s", diff)
	}
}

func TestPolicyForbidsToLetInThePublisher(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.forbidPatch = true
	text, err := w.run("--alert-email", "soc@contoso.example")
	if err == nil || !strings.Contains(text, "--through-arm") {
		t.Errorf("%v, and no hint:\n%s", err, text)
	}
	w.mustRun("--through-arm")
	if len(w.addressesSeen) != 0 || w.syncs != 1 {
		t.Errorf("let in %v, synced %d times", w.addressesSeen, w.syncs)
	}
	w.deployed()
}

func TestAddressIsRequired(t *testing.T) {
	t.Parallel()
	text, err := newWorld(t).run()
	if err == nil || !strings.Contains(text, "--alert-email") {
		t.Errorf("%v, and no hint:\n%s", err, text)
	}
}

func TestSecretIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.secrets = map[string]bool{}
	text, err := w.run("--alert-email", "soc@contoso.example")
	if err == nil || !strings.Contains(text, "az keyvault secret set --vault-name kv-auditbell-1a2b3c --name slack-webhook-url --file /dev/stdin") {
		t.Errorf("%v, and not how to put it in:\n%s", err, text)
	}
	w.secrets = map[string]bool{"slack-webhook-url": true}
	w.mustRun()
	w.deployed()
}

// TestDestroy ends in success although Application Insights made resources of its own in the group.
func TestDestroy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mustRun("--alert-email", "soc@contoso.example")
	w.generated = map[string]bool{"Failure Anomalies - appi-auditbell-1a2b3c": true, "Application Insights Smart Detection": true}
	w.mustRun("--destroy")
	if len(w.generated) != 0 {
		t.Errorf("left %v", w.generated)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"203.0.113.7": "203.0.113.7/32", "203.0.113.0/24": "203.0.113.0/24", "[2001:db8::7]": "2001:db8::7/128",
		"203.0.113.7:50123": "203.0.113.7/32", "[2001:db8::7]:443": "2001:db8::7/128", "::ffff:203.0.113.7": "203.0.113.7/32", "203.0.113.7/24": "203.0.113.0/24",
		"0.0.0.0/0": "", "::/0": "", "198.0.0.0/7": "", "0.0.0.0": "", "100.64.3.4": "", "169.254.1.1": "", "fe80::1": "", "fe80::1%eth0": "", "224.0.0.1": "",
		"[fd00::1002:fc01:3000]": "", "10.1.2.3": "", "The IP address is not allowed": "",
	} {
		got, err := parseAddress(text)
		if (err == nil) != (want != "") || err == nil && got.String() != want {
			t.Errorf("%s: %v, %v; want %q", text, got, err, want)
		}
	}
}
