package source

import (
	"testing"
	"time"
)

// TestExportNamesTellTheirHours asks for 5 October 2026, 12:00 to 13:00. Entries become available up to a day later, so a file
// of any hour from an hour before to a day after may have them.
func TestExportNamesTellTheirHours(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC)
	w := Window{From: noon, To: noon.Add(time.Hour)}
	for name, want := range map[string]bool{
		"resourceId=/SUBSCRIPTIONS/A/":                                             true,
		"resourceId=/SUBSCRIPTIONS/A/y=2026/":                                      true,
		"resourceId=/SUBSCRIPTIONS/A/y=2025/":                                      false,
		"resourceId=/SUBSCRIPTIONS/A/y=2026/m=10/":                                 true,
		"resourceId=/SUBSCRIPTIONS/A/y=2026/m=09/":                                 false,
		"y=2026/m=10/d=05/":                                                        true,
		"y=2026/m=10/d=06/":                                                        true,
		"y=2026/m=10/d=07/":                                                        false,
		"y=2026/m=10/d=04/":                                                        false,
		"y=2026/m=10/d=05/h=11/m=00/":                                              true,
		"y=2026/m=10/d=05/h=10/m=00/":                                              false,
		"y=2026/m=10/d=06/h=12/m=00/PT1H.json":                                     true,
		"y=2026/m=10/d=06/h=13/m=00/PT1H.json":                                     false,
		"resourceId=/SUBSCRIPTIONS/A/y=2026/m=09/d=05/h=12/m=00/PT1H.json":         false,
		"resourceId=/SUBSCRIPTIONS/A/y=2026/m=10/d=05/h=12/m=00/PT1H.json":         true,
		"y=2026/m=10/notes.json":                                                   true,
		"xy=2025/":                                                                 true,
		"October/export.json":                                                      true,
		"resourceId=/SUBSCRIPTIONS/A/y=9999/m=99/d=99/h=99/m=00/PT1H.json":         false,
		"resourceId=/SUBSCRIPTIONS/A/y=2026/m=10/d=05/h=12/m=00/deeper/notes.json": true,
	} {
		if got := w.MayHold(name); got != want {
			t.Errorf("%s: may hold entries %v, want %v", name, got, want)
		}
		if !(Window{}).MayHold(name) {
			t.Errorf("%s: left out of all time", name)
		}
	}
}
