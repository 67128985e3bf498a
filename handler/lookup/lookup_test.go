package lookup_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/lookup"
	"github.com/auditbell/auditbell/local/azure"
)

const (
	subscription = "5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10"
	correlation  = "88420d5d-8d0e-471f-9115-10d34750c617"
	owner        = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	ann          = "e0b3c1d2-4f5a-46b7-88c9-d0e1f2a3b4c5"
	pipelineID   = "0a0b0c0d-4f5a-46b7-88c9-d0e1f2a3b4c5"
)

// directory is what Azure knows in these tests.
var directory = azure.Directory{
	Roles: map[string]azure.Role{owner: {Name: "Owner", Actions: []string{"*"}}},
	Objects: map[string]azure.Object{
		ann:        {Kind: "user", DisplayName: "Ann Example", UPN: "ann@contoso.example"},
		pipelineID: {Kind: "servicePrincipal", DisplayName: "deploy-pipeline"},
	},
	Resources: []azure.Resource{
		{ID: "/subscriptions/" + subscription, Name: "Contoso Production", Tags: map[string]string{"env": "prod", "Owner": "platform@contoso.example"}},
		{ID: "/subscriptions/" + subscription + "/resourceGroups/rg-net", Name: "rg-net", Tags: map[string]string{"owner": "net@contoso.example", "env": "prod"}},
		{
			ID: "/subscriptions/" + subscription + "/resourceGroups/rg-net/providers/Microsoft.Network/networkSecurityGroups/nsg", Name: "nsg",
			Tags: map[string]string{"apikey": "b3V0IG9mIHNpZ2h0IG91dCBvZiBtaW5k", "hidden-link": "x", "team": "network"},
		},
	},
	Changes: []azure.Change{{
		Correlation: correlation, Kind: "Update",
		Target: "/subscriptions/" + subscription + "/resourceGroups/rg-net/providers/Microsoft.Network/networkSecurityGroups/nsg",
		Changes: map[string]any{
			"properties.provisioningState":                                map[string]any{"previousValue": "Updating", "newValue": "Succeeded", "changeCategory": "System"},
			"properties.securityRules[1].name":                            map[string]any{"previousValue": nil, "newValue": "allow-ssh", "propertyChangeType": "Insert"},
			"properties.securityRules[1].properties.direction":            map[string]any{"previousValue": "null", "newValue": "Inbound"},
			"properties.securityRules[1].properties.access":               map[string]any{"newValue": "Allow"},
			"properties.securityRules[1].properties.sourceAddressPrefix":  map[string]any{"newValue": "0.0.0.0/0"},
			"properties.securityRules[1].properties.destinationPortRange": map[string]any{"newValue": "22"},
			"properties.flushConnection":                                  map[string]any{"previousValue": "false", "newValue": "true"},
			"tags.contact":                                                map[string]any{"previousValue": "ann", "newValue": nil},
			"properties.administratorPassword":                            map[string]any{"previousValue": "hunter2", "newValue": "correct horse"},
			"properties.notAnObject":                                      "garbage",
		},
	}},
}

// bench is a set of lookups over the stand-in.
type bench struct {
	azure *azure.Server
	set   *lookup.Set
	clock atomic.Int64
	names atomic.Int32 // reverse look-ups
}

var began = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func (b *bench) now() time.Time { return began.Add(time.Duration(b.clock.Load())) }

type signedIn struct{ err error }

func (s signedIn) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "t", ExpiresOn: time.Now().Add(time.Hour)}, s.err
}

func open(t *testing.T, change func(*lookup.Options)) *bench {
	t.Helper()
	return openKnowing(t, directory, change)
}

