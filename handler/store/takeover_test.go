package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/store"
)

// container opens the alerts container as an earlier or a later version would.
func (a *account) container(t *testing.T) *azcosmos.ContainerClient {
	t.Helper()
	key, err := azcosmos.NewKeyCredential("a2V5")
	if err != nil {
		t.Fatal(err)
	}
	options := &azcosmos.ClientOptions{}
	options.Transport = a.server
	client, err := azcosmos.NewClientWithKey("http://cosmos.test/", key, options)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.NewContainer(store.Database, "alerts")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// schemaOne puts there what version 1 wrote: an alert of a start (record e1) whose lease is held and which owes both
// channels, and one of an end (e2) that Slack has and Teams was given up for. testdata/schema1.json is its own writing.
func schemaOne(t *testing.T) *account {
	t.Helper()
	a := open(t)
	text, err := os.ReadFile("testdata/schema1.json")
	if err != nil {
		t.Fatal(err)
	}
	var items []json.RawMessage
	if err := json.Unmarshal(text, &items); err != nil {
		t.Fatal(err)
	}
	for _, item := range items {
		var of struct{ PK string }
		if err := json.Unmarshal(item, &of); err != nil {
			t.Fatal(err)
		}
		if _, err := a.container(t).CreateItem(t.Context(), azcosmos.NewPartitionKeyString(of.PK), item, nil); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// TestAStoreOfTheVersionBeforeIsTakenOver goes on with what version 1 began: nothing is lost, nothing is alerted twice.
func TestAStoreOfTheVersionBeforeIsTakenOver(t *testing.T) {
	t.Parallel()
	a := schemaOne(t)
	n := 0
	take := func(e activity.Event) alert.Decision {
		n++
		r, err := a.Take(t.Context(), finding(e), alert.Lease{Owner: fmt.Sprint("invocation", n)})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := take(event(1, activity.Started)); !r.Duplicate {
		t.Errorf("a redelivery is no duplicate: %+v", r)
	}
	end := event(3, activity.Succeeded)
	if r := take(end); r.Opened || r.Alert.Count != 1 || r.Alert.Event.Outcome != activity.Succeeded {
		t.Errorf("the end of what had begun: opened %v, count %d, %s", r.Opened, r.Alert.Count, r.Alert.Event.Outcome)
	}
	if r := take(end); !r.Duplicate {
		t.Error("its redelivery is no duplicate")
	}
	if r := take(event(1, activity.Started)); !r.Duplicate {
		t.Error("a redelivery of the start is no duplicate once the chain is of the new version")
	}
	again := event(9, activity.Started)
	if r := take(again); r.Opened || r.Alert.Count != 2 {
		t.Errorf("the same act again after its end: opened %v, count %d; want it counted as another", r.Opened, r.Alert.Count)
	}
	eve := event(10, activity.Started)
	eve.Caller = "eve@example.com"
	if r := take(eve); !r.Opened {
		t.Error("another caller under the same correlation id is taken for the one before")
	}
	a.advance(31 * time.Second) // the lease of the instance that was replaced
	due, err := a.Due(t.Context(), 10)
	if err != nil || len(due) < 2 {
		t.Errorf("due: %v, %v; want what version 1 owed", due, err)
	}
	stuck, err := a.Stuck(t.Context(), 10)
	if err != nil || len(stuck) != 1 {
		t.Errorf("given up: %d, %v", len(stuck), err)
	}
}

// TestALaterVersionIsRefusedWithAWord finds what a version after this one wrote.
func TestALaterVersionIsRefusedWithAWord(t *testing.T) {
	t.Parallel()
	a := open(t)
	e := event(1, activity.Succeeded)
	pk := "op-" + alert.ChainKey(e)
	item := `{"id":"group","pk":"` + pk + `","kind":"group","group_key":"g","schema":3}`
	if _, err := a.container(t).CreateItem(t.Context(), azcosmos.NewPartitionKeyString(pk), []byte(item), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Take(t.Context(), finding(e), alert.Lease{}); !errors.Is(err, store.ErrNewer) {
		t.Errorf("%v, want %v", err, store.ErrNewer)
	}
}
