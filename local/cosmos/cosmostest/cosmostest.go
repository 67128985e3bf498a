// Package cosmostest holds the behaviours of Azure Cosmos DB that this project relies on, as one table that runs
// through azcosmos against any account: the stand-in in local/cosmos, or a real one.
//
// A failing case on a real account means that the stand-in promises something the service does not do; then the
// table and the stand-in are corrected together. It is a test helper, not a benchmark, and it is not a test of
// azcosmos, whose known defects are cases here because code has to live with them.
package cosmostest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

// Account is what the behaviours are run against.
type Account struct {
	// Client may create and delete databases, so it needs the account key or control-plane rights.
	Client *azcosmos.Client
	// WrongKey signs with a key that is not the account's; nil skips that case.
	WrongKey *azcosmos.Client
	// Entra presents a Microsoft Entra token; nil skips that case.
	Entra *azcosmos.Client
	// Advance moves the account's clock; nil means that time cannot be moved and has to pass.
	Advance func(time.Duration)
	// Only limits the run to some groups of behaviours; nil runs all.
	Only []string
}

// behaviour is one row of the table. got does something and says what happened, in the words of want.
type behaviour struct {
	name string
	why  string
	want string
	got  func(*trial) string
}

// groups is the table, by subject.
var groups = map[string][]behaviour{
	"account":    accountBehaviours,
	"items":      itemBehaviours,
	"conditions": conditionBehaviours,
	"patch":      patchBehaviours,
	"batch":      batchBehaviours,
	"query":      queryBehaviours,
	"refused":    refusedQueries,
	"paging":     pagingBehaviours,
	"feed":       feedBehaviours,
	"ttl":        ttlBehaviours,
	"limits":     limitBehaviours,
	"keys":       keyBehaviours,
	"races":      raceBehaviours,
	"sdk":        sdkDefects,
}

// Run makes a throw-away database, runs the table in it and deletes it.
func Run(t *testing.T, a Account) {
	t.Helper()
	ctx := t.Context()
	name := "auditbell-behaviour-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	if _, err := a.Client.CreateDatabase(ctx, azcosmos.DatabaseProperties{ID: name}, nil); err != nil {
		t.Fatalf("create throw-away database: %v", err)
	}
	database, err := a.Client.NewDatabase(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if _, err := database.Delete(ctx, nil); err != nil {
			t.Errorf("delete throw-away database %s: %v", name, err)
		}
	})
	h := &harness{Account: a, database: database, name: name}
	h.items = h.container(ctx, t, itemsContainer())
	h.unique = h.container(ctx, t, uniqueContainer())
	h.brief = h.container(ctx, t, briefContainer())
	h.deep = h.container(ctx, t, deepContainer())
	for group, list := range groups {
		if a.wants(group) {
			t.Run(group, func(t *testing.T) { h.run(t, group, list) })
		}
	}
}

func (a Account) wants(group string) bool {
	for _, each := range a.Only {
		if each == group {
			return true
		}
	}
	return a.Only == nil
}

// harness is the account with the containers that the behaviours share.
type harness struct {
	Account
	database *azcosmos.DatabaseClient
	name     string
	items    *azcosmos.ContainerClient // pk /pk, default indexing, time to live on without default
	unique   *azcosmos.ContainerClient // unique key /mail, narrow index
	brief    *azcosmos.ContainerClient // items live two seconds by default
	deep     *azcosmos.ContainerClient // hierarchical partition key
	dataset  sync.Once                 // the items that queries look at
}

func (h *harness) run(t *testing.T, group string, list []behaviour) {
	for i, b := range list {
		t.Run(b.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			x := &trial{harness: h, T: t, ctx: ctx, pk: fmt.Sprintf("%s-%d", group, i)}
			if got := b.got(x); got != b.want && !t.Skipped() {
				t.Errorf("got %s, want %s\nwhy it matters: %s", got, b.want, b.why)
			}
		})
	}
}

func itemsContainer() azcosmos.ContainerProperties {
	return azcosmos.ContainerProperties{
		ID:                     "items",
		PartitionKeyDefinition: azcosmos.PartitionKeyDefinition{Paths: []string{"/pk"}, Version: 2},
		DefaultTimeToLive:      to.Ptr(int32(-1)),
	}
}

