package activity

import (
	"bytes"
	"cmp"
	"slices"
	"time"
)

// State is what Azure Resource Notifications say of a resource: what it is, or how its health changed, at a moment (learn:
// "Azure Resource Notifications - Resource Management events" and "- Health Resources events in Azure Event Grid"). It is
// no record of the Activity Log: it does not say who did what, so no rule judges it and no digest counts it.
type State struct {
	Kind       StateKind `json:"kind"`
	ResourceID string    `json:"resource_id"` // whom it is about, in lower case
	Time       time.Time `json:"time"`        // when the resource became so, by Azure's clock
	// Resource has the members location, tags and properties of a resource that is there, as its provider writes them:
	// switches are true and false of some providers, 1 and 0 of others. Empty: it is too large to be kept.
	Resource Properties `json:"resource,omitempty"`
	Health   *Health    `json:"health,omitempty"`
}

// StateKind is what a State is about.
type StateKind string

// The kinds, by Azure's names of the events.
const (
	CreatedOrUpdated    StateKind = "CreatedOrUpdated"
	Deleted             StateKind = "Deleted"
	AvailabilityChanged StateKind = "AvailabilityStatusChanged"
	Annotated           StateKind = "ResourceAnnotated"
)

// OfHealth reports whether the state is about a resource's health, and not about what it is.
func (k StateKind) OfHealth() bool { return k == AvailabilityChanged || k == Annotated }

// Health is how the availability of a resource changed, or, of an annotation, why.
type Health struct {
	Previous string `json:"previous,omitempty"` // Available, Unavailable, Degraded or Unknown
	Current  string `json:"current,omitempty"`
	Reason   string `json:"reason,omitempty"`  // "Rebooted by user"
	Context  string `json:"context,omitempty"` // "Customer Initiated" or "Platform Initiated"
}

// KeepStates is how many states of one resource are kept.
const KeepStates = 4

// KeepState is how many bytes of what a resource is are kept; of a larger one none, because half of it would be taken for
// a change.
const KeepState = 32 << 10

// WithState returns the states of a resource with one more, in order of time, the newest KeepStates of them, and whether
// that differs from what there was. The order in which they come makes no difference.
func WithState(all []State, s State) (with []State, changed bool) {
	at, again := slices.BinarySearchFunc(all, s, compareStates)
	if again || at == 0 && len(all) >= KeepStates {
		return all, false
	}
	with = slices.Insert(slices.Clone(all), at, s)
	return with[max(0, len(with)-KeepStates):], true
}

func compareStates(a, b State) int {
	if a.Health == nil {
		a.Health = &Health{}
	}
	if b.Health == nil {
		b.Health = &Health{}
	}
	return cmp.Or(
		a.Time.Compare(b.Time), cmp.Compare(a.Kind, b.Kind), bytes.Compare(a.Resource, b.Resource),
		cmp.Compare(a.Health.Previous, b.Health.Previous), cmp.Compare(a.Health.Current, b.Health.Current), cmp.Compare(a.Health.Reason, b.Health.Reason),
	)
}
