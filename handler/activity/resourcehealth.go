package activity

// ResourceHealthFacts is what a Resource Health event says about a resource (schema page, "Resource health category").
type ResourceHealthFacts struct {
	Title    string
	Details  string
	Current  HealthStatus
	Previous HealthStatus // empty in older events, which name the current status only
	Cause    HealthCause
	Kind     string // "Downtime", …: the type of health event
	Stage    string // "Active", "Resolved"; older events only, newer ones say it as the outcome
	Planned  string // "Planned", "Unplanned"; older events only
}

// HealthStatus is one of the four health statuses.
type HealthStatus string

// The four (schema page, "currentHealthStatus").
const (
	Available     HealthStatus = "Available"
	Unavailable   HealthStatus = "Unavailable"
	Degraded      HealthStatus = "Degraded"
	UnknownHealth HealthStatus = "Unknown"
)

// HealthCause says who started it.
type HealthCause string

// The two causes (schema page, "properties.cause"); Azure also writes "Unknown".
const (
	PlatformInitiated HealthCause = "PlatformInitiated"
	UserInitiated     HealthCause = "UserInitiated"
)

// Transition is what became of a resource's health.
type Transition string

// Transitions. Azure records none to Unknown, and from Unknown only to a status that is new (schema page, "resource
// health transitions aren't recorded"), so Unclear is what the record does not tell.
const (
	Worsened  Transition = "worsened"
	Recovered Transition = "recovered"
	Unchanged Transition = "unchanged" // unhealthy for more than 15 minutes, or an annotation
	Unclear   Transition = "unclear"
)

// ResourceHealthOf returns the facts of a Resource Health event; false for events of another category. Two generations
// of names exist: the page's sample has healthStatus, healthEventCause and healthEventType, its descriptions and
// current events have the shorter ones.
func ResourceHealthOf(e Event) (ResourceHealthFacts, bool) {
	if e.Category != ResourceHealth {
		return ResourceHealthFacts{}, false
	}
	p := e.Properties
	return ResourceHealthFacts{
		Title:    p.Text("title"),
		Details:  p.Text("details"),
		Current:  healthStatusOf(p.Any("currentHealthStatus", "healthStatus")),
		Previous: healthStatusOf(p.Any("previousHealthStatus")),
		Cause:    healthCauseOf(p.Any("cause", "healthEventCause")),
		Kind:     p.Any("type", "healthEventType"),
		Stage:    p.Text("stage"),
		Planned:  p.Text("healthEventCategory"),
	}, true
}

// Transition compares the two statuses.
func (f ResourceHealthFacts) Transition() Transition {
	current, previous := f.Current.rank(), f.Previous.rank()
	switch {
	case f.Current == Available && f.Previous == "":
		return Recovered
	case f.Previous == "" && (f.Current == Unavailable || f.Current == Degraded):
		return Worsened
	case current == 0 || previous == 0:
		return Unclear
	case current > previous:
		return Worsened
	case current < previous:
		return Recovered
	}
	return Unchanged
}

// rank orders the statuses from healthy to unhealthy; 0 for those that say nothing.
func (s HealthStatus) rank() int {
	switch s {
	case Available:
		return 1
	case Degraded:
		return 2
	case Unavailable:
		return 3
	}
	return 0
}

func healthStatusOf(s string) HealthStatus {
	for _, status := range []HealthStatus{Available, Unavailable, Degraded, UnknownHealth} {
		if equalFoldNoSpace(s, string(status)) {
			return status
		}
	}
	return HealthStatus(s)
}

func healthCauseOf(s string) HealthCause {
	for _, cause := range []HealthCause{PlatformInitiated, UserInitiated} {
		if equalFoldNoSpace(s, string(cause)) {
			return cause
		}
	}
	return HealthCause(s)
}