// openKnowing is open with another directory.
func openKnowing(t *testing.T, known azure.Directory, change func(*lookup.Options)) *bench {
	t.Helper()
	b := &bench{}
	b.azure = azure.New(known, b.now)
	server := httptest.NewTLSServer(b.azure)
	t.Cleanup(server.Close)
	o := lookup.Options{
		Names: []string{"role", "principal", "caller", "place", "changes", "host"}, OwnerTags: []string{"contact", "owner"},
		Now: b.now, Logger: slog.New(slog.DiscardHandler),
		Resolve: func(_ context.Context, address string) ([]string, error) {
			b.names.Add(1)
			if address == "20.1.2.3" {
				return []string{"vm7.westeurope.cloudapp.azure.com."}, nil
			}
			return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
		},
		Azure: lookup.Azure{
			Client: server.Client(), Credential: signedIn{}, Graph: server.URL + "/v1.0",
			Cloud: cloud.Configuration{Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
				cloud.ResourceManager: {Endpoint: server.URL, Audience: server.URL},
			}},
		},
	}
	if change != nil {
		change(&o)
	}
	var err error
	if b.set, err = lookup.New(o); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) look(t *testing.T, e activity.Event) (alert.Learned, []string) {
	t.Helper()
	return b.set.Look(t.Context(), e, b.set.For(&e))
}

// granted is a role assignment, nsg a security rule that was written.
var (
	granted = activity.Event{
		ID: "e1", Category: activity.Administrative, Operation: "microsoft.authorization/roleassignments/write", Outcome: activity.Succeeded,
		SubscriptionID: subscription, ResourceGroup: "rg-net", CorrelationID: correlation, CallerType: activity.ServicePrincipal, CallerObjectID: pipelineID,
		ResourceID: "/subscriptions/" + subscription + "/resourcegroups/rg-net/providers/microsoft.authorization/roleassignments/x",
		Properties: activity.Properties(`{"requestbody":{"properties":{"principalId":"` + ann + `","roleDefinitionId":"/subscriptions/` + subscription +
			`/providers/Microsoft.Authorization/roleDefinitions/` + strings.ToUpper(owner) + `"}}}`),
	}
	opened = activity.Event{
		ID: "e2", Category: activity.Administrative, Operation: "microsoft.network/networksecuritygroups/securityrules/write", Outcome: activity.Succeeded,
		SubscriptionID: subscription, ResourceGroup: "rg-net", CorrelationID: correlation, Caller: "ann@contoso.example", CallerIP: "20.1.2.3",
		CallerName: "Ann", CallerObjectID: ann,
		ResourceID: "/subscriptions/" + subscription + "/resourcegroups/rg-net/providers/microsoft.network/networksecuritygroups/nsg/securityrules/allow-ssh",
	}
)

func TestWhatIsLearned(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		event activity.Event
		asked []string
		want  alert.Learned
	}{
		{"a role assignment", granted, []string{"role", "principal", "caller", "place"}, alert.Learned{
			Names: map[string]string{strings.ToUpper(owner): "Owner", ann: "Ann Example, ann@contoso.example", pipelineID: "deploy-pipeline", subscription: "Contoso Production"},
			Facts: []alert.Fact{
				{Name: "Owner", Value: "net@contoso.example"},
				{Name: "Permissions", Value: "may change everything; may give rights to others"},
				{Name: "Tags", Value: "env=prod, owner=net@contoso.example"},
			},
		}},
		{"a rule of a network security group", opened, []string{"place", "changes", "host"}, alert.Learned{
			Names: map[string]string{subscription: "Contoso Production"},
			Facts: []alert.Fact{
				{Name: "Changed", Value: "administratorPassword: (hidden) → (hidden); flushConnection: false → true; tags.contact removed, was ann; " +
					"inbound rule allow-ssh added: 0.0.0.0/0 → 22, allow"},
				{Name: "Host", Value: "vm7.westeurope.cloudapp.azure.com by its reverse name, an Azure service"},
				{Name: "Owner", Value: "net@contoso.example"},
				{Name: "Tags", Value: "apikey=(hidden), env=prod, owner=net@contoso.example, team=network"},
			},
		}},
		{"what Azure did by itself", activity.Event{CallerType: activity.Platform, CallerObjectID: ann}, nil, alert.Learned{}},
	} {
		b := open(t, nil)
		if asked := b.set.For(&c.event); !slices.Equal(asked, c.asked) {
			t.Errorf("%s: asks %v, want %v", c.name, asked, c.asked)
		}
		got, later := b.look(t, c.event)
		slices.SortFunc(got.Facts, func(x, y alert.Fact) int { return strings.Compare(x.Name, y.Name) })
		if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" || later != nil {
			t.Errorf("%s: later %v, learned (-want +got):\n%s", c.name, later, diff)
		}
	}
}

