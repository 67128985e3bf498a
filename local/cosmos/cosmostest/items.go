package cosmostest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

var accountBehaviours = []behaviour{
	{
		name: "create database again", want: "409",
		why: "start-up code and infra both create what they need and must be able to tell that it is there",
		got: func(x *trial) string {
			return after(x.Client.CreateDatabase(x.ctx, azcosmos.DatabaseProperties{ID: x.name}, nil))
		},
	},
	{
		name: "create container again", want: "409",
		why: "as for databases",
		got: func(x *trial) string {
			return after(x.database.CreateContainer(x.ctx, itemsContainer(), nil))
		},
	},
	{
		name: "read container properties back", want: "ttl=-1 included=1 excluded=1 unique=1 composite=1",
		why: "infra tests compare what is there with what was asked for",
		got: readContainerBack,
	},
	{
		name: "read a container that is not there", want: "404",
		why: "the start-up check has to name what is missing",
		got: func(x *trial) string {
			c, err := x.database.NewContainer("nowhere")
			if err != nil {
				return code(err)
			}
			return after(c.Read(x.ctx, nil))
		},
	},
	{
		name: "change default time to live", want: "ok 3600",
		why: "retention is changed on running systems",
		got: changeTTL,
	},
	{
		name: "change the partition key of a container", want: "400",
		why: "a partition key is for life; infra must find out here and not in production",
		got: func(x *trial) string {
			p := briefContainer()
			p.PartitionKeyDefinition.Paths = []string{"/other"}
			return after(x.brief.Replace(x.ctx, p, nil))
		},
	},
	{
		name: "read throughput", want: "ok 400",
		why: "`handler check` shows what is provisioned",
		got: func(x *trial) string {
			r, err := x.items.ReadThroughput(x.ctx, nil)
			if err != nil {
				return code(err)
			}
			units, _ := r.ThroughputProperties.ManualThroughput()
			return fmt.Sprint("ok ", units)
		},
	},
	{
		name: "replace throughput", want: "ok 500",
		why: "capacity is changed on running systems",
		got: func(x *trial) string {
			if _, err := x.brief.ReplaceThroughput(x.ctx, azcosmos.NewManualThroughputProperties(500), nil); err != nil {
				return code(err)
			}
			r, err := x.brief.ReadThroughput(x.ctx, nil)
			if err != nil {
				return code(err)
			}
			units, _ := r.ThroughputProperties.ManualThroughput()
			return fmt.Sprint("ok ", units)
		},
	},
	{
		name: "query containers", want: "unique",
		why: "explorers list containers by query",
		got: func(x *trial) string {
			pager := x.database.NewQueryContainersPager("SELECT * FROM c WHERE c.id = 'unique'", nil)
			page, err := pager.NextPage(x.ctx)
			if err != nil {
				return code(err)
			}
			var names []string
			for _, c := range page.Containers {
				names = append(names, c.ID)
			}
			return strings.Join(names, ",")
		},
	},
	{
		name: "wrong account key", want: "401",
		why: "a rotated key must be seen as such and not as missing data",
		got: func(x *trial) string { return x.asOther(x.WrongKey) },
	},
	{
		name: "Microsoft Entra token", want: "404",
		why: "the published program uses a managed identity; the token is accepted and the item is not there",
		got: func(x *trial) string { return x.asOther(x.Entra) },
	},
}

// asOther reads an item that is not there with another identity.
func (x *trial) asOther(client *azcosmos.Client) string {
	if client == nil {
		x.Skip("this account gives no such client")
	}
	c, err := client.NewContainer(x.name, "items")
	if err != nil {
		return code(err)
	}
	return after(c.ReadItem(x.ctx, x.key(), "missing", nil))
}

