package cosmos

// Request charges by learn.microsoft.com/azure/cosmos-db/understand-request-unit-consumption (April 2026), which
// gives a table of sizes and these sums:
//
//	create  = size + 0.2 per indexed term
//	replace = 2 × size + 0.4 per changed indexed term
//	patch   = replace + 0.4 per operation
//	delete  = size + 0.2 per indexed term
//	feed    = about the sum of point reads
//
// Between two sizes of the table the charge is interpolated; that is ours, the page leaves it open.

type sizeUnits struct{ kb, read, write float64 }

var unitsBySize = []sizeUnits{
	{1, 1.00, 4.95},
	{2, 1.04, 6.29},
	{4, 1.14, 6.67},
	{8, 1.33, 7.04},
	{16, 1.67, 9.52},
	{32, 2.19, 11.23},
	{64, 4.76, 22.67},
	{128, 9.95, 48.19},
	{256, 20.28, 98.29},
	{512, 40.95, 184.57},
	{1024, 145.90, 625},
	{2048, 291.80, 1250},
}

// minQueryCharge was seen for an empty in-partition SELECT (Azure/azure-sdk-for-go issue 24661).
const minQueryCharge = 2.8

// unitsOf interpolates the table for an item of size bytes.
func unitsOf(size int) sizeUnits {
	kb := float64(size) / 1024
	low := unitsBySize[0]
	for _, high := range unitsBySize[1:] {
		if kb <= low.kb {
			return low
		}
		if kb < high.kb {
			part := (kb - low.kb) / (high.kb - low.kb)
			return sizeUnits{kb, low.read + part*(high.read-low.read), low.write + part*(high.write-low.write)}
		}
		low = high
	}
	return low
}

// The item's size is that of its stored text, system properties included, as the service counts it.
func readCharge(size int) float64          { return unitsOf(size).read }
func createCharge(size, terms int) float64 { return unitsOf(size).write + 0.2*float64(terms) }
func deleteCharge(size, terms int) float64 { return createCharge(size, terms) }

// replaceCharge counts a deletion of the old and an insertion of the new version, whose sizes may differ.
func replaceCharge(before, after, changed int) float64 {
	return unitsOf(before).write + unitsOf(after).write + 0.4*float64(changed)
}

func patchCharge(replace float64, ops int) float64 { return replace + 0.4*float64(ops) }
func queryCharge(pointReads float64) float64       { return max(minQueryCharge, pointReads) }
