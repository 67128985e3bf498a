package cosmostest

import (
	"fmt"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

// racers is how many goroutines meet on one item.
const racers = 64

// race runs f in 64 goroutines at once and counts outcomes: "409:63 ok:1".
func race(f func(i int) string) string {
	var wg sync.WaitGroup
	start := make(chan struct{})
	outcomes := make([]string, racers)
	for i := range racers {
		wg.Go(func() {
			<-start
			outcomes[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return tally(outcomes)
}

func tally(outcomes []string) string {
	count := map[string]int{}
	for _, o := range outcomes {
		count[o]++
	}
	var out []string
	for o, n := range count {
		out = append(out, fmt.Sprintf("%s:%d", o, n))
	}
	sort.Strings(out)
	return strings.Join(out, " ")
}

// retried repeats what the service may ask to repeat: 449 when writers meet, 429 when there are many.
func retried(f func() string) string {
	for {
		if out := f(); out != "449" && out != "429" {
			return out
		}
	}
}

var raceBehaviours = []behaviour{
	{
		name: "64 create the same id", want: "409:63 ok:1",
		why: "64 copies of one event make one alert",
		got: func(x *trial) string {
			return race(func(int) string {
				return retried(func() string { return after(x.items.CreateItem(x.ctx, x.key(), x.item("a", nil), nil)) })
			})
		},
	},
	{
		name: "64 replace the same version", want: "412:63 ok:1",
		why: "nobody's change may be lost unseen",
		got: func(x *trial) string {
			etag := x.put("a", nil).ETag
			return race(func(i int) string {
				return retried(func() string {
					return after(x.items.ReplaceItem(x.ctx, x.key(), "a", x.item("a", fields{"n": i}), ifMatch(etag)))
				})
			})
		},
	},
	{
		name: "64 increment", want: "ok:64 n=64",
		why: "patches of one item are applied one after the other",
		got: func(x *trial) string {
			x.put("a", fields{"n": 0})
			p := patchWith(func(p *azcosmos.PatchOperations) { p.AppendIncrement("/n", 1) })
			out := race(func(int) string {
				return retried(func() string { return after(x.items.PatchItem(x.ctx, x.key(), "a", p, nil)) })
			})
			return fmt.Sprintf("%s n=%v", out, x.read("a")["n"])
		},
	},
	{
		name: "64 take a lease by conditional patch", want: "412:63 ok:1",
		why: "one worker delivers",
		got: func(x *trial) string {
			x.put("a", fields{"until": 0})
			return race(func(i int) string {
				p := patchWith(func(p *azcosmos.PatchOperations) {
					p.SetCondition("from c where c.until <= 5")
					p.AppendSet("/until", 10)
					p.AppendSet("/owner", i)
				})
				return retried(func() string { return after(x.items.PatchItem(x.ctx, x.key(), "a", p, nil)) })
			})
		},
	},
	{
		name: "64 claim by batch", want: "success=false 409 424:63 success=true 201 201:1 rows=1",
		why: "the claim and its outbox row appear together, once",
		got: func(x *trial) string {
			out := race(func(i int) string {
				return retried(func() string {
					return x.batch(func(b *azcosmos.TransactionalBatch) {
						b.CreateItem(x.item("claim", nil), nil)
						b.CreateItem(x.item(fmt.Sprint("outbox-", i), nil), nil)
					})
				})
			})
			rows, _, err := x.collect(x.pk, "SELECT c.id FROM c WHERE STARTSWITH(c.id, 'outbox-')", nil)
			if err != nil {
				return code(err)
			}
			return fmt.Sprintf("%s rows=%d", out, len(rows))
		},
	},
	{
		name: "64 upsert the same id", want: "ok:64",
		why: "rollups may be written twice at once",
		got: func(x *trial) string {
			return race(func(i int) string {
				return retried(func() string {
					return after(x.items.UpsertItem(x.ctx, x.key(), x.item("a", fields{"n": i}), nil))
				})
			})
		},
	},
	{
		name: "a reader never misses an item being upserted", want: "ok:64 misses=0",
		why: "an upsert is not a delete and a create",
		got: func(x *trial) string {
			x.put("a", nil)
			var misses atomic.Int64
			out := race(func(i int) string {
				if i%2 == 0 {
					return after(x.items.UpsertItem(x.ctx, x.key(), x.item("a", fields{"n": i}), nil))
				}
				for range 10 {
					if _, err := x.items.ReadItem(x.ctx, x.key(), "a", nil); err != nil {
						misses.Add(1)
					}
				}
				return "ok"
			})
			return fmt.Sprintf("%s misses=%d", out, misses.Load())
		},
	},
}
