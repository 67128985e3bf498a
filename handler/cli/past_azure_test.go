package cli

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// azureProxy stands in for every host of Azure, for a process that knows nothing of it: it is the proxy that the process
// goes through, and speaks TLS as whatever host is asked for, with a certificate that SSL_CERT_FILE makes trusted. The
// program `az` in front of the path signs in: its token names the audience that it was asked for.
type azureProxy struct {
	t     *testing.T
	dir   string
	env   []string
	leafs chan net.Conn

	mu    sync.Mutex
	asked []string // "GET host path filter", in order
}

const (
	firstSubscription  = "11111111-1111-4111-8111-111111111111"
	secondSubscription = "22222222-2222-4222-8222-222222222222"
)

func openAzure(t *testing.T) *azureProxy {
	t.Helper()
	a := &azureProxy{t: t, dir: t.TempDir(), leafs: make(chan net.Conn)}
	proxy := httptest.NewServer(http.HandlerFunc(a.connect))
	certificate, authority := certificates(t)
	inside := &http.Server{Handler: http.HandlerFunc(a.answer), ReadHeaderTimeout: time.Minute, TLSConfig: &tls.Config{GetCertificate: certificate, MinVersion: tls.VersionTLS12}}
	var serving sync.WaitGroup
	serving.Go(func() { _ = inside.ServeTLS(listener{a.leafs, t.Context().Done()}, "", "") })
	t.Cleanup(func() {
		_ = inside.Close()
		proxy.Close()
		serving.Wait()
	})
	az := `#!/bin/sh
while [ $# -gt 0 ]; do
  case "$1" in --resource|--scope) audience="$2" ;; esac
  shift
done
echo '{"accessToken": "for '"$audience"'", "expires_on": 4070908800, "expiresOn": "2099-01-01 00:00:00.000000", "tenant": "t", "tokenType": "Bearer"}'
`
	for name, text := range map[string]string{"az": az, "ca.pem": authority} {
		if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	a.env = append(os.Environ(), "HTTPS_PROXY="+proxy.URL, "SSL_CERT_FILE="+filepath.Join(a.dir, "ca.pem"), "SSL_CERT_DIR="+a.dir,
		"PATH="+a.dir+string(os.PathListSeparator)+os.Getenv("PATH"), "AZURE_TOKEN_CREDENTIALS=AzureCLICredential")
	return a
}

// connect is the proxy: what is asked of it is a connection to some host.
func (a *azureProxy) connect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "only TLS goes through here", http.StatusBadRequest)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		a.t.Error(err)
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	select {
	case a.leafs <- conn:
	case <-a.t.Context().Done():
		_ = conn.Close()
	}
}

// listener accepts what the proxy was asked to connect to.
type listener struct {
	conns <-chan net.Conn
	over  <-chan struct{}
}

func (l listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.over:
		return nil, errors.New("the test is over")
	}
}
func (listener) Close() error   { return nil }
func (listener) Addr() net.Addr { return &net.TCPAddr{} }

// answer is Azure: two subscriptions, of which the second is not for us, and a workspace.
func (a *azureProxy) answer(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.asked = append(a.asked, fmt.Sprintf("%s %s%s %s %s", r.Method, r.Host, r.URL.Path, r.URL.Query().Get("api-version"), r.URL.Query().Get("$filter")))
	a.mu.Unlock()
	if want := "Bearer for https://" + r.Host; strings.TrimSuffix(strings.TrimSuffix(r.Header.Get("Authorization"), "/.default"), "/") != want {
		a.t.Errorf("%s was shown the token %q, want %q: a token is good for one cloud only", r.Host, r.Header.Get("Authorization"), want)
	}
	activity := "/subscriptions/%s/providers/Microsoft.Insights/eventtypes/management/values"
	switch r.URL.Path {
	case fmt.Sprintf(activity, firstSubscription):
		a.page(w, r)
	case fmt.Sprintf(activity, secondSubscription):
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":{"code":"AuthorizationFailed","message":"The client does not have authorization."}}`)
	case "/providers/Microsoft.Management/managementGroups/corp/descendants":
		_, _ = fmt.Fprintf(w, `{"value":[{"type":"Microsoft.Management/managementGroups/subscriptions","name":%q},{"type":"Microsoft.Management/managementGroups","name":"below"},{"type":"/subscriptions","name":%q}]}`,
			firstSubscription, secondSubscription)
	case "/v1/workspaces/w-1/query":
		_, _ = io.WriteString(w, `{"tables":[{"name":"PrimaryResult","columns":[{"name":"TimeGenerated"},{"name":"OperationNameValue"},{"name":"ActivityStatusValue"},{"name":"CategoryValue"},{"name":"EventDataId"},{"name":"Caller"}],
			"rows":[["2026-10-01T05:00:00Z","MICROSOFT.COMPUTE/VIRTUALMACHINES/DELETE","Success","Administrative","e-la","ada@contoso.example"]]}]}`)
	default:
		http.NotFound(w, r)
	}
}

// page answers two pages of one record each.
func (a *azureProxy) page(w http.ResponseWriter, r *http.Request) {
	n, next := 1, ""
	if r.URL.Query().Get("$skipToken") != "" {
		n = 2
	} else {
		next = "https://" + r.Host + r.URL.Path + "?api-version=2015-04-01&$skipToken=more"
	}
	_, _ = fmt.Fprintf(w, `{"value":[{"eventDataId":"e-%d","eventTimestamp":"2026-10-0%dT10:00:00Z","correlationId":"c-%d","category":{"value":"Administrative"},"caller":"ada@contoso.example",
		"operationName":{"value":"Microsoft.Compute/virtualMachines/delete"},"status":{"value":"Succeeded"},"resourceGroupName":"rg-1","subscriptionId":%q,
		"resourceId":"/subscriptions/%s/resourceGroups/rg-1/providers/Microsoft.Compute/virtualMachines/vm-%d"}],"nextLink":%q}`, n, n, n, firstSubscription, firstSubscription, n, next)
}

