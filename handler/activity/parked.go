package activity

import "time"

// Parked is something that came in and is not an Activity Log event: unreadable, or another of Azure's signals. It is
// kept with the reason, so that nothing is lost and nothing is delivered to us again for a day.
type Parked struct {
	ID       string    `json:"item"`     // from the payload's hash: the same payload again is the same item
	Signal   string    `json:"signal"`   // "invalid", or the kind of signal: metric_alert, budget, signin, …
	Function string    `json:"function"` // where it came in
	Reason   string    `json:"reason"`
	At       time.Time `json:"at"`
	Size     int       `json:"size"`              // bytes of the payload
	Excerpt  string    `json:"excerpt,omitempty"` // the beginning of what was unreadable, claims removed
}

// KeepExcerpt is how many bytes of something that was set aside are kept at most.
const KeepExcerpt = 64 << 10
