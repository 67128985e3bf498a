package alert

import (
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Pending is an act that no alert keeps, and that might have to become one: what it was about stands in no record, and
// Azure has not answered yet, or its end is not recorded. It is judged again from Since on until there is an answer; after
// PendingFor without one.
type Pending struct {
	Event    activity.Event `json:"event"`
	Function string         `json:"function,omitempty"` // through which it came
	Since    time.Time      `json:"since"`
	Late     string         `json:"late,omitempty"` // why it came long after it happened; empty: it did not
	Hold     Hold           `json:"hold,omitzero"`  // what makes an alert of it wait
	// Unended says that the act has begun and that its end is waited for until Since.
	Unended bool `json:"unended,omitempty"`
}

// PendingFor is how long Azure may take to answer what an act was about. Then it is judged as the gravest that it could be.
const PendingFor = time.Minute

// Over reports whether the act has waited long enough.
func (p *Pending) Over(now time.Time) bool { return now.Sub(p.Since) >= PendingFor }
