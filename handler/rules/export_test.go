package rules

// EqualFolded shows folding to its fuzz target.
func EqualFolded(a, b string) bool { return folded(a) == folded(b) }
