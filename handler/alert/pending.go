package alert

import (
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Pending is an act that no alert keeps, and that might have to become one: what it was about stands in no record, and
// Azure has not answered yet. It is judged again until there is an answer; after PendingFor without one.
type Pending struct {
	Event    activity.Event `json:"event"`
	Function string         `json:"function,omitempty"` // through which it came
	Since    time.Time      `json:"since"`
}

// PendingFor is how long Azure may take to answer what an act was about. Then it is judged as the gravest that it could be.
const PendingFor = time.Minute

// Over reports whether the act has waited long enough.
func (p *Pending) Over(now time.Time) bool { return now.Sub(p.Since) >= PendingFor }
