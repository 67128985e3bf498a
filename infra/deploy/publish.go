package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/auditbell/auditbell/infra/stage/layout"
)

// publish brings the functions to the app, and waits until Azure lists the one that events are delivered to.
func (d *deployment) publish(ctx context.Context) error {
	folder, archive, done, err := d.artifact(ctx)
	if err != nil {
		return err
	}
	defer done()
	s, err := d.site(ctx)
	if err != nil {
		return err
	}
	if d.ThroughArm {
		err = d.upload(ctx, s, archive)
	} else {
		err = d.publishWithFunc(ctx, s, folder)
	}
	if err != nil {
		return err
	}
	return d.until(ctx, "Azure lists the function "+d.facts.Target, func() (bool, error) {
		names, err := d.functions(ctx)
		return slices.Contains(names, d.facts.Target), err
	})
}

// artifact is what is published, as a folder and as a zip.
func (d *deployment) artifact(ctx context.Context) (folder, archive string, done func(), err error) {
	if d.Zip == "" {
		if _, err := exec.LookPath("go"); err != nil {
			return "", "", nil, errors.New("go is not installed (hint: --zip with the auditbell zip of a release)")
		}
		o := layout.Options{Source: ".", Out: "dist", Zip: "auditbell.zip", GOOS: "linux", GOARCH: "amd64", Report: d.out}
		return "dist", "auditbell.zip", func() {}, layout.Build(ctx, o)
	}
	folder, err = os.MkdirTemp("", "auditbell-*")
	if err != nil {
		return "", "", nil, err
	}
	return folder, d.Zip, func() { _ = os.RemoveAll(folder) }, unzip(d.Zip, folder)
}

// unzip unpacks a release for func, which makes an archive of its own.
func unzip(archive, folder string) error {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("open %s: %w", archive, err)
	}
	defer func() { _ = r.Close() }()
	for _, f := range r.File {
		if !filepath.IsLocal(f.Name) || strings.HasSuffix(f.Name, "/") {
			continue
		}
		if err := unpack(f, filepath.Join(folder, filepath.FromSlash(f.Name))); err != nil {
			return fmt.Errorf("unpack %s: %w", f.Name, err)
		}
	}
	return nil
}

func unpack(f *zip.File, target string) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY|os.O_EXCL, f.Mode().Perm()) //nolint:gosec // below the folder, see IsLocal
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in) //nolint:gosec // the operator's own archive
	return errors.Join(err, out.Close())
}

// publishWithFunc lets this machine in while func publishes and looks at the app's health.
func (d *deployment) publishWithFunc(ctx context.Context, s site, folder string) (err error) {
	shut, err := d.openToMe(ctx, s)
	defer func() { err = errors.Join(err, shut()) }()
	if err != nil {
		return err
	}
	name := path.Base(d.facts.FunctionAppID)
	cmd := exec.CommandContext(ctx, "func", "azure", "functionapp", "publish", name, "--script-root", folder, "--custom") //nolint:gosec // our app's name
	cmd.Stdout, cmd.Stderr = d.out, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = time.Minute
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("func azure functionapp publish: %w; what it said is above", err)
	}
	return nil
}

// deploymentState is the deployment site's word for how far it is (Core Tools, DeployStatus.cs).
type deploymentState struct {
	ID         string
	Status     int
	StatusText string `json:"status_text"`
}

const (
	stateFailed   = 3
	stateSuccess  = 4
	stateConflict = 5
	statePartial  = 6
)

// upload does what func does for Flex Consumption, without the call to the app that ends it: the zip goes to the
// deployment site with the token of Azure Resource Manager, and triggers are synced by Azure Resource Manager.
func (d *deployment) upload(ctx context.Context, s site, archive string) error {
	base, err := s.deploymentSite()
	if err != nil {
		return err
	}
	file, err := os.Open(archive) //nolint:gosec // what we built, or the operator's own archive
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	before, err := d.latest(ctx, base)
	if err != nil {
		return err
	}
	d.say("uploading %s to %s", archive, base)
	if err := d.arm.send(ctx, call{method: http.MethodPost, path: base + "/api/publish?isAsync=true&Deployer=auditbell", contentType: "application/zip", in: file}); err != nil {
		return err
	}
	if err := d.follow(ctx, base, before.ID); err != nil {
		return err
	}
	return d.arm.do(ctx, call{method: http.MethodPost, path: d.facts.FunctionAppID + "/host/default/sync", api: webAPI})
}

// latest is the newest deployment, empty when there was none.
func (d *deployment) latest(ctx context.Context, base string) (deploymentState, error) {
	var all []deploymentState
	if err := d.arm.send(ctx, call{method: http.MethodGet, path: base + "/api/deployments", out: &all}); err != nil {
		return deploymentState{}, err
	}
	if len(all) == 0 {
		return deploymentState{}, nil
	}
	return all[0], nil
}

// follow waits for the deployment that came after before.
func (d *deployment) follow(ctx context.Context, base, before string) error {
	return d.until(ctx, "the deployment ends", func() (bool, error) {
		now, err := d.latest(ctx, base)
		if err != nil || now.ID == before {
			return false, err
		}
		switch now.Status {
		case stateSuccess:
			return true, nil
		case stateFailed, statePartial:
			return false, fmt.Errorf("the deployment failed: %s (hint: %s/api/deployments/%s/log)", now.StatusText, base, now.ID)
		case stateConflict:
			return false, errors.New("another deployment of this app was running, so Azure cancelled this one")
		}
		return false, nil
	})
}

// functions are the names that Azure lists.
func (d *deployment) functions(ctx context.Context) ([]string, error) {
	var list struct{ Value []struct{ Name string } }
	if err := d.arm.do(ctx, call{method: http.MethodGet, path: d.facts.FunctionAppID + "/functions", api: webAPI, out: &list}); err != nil {
		return nil, err
	}
	var names []string
	for _, f := range list.Value {
		names = append(names, path.Base(f.Name)) // "app/function"
	}
	return names, nil
}
