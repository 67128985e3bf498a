//go:build !linux && !darwin

package cli

import "os"

// windowWidth is what nearly every terminal has nowadays.
func windowWidth(*os.File) int { return 120 }
