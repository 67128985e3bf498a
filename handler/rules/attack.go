package rules

import "strings"

// retiredTags are the ATT&CK tags that v19 (April 2026) retired, with what stands in their place: the techniques of Defense
// Evasion stand under Stealth (TA0005) and Defense Impairment (TA0112), and T1562 is T1685 and T1686
// (SigmaHQ/sigma-specification#218, pySigma 1.5).
var retiredTags = map[string]string{
	"attack.defense-evasion": "attack.stealth or attack.defense-impairment",
	"attack.t1562":           "attack.t1685",
	"attack.t1562.001":       "attack.t1685",
	"attack.t1562.004":       "attack.t1686",
	"attack.t1562.007":       "attack.t1686.001",
	"attack.t1562.008":       "attack.t1685.002",
}

// RetiredTag returns what stands in place of a tag that ATT&CK has retired, itself or the technique that it was below; false
// for any other tag. Sigma writes defense_evasion too.
func RetiredTag(tag string) (instead string, ok bool) {
	tag = strings.ReplaceAll(strings.ToLower(tag), "_", "-")
	if instead, ok = retiredTags[tag]; ok {
		return instead, true
	}
	if at := strings.LastIndexByte(tag, '.'); at > 0 {
		instead, ok = retiredTags[tag[:at]]
	}
	return instead, ok
}
