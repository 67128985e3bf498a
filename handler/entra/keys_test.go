package entra_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auditbell/auditbell/handler/entra"
	"github.com/auditbell/auditbell/handler/entra/entratest"
)

func TestKeysAreFetchedOnceForAll(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	token := s.token(t, nil)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := s.verify(t, token); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := s.Fetches(); got != 1 {
		t.Errorf("50 calls at once fetched the keys %d times", got)
	}
	if n, err := s.v.Check(t.Context()); n != 1 || err != nil {
		t.Errorf("Check: %d keys, %v", n, err)
	}
}

func TestKeysAreRolled(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	old := s.token(t, nil)
	if err := s.verify(t, old); err != nil {
		t.Fatal(err)
	}
	if err := s.Rotate(); err != nil {
		t.Fatal(err)
	}
	s.advance(5 * time.Minute)
	if err := s.verify(t, s.token(t, nil)); err != nil {
		t.Errorf("a token of the new key: %v", err)
	}
	if got := reason(s.verify(t, old)); got != string(entra.UnknownKey) {
		t.Errorf("a token of the key that was taken back: %q", got)
	}
	if got := s.Fetches(); got != 2 {
		t.Errorf("%d fetches, want 2", got)
	}
}

// Strangers must not be able to make us ask the authority more often than we like.
func TestUnknownKeysDoNotCauseAFloodOfFetches(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	forged, err := s.Issue(s.Claims(s.now()), map[string]any{"kid": "guessed"})
	if err != nil {
		t.Fatal(err)
	}
	for range 61 { // an hour, a call each minute
		if got := reason(s.verify(t, forged)); got != string(entra.UnknownKey) {
			t.Fatalf("at %s: %q", s.now(), got)
		}
		s.advance(time.Minute)
	}
	if got := s.Fetches(); got != 13 {
		t.Errorf("%d fetches within an hour, want the first and one every 5 minutes", got)
	}
}

func TestNobodyIsLetInWithoutKeys(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.Fail(http.StatusServiceUnavailable)
	token := s.token(t, nil)
	for range 3 {
		if got := reason(s.verify(t, token)); got != "no keys" {
			t.Errorf("got %q", got)
		}
	}
	if got := s.Fetches(); got != 1 {
		t.Errorf("%d fetches within a moment, want 1", got)
	}
	s.Fail(0)
	s.advance(5 * time.Second) // when an action group tries again
	if err := s.verify(t, token); err != nil {
		t.Errorf("after the authority came back: %v", err)
	}
}

// The caller whose token needed the keys may be gone before they are there; others wait for the same.
func TestACallerWhoLeftDoesNotCostTheOthersTheirKeys(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if _, err := s.v.Check(ctx); err != nil {
		t.Error(err)
	}
	if err := s.verify(t, s.token(t, nil)); err != nil {
		t.Error(err)
	}
}

func TestKeysAgeWhileTheAuthorityIsDown(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	if err := s.verify(t, s.token(t, nil)); err != nil {
		t.Fatal(err)
	}
	s.Fail(http.StatusInternalServerError)
	s.advance(6 * time.Hour)
	unknown, err := s.Issue(s.Claims(s.now()), map[string]any{"kid": "key-2"})
	if err != nil {
		t.Fatal(err)
	}
	if got := reason(s.verify(t, unknown)); got != "no keys" {
		t.Errorf("a key that may be new: %q, want it to be sent again", got)
	}
	s.advance(17 * time.Hour)
	if err := s.verify(t, s.token(t, nil)); err != nil {
		t.Errorf("after 23 hours: %v", err)
	}
	s.advance(time.Hour)
	if got := reason(s.verify(t, s.token(t, nil))); got != "no keys" {
		t.Errorf("after 24 hours: %q, want nobody to be let in", got)
	}
	if _, err := s.v.Check(t.Context()); err == nil {
		t.Error("Check is content without keys")
	}
	s.Fail(0)
	s.advance(5 * time.Second)
	if err := s.verify(t, s.token(t, nil)); err != nil {
		t.Errorf("after the authority came back: %v", err)
	}
}

