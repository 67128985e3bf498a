package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/turns"
)

// Rollup is what was made of one closed hour's events, so that a digest need not read them again. What it says is the
// business of whoever made it; the store knows when it has to be made anew.
type Rollup struct {
	Hour   time.Time // its beginning, UTC
	Events int       // the stored events that it was made of; when there are more now, some came late
	Made   time.Time // when making it began: events that were stored since may not be in it
	Body   []byte
	Sums   string // a line for each of the events, which Sums reads again for some days; "": none
	// RuleSets are the hashes of the rules that were in force when it was made: of several, when it was made again by others.
	RuleSets []string

	sums []string // ids of the items of Sums
}

// Items of a rollup, in the container of rollups, by the day of its hour:
//
//	pk rollup-<yyyymmdd>   hour-<hh>               the newest rollup of that hour
//	                       part-<hh>-<hash>-<n>    what did not fit into it
//	                       sums-<hh>-<hash>-<n>    its Sums
//
// The parts of a newer rollup have other ids, so a reader never meets a mixture: what the newest one names is whole.
type rollupItem struct {
	ID     string    `json:"id"`
	PK     string    `json:"pk"`
	Kind   string    `json:"kind"` // "rollup", "part" or "sums"
	At     time.Time `json:"at"`   // the hour
	Made   time.Time `json:"made"`
	Events int       `json:"events"`
	Parts  []string  `json:"parts,omitempty"` // ids of what follows Body
	Sums   []string  `json:"sums,omitempty"`  // ids of the items of Sums
	Body   []byte    `json:"body"`
	Rules  []string  `json:"rule_sets,omitempty"`
	Text   string    `json:"text,omitempty"` // of "sums"
	TTL    int       `json:"ttl"`
}

// partSize bounds the body of one item: Cosmos takes two megabytes of JSON, and base64 makes four bytes of three.
const partSize = 1 << 20

// hourLayout is how events name their hour.
const hourLayout = "2006-01-02T15"

// SaveRollup keeps r in place of an older one of its hour.
func (s *Store) SaveRollup(ctx context.Context, r Rollup) (ru float64, err error) {
	item := rollupItem{
		ID: "hour-" + r.Hour.UTC().Format("15"), PK: rollupPK(r.Hour), Kind: "rollup", At: r.Hour.UTC(), Made: r.Made.UTC(),
		Events: r.Events, TTL: seconds(keepRollups),
	}
	part := item
	item.Rules = r.RuleSets
	item.Body = r.Body[:min(len(r.Body), partSize)]
	parts := slices.Collect(slices.Chunk(r.Body[len(item.Body):], partSize))
	for n, body := range parts {
		part.ID, part.Kind, part.Body = fmt.Sprintf("part-%s-%s-%d", r.Hour.UTC().Format("15"), short8(r.Body), n+1), "part", body
		item.Parts = append(item.Parts, part.ID)
		charge, err := s.upsert(ctx, part.PK, part)
		if ru += charge; err != nil {
			return ru, fmt.Errorf("save rollup: %w", err)
		}
	}
	var charge float64
	item.Sums, charge, err = s.saveSums(ctx, part, r.Sums)
	if ru += charge; err != nil {
		return ru, fmt.Errorf("save rollup: %w", err)
	}
	charge, err = s.upsert(ctx, item.PK, item)
	if err != nil {
		return ru + charge, fmt.Errorf("save rollup: %w", err)
	}
	return ru + charge, nil
}

// saveSums keeps the sums of a rollup in items like one of its parts, and returns their ids.
func (s *Store) saveSums(ctx context.Context, part rollupItem, sums string) (ids []string, ru float64, err error) {
	hash := short8([]byte(sums))
	part.Kind, part.Body, part.TTL = "sums", nil, seconds(keepSums)
	for text := range slices.Chunk([]byte(sums), partSize) {
		part.ID, part.Text = fmt.Sprintf("sums-%s-%s-%d", part.At.Format("15"), hash, len(ids)+1), string(text)
		charge, err := s.upsert(ctx, part.PK, part)
		if ru += charge; err != nil {
			return nil, ru, err
		}
		ids = append(ids, part.ID)
	}
	return ids, ru, nil
}

// Rollup reads the rollup of an hour; false when there is none.
func (s *Store) Rollup(ctx context.Context, hour time.Time) (r Rollup, ok bool, err error) {
	var item rollupItem
	pk := rollupPK(hour)
	_, err = s.read(ctx, itemRef{containerRollups, pk, "hour-" + hour.UTC().Format("15")}, &item)
	if errors.Is(err, errNotFound) {
		return Rollup{}, false, nil
	}
	if err != nil {
		return Rollup{}, false, fmt.Errorf("read rollup: %w", err)
	}
	r = Rollup{Hour: item.At, Events: item.Events, Made: item.Made, Body: item.Body, RuleSets: item.Rules, sums: item.Sums}
	for _, id := range item.Parts {
		var part rollupItem
		if _, err := s.read(ctx, itemRef{containerRollups, pk, id}, &part); err != nil {
			return Rollup{}, false, fmt.Errorf("read rollup: %w", err)
		}
		r.Body = append(r.Body, part.Body...)
	}
	return r, true, nil
}