// run runs the program and returns what it prints, what it complains of, and its exit code.
func (a *azureProxy) run(args ...string) (out, errs string, code int) {
	a.t.Helper()
	cmd := exec.CommandContext(a.t.Context(), "handler", args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = a.dir, a.env, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		ended := new(exec.ExitError)
		if !errors.As(err, &ended) {
			a.t.Fatal(err)
		}
		code = ended.ExitCode()
	}
	return stdout.String(), stderr.String(), code
}

// TestSubscriptionsAreAskedInEveryCloud runs the commands as an operator would, signed in with az, against every host
// that they would reach: two subscriptions by id or by management group, of which one refuses.
func TestSubscriptionsAreAskedInEveryCloud(t *testing.T) {
	t.Parallel()
	window := []string{"--since", "2026-10-01", "--until", "2026-10-03"}
	for _, c := range []struct {
		name, host string
		args       []string
		group      bool
	}{
		{"two subscriptions", "management.azure.com", []string{"--subscription", firstSubscription, "--subscription", secondSubscription}, false},
		{"a management group, government", "management.usgovcloudapi.net", []string{"--below", "corp", "--cloud", "government"}, true},
		{"a management group and an id below it, china", "management.chinacloudapi.cn", []string{"--below", "corp", "--subscription", secondSubscription, "--subscription", firstSubscription, "--cloud", "china"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := openAzure(t)
			args := append([]string{"query", "--source", "activity-log", "--resource-group", "rg-1", "--status", "succeeded", "--format", "csv", "--columns", "time,resource_name"}, window...)
			out, errs, code := a.run(append(args, c.args...)...)
			if want := "time,resource_name\n2026-10-01T10:00:00.0000000Z,vm-1\n2026-10-02T10:00:00.0000000Z,vm-2\n"; out != want || code != exitNo {
				t.Errorf("exit %d, prints %q, want %q: the subscription that refuses must not cost the other's\n%s", code, out, want, errs)
			}
			for _, want := range []string{"subscription " + secondSubscription, "403 Forbidden: AuthorizationFailed", "role Reader", "Azure filters by time, resource-group; status is filtered here"} {
				if !strings.Contains(errs, want) {
					t.Errorf("it does not say %q: %s", want, errs)
				}
			}
			a.check(c.host, c.group)
		})
	}
}

// check holds what was asked to what the API takes: the group first, then the subscriptions, which are asked at the same time.
func (a *azureProxy) check(host string, group bool) {
	a.t.Helper()
	const filter = "eventTimestamp ge '2026-10-01T00:00:00Z' and eventTimestamp le '2026-10-03T00:00:00Z' and resourceGroupName eq 'rg-1'"
	values := func(id string) string {
		return "GET " + host + "/subscriptions/" + id + "/providers/Microsoft.Insights/eventtypes/management/values 2015-04-01 "
	}
	want := []string{values(firstSubscription) + filter, values(firstSubscription), values(secondSubscription) + filter}
	first := "GET " + host + "/providers/Microsoft.Management/managementGroups/corp/descendants 2020-05-01 "
	if group {
		want = append([]string{first}, want...)
	}
	sorted := slices.Sorted(slices.Values(a.asked))
	slices.Sort(want)
	if got := strings.Join(sorted, "\n"); got != strings.Join(want, "\n") || group && a.asked[0] != first {
		a.t.Errorf("was asked\n%s\nwant, in any order but of the group,\n%s", strings.Join(a.asked, "\n"), strings.Join(want, "\n"))
	}
}

// TestWorkspacesAreAskedInEveryCloud does the same for Log Analytics, whose endpoints are others.
func TestWorkspacesAreAskedInEveryCloud(t *testing.T) {
	t.Parallel()
	for cloud, host := range map[string]string{"public": "api.loganalytics.azure.com", "government": "api.loganalytics.us", "china": "api.loganalytics.azure.cn"} {
		t.Run(cloud, func(t *testing.T) {
			t.Parallel()
			a := openAzure(t)
			out, errs, code := a.run("audit", "deletions", "--source", "log-analytics", "--workspace", "w-1", "--cloud", cloud, "--since", "2026-10-01", "--until", "2026-10-01T06:00:00Z", "--format", "csv")
			if want := "time,caller,operation,resource_id\n2026-10-01T05:00:00.0000000Z,ada@contoso.example,microsoft.compute/virtualmachines/delete,\n"; code != exitDone || out != want {
				t.Errorf("exit %d, prints %q, want %q: %s", code, out, want, errs)
			}
			if want := "POST " + host + "/v1/workspaces/w-1/query  "; len(a.asked) != 1 || a.asked[0] != want {
				t.Errorf("was asked %q, want %q", a.asked, want)
			}
		})
	}
}

// certificates makes an authority and, by it, a certificate for whatever host is asked for.
func certificates(t *testing.T) (leaf func(*tls.ClientHelloInfo) (*tls.Certificate, error), authority string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		one := &x509.Certificate{
			SerialNumber: big.NewInt(2), NotBefore: root.NotBefore, NotAfter: root.NotAfter, DNSNames: []string{hello.ServerName},
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
		der, err := x509.CreateCertificate(rand.Reader, one, root, key.Public(), key)
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
	}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