func TestKeysAreFetchedAgainTwiceADay(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for range 48 {
		if err := s.verify(t, s.token(t, nil)); err != nil {
			t.Fatal(err)
		}
		s.advance(time.Hour)
	}
	if got := s.Fetches(); got != 4 {
		t.Errorf("%d fetches in two days, want 4", got)
	}
}

func TestOnlyKeysThatMaySignAreUsed(t *testing.T) {
	t.Parallel()
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change map[string]any
		want   string
	}{
		{"as it is", nil, ""},
		{"no use", map[string]any{"use": nil}, ""},
		{"no issuer", map[string]any{"issuer": nil}, ""},
		{"any tenant", map[string]any{"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"}, ""},
		{"for encryption", map[string]any{"use": "enc"}, "no keys"},
		{"of another kind", map[string]any{"kty": "EC"}, "no keys"},
		{"without a name", map[string]any{"kid": ""}, "no keys"},
		{"of personal accounts", map[string]any{"issuer": "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"}, "no keys"},
		{"short", entratest.WebKey(&short.PublicKey, "key-1"), "no keys"},
		{"exponent 1", map[string]any{"e": "AQ"}, "no keys"},
		{"even exponent", map[string]any{"e": "BA"}, "no keys"},
		{"exponent beyond all sense", map[string]any{"e": "AQAAAAAAAQ"}, "no keys"},
		{"modulus is no base64", map[string]any{"n": "+/"}, "no keys"},
		{"exponent is no base64", map[string]any{"e": "="}, "no keys"},
		{"modulus beyond all sense", map[string]any{"n": strings.Repeat("_", 2000)}, "no keys"},
	} {
		s := open(t, nil)
		s.Serve(func(keys []any) any {
			key := keys[0].(map[string]any)
			for name, value := range c.change {
				key[name] = value
			}
			return map[string]any{"keys": keys}
		})
		if got := reason(s.verify(t, s.token(t, nil))); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// elsewhere is an authority that answers whatever a test wants.
func elsewhere(t *testing.T, answer func(self string) http.HandlerFunc) *stage {
	t.Helper()
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(server.URL)(w, r) }))
	t.Cleanup(server.Close)
	return open(t, func(o *entra.Options) { o.Authority = server.URL })
}

func TestDocumentsThatAreNotTheTenants(t *testing.T) {
	t.Parallel()
	text := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
	}
	for _, c := range []struct {
		name, want string
		answer     func(self string) http.HandlerFunc
	}{
		{"not JSON", "invalid character", func(string) http.HandlerFunc { return text("<html>") }},
		{"too large", "has more than", func(string) http.HandlerFunc { return text(strings.Repeat(" ", 1<<20) + "{}") }},
		{"of another issuer", "not of the tenant's", func(string) http.HandlerFunc {
			return text(`{"issuer":"https://login.microsoftonline.com/common/v2.0"}`)
		}},
		{"keys over plain http", "jwks_uri must start with https://", func(self string) http.HandlerFunc {
			return text(`{"issuer":"` + self + "/" + entratest.Tenant + `/v2.0","jwks_uri":"http://keys.example/"}`)
		}},
		{"keys elsewhere", "refuse redirect", func(self string) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, self+"/other", http.StatusFound) }
		}},
		{"no keys", "none of them can sign", func(self string) http.HandlerFunc {
			return text(`{"issuer":"` + self + "/" + entratest.Tenant + `/v2.0","jwks_uri":"` + self + `/keys","keys":[]}`)
		}},
	} {
		s := elsewhere(t, c.answer)
		err := s.verify(t, s.token(t, nil))
		if reason(err) != "no keys" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// An authority that accepts connections and says nothing must not hold an invocation to its end.
func TestASilentAuthorityIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		silent := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		v := entra.New(entra.Options{Authority: entra.PublicAuthority, Tenant: entratest.Tenant, Audiences: []string{entratest.Audience}, Client: silent, Now: time.Now})
		began := time.Now()
		for range 10 {
			if _, err := v.Check(t.Context()); err == nil {
				t.Fatal("no error")
			}
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("ten calls in a row took %s, want one patience of 5s", took)
		}
	})
}