// RollupHeads reads the rollups of a UTC day, by their hours, without their bodies.
func (s *Store) RollupHeads(ctx context.Context, day time.Time) (map[time.Time]Rollup, error) {
	const text = `SELECT c.at, c.made, c.events, c.sums, c.rule_sets FROM c WHERE c.kind = 'rollup'`
	all := map[time.Time]Rollup{}
	for raw, err := range s.within(ctx, partQuery{container: containerRollups, pk: rollupPK(day), text: text}) {
		var item rollupItem
		if err == nil {
			err = json.Unmarshal(raw, &item)
		}
		if err != nil {
			return nil, fmt.Errorf("read rollups: %w", err)
		}
		all[item.At.UTC()] = Rollup{Hour: item.At, Events: item.Events, Made: item.Made, RuleSets: item.Rules, sums: item.Sums}
	}
	return all, nil
}

// Sums reads the sums of a rollup that was read; false when it has none, or has them no more.
func (s *Store) Sums(ctx context.Context, r Rollup) (text string, ok bool, err error) {
	var all strings.Builder
	for _, id := range r.sums {
		var part rollupItem
		_, err := s.read(ctx, itemRef{containerRollups, rollupPK(r.Hour), id}, &part)
		if errors.Is(err, errNotFound) {
			return "", false, nil
		}
		if err != nil {
			return "", false, fmt.Errorf("read sums of rollup: %w", err)
		}
		all.WriteString(part.Text)
	}
	return all.String(), len(r.sums) > 0, nil
}

func rollupPK(hour time.Time) string { return "rollup-" + hour.UTC().Format("20060102") }

// keepRollups outlives the events they were made of: a digest of last year can be compared with this year's.
const keepRollups = 400 * 24 * time.Hour

// keepSums outlives the time for which an hour may still be logged.
const keepSums = 10 * 24 * time.Hour

