package rules

// EqualFolded shows folding to its fuzz target.
func EqualFolded(a, b string) bool { return folded(a) == folded(b) }

// Remembered is the number of plans in a set's memo.
func Remembered(s *Set) int { return len(s.memo.plans) }

// Add is add as callers without chains use it.
func (b Beat) Add(w *Window) bool { return !b.add(w, DefaultLateness).IsZero() }
