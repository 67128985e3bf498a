package entra

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Reason is why a call was refused, in a word that queries can count.
type Reason string

// The reasons. Their names are in docs/operations.md and stay.
const (
	NoToken    Reason = "no_token"  // no Authorization header, or one of another scheme
	Malformed  Reason = "malformed" // not a JSON Web Token, too long, or a claim of the wrong type
	Algorithm  Reason = "algorithm" // not RS256: none, or a secret where a key pair must be
	UnknownKey Reason = "unknown_key"
	Signature  Reason = "signature"
	Issuer     Reason = "issuer"
	Tenant     Reason = "tenant"
	Audience   Reason = "audience"
	Caller     Reason = "caller" // neither a caller that is expected nor one with the role
	Expired    Reason = "expired"
	NotYet     Reason = "not_yet_valid"
)

// Refusal is the error of a token that is missing or wrong. Trying again with the same token does not help.
type Refusal struct {
	Reason Reason
	// Found is what the token says where something else was expected. It is empty unless the tenant's key vouches for
	// it: before that it would be a stranger's text in the log.
	Found string
}

func (r *Refusal) Error() string {
	if r.Found == "" {
		return "refuse token: " + string(r.Reason)
	}
	return fmt.Sprintf("refuse token: %s is %q", r.Reason, r.Found)
}

const (
	// leeway is how far the clocks of Entra and of this machine may differ.
	leeway = time.Minute
	// longestToken bounds what is decoded. Tokens for applications have 1 to 2 KB.
	longestToken = 16 << 10
	// longestFound bounds what a refusal quotes.
	longestFound = 200
	// algorithm is the one that Entra signs access tokens with. The list is not taken from anything fetched: a token
	// must never choose how it is verified (RFC 8725, 3.1).
	algorithm = "RS256"
)

func newParser(now func() time.Time) *jwt.Parser {
	return jwt.NewParser(jwt.WithValidMethods([]string{algorithm}), jwt.WithTimeFunc(now), jwt.WithLeeway(leeway),
		jwt.WithExpirationRequired(), jwt.WithNotBeforeRequired(), jwt.WithStrictDecoding())
}

// claims are those that decide. Version 1 names the caller appid, version 2 azp ("Access token claims reference").
type claims struct {
	jwt.RegisteredClaims
	Tenant  string   `json:"tid"`
	AppID   string   `json:"appid"`
	AZP     string   `json:"azp"`
	Roles   []string `json:"roles"`
	Version string   `json:"ver"`
	Scope   string   `json:"scp"` // only in tokens that a person's sign-in led to
}

// Verify returns nil for a call that carries a valid token of an action group, a *Refusal for one that does not, and
// an ErrNoKeys when that cannot be told now.
func (v *Verifier) Verify(ctx context.Context, h http.Header) error {
	text, err := bearer(h)
	if err != nil {
		return err
	}
	var c claims
	var noKey error
	token, err := v.parser.ParseWithClaims(text, &c, func(t *jwt.Token) (any, error) {
		// Nobody may extend what a signature means without our understanding it (RFC 7515, 4.1.11).
		if _, extended := t.Header["crit"]; extended {
			return nil, &Refusal{Reason: Malformed}
		}
		kid, _ := t.Header["kid"].(string)
		if kid == "" { // Entra always names it, and guessing would try every key
			return nil, &Refusal{Reason: UnknownKey}
		}
		key, err := v.keys.find(ctx, kid)
		noKey = err
		return key, err
	})
	if noKey != nil { // as it is, without what the parser says around it
		return noKey
	}
	if err != nil {
		return judged(token, err)
	}
	return v.judge(&c)
}

// bearer is the token in the one Authorization header (RFC 6750, 2.1).
func bearer(h http.Header) (string, error) {
	all := h.Values("Authorization")
	if len(all) == 0 {
		return "", &Refusal{Reason: NoToken}
	}
	scheme, token, _ := strings.Cut(strings.TrimSpace(all[0]), " ")
	switch {
	case len(all) > 1: // which one another reader on the way believed, nobody knows
		return "", &Refusal{Reason: Malformed}
	case !strings.EqualFold(scheme, "Bearer") || token == "":
		return "", &Refusal{Reason: NoToken}
	case len(token) > longestToken:
		return "", &Refusal{Reason: Malformed}
	}
	return token, nil
}

// judged translates the parser's error; its text quotes headers and is dropped.
func judged(t *jwt.Token, err error) error {
	refused := new(Refusal)
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, jwt.ErrTokenUnverifiable), errors.Is(err, jwt.ErrTokenSignatureInvalid) && t.Header["alg"] != algorithm:
		return &Refusal{Reason: Algorithm}
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return &Refusal{Reason: Signature}
	case errors.Is(err, jwt.ErrTokenExpired):
		return &Refusal{Reason: Expired}
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return &Refusal{Reason: NotYet}
	}
	return &Refusal{Reason: Malformed}
}

// judge looks at what a well-signed token says.
func (v *Verifier) judge(c *claims) error {
	switch {
	case !slices.Contains(v.issuers, c.Issuer):
		return refusal(Issuer, c.Issuer)
	case !strings.EqualFold(c.Tenant, v.tenant):
		return refusal(Tenant, c.Tenant)
	case len(c.Audience) != 1 || !v.meant(c.Audience[0]): // Entra writes exactly one
		return refusal(Audience, strings.Join(c.Audience, " "))
	case !v.expects(c):
		return refusal(Caller, c.caller())
	}
	return nil
}

func (v *Verifier) meant(audience string) bool {
	return slices.ContainsFunc(spellings(audience), func(a string) bool { return slices.Contains(v.audiences, a) })
}

// expects reports whether the caller is an action group: by its application id, or by the role that an administrator
// gave to it. A token that a person's sign-in led to is neither, whatever it says.
func (v *Verifier) expects(c *claims) bool {
	return c.Scope == "" && (slices.Contains(v.callers, strings.ToLower(c.caller())) || slices.Contains(c.Roles, Role))
}

func (c *claims) caller() string {
	if c.Version == "2.0" {
		return c.AZP
	}
	return c.AppID
}

func refusal(r Reason, found string) *Refusal {
	return &Refusal{Reason: r, Found: found[:min(len(found), longestFound)]}
}
