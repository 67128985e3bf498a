package lookup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"

	"github.com/auditbell/auditbell/handler/activity"
)

func TestPermits(t *testing.T) {
	t.Parallel()
	list := func(texts ...string) (out []*string) {
		for _, text := range texts {
			out = append(out, &text)
		}
		return out
	}
	for _, c := range []struct {
		name string
		role armauthorization.Permission
		want string
	}{
		{"Owner", armauthorization.Permission{Actions: list("*")}, "may change everything; may give rights to others"},
		{
			"Contributor",
			armauthorization.Permission{Actions: list("*"), NotActions: list("Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write", "Microsoft.Authorization/elevateAccess/Action")},
			"may change everything",
		},
		{"Reader", armauthorization.Permission{Actions: list("*/read")}, "reads only"},
		{"User Access Administrator", armauthorization.Permission{Actions: list("*/read", "Microsoft.Authorization/*", "Microsoft.Support/*")}, "may change some resources; may give rights to others"},
		{"Storage Blob Data Reader", armauthorization.Permission{
			Actions:     list("Microsoft.Storage/storageAccounts/blobServices/containers/read"),
			DataActions: list("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"),
		}, "reads only; reads data"},
		{"Key Vault Administrator", armauthorization.Permission{Actions: list("Microsoft.KeyVault/checkNameAvailability/read"), DataActions: list("Microsoft.KeyVault/vaults/*")}, "reads only; reads and changes data"},
		{"nothing", armauthorization.Permission{}, ""},
		{"a hole", armauthorization.Permission{Actions: []*string{nil}}, ""},
	} {
		if got := permits([]*armauthorization.Permission{&c.role, nil}); got != c.want {
			t.Errorf("%s permits %q, want %q", c.name, got, c.want)
		}
	}
}

func TestChangesInWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, changes string
		want          []string
	}{
		{"updated", `{"properties.publicNetworkAccess":{"previousValue":"Disabled","newValue":"Enabled"}}`, []string{"publicNetworkAccess: Disabled → Enabled"}},
		{"added and removed", `{"tags.a":{"newValue":"1"},"tags.b":{"previousValue":"2","newValue":"null"}}`, []string{"tags.a added: 1", "tags.b removed, was 2"}},
		{"numbers and lists", `{"properties.n":{"previousValue":1,"newValue":2.5},"properties.ips":{"newValue":["1.2.3.4"]}}`, []string{`ips added: ["1.2.3.4"]`, "n: 1 → 2.5"}},
		{"ids by their last segment", `{"properties.workspace":{"newValue":"/subscriptions/s/resourceGroups/g/providers/x/y/w1"}}`, []string{"workspace added: w1"}},
		{"Azure's own bookkeeping", `{"properties.etag":{"newValue":"1"},"properties.x":{"newValue":"1","changeCategory":"System"}}`, nil},
		{"a secret", `{"properties.connectionString":{"previousValue":"Server=a;Password=b","newValue":"Server=c;Password=d"}}`, []string{"connectionString: (hidden) → (hidden)"}},
		{"both gone", `{"properties.x":{}}`, []string{"x changed"}},
		{
			"a rule removed", `{"properties.securityRules[0].name":{"previousValue":"rdp"},"properties.securityRules[0].properties.direction":{"previousValue":"Inbound"},
			"properties.securityRules[0].properties.sourceAddressPrefix":{"previousValue":"*"},"properties.securityRules[0].properties.destinationPortRange":{"previousValue":"3389"}}`,
			[]string{"inbound rule rdp removed: anywhere → 3389"},
		},
		{
			"a rule widened", `{"properties.securityRules[2].properties.sourceAddressPrefix":{"previousValue":"10.0.0.0/8","newValue":"*"}}`,
			[]string{"securityRules[2].properties.sourceAddressPrefix: 10.0.0.0/8 → *"},
		},
		{"no object", `{"properties.x":7,"properties.y":null}`, []string{"y changed"}},
	} {
		var r change
		if err := json.Unmarshal([]byte(`{"changes":`+c.changes+`}`), &r); err != nil {
			t.Fatal(err)
		}
		if got := r.words(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestDoings(t *testing.T) {
	t.Parallel()
	e := func(operation, resource, correlation string) activity.Event {
		return activity.Event{Operation: operation, ResourceName: resource, ResourceID: "/" + resource, CorrelationID: correlation}
	}
	got := doings([]activity.Event{
		e("microsoft.keyvault/vaults/delete", "kv", "1"), e("microsoft.keyvault/vaults/delete", "kv", "1"), // started, succeeded
		e("microsoft.authorization/roleassignments/write", "a", "2"), e("microsoft.authorization/roleassignments/write", "b", "2"),
		e("a/b/c", "", "3"), e("a/b/d", "", "3"), e("a/b/e", "", "3"),
	})
	if want := "2 × roleassignments/write, b/c, b/d, b/e, and 1 more"; got != want {
		t.Errorf("doings %q, want %q", got, want)
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := newCache[int](func() time.Time { return now })
	asked := 0
	get := func(key string, err error) {
		_, _ = c.get(t.Context(), key, time.Minute, func(context.Context) (int, error) { asked++; return 1, err })
	}
	for i := range 3 * cacheSize {
		get(fmt.Sprint(i), nil)
	}
	if n := len(c.entries); n != cacheSize || c.order.Len() != cacheSize {
		t.Errorf("%d entries, want %d", n, cacheSize)
	}
	asked = 0
	get(fmt.Sprint(3*cacheSize-1), nil)
	now = now.Add(2 * time.Minute)
	get(fmt.Sprint(3*cacheSize-1), nil)
	get("fails", errors.New("for now"))
	get("fails", errors.New("for now"))
	get("nothing", errNothing)
	get("nothing", errNothing)
	if asked != 4 {
		t.Errorf("asked %d times, want once for what is too old, twice for what failed, once for what there is not", asked)
	}
}

// Whoever waits for somebody else's question must not wait for ever, not even if that one panics.
func TestWaitersAreNotLeftWaiting(t *testing.T) {
	t.Parallel()
	c := newCache[int](time.Now)
	begun, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer func() { _ = recover() }()
		_, _ = c.get(t.Context(), "k", time.Minute, func(context.Context) (int, error) { close(begun); <-release; panic("garbled") })
	})
	<-begun
	short, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.get(short, "k", time.Minute, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("out of patience: %v", err)
	}
	wg.Go(func() {
		if _, err := c.get(t.Context(), "k", time.Minute, nil); !errors.Is(err, errNothing) {
			t.Errorf("after a panic: %v", err)
		}
	})
	close(release)
	wg.Wait()
}