func TestNothingIsAskedTwice(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	var wg sync.WaitGroup
	for range 50 { // a storm of one actor on one resource
		wg.Go(func() { b.set.Look(t.Context(), granted, b.set.For(&granted)) })
	}
	wg.Wait()
	requests := b.azure.Requests()
	if len(requests) != 4 {
		t.Errorf("50 alerts made %d requests, want one for each of role, principal, caller and place:\n%s", len(requests), strings.Join(requests, "\n"))
	}
	b.clock.Store(int64(2 * time.Hour)) // names are old by then, the role is not
	b.look(t, granted)
	if n := len(b.azure.Requests()); n != 7 {
		t.Errorf("two hours later %d requests were made in all, want 7", n)
	}
}

func TestWhatThereIsNotIsKeptToo(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	stranger := opened
	stranger.CallerName, stranger.CallerObjectID, stranger.CallerIP = "", "99999999-4f5a-46b7-88c9-d0e1f2a3b4c5", "20.9.9.9"
	for range 3 {
		if _, later := b.set.Look(t.Context(), stranger, []string{"caller", "host"}); later != nil {
			t.Errorf("asks %v again, though there is nothing", later)
		}
	}
	if n := len(b.azure.Requests()); n != 1 || b.names.Load() != 1 {
		t.Errorf("%d requests and %d reverse look-ups, want 1 and 1", n, b.names.Load())
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	const roles, graph, resourceGraph = "/subscriptions/", "/v1.0/", "/providers/Microsoft.ResourceGraph"
	for _, c := range []struct {
		name   string
		why    string
		fault  azure.Fault
		lookup string
		later  bool
	}{
		{"404", "an id that is gone stays gone", azure.Fault{Prefix: graph, Status: 404}, "principal", false},
		{"403", "permissions do not come by asking again", azure.Fault{Prefix: graph, Status: 403}, "principal", false},
		{"401", "the same", azure.Fault{Prefix: roles, Status: 401}, "role", false},
		{"400", "the same question has the same mistake", azure.Fault{Prefix: resourceGraph, Status: 400}, "place", false},
		{"500", "servers recover", azure.Fault{Prefix: graph, Status: 500}, "principal", true},
		{"429", "we were asked to wait", azure.Fault{Prefix: roles, Status: 429, RetryAfter: "7"}, "role", true},
		{"503", "the same", azure.Fault{Prefix: resourceGraph, Status: 503}, "place", true},
		{"not JSON", "garbage stays garbage", azure.Fault{Prefix: graph, Body: "<html>"}, "principal", false},
		{"JSON of another shape", "the same", azure.Fault{Prefix: roles, Body: `{"properties":[1]}`}, "role", false},
		{"an empty object", "there is no name in it", azure.Fault{Prefix: roles, Body: `{}`}, "role", false},
		{"a table for objects", "nothing is read out of it", azure.Fault{Prefix: resourceGraph, Body: `{"data":{"rows":[[1]]}}`}, "changes", false},
		{"rows of numbers", "the same", azure.Fault{Prefix: resourceGraph, Body: `{"data":[1,2]}`}, "changes", false},
		{"slow", "the bound is ours", azure.Fault{Prefix: roles, Delay: time.Minute}, "role", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := open(t, nil)
			c.fault.Count = 1
			b.azure.Fail(c.fault)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			e := granted
			if c.lookup == "changes" {
				e = opened
			}
			found, later := b.set.Look(ctx, e, []string{c.lookup})
			if len(found.Names)+len(found.Facts) > 0 || (later != nil) != c.later {
				t.Errorf("found %v, later %v, want nothing and %v: %s", found, later, c.later, c.why)
			}
		})
	}
}

func TestAServiceThatAsksUsToWaitIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	b.azure.Fail(azure.Fault{Prefix: "/v1.0/", Status: 429, RetryAfter: "40", Count: 1})
	asked := func() int { return len(b.azure.Requests()) }
	for i, c := range []struct {
		after time.Duration
		asks  int
		later bool
	}{
		{0, 1, true}, {20 * time.Second, 1, true}, {39 * time.Second, 1, true}, {41 * time.Second, 2, false},
	} {
		b.clock.Store(int64(c.after))
		_, later := b.set.Look(t.Context(), granted, []string{"principal"})
		if (later != nil) != c.later || asked() != c.asks {
			t.Errorf("%d: after %s later %v with %d requests, want %v with %d", i, c.after, later, asked(), c.later, c.asks)
		}
	}
}