func readContainerBack(x *trial) string {
	r, err := x.unique.Read(x.ctx, nil)
	if err != nil {
		return code(err)
	}
	p := r.ContainerProperties
	if p.DefaultTimeToLive == nil || p.IndexingPolicy == nil || p.UniqueKeyPolicy == nil {
		return fmt.Sprintf("incomplete: %+v", p)
	}
	// The service may add the exclusion of _etag, which the stand-in does only for a policy of its own.
	excluded := 0
	for _, path := range p.IndexingPolicy.ExcludedPaths {
		if path.Path != `/"_etag"/?` {
			excluded++
		}
	}
	return fmt.Sprintf("ttl=%d included=%d excluded=%d unique=%d composite=%d", *p.DefaultTimeToLive,
		len(p.IndexingPolicy.IncludedPaths), excluded, len(p.UniqueKeyPolicy.UniqueKeys), len(p.IndexingPolicy.CompositeIndexes))
}

func changeTTL(x *trial) string {
	p := azcosmos.ContainerProperties{
		ID: "changing", PartitionKeyDefinition: azcosmos.PartitionKeyDefinition{Paths: []string{"/pk"}, Version: 2},
	}
	c := x.container(x.ctx, x.T, p)
	ttl := int32(3600)
	p.DefaultTimeToLive = &ttl
	if _, err := c.Replace(x.ctx, p, nil); err != nil {
		return code(err)
	}
	r, err := c.Read(x.ctx, nil)
	if err != nil {
		return code(err)
	}
	if _, err := c.Delete(x.ctx, nil); err != nil {
		return code(err)
	}
	return fmt.Sprint("ok ", *r.ContainerProperties.DefaultTimeToLive)
}

