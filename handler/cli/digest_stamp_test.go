package cli

import (
	"bytes"
	"context"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/publish"
	"github.com/auditbell/auditbell/handler/digest/timestamp/timestamptest"
)

// authority is a time-stamp authority on this machine; while down it answers 503.
type authority struct {
	root *timestamptest.Signer
	url  string
	down atomic.Bool
	asks atomic.Int32
}

func openAuthority(t *testing.T) *authority {
	t.Helper()
	return authorityAt(t, time.Date(2026, 11, 1, 7, 0, 0, 0, time.UTC))
}

// authorityAt runs an authority whose clock stands still.
func authorityAt(t *testing.T, at time.Time) *authority {
	t.Helper()
	a := &authority{root: timestamptest.Issue(t, timestamptest.Request{Name: "Root", At: at})}
	signer := timestamptest.Issue(t, timestamptest.Request{Name: "Authority", At: at, Use: x509.ExtKeyUsageTimeStamping, By: a.root})
	a.url = timestamptest.Serve(t, func(query []byte) (int, []byte) {
		a.asks.Add(1)
		if a.down.Load() {
			return http.StatusServiceUnavailable, nil
		}
		return http.StatusOK, signer.Answer(t, query, at)
	})
	return a
}

// roots writes the certificates that a verifier trusts.
func (a *authority) roots(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(path, a.root.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func noEnv(string) (string, bool) { return "", false }

// verified runs `handler verify`.
func verified(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	var b bytes.Buffer
	code = Run(context.Background(), append([]string{"verify", "--format", "text"}, args...), Surroundings{In: strings.NewReader(""), Out: &b, Err: &b, Env: noEnv})
	return code, b.String()
}

func TestDigestIsStamped(t *testing.T) {
	t.Parallel()
	o, a := openOffice(t), openAuthority(t)
	o.fill(t, small())
	o.env["DIGEST_TIMESTAMP_URL"], o.env["SMTP_ADDRESS"] = a.url, "127.0.0.1:1"
	_, digests := o.instance(t)
	if _, err := digests.Run(t.Context(), invocation()); err == nil {
		t.Fatal("no mail server, and the digest reports nothing")
	}
	o.clock.Add(3600)
	o.env["SMTP_ADDRESS"] = o.mailAddress
	_, digests = o.instance(t)
	if _, err := digests.Run(t.Context(), invocation()); err != nil {
		t.Fatalf("the second try, whose stamp is another one: %v", err)
	}
	folders, _ := filepath.Glob(filepath.Join(o.archive, "daily", "2026-10-31", "*"))
	if len(folders) != 1 {
		t.Fatalf("%d bundles in the archive, want 1", len(folders))
	}
	if n := o.arrived("Time stamp: CN=Authority says that manifest.json was there at 2026-11-01T07:00:00Z"); len(n) != 2 {
		t.Errorf("readers notified of the stamp: %v, want mail and channel", n)
	}
	code, out := verified(t, "--tsa-ca", a.roots(t), folders[0])
	if code != 0 || !strings.Contains(out, "the root that you gave vouched") {
		t.Errorf("verify exits %d:\n%s", code, out)
	}
	if code, out = verified(t, folders[0]); code != 0 || !strings.Contains(out, "no root that you gave vouches for it (--tsa-ca)") {
		t.Errorf("without a root verify exits %d:\n%s", code, out)
	}
	forgeries(t, folders[0], a)
}

// forgeries changes a stamped bundle in the ways that a stamp is for.
func forgeries(t *testing.T, folder string, a *authority) {
	t.Helper()
	for name, forge := range map[string]func(t *testing.T, folder string){
		"manifest replaced": func(t *testing.T, folder string) {
			path := filepath.Join(folder, digest.ManifestName)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			overwrite(t, path, bytes.Replace(text, []byte(`"complete": `), []byte(`"complete":  `), 1))
		},
		"stamp removed": func(t *testing.T, folder string) {
			if err := os.Remove(filepath.Join(folder, digest.TimestampName)); err != nil {
				t.Fatal(err)
			}
		},
		"stamp of nothing": func(t *testing.T, folder string) {
			overwrite(t, filepath.Join(folder, digest.TimestampName), []byte("x"))
		},
	} {
		copied := t.TempDir()
		if err := os.CopyFS(copied, os.DirFS(folder)); err != nil {
			t.Fatal(err)
		}
		forge(t, copied)
		if code, out := verified(t, "--tsa-ca", a.roots(t), copied); code != 1 || !strings.Contains(out, "WRONG  "+digest.TimestampName) {
			t.Errorf("%s: verify exits %d:\n%s", name, code, out)
		}
	}
	other := openAuthority(t)
	if code, out := verified(t, "--tsa-ca", other.roots(t), folder); code != 1 || !strings.Contains(out, "not vouched for") {
		t.Errorf("another authority's root: verify exits %d:\n%s", code, out)
	}
}

func overwrite(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.Remove(path); err != nil { // archived files are read only
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDigestGoesOutWithoutAStamp(t *testing.T) {
	t.Parallel()
	o, a := openOffice(t), openAuthority(t)
	a.down.Store(true)
	o.fill(t, small())
	o.env["DIGEST_TIMESTAMP_URL"] = a.url
	_, digests := o.instance(t)
	if _, err := digests.Run(t.Context(), invocation()); err != nil {
		t.Fatalf("an authority that is down stops the digest: %v", err)
	}
	if n := a.asks.Load(); n != publish.StampTries {
		t.Errorf("the authority was asked %d times, want %d", n, publish.StampTries)
	}
	if n := o.arrived("No time stamp: the authority could not be had."); len(n) != 2 {
		t.Errorf("readers notified that there is none: %v, want mail and channel", n)
	}
	folders, _ := filepath.Glob(filepath.Join(o.archive, "daily", "2026-10-31", "*"))
	if len(folders) != 1 {
		t.Fatalf("%d bundles in the archive, want 1", len(folders))
	}
	if code, out := verified(t, folders[0]); code != 0 || !strings.Contains(out, "no time-stamp authority said so") {
		t.Errorf("verify exits %d:\n%s", code, out)
	}
}

func TestCommandStamps(t *testing.T) {
	t.Parallel()
	a := authorityAt(t, time.Now().UTC()) // the command knows the real time alone
	month := filepath.Join(t.TempDir(), "month.jsonl")
	if err := os.WriteFile(month, []byte("{\"eventDataId\":\"e\",\"eventTimestamp\":\"2026-10-05T08:00:00Z\",\"operationName\":{\"value\":\"a/b/write\"},\"resourceId\":\"/subscriptions/S1/x\",\"subscriptionId\":\"S1\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	command := func(args ...string) int {
		var b bytes.Buffer
		return Run(context.Background(), append([]string{"digest", month}, args...), Surroundings{In: strings.NewReader(""), Out: &b, Err: &b, Env: noEnv})
	}
	if code := command("-o", dir, "--timestamp", a.url); code != 0 {
		t.Fatalf("exits %d", code)
	}
	if code, out := verified(t, "--tsa-ca", a.roots(t), dir); code != 0 {
		t.Errorf("verify exits %d:\n%s", code, out)
	}
	a.down.Store(true)
	if code := command("-o", dir, "--timestamp", a.url); code != 1 {
		t.Errorf("a stamp that was asked for and could not be had: exit code %d, want 1", code)
	}
	if code, out := verified(t, dir); code != 0 {
		t.Errorf("the digest without its stamp: verify exits %d:\n%s", code, out)
	}
	for _, wrong := range [][]string{{"--timestamp", a.url}, {"-o", dir, "--timestamp", "nowhere"}} {
		if code := command(wrong...); code != 2 {
			t.Errorf("%v exits %d, want 2", wrong, code)
		}
	}
}
