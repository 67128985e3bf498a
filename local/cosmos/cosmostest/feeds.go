package cosmostest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

var feedBehaviours = []behaviour{
	{
		name: "read many", want: "2 of 3",
		why: "items are read by key in one request; what is missing is simply not there",
		got: func(x *trial) string {
			x.put("a", nil)
			x.put("b", nil)
			return x.readMany("a", "b", "missing")
		},
	},
	{
		name: "read many across partitions", want: "2",
		why: "the sweeper reads alerts of many groups",
		got: func(x *trial) string {
			x.dataset.Do(x.loadDataset)
			r, err := x.items.ReadManyItems(x.ctx, []azcosmos.ItemIdentity{
				{ID: "q01", PartitionKey: azcosmos.NewPartitionKeyString(oddPartition)},
				{ID: "q02", PartitionKey: azcosmos.NewPartitionKeyString(evenPartition)},
				{ID: "q01", PartitionKey: azcosmos.NewPartitionKeyString(evenPartition)},
			}, nil)
			if err != nil {
				return code(err)
			}
			return fmt.Sprint(len(r.Items))
		},
	},
	{
		name: "feed ranges", want: "at least one",
		why: "the change feed is read by range",
		got: func(x *trial) string {
			ranges, err := x.items.ReadFeedRanges(x.ctx, nil)
			if err != nil || len(ranges) == 0 {
				return code(err)
			}
			return "at least one"
		},
	},
	{
		name: "change feed shows the latest version once", want: "a=2 b=1",
		why: "a follower sees every item, and of several changes the last",
		got: func(x *trial) string {
			c := x.fresh("feed-latest")
			x.write(c, "a", 1)
			x.write(c, "b", 1)
			x.write(c, "a", 2)
			seen, _ := x.changes(c, nil)
			return seen
		},
	},
	{
		name: "change feed goes on where it was", want: "first a=1, then b=1, then nothing",
		why: "a follower stores its place",
		got: func(x *trial) string {
			c := x.fresh("feed-resume")
			x.write(c, "a", 1)
			first, token := x.changes(c, nil)
			x.write(c, "b", 1)
			second, token := x.changes(c, &token)
			third, _ := x.changes(c, &token)
			return fmt.Sprintf("first %s, then %s, then %s", first, second, third)
		},
	},
	{
		name: "change feed does not show deletions", want: "b=1",
		why: "latest-version mode has none; code must not wait for them",
		got: func(x *trial) string {
			c := x.fresh("feed-delete")
			x.write(c, "a", 1)
			x.write(c, "b", 1)
			if _, err := c.DeleteItem(x.ctx, x.key(), "a", nil); err != nil {
				return code(err)
			}
			seen, _ := x.changes(c, nil)
			return seen
		},
	},
}

func (x *trial) readMany(ids ...string) string {
	var list []azcosmos.ItemIdentity
	for _, id := range ids {
		list = append(list, azcosmos.ItemIdentity{ID: id, PartitionKey: x.key()})
	}
	r, err := x.items.ReadManyItems(x.ctx, list, nil)
	if err != nil {
		return code(err)
	}
	return fmt.Sprintf("%d of %d", len(r.Items), len(ids))
}

// fresh makes a container for one case.
func (x *trial) fresh(name string) *azcosmos.ContainerClient {
	c := x.container(x.ctx, x.T, azcosmos.ContainerProperties{
		ID: name, PartitionKeyDefinition: azcosmos.PartitionKeyDefinition{Paths: []string{"/pk"}, Version: 2},
	})
	x.Cleanup(func() { _, _ = c.Delete(x.ctx, nil) }) // the database goes anyway
	return c
}

func (x *trial) write(c *azcosmos.ContainerClient, id string, n int) {
	x.Helper()
	if _, err := c.UpsertItem(x.ctx, x.key(), x.item(id, fields{"n": n}), nil); err != nil {
		x.Fatalf("write %s: %v", id, err)
	}
}

// changes drains the change feed from a place and returns what it saw and the next place.
func (x *trial) changes(c *azcosmos.ContainerClient, from *string) (seen, next string) {
	x.Helper()
	ranges, err := c.ReadFeedRanges(x.ctx, nil)
	if err != nil {
		x.Fatal(err)
	}
	o := &azcosmos.ChangeFeedOptions{FeedRange: &ranges[0], Continuation: from}
	var out []string
	for {
		r, err := c.ReadChangeFeed(x.ctx, o)
		if err != nil {
			x.Fatalf("change feed: %v", err)
		}
		for _, item := range r.Items {
			out = append(out, idAndN(item))
		}
		next = r.ContinuationToken
		o.Continuation = &next
		if len(r.Items) == 0 {
			break
		}
	}
	if out == nil {
		return "nothing", next
	}
	return sortedRowsBy(out), next
}