func TestAServiceThatFailsRests(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	b.azure.Fail(azure.Fault{Prefix: "/v1.0/", Status: 500, Count: 5})
	for range 10 {
		b.set.Look(t.Context(), granted, []string{"principal"})
	}
	if n := len(b.azure.Requests()); n != 4 {
		t.Errorf("%d requests to a service that fails, want 4 before it is left alone", n)
	}
	b.clock.Store(int64(31 * time.Second))
	for range 10 { // one of them finds that it still fails
		b.set.Look(t.Context(), granted, []string{"principal"})
	}
	b.clock.Store(int64(62 * time.Second))
	if found, later := b.set.Look(t.Context(), granted, []string{"principal"}); later != nil || found.Names[ann] == "" {
		t.Errorf("recovered, and still %v, later %v", found, later)
	}
	if n := len(b.azure.Requests()); n != 6 {
		t.Errorf("%d requests in all, want 6", n)
	}
}

func TestARefusalIsSaidOnceAndRests(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	b := open(t, func(o *lookup.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	})
	b.azure.Fail(azure.Fault{Prefix: "/v1.0/", Status: 403, Count: 100})
	for i := range 20 { // different objects: it is the permission that lacks
		e := opened
		e.CallerName, e.CallerObjectID = "", fmt.Sprintf("%08d-4f5a-46b7-88c9-d0e1f2a3b4c5", i)
		if _, later := b.set.Look(t.Context(), e, []string{"caller"}); later != nil {
			t.Errorf("asks again, though it was refused")
		}
	}
	if n := len(b.azure.Requests()); n != 1 {
		t.Errorf("%d requests, want one", n)
	}
	if n := strings.Count(log.String(), "Directory.Read.All"); n != 1 {
		t.Errorf("the log names what to grant %d times, want once:\n%s", n, log.String())
	}
}

func TestNobodyIsSignedIn(t *testing.T) {
	t.Parallel()
	b := open(t, func(o *lookup.Options) {
		o.Azure.Credential = signedIn{fmt.Errorf("DefaultAzureCredential: failed to acquire a token.\nAttempted credentials: …")}
	})
	found, later := b.look(t, granted)
	if len(found.Names)+len(found.Facts) > 0 || later != nil || len(b.azure.Requests()) > 0 {
		t.Errorf("found %v, later %v, %d requests", found, later, len(b.azure.Requests()))
	}
}

