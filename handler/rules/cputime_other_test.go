//go:build !unix

package rules_test

import "time"

// cpuTime is not told here: the benchmarks report the wall clock only.
func cpuTime() time.Duration { return 0 }
