//go:build race

package rules_test

// racing: under the race detector sync.Pool drops what it is given at random, so allocations say nothing.
const racing = true
