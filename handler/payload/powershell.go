package payload

import (
	"bytes"

	"github.com/auditbell/auditbell/handler/activity"
)

// Objects of Get-AzActivityLog as ConvertTo-Json writes them: the names of a list item in Pascal case, plain texts for
// the localizable ones, Claims and Properties as {"Content": {…}}, dates as /Date(ms)/ in Windows PowerShell
// (invictus-ir/Microsoft-Extractor-Suite#48, Azure/azure-powershell#11353).

// isPowerShell recognises a list item by its first name: everything else begins its names in lower case. The .NET SDK's own
// dumps do not, and have both halves of a localizable value.
func isPowerShell(it *item) bool {
	if it.top.operationDisplay.present() || !isREST(it) {
		return false
	}
	first := nameAfterBrace(it.top.text, it.at)
	return len(first) > 0 && 'A' <= first[0] && first[0] <= 'Z'
}

func readPowerShell(it *item, r *Reading) error { return it.listItem(activity.FormPowerShell, r) }

// cutByDepth names the members that ConvertTo-Json has cut.
func (it *item) cutByDepth(m *members) bool {
	for _, raw := range [...][]byte{m.raw(m.properties), m.raw(m.authorization), m.raw(m.httpRequest)} {
		if len(raw) > 0 && raw[0] == '"' && isCut(bytes.Trim(raw, `"`)) {
			return true
		}
	}
	return false
}
