package entra

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/auditbell/auditbell/handler/settings"
)

// ErrNoKeys means that the tenant's keys are not there to judge with; the caller should send the same again.
var ErrNoKeys = errors.New("fetch the tenant's keys")

const (
	// fresh is how old keys may be before they are fetched again, and usable how old when that does not succeed.
	// Microsoft asks to look at least once in 24 hours, and rolls keys at once in an emergency ("Signing key
	// rollover"): a key that was taken back is believed no longer than this.
	fresh, usable = 12 * time.Hour, 24 * time.Hour
	// refreshPause is the least time between two fetches, whatever strangers name as key. New keys are published long
	// before they sign.
	refreshPause = 5 * time.Minute
	// retryPause is the same after a failure without which nobody can be let in. Action groups try again after 5 s.
	retryPause = 4 * time.Second
	// fetchPatience bounds a fetch of both documents, well within an invocation's deadline.
	fetchPatience = 5 * time.Second
	// largestDocument bounds each; the keys have some 20 KB.
	largestDocument = 512 << 10
	// Sizes of RSA keys that are used. Entra's have 2048 bits; the upper bound keeps verification cheap.
	leastBits, mostBits = 2048, 8192
)

// keyring holds a tenant's keys. Readers of a fresh set take no lock. While there are no keys, every call waits for the one fetch
// that runs, and shares its outcome, because an attempt that has just ended is not made again. Once there are some, no call waits
// for the fetch of another: a call whose key is known goes on with it, one whose key is not has to come again.
type keyring struct {
	authority, tenant string
	client            *http.Client
	now               func() time.Time

	set      atomic.Pointer[keySet] // never nil
	fetching sync.Mutex             // guards what follows, and is held during a fetch
	tried    time.Time              // when the last attempt ended
	failure  error                  // of the last attempt
}

// keySet is what one fetch brought; it does not change.
type keySet struct {
	keys map[string]*rsa.PublicKey
	at   time.Time
}

func (s *keySet) younger(than time.Duration, now time.Time) bool {
	return s.keys != nil && now.Sub(s.at) < than
}

func newKeyring(o Options, tenant string) *keyring {
	k := &keyring{authority: o.Authority, tenant: tenant, client: o.Client, now: o.Now}
	k.set.Store(&keySet{})
	return k
}

// find returns the key with an id, a *Refusal when the tenant has none such, or an ErrNoKeys.
func (k *keyring) find(ctx context.Context, kid string) (*rsa.PublicKey, error) {
	if set := k.set.Load(); set.keys[kid] != nil && set.younger(fresh, k.now()) {
		return set.keys[kid], nil
	}
	if !k.enter() {
		if key := k.set.Load().keys[kid]; key != nil {
			return key, nil
		}
		return nil, fmt.Errorf("%w: they are being fetched", ErrNoKeys)
	}
	defer k.fetching.Unlock()
	k.refresh(ctx, kid)
	set := k.set.Load()
	switch {
	case !set.younger(usable, k.now()):
		return nil, fmt.Errorf("%w: %w", ErrNoKeys, k.failure)
	case set.keys[kid] != nil:
		return set.keys[kid], nil
	case k.failure != nil: // it may be a new key; nobody can tell
		return nil, fmt.Errorf("%w: %w", ErrNoKeys, k.failure)
	}
	return nil, &Refusal{Reason: UnknownKey}
}

// enter takes the lock of a fetch; false when another call has it and there are keys that may be used meanwhile.
func (k *keyring) enter() bool {
	if k.set.Load().younger(usable, k.now()) {
		return k.fetching.TryLock()
	}
	k.fetching.Lock()
	return true
}

// current returns the set in use, fetched if need be.
func (k *keyring) current(ctx context.Context) (*keySet, error) {
	if set := k.set.Load(); set.younger(fresh, k.now()) {
		return set, nil
	}
	if _, err := k.find(ctx, ""); errors.Is(err, ErrNoKeys) {
		return nil, err
	}
	return k.set.Load(), nil
}