func uniqueContainer() azcosmos.ContainerProperties {
	return azcosmos.ContainerProperties{
		ID:                     "unique",
		PartitionKeyDefinition: azcosmos.PartitionKeyDefinition{Paths: []string{"/pk"}, Version: 2},
		DefaultTimeToLive:      to.Ptr(int32(-1)),
		UniqueKeyPolicy:        &azcosmos.UniqueKeyPolicy{UniqueKeys: []azcosmos.UniqueKey{{Paths: []string{"/mail"}}}},
		IndexingPolicy: &azcosmos.IndexingPolicy{
			Automatic: true, IndexingMode: azcosmos.IndexingModeConsistent,
			IncludedPaths: []azcosmos.IncludedPath{{Path: "/n/?"}},
			ExcludedPaths: []azcosmos.ExcludedPath{{Path: "/*"}},
			CompositeIndexes: [][]azcosmos.CompositeIndex{{
				{Path: "/n", Order: azcosmos.CompositeIndexAscending}, {Path: "/m", Order: azcosmos.CompositeIndexDescending},
			}},
		},
	}
}

func briefContainer() azcosmos.ContainerProperties {
	return azcosmos.ContainerProperties{
		ID:                     "brief",
		PartitionKeyDefinition: azcosmos.PartitionKeyDefinition{Paths: []string{"/pk"}, Version: 2},
		DefaultTimeToLive:      to.Ptr(int32(2)),
	}
}

func deepContainer() azcosmos.ContainerProperties {
	return azcosmos.ContainerProperties{
		ID: "deep",
		PartitionKeyDefinition: azcosmos.PartitionKeyDefinition{
			Kind: azcosmos.PartitionKeyKindMultiHash, Paths: []string{"/tenant", "/user"}, Version: 2,
		},
	}
}

func (h *harness) container(ctx context.Context, t *testing.T, p azcosmos.ContainerProperties) *azcosmos.ContainerClient {
	t.Helper()
	units := azcosmos.NewManualThroughputProperties(400)
	if _, err := h.database.CreateContainer(ctx, p, &azcosmos.CreateContainerOptions{ThroughputProperties: &units}); err != nil {
		t.Fatalf("create container %s: %v", p.ID, err)
	}
	c, err := h.database.NewContainer(p.ID)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// trial is one case being run. Its partition key is its own, so that cases do not meet.
type trial struct {
	*harness
	*testing.T
	ctx context.Context //nolint:containedctx // one context per case, as testing.T has
	pk  string
}

func (x *trial) key() azcosmos.PartitionKey { return azcosmos.NewPartitionKeyString(x.pk) }

// fields are the properties of an item beside id and pk.
type fields map[string]any

// item makes an item in the case's partition.
func (x *trial) item(id string, f fields) []byte {
	all := fields{"id": id, "pk": x.pk}
	for name, v := range f {
		all[name] = v
	}
	return x.json(all)
}

func (x *trial) json(v any) []byte {
	x.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		x.Fatalf("encode: %v", err)
	}
	return b
}

// put stores items that a case starts from.
func (x *trial) put(id string, f fields) azcosmos.ItemResponse {
	x.Helper()
	r, err := x.items.UpsertItem(x.ctx, x.key(), x.item(id, f), nil)
	if err != nil {
		x.Fatalf("put %s: %v", id, err)
	}
	return r
}

// read returns an item as a map, or ends the case.
func (x *trial) read(id string) map[string]any {
	x.Helper()
	r, err := x.items.ReadItem(x.ctx, x.key(), id, nil)
	if err != nil {
		x.Fatalf("read %s: %v", id, err)
	}
	var out map[string]any
	if err := json.Unmarshal(r.Value, &out); err != nil {
		x.Fatalf("decode %s: %v", id, err)
	}
	return out
}

// code says how a call ended: "ok", the HTTP status, or the error's text.
func code(err error) string {
	var response *azcore.ResponseError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &response):
		return strconv.Itoa(response.StatusCode)
	}
	return "error: " + err.Error()
}

// after drops a call's response.
func after[T any](_ T, err error) string { return code(err) }

// pass lets a clock go on by d.
func (x *trial) pass(d time.Duration) {
	x.Helper()
	if x.Advance != nil {
		x.Advance(d)
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-x.ctx.Done():
		x.Fatal(x.ctx.Err())
	}
}