// The quota of Resource Graph is told with every answer; at its end we wait for the next one by ourselves.
func TestQuotaOfResourceGraph(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	b.azure.QuotaGone = true
	_, _ = b.set.Look(t.Context(), opened, []string{"changes"})
	if _, later := b.set.Look(t.Context(), opened, []string{"changes"}); later == nil {
		t.Error("asked beyond the quota")
	}
	if n := len(b.azure.Requests()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestPagesOfResourceGraph(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	b.azure.PageSize = 1
	found, later := b.set.Look(t.Context(), opened, []string{"place"})
	if later != nil || found.Names[subscription] != "Contoso Production" || !slices.Contains(found.Facts, alert.Fact{Name: "Owner", Value: "net@contoso.example"}) {
		t.Errorf("over three pages found %v, later %v", found, later)
	}
	if n := len(b.azure.Requests()); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}

func TestWhatHasARecordOfChanges(t *testing.T) {
	t.Parallel()
	b := open(t, func(o *lookup.Options) { o.Names = []string{"changes"} })
	for name, change := range map[string]func(*activity.Event){
		"failed":           func(e *activity.Event) { e.Outcome = activity.Failed },
		"started":          func(e *activity.Event) { e.Outcome = activity.Started },
		"deleted":          func(e *activity.Event) { e.Operation = "microsoft.network/networksecuritygroups/delete" },
		"an action":        func(e *activity.Event) { e.Operation = "microsoft.storage/storageaccounts/listkeys/action" },
		"a policy's":       func(e *activity.Event) { e.Category = activity.Policy },
		"no correlation":   func(e *activity.Event) { e.CorrelationID = "" },
		"a resource group": func(e *activity.Event) { e.ResourceID = "/subscriptions/" + subscription + "/resourcegroups/rg-net" },
		"a role":           func(e *activity.Event) { *e = granted },
	} {
		e := opened
		if change(&e); b.set.For(&e) != nil {
			t.Errorf("%s: asks for changes, of which there is no record", name)
		}
	}
	neighbour := opened // its name begins like the other's
	neighbour.ResourceID = strings.Replace(neighbour.ResourceID, "/nsg/", "/ns/", 1)
	if found, later := b.look(t, neighbour); len(found.Facts) != 0 || later == nil {
		t.Errorf("learned %v of another resource", found.Facts)
	}
}

func TestAChangeThatIsNotOnRecordYet(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	early := opened
	early.CorrelationID = "11111111-8d0e-471f-9115-10d34750c617"
	if _, later := b.set.Look(t.Context(), early, []string{"changes"}); !slices.Equal(later, []string{"changes"}) {
		t.Errorf("later %v, want changes: Azure has it on record within five minutes", later)
	}
}

// Ids come from events, and an event may say anything. Nothing of it may reach another path or change a query.
func TestIdsCannotLeadElsewhere(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"../../subscriptions", "x?api-version=1", "' | project secrets //", `\' or 1==1`, "e0b3c1d2-4f5a-46b7-88c9-d0e1f2a3b4c5/../users", "\r\nHost: x"} {
		b := open(t, nil)
		e := granted
		e.Properties = activity.Properties(fmt.Sprintf(`{"requestbody":{"properties":{"principalId":%q,"roleDefinitionId":%q}}}`, bad, bad))
		e.CallerObjectID, e.SubscriptionID = bad, bad
		b.look(t, e)
		if n := len(b.azure.Requests()); n != 0 {
			t.Errorf("%q made %d requests: %v", bad, n, b.azure.Requests())
		}
		e = opened
		e.ResourceGroup = bad
		e.ResourceID = "/subscriptions/" + subscription + "/resourcegroups/" + bad + "/providers/microsoft.network/networksecuritygroups/" + strings.ReplaceAll(bad, "/", "")
		_, later := b.look(t, e)
		for _, r := range b.azure.Requests() { // the stand-in takes three queries to the letter; a broken one would be refused
			if !strings.HasPrefix(r, "POST /providers/Microsoft.ResourceGraph/resources ") {
				t.Errorf("%q made the request %q", bad, r)
			}
		}
		if len(later) > 1 {
			t.Errorf("%q: later %v", bad, later)
		}
	}
}

func TestCheckNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	b := open(t, func(o *lookup.Options) { o.Names = []string{"role", "principal", "place", "host"} })
	b.azure.Fail(azure.Fault{Prefix: "/providers/Microsoft.Authorization", Status: 403, Count: 1})
	b.azure.Fail(azure.Fault{Prefix: "/v1.0/", Status: 403, Count: 1})
	var got []string
	for _, l := range b.set.Check(t.Context()) {
		got = append(got, fmt.Sprintf("%s %v %v %s", l.Name, l.On, l.OK, l.Detail))
	}
	want := []string{
		"role true false messages go without role name and what it permits: answered 403 Fault (hint: it needs Microsoft.Authorization/roleDefinitions/read on the watched subscriptions; or take it out of LOOKUPS)",
		"resource false true off; it would add role and principal, port and source, where the record does not carry them",
		"principal true false messages go without name of who gets or loses a role: answered 403 Fault (hint: it needs the application permission Directory.Read.All of Microsoft Graph; or take it out of LOOKUPS)",
		"caller false true off; it would add name of a caller that is told by id only",
		"place true true subscription name, tags, owner (Contoso Production)",
		"policy false true off; it would add names of policies, assignments and definitions",
		"changes false true off; it would add properties before and after",
		"health false true off; it would add since when a resource is unavailable, and why",
		"history false true off; it would add first time, what else the actor does",
		"host true true reverse name of the client's address",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("check (-want +got):\n%s", diff)
	}
}
