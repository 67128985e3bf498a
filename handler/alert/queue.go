package alert

import (
	"cmp"
	"slices"
	"time"
)

// Queued is an alert that waits for a delivery, with what its place in the queue depends on.
type Queued struct {
	Ref
	Rule     string    `json:"rule"` // by id
	Severity string    `json:"severity"`
	Actor    string    `json:"actor"`
	Opened   time.Time `json:"opened"`
}

// InOrder is the order in which alerts are sent: by severity; then the first of each rule and actor before their
// repetitions, so that many alerts of one actor delay no other's first; then by age.
func InOrder(queue []Queued) []Ref {
	slices.SortStableFunc(queue, func(x, y Queued) int { return x.Opened.Compare(y.Opened) })
	type place struct {
		Queued
		repetition int
	}
	seen := map[[3]string]int{}
	places := make([]place, len(queue))
	for i, q := range queue {
		of := [3]string{q.Severity, q.Rule, q.Actor}
		places[i] = place{q, seen[of]}
		seen[of]++
	}
	slices.SortStableFunc(places, func(x, y place) int {
		return cmp.Or(rank(y.Severity)-rank(x.Severity), x.repetition-y.repetition)
	})
	refs := make([]Ref, len(places))
	for i, p := range places {
		refs[i] = p.Ref
	}
	return refs
}
