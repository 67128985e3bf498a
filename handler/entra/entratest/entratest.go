// Package entratest is a Microsoft Entra tenant on this machine, for tests: it serves OpenID configuration and keys over
// HTTP and signs real RS256 tokens with them. It can roll its keys, fail, and forge what it would never issue.
//
// Documents and claims have the shape that Microsoft's pages "OpenID Connect" and "Access token claims reference" show,
// cut to what is read. It is not for the product, and checks no client.
package entratest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The ids that the tenant and its tokens have unless a test says otherwise.
const (
	Tenant   = "0e7d3b1c-58a2-4f60-8f2b-6a4c1d9e7f35"
	Audience = "api://11111111-2222-3333-4444-555555555555"
	Caller   = "461e8683-5575-4561-ac7f-899cc907d62a"
)

// Authority is the tenant. Its methods may be called at any time.
type Authority struct {
	server *httptest.Server

	mu       sync.Mutex
	serial   int
	key      *rsa.PrivateKey
	status   int
	document func(keys []any) any
	fetches  int
}

// Open starts a tenant with one key.
func Open() (*Authority, error) {
	a := &Authority{}
	if err := a.Rotate(); err != nil {
		return nil, err
	}
	a.server = httptest.NewServer(http.HandlerFunc(a.serve))
	return a, nil
}

// Close stops it.
func (a *Authority) Close() { a.server.Close() }

// URL is what SECURE_WEBHOOK_AUTHORITY has to be.
func (a *Authority) URL() string { return a.server.URL }

// Rotate replaces the key by another one with another id.
func (a *Authority) Rotate() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.serial++
	a.key = key
	return nil
}

// Fail lets every request be answered with a status; 0 ends that.
func (a *Authority) Fail(status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status = status
}

// Serve replaces the document of keys by what change makes of it; nil ends that.
func (a *Authority) Serve(change func(keys []any) any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.document = change
}

// Fetches is how often the OpenID configuration was asked for.
func (a *Authority) Fetches() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fetches
}

// Key is the key that signs now, and its id.
func (a *Authority) Key() (*rsa.PrivateKey, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.key, "key-" + strconv.Itoa(a.serial)
}

// Claims are what a token of version 1 for an action group says, as a base to change.
func (a *Authority) Claims(now time.Time) jwt.MapClaims {
	return jwt.MapClaims{
		"aud": Audience, "iss": "https://sts.windows.net/" + Tenant + "/", "tid": Tenant, "ver": "1.0",
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"appid": Caller, "appidacr": "2", "roles": []string{"ActionGroupsSecureWebhook"},
	}
}

// Issue signs claims with the key of now. Header members in header replace those that Entra writes; nil removes one.
func (a *Authority) Issue(claims jwt.Claims, header map[string]any) (string, error) {
	key, kid := a.Key()
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	t.Header["kid"] = kid
	for name, value := range header {
		t.Header[name] = value
		if value == nil {
			delete(t.Header, name)
		}
	}
	return t.SignedString(key)
}

func (a *Authority) serve(w http.ResponseWriter, r *http.Request) {
	key, kid := a.Key()
	a.mu.Lock()
	defer a.mu.Unlock()
	configuration := r.URL.Path == "/"+Tenant+"/v2.0/.well-known/openid-configuration"
	if configuration {
		a.fetches++
	}
	var answer any
	switch {
	case a.status != 0:
		w.WriteHeader(a.status)
		return
	case configuration:
		answer = map[string]any{"issuer": "http://" + r.Host + "/" + Tenant + "/v2.0", "jwks_uri": "http://" + r.Host + "/" + Tenant + "/discovery/v2.0/keys"}
	case r.URL.Path == "/"+Tenant+"/discovery/v2.0/keys":
		keys := []any{WebKey(&key.PublicKey, kid)}
		answer = map[string]any{"keys": keys}
		if a.document != nil {
			answer = a.document(keys)
		}
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(answer) // the client will notice
}

// WebKey is a key as the document of keys shows it.
func WebKey(key *rsa.PublicKey, kid string) map[string]any {
	return map[string]any{
		"kty": "RSA", "use": "sig", "kid": kid, "x5t": kid,
		"n":      base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
		"e":      base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		"issuer": "https://login.microsoftonline.com/" + Tenant + "/v2.0",
	}
}