// TestUnknownKeysMakeNoGenuineCallWait has an authority fall silent, so that every fetch takes 5 s. During a flood of calls that name
// unknown keys, one of them waits for it; the others are to come again, and a call whose key is known is answered without a wait:
// while the keys are fresh, and an hour before they are too old.
func TestUnknownKeysMakeNoGenuineCallWait(t *testing.T) {
	t.Parallel()
	a, err := entratest.Open()
	if err != nil {
		t.Fatal(err)
	}
	a.Close() // its keys are all that is needed of it
	key, kid := a.Key()
	synctest.Test(t, func(t *testing.T) {
		const issuer = entra.PublicAuthority + "/" + entratest.Tenant + "/v2.0"
		var silent atomic.Bool
		authority := roundTrip(func(r *http.Request) (*http.Response, error) {
			if silent.Load() {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			body, err := json.Marshal(map[string]any{"issuer": issuer, "jwks_uri": issuer + "/keys", "keys": []any{entratest.WebKey(&key.PublicKey, kid)}})
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body))}, err
		})
		v := entra.New(entra.Options{Authority: entra.PublicAuthority, Tenant: entratest.Tenant, Audiences: []string{entratest.Audience}, Callers: []string{entra.ActionGroups}, Client: &http.Client{Transport: authority}, Now: time.Now})
		verify := func(header map[string]any) (waited time.Duration, err error) {
			began := time.Now()
			claims := a.Claims(began)
			claims["iss"] = issuer
			token, err := a.Issue(claims, header)
			if err != nil {
				t.Fatal(err)
			}
			err = v.Verify(t.Context(), http.Header{"Authorization": {"Bearer " + token}})
			return time.Since(began), err
		}
		if _, err := verify(nil); err != nil {
			t.Fatal(err)
		}
		silent.Store(true)
		for _, age := range []time.Duration{time.Hour, 22 * time.Hour} {
			<-time.After(age)
			var flood sync.WaitGroup
			var waiting atomic.Int32
			for n := range 50 {
				flood.Go(func() {
					if waited, err := verify(map[string]any{"kid": fmt.Sprint("guessed-", n)}); err == nil {
						t.Error("an unknown key was believed")
					} else if waited > 0 {
						waiting.Add(1)
					}
				})
			}
			synctest.Wait()
			if waited, err := verify(nil); waited > 0 || err != nil {
				t.Errorf("%s after the keys were fetched a genuine call waited %s: %v", age, waited, err)
			}
			flood.Wait()
			if waiting.Load() != 1 {
				t.Errorf("%d of 50 calls with unknown keys waited for a fetch, want the one that made it", waiting.Load())
			}
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// FuzzVerify: whatever comes as a token is refused, without a panic and without being quoted, unless it is the good one.
func FuzzVerify(f *testing.F) {
	s := open(f, nil)
	good := s.token(f, nil)
	parts := strings.Split(good, ".")
	for _, seed := range []string{good, parts[0] + "." + parts[1] + ".", parts[0] + "..", "..", "a.b.c", "e30.e30.e30", "bnVsbA.bnVsbA.", "eyJhbGciOiJub25lIn0.e30.", parts[0] + ".bnVsbA." + parts[2]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		err := s.v.Verify(t.Context(), http.Header{"Authorization": {"Bearer " + token}})
		if err == nil && token != good && strings.TrimSpace(token) != good {
			t.Errorf("accepted %q", token)
		}
		if got := reason(err); err != nil && (strings.Contains(got, " ") || len(err.Error()) > 300) {
			t.Errorf("%q: %v", token, err)
		}
	})
}
