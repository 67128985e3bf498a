// Package entra decides whether a call comes from Azure Monitor's action groups: it verifies the access token that a
// secure webhook carries, with the keys of one Microsoft Entra tenant.
//
// It is for access tokens of that one kind, not a sign-in library: it gets no tokens, knows no users and no scopes, and
// asks nobody but the tenant's own key documents. What it refuses it explains to the operator's log, never to the
// caller, and no error of this package holds a token or a part of one.
//
// Where the form of a token matters the code names the page it was read from: "Access tokens" and "Access token claims
// reference" (learn.microsoft.com, identity platform), "Action groups" (learn.microsoft.com, Azure Monitor).
package entra

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/auditbell/auditbell/handler/settings"
)

const (
	// PublicAuthority signs for all clouds but the sovereign ones.
	PublicAuthority = "https://login.microsoftonline.com"
	// ActionGroups is the application "AzNS AAD Webhook", as which action groups of the public cloud sign in ("Action
	// groups", secure webhook).
	ActionGroups = "461e8683-5575-4561-ac7f-899cc907d62a"
	// Role is the app role that the same page's script gives to that application.
	Role = "ActionGroupsSecureWebhook"
)

// Options shape a Verifier. All are needed.
type Options struct {
	Authority string   // who signs, without a path: PublicAuthority
	Tenant    string   // the tenant's id, a GUID
	Audiences []string // for whom tokens must be: identifier URIs or application ids
	Callers   []string // application ids that may call without the role
	// Client fetches the keys. It must refuse redirects and plain http, as notify.NewClient's does: whoever chooses
	// where the keys come from decides what is genuine.
	Client *http.Client
	Now    func() time.Time
}

// Verifier verifies tokens. It is safe for concurrent use.
type Verifier struct {
	issuers   []string
	tenant    string
	audiences []string
	callers   []string
	parser    *jwt.Parser
	keys      *keyring
}

// New returns a Verifier. It fetches nothing yet.
func New(o Options) *Verifier {
	tenant := strings.ToLower(o.Tenant)
	v := &Verifier{tenant: tenant, issuers: issuers(o.Authority, tenant), parser: newParser(o.Now), keys: newKeyring(o, tenant)}
	for _, a := range o.Audiences {
		v.audiences = append(v.audiences, spellings(a)...)
	}
	for _, c := range o.Callers {
		v.callers = append(v.callers, strings.ToLower(c))
	}
	return v
}

// chinaAuthority is the one sovereign authority whose tokens of version 1 name another issuer; Azure Government's are
// issued by sts.windows.net like the public cloud's ("National clouds", identity platform).
const chinaAuthority = "https://login.partner.microsoftonline.cn"

// issuers are the two names under which a tenant issues: which one depends on the version of access tokens that the
// application's registration asks for, 1 unless somebody changed it ("Access tokens", token formats).
func issuers(authority, tenant string) []string {
	first := "https://sts.windows.net/"
	if strings.EqualFold(authority, chinaAuthority) {
		first = "https://sts.chinacloudapi.cn/"
	}
	return []string{first + tenant + "/", authority + "/" + tenant + "/v2.0"}
}

// Check fetches the tenant's keys if that has not been done, and returns how many there are.
func (v *Verifier) Check(ctx context.Context) (int, error) {
	set, err := v.keys.current(ctx)
	if err != nil {
		return 0, err
	}
	return len(set.keys), nil
}

