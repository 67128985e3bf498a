// Package azure knows where in Azure to ask and as whom: the endpoints of each cloud, the credential of the app or of
// the person who runs a command, and clients that carry it. It is not for what is asked: lookups, sources and the store
// do that.
package azure

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/source"
)

// Portal is the setting that names the portal, and with it the cloud.
var Portal = settings.Def{
	Name: "PORTAL_URL", Default: "https://portal.azure.com",
	Doc: "The portal that links lead to; sovereign clouds have their own.",
}

// Place is a cloud's endpoints. Those of Log Analytics are in "Azure Monitor Log Analytics API endpoints" per cloud.
type Place struct {
	cloud.Configuration
	Resources, Logs string
}

// PlaceOf is the cloud of a name: public, government or china; any other name is public.
func PlaceOf(name string) Place {
	switch name {
	case "government":
		return Place{cloud.AzureGovernment, "https://management.usgovcloudapi.net", "https://api.loganalytics.us"}
	case "china":
		return Place{cloud.AzureChina, "https://management.chinacloudapi.cn", "https://api.loganalytics.azure.cn"}
	}
	return Place{cloud.AzurePublic, "https://management.azure.com", "https://api.loganalytics.azure.com"}
}

// PlaceOfPortal is the cloud that a portal belongs to (learn: "Azure Government" and "Azure operated by 21Vianet",
// endpoints).
func PlaceOfPortal(portal string) Place {
	u, err := url.Parse(portal)
	switch {
	case err != nil:
	case strings.HasSuffix(u.Hostname(), ".azure.us"):
		return PlaceOf("government")
	case strings.HasSuffix(u.Hostname(), ".azure.cn"):
		return PlaceOf("china")
	}
	return PlaceOf("public")
}

// AskAs makes a REST client that signs in as the person who runs the command: az login, environment or managed identity.
func (p Place) AskAs(endpoint string) (source.REST, error) {
	credential, err := SignedIn(p.Configuration)
	if err != nil {
		return source.REST{}, fmt.Errorf("sign in to Azure: %w", err)
	}
	token := func(ctx context.Context) (string, error) { // azidentity keeps it until it ends
		t, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{endpoint + "/.default"}})
		if err != nil {
			return "", fmt.Errorf("sign in to Azure (hint: az login): %w", err)
		}
		return t.Token, nil
	}
	return source.REST{Client: &http.Client{Timeout: 2 * time.Minute}, Endpoint: endpoint, Token: token}, nil
}

// SignedIn is the credential of a person or of the machine's environment, at the cloud's own authority.
func SignedIn(place cloud.Configuration) (azcore.TokenCredential, error) {
	return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: azcore.ClientOptions{Cloud: place}})
}

// InApp reports whether the process runs in an app with a managed identity, which App Service announces by
// IDENTITY_ENDPOINT.
func InApp() bool {
	_, ok := os.LookupEnv("IDENTITY_ENDPOINT")
	return ok
}

// ClientID reads which identity is used, where the app has several.
func ClientID(s *settings.Set) string {
	return s.Text(settings.Def{Name: "AZURE_CLIENT_ID", Doc: "Client id of the user-assigned identity to use, when there is one."})
}

// Credential is the managed identity in Azure, and the developer's own sign-in elsewhere. Making it calls nothing.
func Credential(s *settings.Set) azcore.TokenCredential {
	var c azcore.TokenCredential
	var err error
	clientID := ClientID(s)
	if InApp() {
		options := &azidentity.ManagedIdentityCredentialOptions{}
		if clientID != "" {
			options.ID = azidentity.ClientID(clientID)
		}
		c, err = azidentity.NewManagedIdentityCredential(options)
	} else {
		c, err = azidentity.NewDefaultAzureCredential(nil)
	}
	if err != nil {
		s.Report(settings.Problem{Name: "identity", Reason: err.Error(), Hint: "switch on the app's managed identity, or sign in with az login"})
	}
	return c
}

// ResourceManagerEndpoint reads where Azure Resource Manager is, where it is not the cloud's own.
func ResourceManagerEndpoint(s *settings.Set) string {
	return s.URL(settings.Def{
		Name: "ARM_ENDPOINT",
		Doc:  "Address of Azure Resource Manager; empty takes that of the cloud that PORTAL_URL is in. Set it for a stand-in.",
	})
}

// IsStandIn reports whether an endpoint is a stand-in on this machine, which wants no token.
func IsStandIn(endpoint string) bool { return strings.HasPrefix(endpoint, "http://") }

// StandIn signs in to a stand-in on this machine.
type StandIn struct{}

// GetToken returns a token that is no secret.
func (StandIn) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "stand-in", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// patience is how long one run waits for Azure; a longer Retry-After is for the next run.
const patience = 5 * time.Second

// ResourceManager reads where Azure Resource Manager is, and with which credential it is asked over web. With needed false
// no credential is made.
func ResourceManager(s *settings.Set, web http.RoundTripper, needed bool) source.REST {
	endpoint := ResourceManagerEndpoint(s)
	place := PlaceOfPortal(s.Text(Portal))
	client := notify.NewClient(web)
	client.Timeout = time.Minute // a page is some hundred kilobytes, and Azure takes its time
	rest := source.REST{Client: client, Endpoint: strings.TrimSuffix(endpoint, "/"), Patience: patience}
	var who azcore.TokenCredential
	switch {
	case !needed:
		return rest
	case IsStandIn(endpoint):
		who = StandIn{}
	default:
		who = Credential(s)
	}
	if endpoint == "" {
		rest.Endpoint = place.Resources
	}
	rest.Token = func(ctx context.Context) (string, error) { // azidentity keeps it until it ends
		t, err := who.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{rest.Endpoint + "/.default"}})
		return t.Token, err
	}
	return rest
}
