package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
)

// shards spreads a day over logical partitions: 50 M events a month stay near 100 MB in each (facts: cosmos §4.4).
const shards = 16

// eventItem is an event as it is stored: the event itself and what it is found by.
type eventItem struct {
	Item string `json:"id"` // the event's id, shadowing the embedded one with the same value
	PK   string `json:"pk"` // yyyymmdd-NN of the event's own time, so that a redelivery meets itself
	Hour string `json:"hour"`
	TTL  int    `json:"ttl"`
	By   string `json:"by"` // who wrote it, to recognise our own unanswered write
	// Actor is alert.ActorOf; by it an actor's other doings are found.
	Actor string `json:"actor,omitempty"`
	activity.Event
}

// Append records the event once; first says that it was not there before. by names the caller's attempt, unique for each
// invocation. What is there of the same id, and is another record, is alert.ErrAnother.
func (s *Store) Append(ctx context.Context, e activity.Event, by string) (first bool, ru float64, err error) {
	item := eventItem{Item: e.ID, PK: eventPK(e), Hour: hourOf(e), TTL: seconds(keepEvents), By: by, Actor: alert.ActorOf(e), Event: e}
	body, err := json.Marshal(item)
	if err != nil {
		return false, 0, fmt.Errorf("write event: %w", err)
	}
	ru, err = s.do(ctx, containerEvents, func(ctx context.Context, c *azcosmos.ContainerClient) (float32, error) {
		r, err := c.CreateItem(ctx, azcosmos.NewPartitionKeyString(item.PK), body, nil)
		return r.RequestCharge, err
	})
	if err == nil {
		return true, ru, nil
	}
	if !errors.Is(err, errExists) {
		return false, ru, fmt.Errorf("record event: %w", err)
	}
	ambiguous := errors.Is(err, errAmbiguous)
	var have eventItem
	at, err := s.read(ctx, itemRef{containerEvents, item.PK, item.Item}, &have)
	if err == nil && !alert.SameRecord(&have.Event, &e) {
		err = fmt.Errorf("record event %s: %w", e.ID, alert.ErrAnother)
	}
	return err == nil && ambiguous && have.By == by, ru + at.ru, err
}

// hourOf names the hour by which an event is found again, to be counted and listed. Our own test has none: it is
// recorded like every event, and it is nobody's activity.
func hourOf(e activity.Event) string {
	if e.Form == activity.FormCanary {
		return string(activity.FormCanary)
	}
	return e.Time.UTC().Format(hourLayout)
}

// eventPK is the day of the event's own time and a shard from its id. Events without a time share the day 00000000:
// the day we received them would put a redelivery elsewhere.
func eventPK(e activity.Event) string {
	day := "00000000"
	if !e.Time.IsZero() {
		day = e.Time.UTC().Format("20060102")
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.ToLower(e.ID))) // hash.Hash never fails
	return fmt.Sprintf("%s-%02d", day, h.Sum32()%shards)
}
