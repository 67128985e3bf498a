package entra_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/handler/entra"
	"github.com/auditbell/auditbell/handler/entra/entratest"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

var begin = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// stage is a tenant, a verifier for it and a clock.
type stage struct {
	*entratest.Authority
	v     *entra.Verifier
	clock atomic.Int64
}

func (s *stage) now() time.Time          { return begin.Add(time.Duration(s.clock.Load())) }
func (s *stage) advance(d time.Duration) { s.clock.Add(int64(d)) }

func open(t testing.TB, change func(*entra.Options)) *stage {
	t.Helper()
	a, err := entratest.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	s := &stage{Authority: a}
	o := entra.Options{
		Authority: a.URL(), Tenant: entratest.Tenant, Audiences: []string{entratest.Audience},
		Callers: []string{entra.ActionGroups}, Client: notify.NewClient(http.DefaultTransport), Now: s.now,
	}
	if change != nil {
		change(&o)
	}
	s.v = entra.New(o)
	return s
}

// token is a good one of now with some claims changed; nil takes one away.
func (s *stage) token(t testing.TB, changes map[string]any) string {
	t.Helper()
	c := s.Claims(s.now())
	for name, value := range changes {
		c[name] = value
		if value == nil {
			delete(c, name)
		}
	}
	text, err := s.Issue(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (s *stage) verify(t testing.TB, token string) error {
	t.Helper()
	return s.v.Verify(t.Context(), http.Header{"Authorization": {"Bearer " + token}})
}

// reason is why Verify refused: "" when it did not, "no keys" when it could not tell.
func reason(err error) string {
	refused := new(entra.Refusal)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, entra.ErrNoKeys):
		return "no keys"
	case errors.As(err, &refused):
		return string(refused.Reason)
	}
	return err.Error()
}

func TestEveryClaimDecides(t *testing.T) {
	t.Parallel()
	const other = "99999999-5575-4561-ac7f-899cc907d62a"
	s := open(t, nil)
	second := "http://" + strings.TrimPrefix(s.URL(), "http://") + "/" + entratest.Tenant + "/v2.0"
	for _, c := range []struct {
		name, why string
		claims    map[string]any
		want      entra.Reason
	}{
		{"as it is", "an action group's token of version 1", nil, ""},
		{"version 2", "another issuer, the application's id for its URI, azp for appid", map[string]any{"ver": "2.0", "iss": second, "aud": "11111111-2222-3333-4444-555555555555", "azp": entra.ActionGroups, "appid": nil}, ""},
		{"audience in capitals", "ids have no case", map[string]any{"aud": "api://" + strings.ToUpper("11111111-2222-3333-4444-555555555555")}, ""},
		{"caller without the role", "either will do", map[string]any{"roles": nil}, ""},
		{"role without the caller", "sovereign clouds have their own id", map[string]any{"appid": other}, ""},

		{"issuer of another tenant", "its administrators decide there", map[string]any{"iss": "https://sts.windows.net/" + other + "/"}, entra.Issuer},
		{"issuer without the slash", "letter by letter", map[string]any{"iss": "https://sts.windows.net/" + entratest.Tenant}, entra.Issuer},
		{"issuer is another host", "anybody can have a path like that", map[string]any{"iss": "https://login.example/" + entratest.Tenant + "/v2.0"}, entra.Issuer},
		{"no issuer", "it is required", map[string]any{"iss": nil}, entra.Issuer},
		{"another tenant", "it must be the issuer's", map[string]any{"tid": other}, entra.Tenant},
		{"no tenant", "Entra always writes it", map[string]any{"tid": nil}, entra.Tenant},
		{"audience is another application", "a token for it is no leave to call us", map[string]any{"aud": "api://" + other}, entra.Audience},
		{"audience is ours and another", "Entra writes one", map[string]any{"aud": []string{entratest.Audience, "https://graph.microsoft.com"}}, entra.Audience},
		{"audience longer", "letter by letter", map[string]any{"aud": entratest.Audience + "/x"}, entra.Audience},
		{"no audience", "it is required", map[string]any{"aud": nil}, entra.Audience},
		{"another caller without the role", "any application of the tenant can get a token for us", map[string]any{"appid": other, "roles": nil}, entra.Caller},
		{"another role", "roles are not alike", map[string]any{"appid": other, "roles": []string{"Reader"}}, entra.Caller},
		{"no caller", "an empty id is nobody's", map[string]any{"appid": nil, "roles": nil}, entra.Caller},
		{"version 1 with azp", "the claim of the other version means nothing", map[string]any{"azp": entra.ActionGroups, "appid": other, "roles": nil}, entra.Caller},
		{"version 2 with appid", "likewise", map[string]any{"ver": "2.0", "azp": other, "roles": nil}, entra.Caller},
		{"a person's sign-in", "action groups are no person", map[string]any{"scp": "user_impersonation"}, entra.Caller},
		{"expired", "an hour is an hour", map[string]any{"exp": begin.Add(-61 * time.Second).Unix()}, entra.Expired},
		{"expired within the leeway", "clocks differ", map[string]any{"exp": begin.Add(-59 * time.Second).Unix()}, ""},
		{"not yet valid", "clocks do not differ that much", map[string]any{"nbf": begin.Add(61 * time.Second).Unix()}, entra.NotYet},
		{"not yet valid within the leeway", "clocks differ", map[string]any{"nbf": begin.Add(59 * time.Second).Unix()}, ""},
		{"no exp", "a token without end is for ever", map[string]any{"exp": nil}, entra.Malformed},
		{"no nbf", "Entra always writes it", map[string]any{"nbf": nil}, entra.Malformed},
		{"exp is text", "no number", map[string]any{"exp": "tomorrow"}, entra.Malformed},
		{"roles is text", "no list", map[string]any{"roles": entra.Role}, entra.Malformed},
	} {
		if got := reason(s.verify(t, s.token(t, c.claims))); got != string(c.want) {
			t.Errorf("%s: got %q, want %q (%s)", c.name, got, c.want, c.why)
		}
	}
}

