package cli

// What stories say about the secure webhook: a tenant on this machine issues the tokens with which action groups call.

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/auditbell/auditbell/handler/entra/entratest"
)

// authority open|down|up|rotate opens the tenant, with the settings that name it, takes it away and brings it back, or
// replaces its key.
func (s *story) authority(_ *testscript.TestScript, args []string) (string, error) {
	switch args[0] {
	case "open":
		var err error
		if s.tenant, err = entratest.Open(); err != nil {
			return "", err
		}
		s.env["SECURE_WEBHOOK_AUTHORITY"], s.env["SECURE_WEBHOOK_TENANT_ID"] = s.tenant.URL(), entratest.Tenant
		s.env["SECURE_WEBHOOK_AUDIENCE"] = entratest.Audience
	case "down":
		s.tenant.Fail(http.StatusServiceUnavailable)
	case "up":
		s.tenant.Fail(0)
	case "rotate":
		return "", s.tenant.Rotate()
	default:
		return "", fmt.Errorf("tenant %s: unknown", args[0])
	}
	return "", nil
}

// call FILE [CLAIM=VALUE…|bare|unsigned|old] calls actiongroup-alert as an action group does: with a token, with one
// whose claims differ, with none, with one of alg none, or with one of two hours ago.
func (s *story) call(ts *testscript.TestScript, args []string) (string, error) {
	claims, now := s.tenant.Claims(s.now()), s.now()
	bare, unsigned := false, false
	for _, a := range args[1:] {
		name, value, _ := strings.Cut(a, "=")
		switch name {
		case "bare":
			bare = true
		case "unsigned":
			unsigned = true
		case "old":
			claims = s.tenant.Claims(now.Add(-2 * time.Hour))
		case "roles":
			claims[name] = []string{value}
		default:
			claims[name] = value
		}
	}
	token, err := s.tenant.Issue(claims, nil)
	if unsigned {
		token, err = jwt.NewWithClaims(jwt.SigningMethodNone, claims).SignedString(jwt.UnsafeAllowNoneSignatureType)
	}
	if err != nil {
		return "", err
	}
	headers := map[string][]string{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + token}}
	if bare {
		delete(headers, "Authorization")
	}
	envelope, err := json.Marshal(map[string]any{"Data": map[string]any{"req": map[string]any{
		"Method": "POST",
		"Url":    "https://app.azurewebsites.net/api/actiongroup-alert", "Headers": headers, "Body": ts.ReadFile(args[0]),
	}}, "Metadata": map[string]any{}})
	if err != nil {
		return "", err
	}
	return "1× " + post(s.open()+"/actiongroup-alert", envelope) + "\n", nil
}

// address is what differs between runs in a line of the log.
var address = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// refusals prints what the log says of refused calls, and fails when any line of the log quotes a token.
func (s *story) refusals(*testscript.TestScript, []string) (string, error) {
	var out strings.Builder
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, "eyJ") { // how every token begins: {"
			return "", fmt.Errorf("the log quotes a token: %s", line)
		}
		if _, said, ok := strings.Cut(line, "msg=refused "); ok {
			_, said, _ = strings.Cut(said, "status=")
			out.WriteString("status=" + address.ReplaceAllString(said, "AUTHORITY"))
		}
	}
	return out.String(), nil
}