var itemBehaviours = []behaviour{
	{
		name: "create answers", want: "201 etag charge session body=0",
		why: "conditions need the ETag, logs the charge; with content off the answer is empty",
		got: func(x *trial) string { return describe(x.items.CreateItem(x.ctx, x.key(), x.item("a", nil), nil)) },
	},
	{
		name: "create with content", want: "201 with id _rid _self _etag _ts",
		why: "system properties are part of what code reads back",
		got: func(x *trial) string {
			r, err := x.items.CreateItem(x.ctx, x.key(), x.item("a", nil), &azcosmos.ItemOptions{EnableContentResponseOnWrite: true})
			if err != nil {
				return code(err)
			}
			var doc map[string]any
			if err := json.Unmarshal(r.Value, &doc); err != nil {
				return code(err)
			}
			out := fmt.Sprint(r.RawResponse.StatusCode, " with")
			for _, name := range []string{"id", "_rid", "_self", "_etag", "_ts"} {
				if doc[name] != nil {
					out += " " + name
				}
			}
			return out
		},
	},
	{
		name: "create same id and partition key", want: "409",
		why: "create-if-absent is how an alert is claimed once",
		got: func(x *trial) string {
			x.put("a", nil)
			return after(x.items.CreateItem(x.ctx, x.key(), x.item("a", nil), nil))
		},
	},
	{
		name: "create same id in another partition", want: "ok, each reads its own",
		why: "an id is unique within its logical partition only",
		got: sameIDElsewhere,
	},
	{
		name: "read with the wrong partition key", want: "404",
		why: "a wrong key must not find the item by its id",
		got: func(x *trial) string {
			x.put("a", nil)
			return after(x.items.ReadItem(x.ctx, azcosmos.NewPartitionKeyString("other-"+x.pk), "a", nil))
		},
	},
	{
		name: "partition key of header and item differ", want: "400",
		why: "a store that mixes up keys must fail, not misfile",
		got: func(x *trial) string {
			return after(x.items.CreateItem(x.ctx, azcosmos.NewPartitionKeyString("other"), x.item("a", nil), nil))
		},
	},
	{
		name: "no partition key", want: "400",
		why: "point operations need one",
		got: func(x *trial) string {
			return after(x.items.CreateItem(x.ctx, azcosmos.NewPartitionKey(), x.item("a", nil), nil))
		},
	},
	{
		name: "create without id", want: "400",
		why: "the service does not make ids up for this API",
		got: func(x *trial) string {
			return after(x.items.CreateItem(x.ctx, x.key(), x.json(fields{"pk": x.pk}), nil))
		},
	},
	{
		name: "create invalid JSON", want: "400",
		why: "a broken encoder is our fault, and not retried",
		got: func(x *trial) string {
			return after(x.items.CreateItem(x.ctx, x.key(), []byte(`{"id":"a","pk":`), nil))
		},
	},
	{
		name: "create in a missing container", want: "404",
		why: "a typo in a setting must be recognizable",
		got: func(x *trial) string {
			c, err := x.database.NewContainer("nowhere")
			if err != nil {
				return code(err)
			}
			return after(c.CreateItem(x.ctx, x.key(), x.item("a", nil), nil))
		},
	},
	{
		name: "upsert creates, then updates", want: "201 200",
		why: "rollups are written by upsert; the status tells which it was",
		got: func(x *trial) string {
			first, err := x.items.UpsertItem(x.ctx, x.key(), x.item("a", nil), nil)
			if err != nil {
				return code(err)
			}
			second, err := x.items.UpsertItem(x.ctx, x.key(), x.item("a", fields{"n": 1}), nil)
			if err != nil {
				return code(err)
			}
			return fmt.Sprint(first.RawResponse.StatusCode, " ", second.RawResponse.StatusCode)
		},
	},
	{
		name: "replace a missing item", want: "404",
		why: "replace does not create",
		got: func(x *trial) string {
			return after(x.items.ReplaceItem(x.ctx, x.key(), "a", x.item("a", nil), nil))
		},
	},
	{
		name: "delete, then delete again", want: "ok 404",
		why: "a repeated delete is told from a first one",
		got: func(x *trial) string {
			x.put("a", nil)
			return after(x.items.DeleteItem(x.ctx, x.key(), "a", nil)) + " " + after(x.items.DeleteItem(x.ctx, x.key(), "a", nil))
		},
	},
	{
		name: "numbers are doubles", want: "9007199254740992",
		why: "an integer beyond 2^53 changes; nanoseconds and ids belong in strings (concepts-limits: IEEE 754 double)",
		got: func(x *trial) string {
			x.put("a", fields{"n": json.RawMessage("9007199254740993")})
			r, err := x.items.ReadItem(x.ctx, x.key(), "a", nil)
			if err != nil {
				return code(err)
			}
			var doc struct{ N json.Number }
			if err := json.Unmarshal(r.Value, &doc); err != nil {
				return code(err)
			}
			return doc.N.String()
		},
	},
	{
		name: "unique key within a partition", want: "409, ok elsewhere",
		why: "unique keys guard a logical partition, not the container",
		got: func(x *trial) string {
			first := x.item("a", fields{"mail": "m"})
			if _, err := x.unique.CreateItem(x.ctx, x.key(), first, nil); err != nil {
				return code(err)
			}
			same := after(x.unique.CreateItem(x.ctx, x.key(), x.item("b", fields{"mail": "m"}), nil))
			other := azcosmos.NewPartitionKeyString("other-" + x.pk)
			doc := x.json(fields{"id": "c", "pk": "other-" + x.pk, "mail": "m"})
			return same + ", " + after(x.unique.CreateItem(x.ctx, other, doc, nil)) + " elsewhere"
		},
	},
}

func describe(r azcosmos.ItemResponse, err error) string {
	if err != nil {
		return code(err)
	}
	out := fmt.Sprint(r.RawResponse.StatusCode)
	if r.ETag != "" {
		out += " etag"
	}
	if r.RequestCharge > 0 {
		out += " charge"
	}
	if r.SessionToken != nil && *r.SessionToken != "" {
		out += " session"
	}
	return fmt.Sprint(out, " body=", len(r.Value))
}

