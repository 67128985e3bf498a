package payload

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Parked is the item for what is no event. Known signals of Azure's are only counted; of what was unreadable the
// beginning is kept, so that a person can see what it was.
func (r *Reading) Parked(function string, now time.Time) activity.Parked {
	sum := sha256.Sum256(r.Raw)
	p := activity.Parked{
		ID: hex.EncodeToString(sum[:16]), Signal: r.Signal, Function: function, Reason: r.Reason, At: now.UTC(), Size: len(r.Raw),
	}
	if r.Kind == Invalid {
		p.Signal, p.Excerpt = "invalid", activity.Excerpt(r.Raw)
	}
	return p
}