func sortedRowsBy(rows []string) string {
	return strings.ReplaceAll(sortedRows(strings.Join(rows, ",")), ",", " ")
}

var ttlBehaviours = []behaviour{
	{
		name: "container default", want: "ok then 404",
		why: "retention is the container's; an expired item is not there",
		got: func(x *trial) string { return x.lifetime(nil, 4*time.Second) },
	},
	{
		name: "item says never", want: "ok then ok",
		why: "an item's ttl -1 overrides the container's default",
		got: func(x *trial) string { return x.lifetime(fields{"ttl": -1}, 4*time.Second) },
	},
	{
		name: "item's own", want: "ok then 404",
		why: "an item's ttl overrides the container's default",
		got: func(x *trial) string { return x.lifetime(fields{"ttl": 1}, 3*time.Second) },
	},
	{
		name: "item outlives the default", want: "ok then ok",
		why: "an item's ttl overrides the container's default",
		got: func(x *trial) string { return x.lifetime(fields{"ttl": 3600}, 4*time.Second) },
	},
	{
		name: "expired items are not found by queries", want: "0",
		why: "\"An item no longer appears in query responses immediately after the TTL expires\"",
		got: func(x *trial) string {
			if _, err := x.brief.CreateItem(x.ctx, x.key(), x.item("a", nil), nil); err != nil {
				return code(err)
			}
			x.pass(4 * time.Second)
			page, err := x.brief.NewQueryItemsPager("SELECT VALUE COUNT(1) FROM c", x.key(), nil).NextPage(x.ctx)
			if err != nil {
				return code(err)
			}
			return string(page.Items[0])
		},
	},
	{
		name: "create the same id after expiry", want: "ok",
		why: "a key is free again once its item has expired",
		got: func(x *trial) string {
			if _, err := x.brief.CreateItem(x.ctx, x.key(), x.item("a", nil), nil); err != nil {
				return code(err)
			}
			x.pass(4 * time.Second)
			return after(x.brief.CreateItem(x.ctx, x.key(), x.item("a", nil), nil))
		},
	},
	{
		name: "every change starts the time again", want: "ok",
		why: "time to live counts from the last modification; a window must be a field, not a ttl",
		got: func(x *trial) string {
			if _, err := x.brief.CreateItem(x.ctx, x.key(), x.item("a", fields{"ttl": 5}), nil); err != nil {
				return code(err)
			}
			p := patchWith(func(p *azcosmos.PatchOperations) { p.AppendIncrement("/n", 1) })
			for range 2 {
				x.pass(3 * time.Second)
				if _, err := x.brief.PatchItem(x.ctx, x.key(), "a", p, nil); err != nil {
					return code(err)
				}
			}
			return after(x.brief.ReadItem(x.ctx, x.key(), "a", nil))
		},
	},
	{
		name: "ttl of zero, null or text", want: "400 400 400",
		why: "\"nonzero positive integer less than or equal to 2147483647, or -1\"; null is not supported",
		got: func(x *trial) string {
			try := func(ttl any) string {
				return after(x.brief.CreateItem(x.ctx, x.key(), x.item("a", fields{"ttl": ttl}), nil))
			}
			return try(0) + " " + try(nil) + " " + try("1")
		},
	},
}

// lifetime creates an item in the container with a default of two seconds and reads it at once and later.
func (x *trial) lifetime(f fields, wait time.Duration) string {
	if _, err := x.brief.CreateItem(x.ctx, x.key(), x.item("a", f), nil); err != nil {
		return code(err)
	}
	first := after(x.brief.ReadItem(x.ctx, x.key(), "a", nil))
	x.pass(wait)
	return first + " then " + after(x.brief.ReadItem(x.ctx, x.key(), "a", nil))
}

// idAndN shows an item as id=n.
func idAndN(item []byte) string {
	var doc struct {
		ID string `json:"id"`
		N  int    `json:"n"`
	}
	if err := json.Unmarshal(item, &doc); err != nil {
		return "not JSON: " + string(item)
	}
	return fmt.Sprintf("%s=%d", doc.ID, doc.N)
}
