package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/auditbell/auditbell/handler/enrich"
	"github.com/auditbell/auditbell/handler/geo"
	"github.com/auditbell/auditbell/handler/lookup"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/store"
)

// readLookups reads what is looked up after the first message, and whom to ask. No names: nothing is.
func readLookups(s *settings.Set) lookup.Options {
	o := lookup.Options{Resolve: net.DefaultResolver.LookupAddr}
	o.Names, o.Optional = lookupNames(s)
	o.OwnerTags = split(s.Text(settings.Def{
		Name: "OWNER_TAGS", Default: "owner",
		Doc: "Names of the resource tags that say who owns a resource, parted by commas; the first that is there is shown.",
	}))
	place := placeOf(cloudOf(s.Text(portalDef)))
	endpoint := s.URL(settings.Def{
		Name: "ARM_ENDPOINT",
		Doc:  "Address of Azure Resource Manager; empty takes that of the cloud that PORTAL_URL is in. Set it for a stand-in.",
	})
	o.Azure = lookup.Azure{
		Cloud: place.Configuration, Client: notify.NewClient(http.DefaultTransport),
		Graph: s.URL(settings.Def{Name: "GRAPH_ENDPOINT", Default: "https://graph.microsoft.com/v1.0"}),
	}
	clientID := s.Text(settings.Def{Name: "AZURE_CLIENT_ID"})
	if endpoint != "" {
		o.Azure.Cloud = cloud.Configuration{
			ActiveDirectoryAuthorityHost: place.ActiveDirectoryAuthorityHost,
			Services:                     map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Endpoint: endpoint, Audience: endpoint}},
		}
	}
	switch {
	case len(o.Names) == 0:
	case strings.HasPrefix(endpoint, "http://"): // this machine: a stand-in, which wants no token of anybody's
		o.Azure.Credential, o.Azure.Insecure = standInCredential{}, true
	default:
		o.Azure.Credential = lookupCredential(s, clientID, place.Configuration)
	}
	return o
}

// lookupNames are the lookups that LOOKUPS switches on. Where the app has no identity, auto is off: a developer's own
// sign-in is not asked for behind their back. In Azure auto tries all, and does without those that may not ask.
func lookupNames(s *settings.Set) (names []string, optional bool) {
	d := settings.Def{
		Name: "LOOKUPS", Default: "auto",
		Doc:  "What is looked up after the first message and added by an edit: auto (everything, in Azure), all, off, or names parted by commas: " + strings.Join(lookup.Names(), ", ") + ".",
		Hint: "auto, all, off, or names such as role,place",
	}
	text := strings.ToLower(s.Text(d))
	_, inAzure := os.LookupEnv("IDENTITY_ENDPOINT")
	switch {
	case text == "all", text == "auto" && inAzure:
		return lookup.Names(), text == "auto"
	case text == "auto", text == "off":
		return nil, false
	}
	names = split(text)
	for _, name := range names {
		if !slices.Contains(lookup.Names(), name) {
			s.Report(settings.Problem{Name: d.Name, Reason: fmt.Sprintf("%q is no lookup", name), Hint: d.Hint})
		}
	}
	return names, false
}

func split(text string) []string {
	var parts []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// cloudOf is the cloud that a portal belongs to (learn: "Azure Government" and "Azure operated by 21Vianet", endpoints).
func cloudOf(portal string) string {
	u, err := url.Parse(portal)
	switch {
	case err != nil:
	case strings.HasSuffix(u.Hostname(), ".azure.us"):
		return "government"
	case strings.HasSuffix(u.Hostname(), ".azure.cn"):
		return "china"
	}
	return "public"
}

// lookupCredential is the managed identity in Azure, and whoever is signed in elsewhere, at the cloud's own authority.
func lookupCredential(s *settings.Set, clientID string, place cloud.Configuration) azcore.TokenCredential {
	if _, inAzure := os.LookupEnv("IDENTITY_ENDPOINT"); inAzure {
		return credential(s, clientID)
	}
	c, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: azcore.ClientOptions{Cloud: place}})
	if err != nil {
		s.Report(settings.Problem{Name: "LOOKUPS", Reason: err.Error(), Hint: "sign in with az login, or set LOOKUPS=off"})
	}
	return c
}

// standInCredential signs in to a stand-in on this machine.
type standInCredential struct{}

func (standInCredential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "stand-in", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// openLookups wires the lookups; nil when all are off.
func openLookups(o lookup.Options, past *store.Store, log *slog.Logger) (*lookup.Set, error) {
	if len(o.Names) == 0 {
		return nil, nil
	}
	o.Past, o.Now, o.Logger = past, past.Now, log
	return lookup.New(o)
}

// lookupCheck tells of each lookup whether it is on, and of those that are whether they may ask.
func (a *app) lookupCheck(ctx context.Context) []checkLine {
	if a.lookups == nil {
		return []checkLine{{"lookups", true, "off; messages are posted without " + strings.Join(lookup.Names(), ", ") + " (LOOKUPS)"}}
	}
	var lines []checkLine
	for _, l := range a.lookups.Check(ctx) {
		lines = append(lines, checkLine{"lookup " + l.Name, l.OK, l.Detail})
	}
	return lines
}

var portalDef = settings.Def{
	Name: "PORTAL_URL", Default: "https://portal.azure.com",
	Doc: "The portal that links lead to; sovereign clouds have their own.",
}

func readEnrich(s *settings.Set) enrich.Options {
	o := enrich.Options{Portal: s.URL(portalDef)}
	if db, err := openGeo(s); err == nil && db != nil {
		o.Whereabouts = db.Where
	}
	return o
}

// openGeo opens the operator's own database of addresses, nil when there is none. One that cannot be read is no reason
// to let nothing ring; `handler check` says so.
func openGeo(s *settings.Set) (*geo.DB, error) {
	path := s.Text(settings.Def{
		Name: "GEOIP_DATABASE",
		Doc:  "Path of a MaxMind database (.mmdb) that you supply, relative to the published root: callers' addresses are told with country, city or network.",
	})
	if path == "" {
		return nil, nil
	}
	return geo.Open(path)
}

// geoCheck says which database of addresses is used; nothing when there is none.
func geoCheck(s *settings.Set) []checkLine {
	switch db, err := openGeo(s); {
	case err != nil:
		return []checkLine{{"addresses", false, err.Error() + " (hint: GEOIP_DATABASE names a .mmdb file that is published with the app)"}}
	case db != nil:
		return []checkLine{{"addresses", true, db.About()}}
	}
	return nil
}
