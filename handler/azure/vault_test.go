package azure

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// vault answers as Key Vault does to wrapkey and unwrapkey (REST reference, API version 7.4).
type vault struct {
	t      *testing.T
	key    *rsa.PrivateKey
	status int // 0: 200
}

func (v *vault) RoundTrip(r *http.Request) (*http.Response, error) {
	var ask struct{ Alg, Value string }
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil || ask.Alg != "RSA-OAEP-256" || r.Method != http.MethodPost || r.URL.Query().Get("api-version") != "7.4" {
		v.t.Errorf("%s %s asks %+v, %v", r.Method, r.URL, ask, err)
	}
	if got := r.Header.Get("Authorization"); got != "Bearer token for https://vault.azure.net/.default" {
		v.t.Errorf("authorization %q", got)
	}
	value, err := base64.RawURLEncoding.DecodeString(ask.Value)
	if err != nil {
		v.t.Error(err)
	}
	switch r.URL.Path {
	case "/keys/log/0123/wrapkey":
		value, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, &v.key.PublicKey, value, nil)
	case "/keys/log/0123/unwrapkey":
		value, err = rsa.DecryptOAEP(sha256.New(), nil, v.key, value, nil)
	default:
		v.t.Errorf("path %s", r.URL.Path)
	}
	status := http.StatusOK
	if err != nil {
		status = http.StatusBadRequest
	}
	if v.status != 0 {
		status = v.status
	}
	body, _ := json.Marshal(map[string]string{"kid": "https://contoso.vault.azure.net/keys/log/0123", "value": base64.RawURLEncoding.EncodeToString(value)})
	return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(body)), Header: http.Header{}}, nil
}

// namedToken returns a token that names the scope it was asked for.
type namedToken struct{}

func (namedToken) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "token for " + strings.Join(o.Scopes, " ")}, nil
}

func TestVaultWrapsAndUnwraps(t *testing.T) {
	t.Parallel()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	v := &vault{t: t, key: private}
	key, err := OpenVaultKey("https://contoso.vault.azure.net/keys/log/0123", namedToken{}, &http.Client{Transport: v})
	if err != nil {
		t.Fatal(err)
	}
	secret := bytes.Repeat([]byte{7}, 32)
	wrapped, err := key.Wrap(t.Context(), secret)
	if err != nil || bytes.Contains(wrapped, secret) {
		t.Fatalf("%x, %v", wrapped, err)
	}
	if got, err := key.Unwrap(t.Context(), wrapped); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("unwrapped %x, %v", got, err)
	}
	wrapped[0] ^= 1
	if got, err := key.Unwrap(t.Context(), wrapped); err == nil {
		t.Errorf("what was changed unwraps to %x", got)
	}
	v.status = http.StatusForbidden
	if _, err := key.Wrap(t.Context(), secret); err == nil || !strings.Contains(err.Error(), "Key Vault Crypto User") {
		t.Errorf("without the right: %v", err)
	}
}

func TestVaultKeysAreAddressesOfVersions(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "contoso", "http://contoso.vault.azure.net/keys/log/0123", "https://contoso.vault.azure.net/keys/log", "https://contoso.vault.azure.net/secrets/log/0123", "https://localhost/keys/log/0123"} {
		if _, err := OpenVaultKey(id, namedToken{}, http.DefaultClient); err == nil {
			t.Errorf("%q is taken for a key", id)
		}
	}
}