func sameIDElsewhere(x *trial) string {
	other := "other-" + x.pk
	x.put("a", fields{"in": "first"})
	doc := x.json(fields{"id": "a", "pk": other, "in": "second"})
	if _, err := x.items.CreateItem(x.ctx, azcosmos.NewPartitionKeyString(other), doc, nil); err != nil {
		return code(err)
	}
	r, err := x.items.ReadItem(x.ctx, azcosmos.NewPartitionKeyString(other), "a", nil)
	if err != nil {
		return code(err)
	}
	if x.read("a")["in"] != "first" || !strings.Contains(string(r.Value), `"second"`) {
		return "mixed up"
	}
	return "ok, each reads its own"
}

var conditionBehaviours = []behaviour{
	{
		name: "etag of header and item", want: "equal and quoted",
		why: "code takes the ETag from either place and sends it back as it is",
		got: func(x *trial) string {
			x.put("a", nil)
			r, err := x.items.ReadItem(x.ctx, x.key(), "a", nil)
			if err != nil {
				return code(err)
			}
			if string(r.ETag) != x.read("a")["_etag"] || !strings.HasPrefix(string(r.ETag), `"`) {
				return fmt.Sprintf("%s and %v", r.ETag, x.read("a")["_etag"])
			}
			return "equal and quoted"
		},
	},
	{
		name: "replace with the current etag", want: "200",
		why: "optimistic concurrency",
		got: func(x *trial) string {
			etag := x.put("a", nil).ETag
			r, err := x.items.ReplaceItem(x.ctx, x.key(), "a", x.item("a", fields{"n": 2}), ifMatch(etag))
			if err != nil {
				return code(err)
			}
			return fmt.Sprint(r.RawResponse.StatusCode)
		},
	},
	{
		name: "replace with a stale etag", want: "412",
		why: "of two writers that read the same version one must lose",
		got: func(x *trial) string {
			return after(x.items.ReplaceItem(x.ctx, x.key(), "a", x.item("a", nil), ifMatch(x.stale())))
		},
	},
	{
		name: "upsert with a stale etag", want: "412",
		why: "as for replace",
		got: func(x *trial) string {
			return after(x.items.UpsertItem(x.ctx, x.key(), x.item("a", nil), ifMatch(x.stale())))
		},
	},
	{
		name: "patch with a stale etag", want: "412",
		why: "as for replace",
		got: func(x *trial) string {
			var p azcosmos.PatchOperations
			p.AppendSet("/n", 3)
			return after(x.items.PatchItem(x.ctx, x.key(), "a", p, ifMatch(x.stale())))
		},
	},
	{
		name: "delete with a stale etag", want: "412",
		why: "as for replace",
		got: func(x *trial) string {
			return after(x.items.DeleteItem(x.ctx, x.key(), "a", ifMatch(x.stale())))
		},
	},
	{
		name: "read if none match", want: "304 then 200",
		why: "an unchanged item need not travel; azcosmos passes 304 as success",
		got: func(x *trial) string {
			etag := x.put("a", nil).ETag
			ctx := policy.WithHTTPHeader(x.ctx, http.Header{"If-None-Match": {string(etag)}})
			first, err := x.items.ReadItem(ctx, x.key(), "a", nil)
			if err != nil {
				return code(err)
			}
			x.put("a", fields{"n": 1})
			second, err := x.items.ReadItem(ctx, x.key(), "a", nil)
			if err != nil {
				return code(err)
			}
			return fmt.Sprint(first.RawResponse.StatusCode, " then ", second.RawResponse.StatusCode)
		},
	},
}

func ifMatch(etag azcore.ETag) *azcosmos.ItemOptions {
	return &azcosmos.ItemOptions{IfMatchEtag: &etag}
}

// stale writes the item "a" twice and returns the first version's ETag.
func (x *trial) stale() azcore.ETag {
	etag := x.put("a", nil).ETag
	x.put("a", fields{"n": 1})
	return etag
}
