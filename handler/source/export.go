package source

import (
	"regexp"
	"strconv"
	"time"
)

// A diagnostic setting exports a subscription's hour as
// resourceId=/SUBSCRIPTIONS/<id>/y=2026/m=10/d=05/h=13/m=00/PT1H.json ("Azure Monitor activity log", send to storage). Copies
// on disk keep the folders.
var (
	exportYear  = regexp.MustCompile(`(?:^|/)y=(\d{4})/$`)
	exportMonth = regexp.MustCompile(`(?:^|/)y=(\d{4})/m=(\d{2})/$`)
	exportDay   = regexp.MustCompile(`(?:^|/)y=(\d{4})/m=(\d{2})/d=(\d{2})/$`)
	exportHour  = regexp.MustCompile(`(?:^|/)y=(\d{4})/m=(\d{2})/d=(\d{2})/h=(\d{2})/m=\d{2}/`)
)

// exportBefore and exportAfter are how long before and after its hour an export's file may have entries of it: it gets what
// became available in that hour, and entries become available minutes to hours after they happened.
const (
	exportBefore = time.Hour
	exportAfter  = 24 * time.Hour
)

// MayHold reports whether an exported file, or the files below a folder, whose name ends with a slash, may have entries of
// the window. A name without a time may.
func (w Window) MayHold(name string) bool {
	for _, one := range []struct {
		name                *regexp.Regexp
		years, months, days int
		lasts               time.Duration
	}{
		{name: exportHour, lasts: time.Hour}, {name: exportDay, days: 1}, {name: exportMonth, months: 1}, {name: exportYear, years: 1},
	} {
		if m := one.name.FindStringSubmatch(name); m != nil {
			at := [5]int{0, 0, 1, 1, 0} // the name, year, month, day, hour
			for i, digits := range m[1:] {
				at[i+1], _ = strconv.Atoi(digits) // digits, as matched
			}
			from := time.Date(at[1], time.Month(at[2]), at[3], at[4], 0, 0, 0, time.UTC)
			to := from.AddDate(one.years, one.months, one.days).Add(one.lasts)
			return (w.To.IsZero() || from.Before(w.To.Add(exportAfter))) && (w.From.IsZero() || to.Add(exportBefore).After(w.From))
		}
	}
	return true
}

// IsMonth reports whether a folder is a month of an export.
func IsMonth(folder string) bool { return exportMonth.MatchString(folder) }
