package azure

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// VaultKey is an RSA key of Key Vault, which wraps small secrets and never leaves the vault (REST reference "Wrap Key",
// "Unwrap Key", API version 7.4).
type VaultKey struct {
	id         string
	credential azcore.TokenCredential
	client     *http.Client
}

// OpenVaultKey is the key at an address, https://<vault>.vault.azure.net/keys/<name>/<version>. It calls nothing. A stand-in
// on this machine, http://127.0.0.1:<port>/keys/<name>/<version>, is asked without a token of Azure's.
func OpenVaultKey(id string, credential azcore.TokenCredential, client *http.Client) (*VaultKey, error) {
	u, err := url.Parse(id)
	if err == nil && u.Scheme == "http" && net.ParseIP(u.Hostname()).IsLoopback() {
		u.Scheme, credential = "https", StandIn{}
	}
	if err != nil || u.Scheme != "https" || !strings.HasPrefix(u.Path, "/keys/") || strings.Count(u.Path, "/") != 3 || strings.Count(u.Host, ".") < 2 {
		return nil, errors.New("is not the address of a key's version, such as https://contoso.vault.azure.net/keys/log/0123456789abcdef")
	}
	return &VaultKey{strings.TrimRight(id, "/"), credential, client}, nil
}

// Wrap encrypts a secret.
func (k *VaultKey) Wrap(ctx context.Context, plain []byte) ([]byte, error) {
	return k.call(ctx, "wrapkey", plain)
}

// Unwrap decrypts what Wrap returned.
func (k *VaultKey) Unwrap(ctx context.Context, wrapped []byte) ([]byte, error) {
	return k.call(ctx, "unwrapkey", wrapped)
}

func (k *VaultKey) call(ctx context.Context, operation string, value []byte) ([]byte, error) {
	u, _ := url.Parse(k.id) // OpenVaultKey parsed it
	_, domain, _ := strings.Cut(u.Host, ".")
	token, err := k.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{"https://" + domain + "/.default"}})
	if err != nil {
		return nil, fmt.Errorf("%s in Key Vault: sign in: %w", operation, err)
	}
	body, _ := json.Marshal(map[string]string{"alg": "RSA-OAEP-256", "value": base64.RawURLEncoding.EncodeToString(value)}) // texts always marshal
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, k.id+"/"+operation+"?api-version=7.4", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token.Token)
	r.Header.Set("Content-Type", "application/json")
	got, err := k.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%s in Key Vault: %w", operation, err)
	}
	defer got.Body.Close()
	return readVault(operation, got)
}

func readVault(operation string, got *http.Response) ([]byte, error) {
	var answer struct {
		Value string `json:"value"`
	}
	body, err := io.ReadAll(io.LimitReader(got.Body, 64<<10))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s in Key Vault: %w", operation, err)
	case got.StatusCode == http.StatusForbidden:
		return nil, fmt.Errorf("%s in Key Vault: status 403 (hint: give the identity the role Key Vault Crypto User on the key)", operation)
	case got.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s in Key Vault: status %d", operation, got.StatusCode)
	case json.Unmarshal(body, &answer) != nil:
		return nil, fmt.Errorf("%s in Key Vault: the answer is not JSON", operation)
	}
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(answer.Value, "="))
}
