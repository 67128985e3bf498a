package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// writtenItem is what a resource was when it was written last, in a partition of its own in the container of rollups.
type writtenItem struct {
	ID     string              `json:"id"`
	PK     string              `json:"pk"`
	Kind   string              `json:"kind"` // "written"
	At     time.Time           `json:"at"`
	Bodies activity.Properties `json:"bodies"`
	TTL    int                 `json:"ttl"`
}

// keepWritten is how many bytes of the bodies are kept: what a role assignment or a rule is fits in many times.
const keepWritten = 4 << 10

const writtenID = "written"

func writtenPK(resource string) string {
	sum := sha256.Sum256([]byte(activity.Lower(resource)))
	return "written-" + hex.EncodeToString(sum[:12])
}

// NoteWritten keeps the bodies of a write, in the place of an earlier one of its resource: about 6 RU.
func (s *Store) NoteWritten(ctx context.Context, e activity.Event) (ru float64, err error) {
	bodies := e.Properties.Only("requestbody", "responsebody").Within(keepWritten)
	item := writtenItem{ID: writtenID, PK: writtenPK(e.ResourceID), Kind: "written", At: e.Time.Time, Bodies: bodies, TTL: seconds(keepAlerts)}
	return s.upsert(ctx, item.PK, item)
}

// Written returns the bodies of the last write of a resource, and when it was; none: it is not known. A read costs 1 RU.
func (s *Store) Written(ctx context.Context, resource string) (bodies activity.Properties, at time.Time, ru float64, err error) {
	var item writtenItem
	seen, err := s.read(ctx, itemRef{containerRollups, writtenPK(resource), writtenID}, &item)
	if errors.Is(err, errNotFound) {
		return nil, time.Time{}, seen.ru, nil
	}
	return item.Bodies, item.At, seen.ru, err
}
