//go:build race

package simulation

// racing: the race detector makes a seed ten times as slow, and finds in few what it would find in many.
const racing = true
