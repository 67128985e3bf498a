package cosmostest

import (
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

// patchWith builds a patch from what a function appends.
func patchWith(build func(*azcosmos.PatchOperations)) azcosmos.PatchOperations {
	var p azcosmos.PatchOperations
	build(&p)
	return p
}

// patched applies a patch to item a and shows one property of it afterwards.
func (x *trial) patched(start fields, show string, build func(*azcosmos.PatchOperations)) string {
	x.put("a", start)
	if _, err := x.items.PatchItem(x.ctx, x.key(), "a", patchWith(build), nil); err != nil {
		return code(err)
	}
	return string(x.json(x.read("a")[show]))
}

var patchBehaviours = []behaviour{
	{
		name: "increment and set", want: "200 n=15 last=t1",
		why: "counters are patched",
		got: func(x *trial) string {
			x.put("a", fields{"n": 10})
			r, err := x.items.PatchItem(x.ctx, x.key(), "a", patchWith(func(p *azcosmos.PatchOperations) {
				p.AppendIncrement("/n", 5)
				p.AppendSet("/last", "t1")
			}), nil)
			if err != nil {
				return code(err)
			}
			doc := x.read("a")
			return fmt.Sprintf("%d n=%v last=%v", r.RawResponse.StatusCode, doc["n"], doc["last"])
		},
	},
	{
		name: "increment of an absent path creates it", want: "3",
		why: "a counter need not be initialized (partial-document-update)",
		got: func(x *trial) string {
			return x.patched(nil, "new", func(p *azcosmos.PatchOperations) { p.AppendIncrement("/new", 3) })
		},
	},
	{
		name: "increment of a string", want: "400",
		why: "a wrong type must not be overwritten",
		got: func(x *trial) string {
			return x.patched(fields{"s": "x"}, "s", func(p *azcosmos.PatchOperations) { p.AppendIncrement("/s", 3) })
		},
	},
	{
		name: "add into an array shifts", want: `["a","x","b"]`,
		why: "add inserts where set replaces",
		got: func(x *trial) string {
			return x.patched(fields{"l": []string{"a", "b"}}, "l", func(p *azcosmos.PatchOperations) { p.AppendAdd("/l/1", "x") })
		},
	},
	{
		name: "add at - appends", want: `["a","x"]`,
		why: "lists grow at their end",
		got: func(x *trial) string {
			return x.patched(fields{"l": []string{"a"}}, "l", func(p *azcosmos.PatchOperations) { p.AppendAdd("/l/-", "x") })
		},
	},
	{
		name: "add beyond the end of an array", want: "400",
		why: "no holes",
		got: func(x *trial) string {
			return x.patched(fields{"l": []string{"a"}}, "l", func(p *azcosmos.PatchOperations) { p.AppendAdd("/l/3", "x") })
		},
	},
	{
		name: "set in an array replaces", want: `["a","x"]`,
		why: "add inserts where set replaces",
		got: func(x *trial) string {
			return x.patched(fields{"l": []string{"a", "b"}}, "l", func(p *azcosmos.PatchOperations) { p.AppendSet("/l/1", "x") })
		},
	},
	{
		name: "set below an absent parent", want: "400",
		why: "a path is made of what is there; only its last part may be new",
		got: func(x *trial) string {
			return x.patched(nil, "o", func(p *azcosmos.PatchOperations) { p.AppendSet("/o/x", 1) })
		},
	},
	{
		name: "set below a present parent", want: `{"a":1,"x":2}`,
		why: "delivery state per destination is kept in an object",
		got: func(x *trial) string {
			return x.patched(fields{"o": fields{"a": 1}}, "o", func(p *azcosmos.PatchOperations) { p.AppendSet("/o/x", 2) })
		},
	},
	{
		name: "replace of an absent path", want: "400",
		why: "replace is strict",
		got: func(x *trial) string {
			return x.patched(nil, "r", func(p *azcosmos.PatchOperations) { p.AppendReplace("/r", 1) })
		},
	},
	{
		name: "remove", want: "null",
		why: "a finished lease is removed",
		got: func(x *trial) string {
			return x.patched(fields{"r": 1}, "r", func(p *azcosmos.PatchOperations) { p.AppendRemove("/r") })
		},
	},
	{
		name: "remove of an absent path", want: "400",
		why: "remove is strict",
		got: func(x *trial) string {
			return x.patched(nil, "r", func(p *azcosmos.PatchOperations) { p.AppendRemove("/r") })
		},
	},
	{
		name: "escapes in a path", want: `"v"`,
		why: "paths are JSON pointers: ~1 is a slash, ~0 a tilde",
		got: func(x *trial) string {
			return x.patched(nil, "a/b~c", func(p *azcosmos.PatchOperations) { p.AppendSet("/a~1b~0c", "v") })
		},
	},
	{
		name: "one bad operation undoes all", want: "400 n=1",
		why: "a patch is all or nothing",
		got: func(x *trial) string {
			x.put("a", fields{"n": 1})
			_, err := x.items.PatchItem(x.ctx, x.key(), "a", patchWith(func(p *azcosmos.PatchOperations) {
				p.AppendSet("/n", 2)
				p.AppendRemove("/absent")
			}), nil)
			return fmt.Sprintf("%s n=%v", code(err), x.read("a")["n"])
		},
	},
	{
		name: "condition that holds", want: "ok",
		why: "leases are taken by conditional patch",
		got: func(x *trial) string { return x.conditional("from c where c.n = 1 and c.s = 'free'") },
	},
	{
		name: "condition that does not hold", want: "412",
		why: "of two that want a lease one must lose",
		got: func(x *trial) string { return x.conditional("from c where c.n > 1") },
	},
	{
		name: "condition on an absent property", want: "412",
		why: "undefined is not true",
		got: func(x *trial) string { return x.conditional("from c where c.absent > 1") },
	},
	{
		name: "condition that is no query", want: "400",
		why: "a misspelt condition must not count as false",
		got: func(x *trial) string { return x.conditional("where n > 1") },
	},
	{
		name: "missing item", want: "404",
		why: "a patch does not create",
		got: func(x *trial) string {
			p := patchWith(func(p *azcosmos.PatchOperations) { p.AppendSet("/n", 1) })
			return after(x.items.PatchItem(x.ctx, x.key(), "missing", p, nil))
		},
	},
	{
		name: "ten operations, then eleven", want: "ok 400",
		why: "the limit is 10 (partial-document-update)",
		got: func(x *trial) string {
			x.put("a", nil)
			do := func(n int) string {
				return after(x.items.PatchItem(x.ctx, x.key(), "a", patchWith(func(p *azcosmos.PatchOperations) {
					for i := range n {
						p.AppendSet(fmt.Sprint("/f", i), i)
					}
				}), nil))
			}
			return do(10) + " " + do(11)
		},
	},
	{
		name: "partition key path", want: "400",
		why: "an item cannot move to another partition",
		got: func(x *trial) string {
			return x.patched(nil, "pk", func(p *azcosmos.PatchOperations) { p.AppendSet("/pk", "other") })
		},
	},
	{
		name: "content on demand", want: `true`,
		why: "a lease needs the item it has just taken without another read",
		got: func(x *trial) string {
			x.put("a", fields{"n": 1})
			r, err := x.items.PatchItem(x.ctx, x.key(), "a", patchWith(func(p *azcosmos.PatchOperations) {
				p.AppendIncrement("/n", 1)
			}), &azcosmos.ItemOptions{EnableContentResponseOnWrite: true})
			if err != nil {
				return code(err)
			}
			return fmt.Sprint(strings.Contains(string(r.Value), `"n":2`))
		},
	},
}

func (x *trial) conditional(condition string) string {
	x.put("a", fields{"n": 1, "s": "free"})
	p := patchWith(func(p *azcosmos.PatchOperations) {
		p.SetCondition(condition)
		p.AppendSet("/s", "taken")
	})
	return after(x.items.PatchItem(x.ctx, x.key(), "a", p, nil))
}

// batch runs a batch in the case's partition and says how it ended: success and the status of each operation.
func (x *trial) batch(build func(*azcosmos.TransactionalBatch)) string {
	b := x.items.NewTransactionalBatch(x.key())
	build(&b)
	r, err := x.items.ExecuteTransactionalBatch(x.ctx, b, nil)
	if err != nil {
		return code(err)
	}
	out := fmt.Sprintf("success=%v", r.Success)
	for _, result := range r.OperationResults {
		out += fmt.Sprint(" ", result.StatusCode)
	}
	return out
}

var batchBehaviours = []behaviour{
	{
		name: "every kind of operation", want: "success=true 201 200 200 200 204 200",
		why: "claims and outbox rows are written together",
		got: func(x *trial) string {
			for _, id := range []string{"replaced", "patched", "deleted", "upserted"} {
				x.put(id, fields{"n": 1})
			}
			return x.batch(func(b *azcosmos.TransactionalBatch) {
				b.CreateItem(x.item("created", nil), nil)
				b.ReplaceItem("replaced", x.item("replaced", nil), nil)
				b.UpsertItem(x.item("upserted", nil), nil)
				b.PatchItem("patched", patchWith(func(p *azcosmos.PatchOperations) { p.AppendIncrement("/n", 1) }), nil)
				b.DeleteItem("deleted", nil)
				b.ReadItem("created", nil)
			})
		},
	},
	{
		name: "conflict", want: "success=false 424 409",
		why: "the operation that is not 424 is the cause",
		got: func(x *trial) string {
			x.put("there", nil)
			return x.batch(func(b *azcosmos.TransactionalBatch) {
				b.CreateItem(x.item("new", nil), nil)
				b.CreateItem(x.item("there", nil), nil)
			})
		},
	},
	{
		name: "conflict undoes what came before", want: "404 n=1",
		why: "an outbox row without its claim would be sent twice",
		got: func(x *trial) string {
			x.put("there", fields{"n": 1})
			_ = x.batch(func(b *azcosmos.TransactionalBatch) {
				b.CreateItem(x.item("new", nil), nil)
				b.UpsertItem(x.item("there", fields{"n": 2}), nil)
				b.CreateItem(x.item("there", nil), nil)
			})
			return fmt.Sprintf("%s n=%v", after(x.items.ReadItem(x.ctx, x.key(), "new", nil)), x.read("there")["n"])
		},
	},
	{
		name: "stale etag", want: "success=false 424 412",
		why: "an alert is changed only in the version that was read",
		got: func(x *trial) string {
			etag := x.stale()
			return x.batch(func(b *azcosmos.TransactionalBatch) {
				b.CreateItem(x.item("new", nil), nil)
				b.ReplaceItem("a", x.item("a", nil), batchIfMatch(etag))
			})
		},
	},
	{
		name: "patch condition that does not hold", want: "success=false 424 412",
		why: "a counter is only raised while its window is open",
		got: func(x *trial) string {
			x.put("a", fields{"until": 10})
			return x.batch(func(b *azcosmos.TransactionalBatch) {
				b.CreateItem(x.item("new", nil), nil)
				b.PatchItem("a", patchWith(func(p *azcosmos.PatchOperations) {
					p.SetCondition("from c where c.until > 10")
					p.AppendIncrement("/n", 1)
				}), nil)
			})
		},
	},
	{
		name: "read of a missing item", want: "success=false 404",
		why: "a read can guard a batch",
		got: func(x *trial) string {
			return x.batch(func(b *azcosmos.TransactionalBatch) { b.ReadItem("missing", nil) })
		},
	},
	{
		name: "item of another partition", want: "success=false 400",
		why: "a batch is about one logical partition",
		got: func(x *trial) string {
			return x.batch(func(b *azcosmos.TransactionalBatch) { b.CreateItem(x.json(fields{"id": "a", "pk": "other"}), nil) })
		},
	},
	{
		name: "100 operations, then 101", want: "true 400",
		why: "the limit is 100 (concepts-limits)",
		got: func(x *trial) string {
			do := func(n int) string {
				return x.batch(func(b *azcosmos.TransactionalBatch) {
					for i := range n {
						b.UpsertItem(x.item(fmt.Sprint("i", i), nil), nil)
					}
				})
			}
			return fmt.Sprint(strings.HasPrefix(do(100), "success=true")) + " " + do(101)
		},
	},
	{
		name: "results carry etags and bodies on demand", want: "etag body=true, etag body=false",
		why: "the next condition needs the ETag; bodies cost bandwidth",
		got: func(x *trial) string {
			return x.batchContent(true) + ", " + x.batchContent(false)
		},
	},
}

func batchIfMatch(etag azcore.ETag) *azcosmos.TransactionalBatchItemOptions {
	return &azcosmos.TransactionalBatchItemOptions{IfMatchETag: &etag}
}

func (x *trial) batchContent(on bool) string {
	b := x.items.NewTransactionalBatch(x.key())
	b.UpsertItem(x.item("a", nil), nil)
	r, err := x.items.ExecuteTransactionalBatch(x.ctx, b, &azcosmos.TransactionalBatchOptions{EnableContentResponseOnWrite: on})
	if err != nil {
		return code(err)
	}
	out := ""
	if r.OperationResults[0].ETag != "" {
		out = "etag "
	}
	return fmt.Sprintf("%sbody=%v", out, len(r.OperationResults[0].ResourceBody) > 0)
}
