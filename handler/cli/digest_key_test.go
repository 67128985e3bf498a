package cli

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLogKeyRotatesInKeyVault changes the key of a log between two digests to one that Key Vault wraps. The auditor has the
// first key alone.
func TestLogKeyRotatesInKeyVault(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.fill(t, small())
	vault := keyVault(t) + "/keys/log/0123456789"
	name := "auditbell.contoso.example/log"
	code, out := commanded(t, nil, "log", "init", "--name", name, "--vault-key", vault)
	if code != 0 {
		t.Fatal(out)
	}
	o.set(out)
	if o.env["TLOG_VAULT_KEY"] != vault || o.env["TLOG_NAME"] != name {
		t.Fatalf("log init prints\n%s", out)
	}
	first := verifierKey(t, o.env)
	bundles := []string{o.logged(t, time.Date(2026, 11, 1, 7, 0, 0, 0, time.UTC))}
	before := o.env["TLOG_KEY"]
	for range 2 { // twice: the second time there is a former key already
		if code, out = commanded(t, o.env, "log", "rotate", "--vault-key", vault); code != 0 {
			t.Fatal(out)
		}
		o.set(out)
	}
	if o.env["TLOG_KEY"] == before || !strings.Contains(o.env["TLOG_FORMER_KEYS"], first) || strings.Count(o.env["TLOG_FORMER_KEYS"], ",") != 1 {
		t.Fatalf("after two rotations the settings are %v", o.env)
	}
	bundles = append(bundles, o.logged(t, time.Date(2026, 11, 2, 7, 0, 0, 0, time.UTC)))
	for _, args := range [][]string{bundles, {"--log", t.TempDir(), bundles[1]}} {
		code, out = commanded(t, nil, append([]string{"verify", "--format", "text", "--log-key", first}, args...)...)
		if follows := strings.Contains(out, "changed its key by entries of its own"); follows != (code == 0) || code != len(args)-2 {
			t.Errorf("verify %v exits %d:\n%s", args, code, out)
		}
	}
	if code, out = commanded(t, o.env, "log", "rotate"); code != 2 {
		t.Errorf("rotate to no key exits %d:\n%s", code, out)
	}
}

// set takes settings from what a command printed.
func (o *office) set(printed string) {
	for line := range strings.Lines(printed) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && strings.HasPrefix(name, "TLOG_") {
			o.env[name] = value
		}
	}
}

// logged logs hours and makes the digest of the day before, and returns its folder.
func (o *office) logged(t *testing.T, at time.Time) string {
	t.Helper()
	o.clock.Store(at.Unix())
	_, digests := o.instance(t)
	if _, err := digests.Rollups.Run(t.Context(), invocation()); err != nil {
		t.Fatal(err)
	}
	if _, err := digests.Run(t.Context(), invocation()); err != nil {
		t.Fatal(err)
	}
	folders, _ := filepath.Glob(filepath.Join(o.archive, "daily", at.AddDate(0, 0, -1).Format(time.DateOnly), "*"))
	if len(folders) != 1 {
		t.Fatalf("%d bundles of %s", len(folders), at)
	}
	return folders[0]
}

// keyVault is Key Vault as far as it wraps keys (REST reference "Wrap Key", "Unwrap Key", API version 7.4), and its address.
func keyVault(t *testing.T) string {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var ask struct{ Alg, Value string }
		err := json.NewDecoder(r.Body).Decode(&ask)
		value, codeErr := base64.RawURLEncoding.DecodeString(ask.Value)
		if err = errors.Join(err, codeErr); err == nil && (ask.Alg != "RSA-OAEP-256" || r.URL.Query().Get("api-version") != "7.4" || r.Header.Get("Authorization") == "") {
			err = fmt.Errorf("alg %q", ask.Alg)
		}
		switch {
		case err != nil:
		case r.Method == http.MethodPost && r.URL.Path == "/keys/log/0123456789/wrapkey":
			value, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, &private.PublicKey, value, nil)
		case r.Method == http.MethodPost && r.URL.Path == "/keys/log/0123456789/unwrapkey":
			value, err = rsa.DecryptOAEP(sha256.New(), nil, private, value, nil)
		default:
			err = errors.New("no such operation")
		}
		if err != nil {
			http.Error(w, `{"error":{"code":"BadParameter"}}`, http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"kid": "http://" + r.Host + "/keys/log/0123456789", "value": base64.RawURLEncoding.EncodeToString(value)})
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// watched are the details of the alerts about ourselves that wait, of one rule.
func (o *office) watched(t *testing.T, rule string) (details []string) {
	t.Helper()
	waiting, err := o.Store.Waiting(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range waiting {
		if a.Rule.ID == rule {
			details = append(details, a.Event.Description)
		}
	}
	return details
}

// TestMissedQuorumIsAnAlert stops the only witness: the digest goes out, and an alert says why there is no signature.
func TestMissedQuorumIsAnAlert(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.fill(t, small())
	keyFile := filepath.Join(t.TempDir(), "log.key")
	code, out := commanded(t, nil, "log", "init", "--name", "auditbell.contoso.example/log", "-o", keyFile)
	if code != 0 {
		t.Fatal(out)
	}
	o.set(out)
	url, key := witnessed(t, out[strings.LastIndex(out, ": ")+2:len(out)-1])
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	o.env["TLOG_WITNESSES"], o.env["TLOG_QUORUM"] = url+" "+key, "1"
	_ = o.logged(t, time.Date(2026, 11, 1, 7, 0, 0, 0, time.UTC))
	if n := o.watched(t, "auditbell-log-unwitnessed"); len(n) != 0 {
		t.Errorf("with the witness: %v", n)
	}
	o.env["TLOG_WITNESSES"] = gone.URL + " " + key
	_ = o.logged(t, time.Date(2026, 11, 2, 7, 0, 0, 0, time.UTC))
	found := o.watched(t, "auditbell-log-unwitnessed")
	if len(found) != 1 || !strings.Contains(found[0], "0 of 1 witnesses signed its newest checkpoint, 1 should. witness witness.auditor.example/w: it cannot be reached.") {
		t.Errorf("alerts of a missed quorum: %q, want one for hours and digest together", found)
	}
	// A key that cannot be read any more: nothing is logged, the digest goes out, and that is an alert too.
	overwrite(t, keyFile, nil)
	o.clock.Store(time.Date(2026, 11, 3, 7, 0, 0, 0, time.UTC).Unix())
	_, digests := o.instance(t)
	if _, err := digests.Rollups.Run(t.Context(), invocation()); err == nil {
		t.Error("hours are logged without a key")
	}
	if found := o.watched(t, "auditbell-log-stopped"); len(found) != 1 || !strings.Contains(found[0], "hours: ") {
		t.Errorf("alerts of a log that stopped: %q", found)
	}
}
