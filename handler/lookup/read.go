package lookup

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/auditbell/auditbell/handler/azure"
	"github.com/auditbell/auditbell/handler/settings"
)

// Read reads what is looked up after the first message, and whom to ask, by client. No names: nothing is.
func Read(s *settings.Set, client *http.Client) Options {
	o := Options{Resolve: net.DefaultResolver.LookupAddr}
	o.Names, o.Optional = namesIn(s)
	o.OwnerTags = split(s.Text(settings.Def{
		Name: "OWNER_TAGS", Default: "owner",
		Doc: "Names of the resource tags that say who owns a resource, comma-separated; the first that is there is shown.",
	}))
	place := azure.PlaceOfPortal(s.Text(azure.Portal))
	endpoint := azure.ResourceManagerEndpoint(s)
	o.Azure = Azure{
		Cloud: place.Configuration, Client: client,
		Graph: s.URL(settings.Def{Name: "GRAPH_ENDPOINT", Default: "https://graph.microsoft.com/v1.0"}),
	}
	if endpoint != "" {
		o.Azure.Cloud = cloud.Configuration{
			ActiveDirectoryAuthorityHost: place.ActiveDirectoryAuthorityHost,
			Services:                     map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Endpoint: endpoint, Audience: endpoint}},
		}
	}
	switch {
	case len(o.Names) == 0:
	case azure.IsStandIn(endpoint):
		o.Azure.Credential, o.Azure.Insecure = azure.StandIn{}, true
	default:
		o.Azure.Credential = credentialFor(s, place.Configuration)
	}
	return o
}

// namesIn are the lookups that LOOKUPS switches on. Where the app has no identity, auto is off: a developer's own
// sign-in is not asked for behind their back. In Azure auto tries all, and does without those that may not ask.
func namesIn(s *settings.Set) (names []string, optional bool) {
	d := chosen()
	text := strings.ToLower(s.Text(d))
	inAzure := azure.InApp()
	switch {
	case text == "all", text == "auto" && inAzure:
		return Names(), text == "auto"
	case text == "auto", text == "off":
		return nil, false
	}
	names = split(text)
	for _, name := range names {
		if !slices.Contains(Names(), name) {
			s.Report(settings.Problem{Name: d.Name, Reason: fmt.Sprintf("%q is no lookup", name), Hint: d.Hint})
		}
	}
	return names, false
}

// chosen is the setting that switches lookups on and off.
func chosen() settings.Def {
	return settings.Def{
		Name: "LOOKUPS", Default: "auto",
		Doc:  "What is looked up after the first message and added by an edit: auto (everything, in Azure), all, off, or comma-separated names: " + strings.Join(Names(), ", ") + ".",
		Hint: "auto, all, off, or names such as role,place",
	}
}

// IsOff reports whether the settings say that nothing is looked up, wherever the program runs.
func IsOff(s *settings.Set) bool { return strings.EqualFold(s.Text(chosen()), "off") }

func split(text string) []string {
	var parts []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// credentialFor is the managed identity in Azure, and the person who is signed in elsewhere, at the cloud's own authority.
func credentialFor(s *settings.Set, place cloud.Configuration) azcore.TokenCredential {
	if azure.InApp() {
		return azure.Credential(s)
	}
	c, err := azure.SignedIn(place)
	if err != nil {
		s.Report(settings.Problem{Name: "LOOKUPS", Reason: err.Error(), Hint: "sign in with az login, or set LOOKUPS=off"})
	}
	return c
}

// Open wires the lookups that Read chose; nil when all are off. now is the account's clock.
func Open(o Options, past Past, now func() time.Time, log *slog.Logger) (*Set, error) {
	if len(o.Names) == 0 {
		return nil, nil
	}
	o.Past, o.Now, o.Logger = past, now, log
	return New(o)
}