func TestATokenDoesNotChooseHowItIsVerified(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	good := s.token(t, nil)
	parts := strings.Split(good, ".")
	foreign, err := entratest.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(foreign.Close)
	key, kid := s.Key()
	claims := s.Claims(s.now())
	signed := func(method jwt.SigningMethod, secret any) string {
		tok := jwt.NewWithClaims(method, claims)
		tok.Header["kid"] = kid
		text, err := tok.SignedString(secret)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	issued := func(a *entratest.Authority, header map[string]any) string {
		text, err := a.Issue(claims, header)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	other := strings.Split(s.token(t, map[string]any{"appid": "x"}), ".")
	for _, c := range []struct {
		name, token string
		want        entra.Reason
	}{
		{"none", signed(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType), entra.Algorithm},
		{"HS256 with the modulus as secret", signed(jwt.SigningMethodHS256, key.N.Bytes()), entra.Algorithm},
		{"PS256 with the right key", signed(jwt.SigningMethodPS256, key), entra.Algorithm},
		{"RS512 with the right key", signed(jwt.SigningMethodRS512, key), entra.Algorithm},
		{"an algorithm that there is not", issued(s.Authority, map[string]any{"alg": "rs256"}), entra.Algorithm},
		{"no algorithm", issued(s.Authority, map[string]any{"alg": nil}), entra.Algorithm},
		{"another tenant's key under our key's name", issued(foreign, nil), entra.Signature},
		{"claims of another token", parts[0] + "." + other[1] + "." + parts[2], entra.Signature},
		{"no signature", parts[0] + "." + parts[1] + ".", entra.Signature},
		{"two parts", parts[0] + "." + parts[1], entra.Malformed},
		{"padded", parts[0] + "=." + parts[1] + "." + parts[2], entra.Malformed},
		{"an extension", issued(s.Authority, map[string]any{"crit": []string{"b64"}, "b64": false}), entra.Malformed},
		{"no key named", issued(s.Authority, map[string]any{"kid": nil}), entra.UnknownKey},
		{"another key named", issued(s.Authority, map[string]any{"kid": "key-9"}), entra.UnknownKey},
		{"a key of its own", issued(foreign, map[string]any{"kid": "mine", "jwk": map[string]any{"kty": "RSA"}, "jku": foreign.URL()}), entra.UnknownKey},
		{"not a token", "hunter2", entra.Malformed},
		{"too long", good + strings.Repeat("A", 16<<10), entra.Malformed},
	} {
		if got := reason(s.verify(t, c.token)); got != string(c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if err := s.verify(t, good); err != nil {
		t.Errorf("the good one after all that: %v", err)
	}
}

func TestTheHeaderIsReadAsRFC6750Says(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	good := s.token(t, nil)
	for _, c := range []struct {
		name   string
		header http.Header
		want   entra.Reason
	}{
		{"none", http.Header{}, entra.NoToken},
		{"empty", http.Header{"Authorization": {""}}, entra.NoToken},
		{"another scheme", http.Header{"Authorization": {"Basic " + good}}, entra.NoToken},
		{"no token", http.Header{"Authorization": {"Bearer "}}, entra.NoToken},
		{"two of them", http.Header{"Authorization": {"Bearer " + good, "Bearer " + good}}, entra.Malformed},
		{"two in one", http.Header{"Authorization": {"Bearer " + good + " " + good}}, entra.Malformed},
		{"another case", http.Header{"Authorization": {"bearer " + good}}, ""},
	} {
		if got := reason(s.v.Verify(t.Context(), c.header)); got != string(c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAnExpiredTokenIsNotTakenAgain(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	token := s.token(t, nil)
	for _, c := range []struct {
		after time.Duration
		want  entra.Reason
	}{{0, ""}, {time.Hour, ""}, {time.Minute, entra.Expired}, {24 * time.Hour, entra.Expired}} {
		s.advance(c.after)
		if got := reason(s.verify(t, token)); got != string(c.want) {
			t.Errorf("at %s: got %q, want %q", s.now(), got, c.want)
		}
	}
}

// What a refusal quotes is what the tenant's key vouches for, and no more than a line of it.
func TestRefusalsQuoteOnlyWhatWasSigned(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	err := s.verify(t, s.token(t, map[string]any{"aud": "api://" + strings.Repeat("x", 1000)}))
	refused := new(entra.Refusal)
	if !errors.As(err, &refused) || !strings.HasPrefix(refused.Found, "api://xx") || len(refused.Found) > 200 {
		t.Errorf("got %v", err)
	}
	forged := strings.Split(s.token(t, map[string]any{"aud": "api://hunter2"}), ".")
	for _, token := range []string{forged[0] + "." + forged[1] + ".AAAA", "hunter2", "hunter2.hunter2.hunter2"} {
		if err := s.verify(t, token); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", token, err)
		}
	}
}

func TestOpenSaysWhatContradictsItself(t *testing.T) {
	t.Parallel()
	const audience, tenant = "SECURE_WEBHOOK_AUDIENCE", "SECURE_WEBHOOK_TENANT_ID"
	for _, c := range []struct {
		name string
		env  map[string]string
		open bool
		want []string
	}{
		{"nothing", nil, false, nil},
		{"all", map[string]string{audience: "api://auditbell, 11111111-2222-3333-4444-555555555555", tenant: entratest.Tenant}, true, nil},
		{"government", map[string]string{audience: "https://auditbell.contoso.example", tenant: entratest.Tenant, "SECURE_WEBHOOK_AUTHORITY": "https://login.microsoftonline.us/"}, true, nil},
		{"audience alone", map[string]string{audience: "api://auditbell"}, false, []string{tenant + ": is not set, but SECURE_WEBHOOK_AUDIENCE is (hint: az account show"}},
		{"tenant alone", map[string]string{tenant: entratest.Tenant}, false, []string{audience + ": is not set, but SECURE_WEBHOOK_TENANT_ID is, so no token would be asked for (hint: "}},
		{"an audience of commas", map[string]string{audience: " , ", tenant: entratest.Tenant}, false, []string{audience + ": is not set"}},
		{"tenant is a domain", map[string]string{audience: "api://auditbell", tenant: "contoso.example"}, false, []string{tenant + ": is not a tenant's id (hint: "}},
		{"the rest", map[string]string{audience: "auditbell", tenant: entratest.Tenant, "SECURE_WEBHOOK_CALLER": "AzNS", "SECURE_WEBHOOK_AUTHORITY": "https://login.microsoftonline.com/common"}, false, []string{
			audience + ": is neither", "SECURE_WEBHOOK_CALLER: is not", "SECURE_WEBHOOK_AUTHORITY: holds more",
		}},
		{"plain http", map[string]string{audience: "api://auditbell", tenant: entratest.Tenant, "SECURE_WEBHOOK_AUTHORITY": "http://login.example"}, true, []string{"SECURE_WEBHOOK_AUTHORITY: must start with https://"}},
	} {
		s := settings.New(func(name string) (string, bool) { v, ok := c.env[name]; return v, ok })
		v := entra.Open(s, http.DefaultClient, time.Now)
		var got []string
		if s.Err() != nil {
			got = strings.Split(s.Err().Error(), "\n")
		}
		ok := len(got) == len(c.want) && (v != nil) == c.open
		for i := range min(len(got), len(c.want)) {
			ok = ok && strings.HasPrefix(got[i], c.want[i])
		}
		if !ok {
			t.Errorf("%s: verifier %v, problems (-want +got):\n%s", c.name, v != nil, cmp.Diff(c.want, got))
		}
	}
}
