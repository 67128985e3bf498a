package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

// stagedItem counts what a rule that does not ring yet matched on one day, in the container of rollups:
//
//	pk staged-<yyyymm>   <rule>-<yyyymmdd>
type stagedItem struct {
	ID      string    `json:"id"`
	PK      string    `json:"pk"`
	Kind    string    `json:"kind"` // "staged"
	At      time.Time `json:"at"`   // when it was first counted
	Rule    string    `json:"rule"`
	Day     string    `json:"day"` // 2026-11-22
	Matches int       `json:"matches"`
	TTL     int       `json:"ttl"`
}

// StagedCount is what a rule that does not ring yet matched on one day.
type StagedCount struct {
	Rule    string `json:"rule"`
	Day     string `json:"day"` // 2026-11-22, UTC
	Matches int    `json:"matches"`
}

// CountStaged adds n matches of a rule to the count of a day. It is a patch, about 10 RU however often it is called,
// and an estimate: a write whose reply was lost is not made again, because nobody could tell whether it counted.
func (s *Store) CountStaged(ctx context.Context, rule string, day time.Time, n int) (ru float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	item := stagedItem{
		ID: rule + "-" + day.UTC().Format("20060102"), PK: "staged-" + day.UTC().Format("200601"), Kind: "staged", At: s.now().UTC(),
		Rule: rule, Day: day.UTC().Format(time.DateOnly), Matches: n, TTL: seconds(keepAlerts),
	}
	for round := range attempts {
		charge, err := s.addStaged(ctx, item)
		ru += charge
		switch kind := classify(err); {
		case errors.Is(kind, errRetry):
		case errors.Is(kind, errNotFound):
			charge, err = s.insert(ctx, item.PK, item)
			ru += charge
			if !errors.Is(err, errExists) {
				return ru, err
			}
			if errors.Is(err, errAmbiguous) {
				return ru, nil // the reply was lost: the item that is there is ours
			}
		default:
			return ru, err
		}
		if err := s.pause(ctx, firstBackoff<<round); err != nil {
			return ru, err
		}
	}
	return ru, fmt.Errorf("count staged matches of %s: no answer in %d attempts", rule, attempts)
}

// addStaged adds to the count that is there.
func (s *Store) addStaged(ctx context.Context, item stagedItem) (ru float64, err error) {
	var add azcosmos.PatchOperations
	add.AppendIncrement("/matches", int64(item.Matches))
	charge, err := s.attempt(ctx, containerRollups, func(ctx context.Context, c *azcosmos.ContainerClient) (float32, error) {
		r, err := c.PatchItem(ctx, azcosmos.NewPartitionKeyString(item.PK), item.ID, add, nil)
		return r.RequestCharge, err
	})
	return float64(charge), err
}

// Staged lists what rules that do not ring yet matched, in the order of rule and day, from the day of since on.
func (s *Store) Staged(ctx context.Context, since time.Time) ([]StagedCount, error) {
	const text = `SELECT c.rule, c.day, c.matches FROM c WHERE c.kind = 'staged' AND c.day >= @since`
	counts, err := query[StagedCount](ctx, s, crossQuery{
		container: containerRollups, text: text,
		params: []azcosmos.QueryParameter{{Name: "@since", Value: since.UTC().Format(time.DateOnly)}},
	})
	if err != nil {
		return nil, fmt.Errorf("read staged counts: %w", err)
	}
	slices.SortFunc(counts, func(a, b StagedCount) int {
		return cmp.Or(strings.Compare(a.Rule, b.Rule), strings.Compare(a.Day, b.Day))
	})
	return counts, nil
}
