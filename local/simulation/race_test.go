//go:build race

package simulation

// raceDetector: it makes goroutines run in an order of its own, so a seed is not repeatable under it.
const raceDetector = true