// Hour yields the events of an hour, by the events' own time, in no particular order.
func (s *Store) Hour(ctx context.Context, hour time.Time) iter.Seq2[activity.Event, error] {
	return func(yield func(activity.Event, error) bool) {
		for raw, err := range s.HourRecords(ctx, hour) {
			var e activity.Event
			if err == nil {
				e, err = EventOf(raw)
			}
			if err != nil {
				yield(activity.Event{}, fmt.Errorf("read events of %s: %w", hour.UTC().Format(hourLayout), err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// EventOf is the event of a record that HourRecords yields.
func EventOf(record []byte) (activity.Event, error) {
	var item eventItem
	if err := json.Unmarshal(record, &item); err != nil {
		return activity.Event{}, err
	}
	item.Event.ID = cmp.Or(item.Event.ID, item.Item) // the embedded member of that name is shadowed
	return item.Event, nil
}

// HourRecords yields the records that Hour reads, as JSON, with the members that are the store's own. The bytes are for
// the loop's body only.
func (s *Store) HourRecords(ctx context.Context, hour time.Time) iter.Seq2[[]byte, error] {
	return s.everyShard(ctx, shardQuery{hour: hour.UTC(), text: `SELECT * FROM c WHERE c.hour = @hour`})
}

// CountHour counts the events of an hour.
func (s *Store) CountHour(ctx context.Context, hour time.Time) (n int, err error) {
	return s.count(ctx, shardQuery{hour: hour.UTC(), text: `SELECT VALUE COUNT(1) FROM c WHERE c.hour = @hour`})
}

// CountLate counts the events of an hour that were stored at or after since. Nearly always there are none, and to say so
// costs next to nothing however many the hour has: _ts is always indexed, in whole seconds of the service's clock.
func (s *Store) CountLate(ctx context.Context, hour, since time.Time) (n int, err error) {
	return s.count(ctx, shardQuery{
		hour: hour.UTC(), text: `SELECT VALUE COUNT(1) FROM c WHERE c.hour = @hour AND c._ts >= @since`,
		more: []azcosmos.QueryParameter{{Name: "@since", Value: since.Unix()}},
	})
}

// SilentDay reports whether no event of the UTC day is stored.
func (s *Store) SilentDay(ctx context.Context, day time.Time) (bool, error) {
	day = day.UTC().Truncate(24 * time.Hour)
	for shard := range shards {
		q := shardQuery{
			hour: day, shard: shard, text: `SELECT TOP 1 VALUE c.hour FROM c WHERE c.hour >= @hour AND c.hour <= @last`,
			more: []azcosmos.QueryParameter{{Name: "@last", Value: day.Add(23 * time.Hour).Format(hourLayout)}},
		}
		for _, err := range s.shard(ctx, q) {
			if err != nil {
				return false, fmt.Errorf("look for events of %s: %w", day.Format(time.DateOnly), err)
			}
			return false, nil
		}
	}
	return true, nil
}

// count adds up what the shards of a day count.
func (s *Store) count(ctx context.Context, q shardQuery) (n int, err error) {
	for q.shard = range shards {
		for raw, err := range s.shard(ctx, q) {
			var count int
			if err == nil {
				err = json.Unmarshal(raw, &count)
			}
			if err != nil {
				return 0, fmt.Errorf("count events of %s: %w", q.hour.Format(hourLayout), err)
			}
			n += count
		}
	}
	return n, nil
}

// shardQuery is a query within the partition of one shard of a day: there, and only there, Cosmos' gateway aggregates
// (facts: cosmos §4.4).
type shardQuery struct {
	hour  time.Time
	shard int
	text  string
	more  []azcosmos.QueryParameter // beside @hour
}

// shard yields the results of a query in its partition.
func (s *Store) shard(ctx context.Context, q shardQuery) iter.Seq2[[]byte, error] {
	return s.within(ctx, q.part())
}

func (q shardQuery) part() partQuery {
	return partQuery{
		container: containerEvents, pk: fmt.Sprintf("%s-%02d", q.hour.Format("20060102"), q.shard), text: q.text,
		params: append([]azcosmos.QueryParameter{{Name: "@hour", Value: q.hour.Format(hourLayout)}}, q.more...),
	}
}

// shardsAtOnce bounds the shards of a day that are asked before their turn, with a page of each in memory.
const shardsAtOnce = 8

// answer is a page of a shard's results, or why there is none.
type answer struct {
	page [][]byte
	err  error
}

// everyShard yields the results of a query in every shard of its day, in the order of the shards. An hour takes two round trips
// then and not sixteen.
func (s *Store) everyShard(ctx context.Context, q shardQuery) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		var answers [shards]chan answer
		ask := func(shard int) {
			q := q
			q.shard, answers[shard] = shard, make(chan answer)
			turns.Go(ctx, func(ctx context.Context) { s.send(ctx, q, answers[shard]) })
		}
		defer func() {
			stop()
			for _, left := range answers {
				drain(ctx, left)
			}
		}()
		for shard := range shardsAtOnce {
			ask(shard)
		}
		for shard := range shards {
			for a := range answers[shard] {
				turns.Waited(ctx)
				if a.err != nil {
					yield(nil, a.err)
					return
				}
				for _, raw := range a.page {
					if !yield(raw, nil) {
						return
					}
				}
			}
			if next := shard + shardsAtOnce; next < shards {
				ask(next)
			}
		}
	}
}

// send sends the pages of a shard's results until ctx ends.
func (s *Store) send(ctx context.Context, q shardQuery, to chan<- answer) {
	defer close(to)
	for page, err := range s.pages(ctx, q.part()) {
		select {
		case to <- answer{page, err}:
			turns.Waited(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// drain waits until nothing is sent any more.
func drain(ctx context.Context, from <-chan answer) {
	if from == nil {
		return
	}
	for range from {
	}
	turns.Waited(ctx)
}

// partQuery is a query within one partition.
type partQuery struct {
	container, pk, text string
	params              []azcosmos.QueryParameter
}

// within yields the results of a query.
func (s *Store) within(ctx context.Context, q partQuery) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for page, err := range s.pages(ctx, q) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, raw := range page {
				if !yield(raw, nil) {
					return
				}
			}
		}
	}
}

// pages yields the pages of a query's results; an empty one may carry a continuation. An error is the last.
func (s *Store) pages(ctx context.Context, q partQuery) iter.Seq2[[][]byte, error] {
	pk, options := azcosmos.NewPartitionKeyString(q.pk), azcosmos.QueryOptions{QueryParameters: q.params}
	return func(yield func([][]byte, error) bool) {
		for {
			var page azcosmos.QueryItemsResponse
			_, err := s.do(ctx, q.container, func(ctx context.Context, c *azcosmos.ContainerClient) (float32, error) {
				one := options
				var err error
				page, err = c.NewQueryItemsPager(q.text, pk, &one).NextPage(ctx)
				return page.RequestCharge, err
			})
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(page.Items, nil) {
				return
			}
			if options.ContinuationToken = page.ContinuationToken; options.ContinuationToken == nil || *options.ContinuationToken == "" {
				return
			}
		}
	}
}