// Open makes the Verifier that the operator asked for; nil when no audience is set. Problems go into s.
func Open(s *settings.Set, client *http.Client, now func() time.Time) *Verifier {
	audience := s.Text(settings.Def{
		Name: "SECURE_WEBHOOK_AUDIENCE",
		Doc:  "Application ID URI for which action groups get a token; with it, actiongroup-alert answers only calls that carry one. Several are separated by commas.",
		Hint: "the identifier URI of the Entra application, such as api://11111111-2222-3333-4444-555555555555",
	})
	tenant := s.Text(settings.Def{
		Name: "SECURE_WEBHOOK_TENANT_ID", Doc: "Id of the Entra tenant whose keys must have signed that token.",
		Hint: "az account show --query tenantId --output tsv",
	})
	callers := s.Text(settings.Def{
		Name: "SECURE_WEBHOOK_CALLER", Default: ActionGroups,
		Doc:  "Application id as which action groups sign in; sovereign clouds have their own. The app role ActionGroupsSecureWebhook is accepted in its place.",
		Hint: `az ad sp list --display-name "AzNS AAD Webhook" --query "[].appId" --output tsv`,
	})
	authority := s.URL(settings.Def{
		Name: "SECURE_WEBHOOK_AUTHORITY", Default: PublicAuthority,
		Doc:  "Where the tenant's keys come from; sovereign clouds have their own.",
		Hint: "https://login.microsoftonline.us for Azure Government, " + chinaAuthority + " for Azure operated by 21Vianet",
	})
	o := Options{Authority: strings.TrimRight(authority, "/"), Tenant: tenant, Audiences: list(audience), Callers: list(callers), Client: client, Now: now}
	if audience == "" && tenant == "" {
		return nil
	}
	if problems := o.problems(); len(problems) > 0 {
		for _, p := range problems {
			s.Report(p)
		}
		return nil
	}
	return New(o)
}

var guid = regexp.MustCompile(`^(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// problems are what contradicts itself or cannot be right. Half a configuration must not look like protection.
func (o Options) problems() []settings.Problem {
	var found []settings.Problem
	report := func(name, reason, hint string) {
		found = append(found, settings.Problem{Name: name, Reason: reason, Hint: hint})
	}
	switch {
	case o.Tenant == "":
		report("SECURE_WEBHOOK_TENANT_ID", "is not set, but SECURE_WEBHOOK_AUDIENCE is", "az account show --query tenantId --output tsv; or remove the audience, and the function key alone guards the webhook")
	case !guid.MatchString(o.Tenant): // a domain name would do for the keys, but issuers hold the id
		report("SECURE_WEBHOOK_TENANT_ID", "is not a tenant's id", "az account show --query tenantId --output tsv")
	}
	if len(o.Audiences) == 0 {
		report("SECURE_WEBHOOK_AUDIENCE", "is not set, but SECURE_WEBHOOK_TENANT_ID is, so no token would be asked for", "set it to the application's identifier URI, or remove the tenant")
	}
	for _, a := range o.Audiences {
		if u, err := url.Parse(a); !guid.MatchString(a) && (err != nil || u.Host == "" || u.Scheme != "api" && u.Scheme != "https") {
			report("SECURE_WEBHOOK_AUDIENCE", "is neither an identifier URI nor an application's id", "such as api://11111111-2222-3333-4444-555555555555")
		}
	}
	for _, c := range o.Callers {
		if !guid.MatchString(c) {
			report("SECURE_WEBHOOK_CALLER", "is not an application's id", fmt.Sprintf("remove it for the public cloud's, %s", ActionGroups))
		}
	}
	if u, err := url.Parse(o.Authority); err != nil || cmp.Or(u.Path, u.RawQuery, u.Fragment) != "" || u.User != nil {
		report("SECURE_WEBHOOK_AUTHORITY", "holds more than scheme and host", "the tenant is a setting of its own; write "+PublicAuthority)
	}
	return found
}

// list splits a setting at commas.
func list(text string) []string {
	var all []string
	for one := range strings.SplitSeq(text, ",") {
		if one = strings.TrimSpace(one); one != "" {
			all = append(all, one)
		}
	}
	return all
}

// spellings are the forms in which a token may name one audience: tokens of version 1 repeat the URI that was asked
// for, those of version 2 have the application's id ("Access token claims reference", aud). Only from api://<id> does
// one follow from the other.
func spellings(audience string) []string {
	id := strings.TrimPrefix(audience, "api://")
	if !guid.MatchString(id) {
		return []string{audience}
	}
	id = strings.ToLower(id)
	return []string{id, "api://" + id}
}
