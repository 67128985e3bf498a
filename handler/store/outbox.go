package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/auditbell/auditbell/handler/outbox"
)

// What destinations are owed and how they are, in the container of rollups:
//
//	destination-<name>            health   the state that all instances share
//	destination-<name>-grave      <alert>  an alert of high or critical severity that waits for the destination
//	destination-<name>-other      <alert>  any other one
//
// What waits has no time to live. An alert's own item says what it owes; these items only find it, so a run reads as many
// as it can deliver, however many there are. They are written before the alert is marked as waiting and ended after it
// is not, so one that is left over by a crash is found and ended by the next run.
type (
	healthItem struct {
		ID   string `json:"id"`
		PK   string `json:"pk"`
		Kind string `json:"kind"` // "destination"
		outbox.Health
	}
	waitingItem struct {
		ID          string `json:"id"`
		PK          string `json:"pk"`
		Kind        string `json:"kind"` // "waiting", or "waited"
		Destination string `json:"destination"`
		TTL         int    `json:"ttl,omitempty"` // of a note that has ended
		outbox.Waiting
	}
)

// destinationPK is a partition of a destination. Names may be mail addresses; ids and keys are [a-z0-9-] only.
func destinationPK(name string) string {
	if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		sum := sha256.Sum256([]byte(name))
		name = hex.EncodeToString(sum[:12])
	}
	return "destination-" + name
}

func waitingPK(name string, grave bool) string {
	if grave {
		return destinationPK(name) + "-grave"
	}
	return destinationPK(name) + "-other"
}

const healthID = "health"

// Health reads the state of a destination; the zero state, but for its name, when nothing was ever noted.
func (s *Store) Health(ctx context.Context, name string) (outbox.Health, float64, error) {
	item, at, err := s.health(ctx, name)
	return item.Health, at.ru, err
}

func (s *Store) health(ctx context.Context, name string) (item healthItem, at version, err error) {
	at, err = s.read(ctx, itemRef{containerRollups, destinationPK(name), healthID}, &item)
	if errors.Is(err, errNotFound) {
		return healthItem{Health: outbox.Health{Name: name}}, at, nil
	}
	if err != nil {
		return item, at, fmt.Errorf("read destination: %w", err)
	}
	return item, at, nil
}

// ChangeHealth applies a change to the state of a destination as it is now, and returns the state after it. change says
// whether there is anything to write and may run more than once.
func (s *Store) ChangeHealth(ctx context.Context, name string, change func(*outbox.Health) bool) (h outbox.Health, ru float64, err error) {
	ref := itemRef{containerRollups, destinationPK(name), healthID}
	err = s.repeat(ctx, "change destination", overtaken, func(int) error {
		item, at, err := s.health(ctx, name)
		ru += at.ru
		if err != nil {
			return err
		}
		write := change(&item.Health)
		h = item.Health
		if !write {
			return nil
		}
		item.ID, item.PK, item.Kind, item.Name = ref.id, ref.pk, "destination", name
		kept, err := s.write(ctx, ref, item, at.etag)
		ru += kept.ru
		return err
	})
	return h, ru, err
}

// Healths lists the states of all destinations that were ever noted, those included that are in no settings any more.
func (s *Store) Healths(ctx context.Context) ([]outbox.Health, error) {
	return query[outbox.Health](ctx, s, crossQuery{container: containerRollups, text: `SELECT * FROM c WHERE c.kind = 'destination'`})
}

// PutWaiting notes that an alert waits for a destination; noting it twice is noting it once.
func (s *Store) PutWaiting(ctx context.Context, name string, w outbox.Waiting) (ru float64, err error) {
	item := waitingItem{ID: w.Alert, PK: waitingPK(name, w.Grave()), Kind: "waiting", Destination: name, Waiting: w}
	return s.upsert(ctx, item.PK, item)
}

// WaitingFor lists alerts that wait for a destination, those of one kind, at most limit. It costs what limit items cost.
func (s *Store) WaitingFor(ctx context.Context, name string, grave bool, limit int) ([]outbox.Waiting, error) {
	type versioned struct {
		outbox.Waiting
		ETag string `json:"_etag"`
	}
	q := partQuery{container: containerRollups, pk: waitingPK(name, grave), text: fmt.Sprintf(`SELECT TOP %d * FROM c WHERE c.kind = 'waiting'`, limit)}
	found, err := everyOne[versioned](s.within(ctx, q))
	waiting := make([]outbox.Waiting, len(found))
	for i, one := range found {
		waiting[i] = one.Waiting
		waiting[i].Version = one.ETag
	}
	return waiting, err
}

// CountWaiting counts the alerts that wait for a destination.
func (s *Store) CountWaiting(ctx context.Context, name string) (n int, err error) {
	for _, grave := range []bool{true, false} {
		counts, err := everyOne[int](s.within(ctx, partQuery{container: containerRollups, pk: waitingPK(name, grave), text: `SELECT VALUE COUNT(1) FROM c WHERE c.kind = 'waiting'`}))
		if err != nil {
			return n, err
		}
		for _, count := range counts {
			n += count
		}
	}
	return n, nil
}

// everyOne reads all results.
func everyOne[T any](results iter.Seq2[[]byte, error]) ([]T, error) {
	var out []T
	for raw, err := range results {
		var item T
		if err == nil {
			err = json.Unmarshal(raw, &item)
		}
		if err != nil {
			return out, fmt.Errorf("list what waits: %w", err)
		}
		out = append(out, item)
	}
	return out, nil
}

// EndWaiting ends a note as it was listed. One that was written again since stays: the alert waits again. The app may not
// delete anything (infra/identity.tf), so the note gets a time to live.
func (s *Store) EndWaiting(ctx context.Context, name string, w outbox.Waiting) (ru float64, err error) {
	ref := itemRef{containerRollups, waitingPK(name, w.Grave()), w.Alert}
	ended := waitingItem{ID: ref.id, PK: ref.pk, Kind: "waited", Destination: name, TTL: seconds(time.Minute), Waiting: w}
	kept, err := s.write(ctx, ref, ended, azcore.ETag(w.Version))
	if kind := classify(err); errors.Is(kind, errNotFound) || errors.Is(kind, errConflict) {
		return kept.ru, nil
	}
	return kept.ru, err
}
