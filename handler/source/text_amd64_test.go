package source

import "testing"

// TestPlainRunAgreesWithoutAVX2 is not parallel: nothing else reads meanwhile.
func TestPlainRunAgreesWithoutAVX2(t *testing.T) {
	defer func(was bool) { wide = was }(wide)
	wide = false
	holdPlainRun(t)
}