// refresh fetches the keys when they are too old, or lack kid, and the last attempt is long enough ago.
func (k *keyring) refresh(ctx context.Context, kid string) {
	set, pause := k.set.Load(), refreshPause
	known := set.keys[kid] != nil && set.younger(usable, k.now())
	switch {
	case known && set.younger(fresh, k.now()):
		return // somebody else has just fetched it
	case !known && (k.failure != nil || !set.younger(usable, k.now())):
		pause = retryPause
	}
	if !k.tried.IsZero() && k.now().Sub(k.tried) < pause {
		return
	}
	keys, err := k.fetch(ctx)
	k.tried, k.failure = k.now(), err
	if err == nil {
		k.set.Store(&keySet{keys: keys, at: k.tried})
	}
}

// fetch reads the tenant's OpenID configuration and the keys that it names. It does not end with the invocation that
// happened to need it: others wait for the same.
func (k *keyring) fetch(ctx context.Context) (map[string]*rsa.PublicKey, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchPatience)
	defer cancel()
	issuer := k.authority + "/" + k.tenant + "/v2.0"
	var configuration struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := k.read(ctx, issuer+"/.well-known/openid-configuration", &configuration); err != nil {
		return nil, fmt.Errorf("read OpenID configuration: %w", err)
	}
	if configuration.Issuer != issuer { // OpenID Connect Discovery 1.0, 4.3
		return nil, fmt.Errorf("read OpenID configuration: it is of issuer %.200q, not of the tenant's", configuration.Issuer)
	}
	if err := settings.CheckURL(configuration.JWKSURI); err != nil {
		return nil, fmt.Errorf("read OpenID configuration: jwks_uri %w", err)
	}
	var document struct {
		Keys []webKey `json:"keys"`
	}
	if err := k.read(ctx, configuration.JWKSURI, &document); err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	return k.usableKeys(document.Keys)
}

// read decodes the JSON document at an address.
func (k *keyring) read(ctx context.Context, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	response, err := k.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, largestDocument+1))
	if err != nil {
		return err
	}
	if len(body) > largestDocument {
		return fmt.Errorf("has more than %d bytes", largestDocument)
	}
	return json.Unmarshal(body, into)
}

// webKey is one key of the document (RFC 7517; issuer is Entra's own, "Access tokens", validate the signature).
type webKey struct {
	Kind     string `json:"kty"`
	Use      string `json:"use"`
	ID       string `json:"kid"`
	Modulus  string `json:"n"`
	Exponent string `json:"e"`
	Issuer   string `json:"issuer"`
}

// usableKeys are the keys that may sign for the tenant. One that is of another kind is no fault: the document may
// learn new ones.
func (k *keyring) usableKeys(all []webKey) (map[string]*rsa.PublicKey, error) {
	keys := map[string]*rsa.PublicKey{}
	for _, w := range all {
		if w.Kind != "RSA" || w.Use != "" && w.Use != "sig" || w.ID == "" || !k.signs(w.Issuer) {
			continue
		}
		if key, ok := w.rsa(); ok {
			keys[w.ID] = key
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("read keys: none of them can sign for the tenant")
	}
	return keys, nil
}

// signs reports whether a key of that issuer may sign for the tenant. Documents also list keys of other issuers, those
// of personal accounts above all; {tenantid} stands for any tenant.
func (k *keyring) signs(issuer string) bool {
	return issuer == "" || strings.Contains(issuer, "/{tenantid}/") || strings.Contains(strings.ToLower(issuer), "/"+k.tenant+"/")
}

func (w webKey) rsa() (*rsa.PublicKey, bool) {
	n, err := base64.RawURLEncoding.DecodeString(w.Modulus)
	if err != nil {
		return nil, false
	}
	e, err := base64.RawURLEncoding.DecodeString(w.Exponent)
	if err != nil {
		return nil, false
	}
	modulus, exponent := new(big.Int).SetBytes(n), new(big.Int).SetBytes(e)
	if bits := modulus.BitLen(); bits < leastBits || bits > mostBits || exponent.BitLen() > 31 || exponent.Int64() < 3 || exponent.Bit(0) == 0 {
		return nil, false
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent.Int64())}, true
}
