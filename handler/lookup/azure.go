package lookup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	armruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resourcegraph/armresourcegraph"
)

// Azure is where Azure and Microsoft Graph are, and as whom they are asked.
type Azure struct {
	Cloud      cloud.Configuration // where Azure Resource Manager is
	Graph      string              // https://graph.microsoft.com/v1.0
	Credential azcore.TokenCredential
	Client     *http.Client
	// Insecure lets the credential go over plain HTTP, to a stand-in on this machine.
	Insecure bool
}

// clients are the ends in Azure. Made once, they call nothing until they are asked.
type clients struct {
	arm, graph, resourceGraph *service

	roles     *armauthorization.RoleDefinitionsClient
	resources *armresourcegraph.Client
	directory runtime.Pipeline
	endpoint  string // of Microsoft Graph

	armPipeline runtime.Pipeline
	manager     string // https://management.azure.com
}

const (
	graphNeeds = "the application permission Directory.Read.All of Microsoft Graph"
	armNeeds   = "give the app's identity a role that reads the watched subscriptions; docs/operations.md says which"
)

func (a Azure) open(now func() time.Time, log *slog.Logger) (clients, error) {
	c := clients{endpoint: strings.TrimRight(a.Graph, "/")}
	c.arm = newService(known{"Azure Resource Manager", armNeeds, false}, now, log)
	c.resourceGraph = newService(known{"Resource Graph", armNeeds, true}, now, log)
	c.graph = newService(known{"Microsoft Graph", "grant " + graphNeeds + ", or take principal and caller out of LOOKUPS", true}, now, log)
	var err error
	if c.roles, err = armauthorization.NewRoleDefinitionsClient(a.Credential, a.options(c.arm)); err != nil {
		return c, err
	}
	if c.resources, err = armresourcegraph.NewClient(a.Credential, a.options(c.resourceGraph)); err != nil {
		return c, err
	}
	if c.armPipeline, err = armruntime.NewPipeline("auditbell", "", a.Credential, runtime.PipelineOptions{}, a.options(c.arm)); err != nil {
		return c, err
	}
	c.manager = a.Cloud.Services[cloud.ResourceManager].Endpoint
	u, err := url.Parse(a.Graph)
	if err != nil || u.Host == "" {
		return c, errors.New("GRAPH_ENDPOINT is not an address")
	}
	signIn := runtime.NewBearerTokenPolicy(a.Credential, []string{u.Scheme + "://" + u.Host + "/.default"},
		&policy.BearerTokenOptions{InsecureAllowCredentialWithHTTP: a.Insecure})
	options := a.options(c.graph).ClientOptions
	c.directory = runtime.NewPipeline("auditbell", "", runtime.PipelineOptions{PerRetry: []policy.Policy{signIn}}, &options)
	return c, nil
}

// ask asks Microsoft Graph for JSON, with a body of JSON where there is one.
func (c *clients) ask(ctx context.Context, method, path string, body, into any) error {
	r, err := runtime.NewRequest(ctx, method, c.endpoint+"/"+path)
	if err != nil {
		return err
	}
	r.Raw().Header.Set("Accept", "application/json")
	if body != nil {
		if err := runtime.MarshalAsJSON(r, body); err != nil {
			return err
		}
	}
	response, err := c.directory.Do(r) //nolint:bodyclose // azcore's pipeline reads the body and closes it
	if err != nil {
		return err
	}
	if !runtime.HasStatusCode(response, http.StatusOK) {
		return runtime.NewResponseError(response)
	}
	return runtime.UnmarshalAsJSON(response, into)
}

// options are those of every client: no retries, because a question that fails is asked again later, and no
// registration of resource providers, because we only read.
func (a Azure) options(s *service) *arm.ClientOptions {
	return &arm.ClientOptions{
		DisableRPRegistration: true,
		ClientOptions: policy.ClientOptions{
			Cloud: a.Cloud, Transport: transport{a.Client, s}, Retry: policy.RetryOptions{MaxRetries: -1},
			Telemetry: policy.TelemetryOptions{Disabled: true}, InsecureAllowCredentialWithHTTP: a.Insecure,
		},
	}
}

// transport bounds answers, and watches the quota that Resource Graph tells: 15 questions in 5 seconds or so, before it
// answers 429 (learn: "Guidance for throttled requests in Azure Resource Graph").
type transport struct {
	client  *http.Client
	service *service
}

const maxAnswer = 1 << 20

func (t transport) Do(r *http.Request) (*http.Response, error) {
	response, err := t.client.Do(r)
	if err != nil {
		return response, err
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, maxAnswer), response.Body}
	if response.Header.Get("x-ms-user-quota-remaining") == "0" {
		if d, ok := clockText(response.Header.Get("x-ms-user-quota-resets-after")); ok {
			t.service.rest(d)
		}
	}
	return response, nil
}

// clockText reads hh:mm:ss.
func clockText(text string) (time.Duration, bool) {
	var h, m, s int
	if n, err := fmt.Sscanf(text, "%d:%d:%d", &h, &m, &s); err != nil || n != 3 {
		return 0, false
	}
	d := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
	return min(max(d, 0), 10*time.Minute), true
}

var guid = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
})

// query asks Resource Graph within one subscription and reads at most pages pages into rows, a pointer to a slice.
func (s *Set) query(ctx context.Context, subscription, text string, rows any) error {
	const pages, perPage = 3, int32(100)
	var all []any
	format := armresourcegraph.ResultFormatObjectArray
	top := perPage
	request := armresourcegraph.QueryRequest{
		Query: &text, Options: &armresourcegraph.QueryRequestOptions{ResultFormat: &format, Top: &top},
	}
	if subscription != "" {
		request.Subscriptions = []*string{&subscription}
	}
	for range pages {
		var answer armresourcegraph.ClientResourcesResponse
		err := s.azure.resourceGraph.call(ctx, func(ctx context.Context) (err error) {
			answer, err = s.azure.resources.Resources(ctx, request, nil)
			return err
		})
		if err != nil {
			return err
		}
		page, ok := answer.Data.([]any)
		if !ok && answer.Data != nil {
			return fmt.Errorf("%w: Resource Graph answered no list of objects", errNothing)
		}
		all = append(all, page...)
		if answer.SkipToken == nil || *answer.SkipToken == "" {
			break
		}
		request.Options.SkipToken = answer.SkipToken
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("%w: %s", errNothing, short(err))
	}
	if err := json.Unmarshal(raw, rows); err != nil {
		return fmt.Errorf("%w: read rows of Resource Graph: %s", errNothing, short(err))
	}
	return nil
}

// literal writes a text into a query of Resource Graph. Ids come from events, so they may hold anything (learn: "The
// string data type", KQL: backslash escapes within quotes).
func literal(text string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(clean) + "'"
}
