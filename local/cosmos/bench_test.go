package cosmos_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/infra"
	"github.com/auditbell/auditbell/local/cosmos"
)

// events is the container "events" of the project's own layout on a fresh server.
func events(b *testing.B, o cosmos.Options) *azcosmos.ContainerClient {
	b.Helper()
	layout, err := infra.ReadCosmos()
	if err != nil {
		b.Fatal(err)
	}
	s := open(b, o)
	if err := s.Provision(context.Background(), layout); err != nil {
		b.Fatal(err)
	}
	c, err := client(b, "http://cosmos.local/", accountKey, s).NewContainer(layout.Database, "events")
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// event is an item of about 1 KB.
func event(n int64) (azcosmos.PartitionKey, string, []byte) {
	pk, id := fmt.Sprintf("20261122-%02d", n%16), fmt.Sprintf("ev-%010d", n)
	doc := fmt.Sprintf(`{"id":%q,"pk":%q,"hour":"2026112210","category":"Administrative","outcome":"succeeded","n":%d,`+
		`"caller":"someone@example.com","operation":"microsoft.authorization/roleassignments/write","text":%q}`,
		id, pk, n, strings.Repeat("lorem ipsum ", 65))
	return azcosmos.NewPartitionKeyString(pk), id, []byte(doc)
}

func BenchmarkCreate(b *testing.B) {
	for _, where := range []string{"memory", "file"} {
		for _, clients := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/clients=%d", where, clients), func(b *testing.B) {
				c := events(b, optionsFor(b, where))
				var n atomic.Int64
				perSecond(b, clients, func() error {
					pk, _, doc := event(n.Add(1))
					_, err := c.CreateItem(b.Context(), pk, doc, nil)
					return err
				})
			})
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for _, where := range []string{"memory", "file"} {
		for _, clients := range []int{1, 32} {
			b.Run(fmt.Sprintf("%s/clients=%d", where, clients), func(b *testing.B) {
				c := events(b, optionsFor(b, where))
				fill(b, c, 1000)
				var n atomic.Int64
				perSecond(b, clients, func() error {
					pk, id, _ := event(1 + n.Add(1)%1000)
					_, err := c.ReadItem(b.Context(), pk, id, nil)
					return err
				})
			})
		}
	}
}

func BenchmarkPatch(b *testing.B) {
	for _, clients := range []int{1, 32} {
		b.Run(fmt.Sprintf("memory/clients=%d", clients), func(b *testing.B) {
			c := events(b, cosmos.Options{})
			fill(b, c, 1000)
			var p azcosmos.PatchOperations
			p.AppendIncrement("/n", 1)
			var n atomic.Int64
			perSecond(b, clients, func() error {
				pk, id, _ := event(1 + n.Add(1)%1000)
				_, err := c.PatchItem(b.Context(), pk, id, p, nil)
				return err
			})
		})
	}
}

// BenchmarkGroupBy counts the 1,000 events of one partition, as a rollup does.
func BenchmarkGroupBy(b *testing.B) {
	c := events(b, cosmos.Options{})
	fill(b, c, 16000)
	const sql = "SELECT c.category, c.outcome, COUNT(1) AS n FROM c WHERE c.hour = '2026112210' GROUP BY c.category, c.outcome"
	perSecond(b, 1, func() error {
		_, err := c.NewQueryItemsPager(sql, azcosmos.NewPartitionKeyString("20261122-03"), nil).NextPage(b.Context())
		return err
	})
}

// BenchmarkSweep looks for a few items in all partitions, as the deliver timer does, among 16,000.
func BenchmarkSweep(b *testing.B) {
	c := events(b, cosmos.Options{})
	fill(b, c, 16000)
	const sql = "SELECT c.id, c.pk FROM c WHERE c.outcome = 'failed' AND c.n < 100"
	perSecond(b, 1, func() error {
		pager := c.NewQueryItemsPager(sql, azcosmos.NewPartitionKey(), &azcosmos.QueryOptions{
			EnableCrossPartitionQuery: to.Ptr(true),
		})
		_, err := pager.NextPage(b.Context())
		return err
	})
}

func optionsFor(b *testing.B, where string) cosmos.Options {
	if where == "file" {
		return cosmos.Options{Dir: b.TempDir()}
	}
	return cosmos.Options{}
}

func fill(b *testing.B, c *azcosmos.ContainerClient, count int64) {
	b.Helper()
	for n := range count {
		pk, _, doc := event(n + 1)
		if _, err := c.UpsertItem(b.Context(), pk, doc, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// perSecond runs f from a number of goroutines and reports the rate.
func perSecond(b *testing.B, clients int, f func() error) {
	b.Helper()
	b.ReportAllocs()
	b.SetParallelism(max(1, clients/runtime.GOMAXPROCS(0)))
	b.ResetTimer()
	if clients == 1 {
		for b.Loop() {
			try(b, f)
		}
	} else {
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				try(b, f)
			}
		})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

func try(b *testing.B, f func() error) {
	if err := f(); err != nil {
		b.Error(err)
	}
}
