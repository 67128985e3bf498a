package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/handler/alert"
)

// DigestState is how far one digest of one period has come. It is what makes a digest that is due be sent once, by one
// instance, however often the timer ticks and whatever dies in between.
type DigestState struct {
	Name     string      `json:"name"`
	Period   string      `json:"period"` // key of the period: 2026-10, 2026-10-19, 2026-W43
	Lease    alert.Lease `json:"lease,omitzero"`
	Attempts int         `json:"attempts,omitempty"` // that failed for certain
	Reason   string      `json:"reason,omitempty"`   // why the last one failed
	Reported time.Time   `json:"reported,omitzero"`  // an alert was raised that it cannot be sent
	Archived time.Time   `json:"archived,omitzero"`  // the bundle is in the archive
	// Told is who has it already, the mail or a destination, and since when.
	Told     map[string]time.Time `json:"told,omitempty"`
	Sent     time.Time            `json:"sent,omitzero"` // everybody was told: nothing is left to do
	Manifest string               `json:"manifest_sha256,omitempty"`
	// Made is the time that the report states as its own: a retry makes the same bytes.
	Made time.Time `json:"made,omitzero"`
	// LogSize is how many entries the transparency log had then.
	LogSize uint64 `json:"log_size,omitempty"`
	// Names are those of ids that the report shows: a retry asks Azure no more, and shows the same.
	Names map[string]string `json:"names,omitempty"`
	// Summary is what the next digest compares itself with, as its report's JSON has it.
	Summary json.RawMessage `json:"summary,omitempty"`
	// Silences and Unsent count, by recipient, sendings that were written whole and not answered, and sendings that the service
	// accepted and then could not send.
	Silences map[string]int `json:"silences,omitempty"`
	Unsent   map[string]int `json:"unsent,omitempty"`

	etag azcore.ETag
}

// Has reports whether a recipient has the digest.
func (d *DigestState) Has(who string) bool { return !d.Told[who].IsZero() }

// Note notes that a recipient has the digest.
func (d *DigestState) Note(who string, now time.Time) {
	if d.Told == nil {
		d.Told = map[string]time.Time{}
	}
	d.Told[who] = now.UTC()
}

// Silent notes that a recipient was sent the digest whole and did not answer, and returns how often that was so.
func (d *DigestState) Silent(who string) int {
	if d.Silences == nil {
		d.Silences = map[string]int{}
	}
	d.Silences[who]++
	return d.Silences[who]
}

// Lost notes that a service accepted the digest for a recipient and could not send it.
func (d *DigestState) Lost(who string) {
	if d.Unsent == nil {
		d.Unsent = map[string]int{}
	}
	d.Unsent[who]++
}

type digestItem struct {
	ID   string    `json:"id"` // the period
	PK   string    `json:"pk"` // digest-<name>
	Kind string    `json:"kind"`
	At   time.Time `json:"at"` // last change
	TTL  int       `json:"ttl"`
	DigestState
}

// ClaimDigest takes the lease of a digest; ok is false when it is sent already or another instance works on it.
func (s *Store) ClaimDigest(ctx context.Context, name, period string, lease alert.Lease) (d DigestState, ok bool, err error) {
	err = s.repeat(ctx, "claim digest", lost, func(int) error {
		d, err = s.DigestState(ctx, name, period)
		if ok = err == nil && d.Sent.IsZero() && d.Lease.Free(lease.Owner, s.now()); !ok {
			return err
		}
		d.Lease = lease
		d, err = s.putDigest(ctx, d)
		return err
	})
	return d, ok && err == nil, err
}

// SettleDigest writes how far d has come. It fails with ErrLeaseLost when another instance took d on meanwhile.
func (s *Store) SettleDigest(ctx context.Context, d DigestState) (DigestState, error) {
	written, err := s.putDigest(ctx, d)
	if err == nil || !lost(err) {
		return written, err
	}
	have, readErr := s.DigestState(ctx, d.Name, d.Period)
	if readErr != nil {
		return d, readErr
	}
	if have.Lease.Owner != d.Lease.Owner {
		return have, fmt.Errorf("settle digest: %w", ErrLeaseLost)
	}
	d.etag = have.etag // our own write, whose reply was lost, or none
	return s.putDigest(ctx, d)
}

// ErrLeaseLost reports that another instance works on something by now.
var ErrLeaseLost = errors.New("another instance has the lease")

// DigestState reads how far a digest has come; the zero state, but for its name, when it was never begun.
func (s *Store) DigestState(ctx context.Context, name, period string) (DigestState, error) {
	var item digestItem
	at, err := s.read(ctx, itemRef{containerRollups, "digest-" + name, period}, &item)
	if errors.Is(err, errNotFound) {
		return DigestState{Name: name, Period: period}, nil
	}
	if err != nil {
		return DigestState{}, fmt.Errorf("read digest state: %w", err)
	}
	item.DigestState.etag = at.etag
	return item.DigestState, nil
}

func (s *Store) putDigest(ctx context.Context, d DigestState) (DigestState, error) {
	item := digestItem{ID: d.Period, PK: "digest-" + d.Name, Kind: "digest", At: s.now().UTC(), TTL: seconds(keepRollups), DigestState: d}
	kept, err := s.write(ctx, itemRef{containerRollups, item.PK, item.ID}, item, d.etag)
	if err == nil {
		d.etag = kept.etag
	}
	return d, err
}

// AlertsOpened lists the alerts that were opened in [from, to), with what a digest tells of them.
func (s *Store) AlertsOpened(ctx context.Context, from, to time.Time) ([]alert.Alert, error) {
	const text = `SELECT c.alert_id, c.group_key, c.rule, c.also, c.opened, c.event, c.first, c.last, c.count, c.records, c.operations, c.deliveries, c.acts, c.learned ` +
		`FROM c WHERE c.kind = 'alert' AND c.opened >= @from AND c.opened < @to`
	// Times are compared as texts, and a fraction of a second sorts before the Z that stands in its place without one:
	// without a zone the bound sorts before both.
	bound := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05") }
	return query[alert.Alert](ctx, s, crossQuery{containerAlerts, text, -1, []azcosmos.QueryParameter{{Name: "@from", Value: bound(from)}, {Name: "@to", Value: bound(to)}}})
}

// UsesBetween sums up what exceptions silenced on days from one to the other, the latter not included, by exception.
func (s *Store) UsesBetween(ctx context.Context, from, to time.Time) (map[string]int, error) {
	const text = `SELECT c.exception, c.uses, c.day FROM c WHERE c.kind = 'excepted' AND c.day >= @from AND c.day < @to`
	days, err := query[useItem](ctx, s, crossQuery{containerRollups, text, -1, []azcosmos.QueryParameter{
		{Name: "@from", Value: from.UTC().Format(time.DateOnly)}, {Name: "@to", Value: to.UTC().Format(time.DateOnly)},
	}})
	if err != nil {
		return nil, fmt.Errorf("read uses of exceptions: %w", err)
	}
	uses := map[string]int{}
	for _, d := range days {
		uses[d.For] += d.Uses
	}
	return uses, nil
}

// upsert writes an item in the container of rollups, whatever is there.
func (s *Store) upsert(ctx context.Context, pk string, item any) (ru float64, err error) {
	body, err := json.Marshal(item)
	if err != nil {
		return 0, err
	}
	return s.do(ctx, containerRollups, func(ctx context.Context, c *azcosmos.ContainerClient) (float32, error) {
		r, err := c.UpsertItem(ctx, azcosmos.NewPartitionKeyString(pk), body, nil)
		return r.RequestCharge, err
	})
}

// short8 names content in eight characters.
func short8(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:4])
}
