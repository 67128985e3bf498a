package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// terraform runs OpenTofu or Terraform in one folder.
type terraform struct {
	tool, dir, subscription string
	out                     io.Writer
	in                      *os.File
}

// facts are what the module's output `deployment` says.
type facts struct {
	FunctionAppID           string            `json:"function_app_id"`
	ResourceGroupName       string            `json:"resource_group_name"`
	Location                string            `json:"location"`
	KeyVaultID              string            `json:"key_vault_id"`
	Secrets                 map[string]string `json:"secrets"` // setting: name of the secret
	SystemTopicID           string            `json:"system_topic_id"`
	ApplicationInsightsName string            `json:"application_insights_name"`
	Target                  string            `json:"target"` // the function that events are delivered to
	Delivering              bool              `json:"delivering"`
}

// candidates are the programs to look for in their order: the one that was asked for, or the one that the folder was
// initialised with, whose registry its lock file names.
func candidates(asked, dir string) []string {
	lock, _ := os.ReadFile(filepath.Join(dir, ".terraform.lock.hcl")) //nolint:gosec // of the folder that the operator named
	switch {
	case asked != "":
		return []string{asked}
	case bytes.Contains(lock, []byte("registry.terraform.io")) && !bytes.Contains(lock, []byte("registry.opentofu.org")):
		return []string{"terraform"}
	}
	return []string{"tofu", "terraform"}
}

// findTool returns the first of the programs that is installed.
func findTool(candidates []string) (string, error) {
	for _, name := range candidates {
		if _, err := exec.LookPath(name); err == nil {
			return name, nil
		}
	}
	return "", fmt.Errorf("none of %v is installed (hint: https://opentofu.org/docs/intro/install, or --tool)", candidates)
}

func (t *terraform) init(ctx context.Context) error {
	return t.run(ctx, nil, "init", "-input=false")
}

func (t *terraform) apply(ctx context.Context, args ...string) error {
	return t.run(ctx, nil, append([]string{"apply"}, args...)...)
}

func (t *terraform) destroy(ctx context.Context, args ...string) error {
	return t.run(ctx, nil, append([]string{"destroy"}, args...)...)
}

// facts reads the output `deployment`; ok is false while there is none, as before the first apply.
func (t *terraform) facts(ctx context.Context) (f facts, ok bool, err error) {
	var text bytes.Buffer
	if err := t.run(ctx, &text, "output", "-json"); err != nil {
		return facts{}, false, err
	}
	var outputs map[string]struct {
		Value json.RawMessage `json:"value"`
	}
	// A warning of the program may stand before the JSON.
	if err := json.Unmarshal(text.Bytes()[max(0, bytes.IndexByte(text.Bytes(), '{')):], &outputs); err != nil {
		return facts{}, false, fmt.Errorf("read outputs: %w", err)
	}
	value, ok := outputs["deployment"]
	if !ok {
		return facts{}, false, nil
	}
	if err := json.Unmarshal(value.Value, &f); err != nil {
		return facts{}, false, fmt.Errorf("read output deployment: %w", err)
	}
	return f, true, nil
}

// run runs the program; its output goes to w, or to the terminal. When we are asked to stop, it is asked to stop as
// well and given time to write its state.
func (t *terraform) run(ctx context.Context, w io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, t.tool, append([]string{"-chdir=" + t.dir}, args...)...) //nolint:gosec // tofu or terraform
	cmd.Env = append(os.Environ(), "ARM_SUBSCRIPTION_ID="+t.subscription)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = t.in, t.out, os.Stderr
	if w != nil {
		cmd.Stdout = w
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 5 * time.Minute
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return fmt.Errorf("%s %s ended with an error; it is above", t.tool, args[0])
		}
		return fmt.Errorf("run %s %s: %w", t.tool, args[0], err)
	}
	return nil
}
