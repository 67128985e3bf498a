package settings

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/calendar"
)

// Digest is a report that is made and sent when a period is over.
type Digest struct {
	Name       string   `yaml:"name"`
	Period     string   `yaml:"period"` // monthly, weekly or daily; empty: monthly
	TimeZone   string   `yaml:"time_zone"`
	Recipients []string `yaml:"recipients"` // mail addresses
	To         []string `yaml:"to"`         // destinations that get a card; "*" is every kind whose settings are there
	Formats    []string `yaml:"formats"`    // empty: DigestFormats
	Delay      string   `yaml:"delay"`      // after the end of the period; empty: six hours

	zone  *time.Location
	delay time.Duration
}

// DigestFormats are the formats that a digest has when it names none.
var DigestFormats = []string{"html", "pdf", "csv", "xlsx", "json"}

// digestFormats are those that it may name.
var digestFormats = append(slices.Clone(DigestFormats), "oscal")

// DefaultDigests is what is made when config/auditbell.yaml names no digest: one for each month. Without recipients and
// destinations it is archived only.
func DefaultDigests() []Digest {
	return []Digest{{Name: "monthly", Period: "monthly", To: []string{Everywhere}, Formats: DigestFormats, zone: time.UTC, delay: defaultDelay}}
}

const (
	// defaultDelay lets late entries in: Azure makes them available minutes to hours after they happened (facts: payload
	// variations, latencies), and what is still later is fetched by the hourly comparison.
	defaultDelay = 6 * time.Hour
	longestDelay = 10 * 24 * time.Hour
)

// Span is one period of a digest, [From, To).
type Span struct {
	Key      string // 2026-10, 2026-w43, 2026-10-19: [a-z0-9-], as the store wants keys
	From, To time.Time
}

// Zone is where the digest's days begin.
func (d *Digest) Zone() *time.Location { return d.zone }

// Due returns the newest period that is over, and has been for the digest's delay.
func (d *Digest) Due(now time.Time) Span { return d.Before(d.holding(now.Add(-d.delay))) }

// Before returns the period before a span.
func (d *Digest) Before(s Span) Span { return d.holding(s.From.Add(-1)) }

// holding returns the period that holds an instant. Periods partition time, because days do.
func (d *Digest) holding(at time.Time) Span {
	day := calendar.DayOf(at, d.zone)
	switch d.Period {
	case "daily":
		return Span{day.Date.String(), day.From, day.To}
	case "weekly":
		monday := day.Date.Monday()
		year, week := monday.ISOWeek()
		return Span{fmt.Sprintf("%d-w%02d", year, week), monday.Start(d.zone), monday.Add(0, 0, 7).Start(d.zone)}
	}
	first := day.Date.First()
	return Span{first.Format("2006-01"), first.Start(d.zone), first.Add(0, 1, 0).Start(d.zone)}
}

var digestPeriods = []string{"monthly", "weekly", "daily"}

// checkDigests completes digests and reports what is wrong with them. known are the destinations' names.
func (d *document) checkDigests(all []Digest, known []string) {
	seen := map[string]bool{}
	for i := range all {
		one, path := &all[i], index("digests", i)
		switch {
		case !destinationName.MatchString(one.Name):
			d.problem(join(path, "name"), fmt.Sprintf("the name %q does not do", one.Name), "lower-case letters, digits and hyphens, at most 40, a letter first")
		case seen[one.Name]:
			d.problem(join(path, "name"), fmt.Sprintf("there is a digest %q already", one.Name), "the name is how it is known which were sent: choose another")
		}
		seen[one.Name] = true
		if one.Period == "" {
			one.Period = digestPeriods[0]
		}
		if !slices.Contains(digestPeriods, one.Period) {
			d.problem(join(path, "period"), fmt.Sprintf("period %q is unknown", one.Period), "one of "+strings.Join(digestPeriods, ", "))
		}
		d.completeDigest(one, path)
		d.checkAudience(one, path, known)
	}
}

// completeDigest reads zone, delay and formats.
func (d *document) completeDigest(one *Digest, path string) {
	var err error
	if one.zone, err = time.LoadLocation(one.TimeZone); err != nil {
		d.problem(join(path, "time_zone"), fmt.Sprintf("time_zone %q is unknown", one.TimeZone), "an IANA name such as Europe/Berlin")
		one.zone = time.UTC
	}
	one.delay = defaultDelay
	if one.Delay != "" {
		if one.delay, err = time.ParseDuration(one.Delay); err != nil || one.delay < 0 || one.delay > longestDelay {
			d.problem(join(path, "delay"), fmt.Sprintf("delay %q does not do", one.Delay), "up to 240h, such as 6h")
			one.delay = defaultDelay
		}
	}
	if len(one.Formats) == 0 {
		one.Formats = DigestFormats
	}
	for j, name := range one.Formats {
		if !slices.Contains(digestFormats, name) {
			d.problem(index(join(path, "formats"), j), fmt.Sprintf("format %q is unknown", name), "any of "+strings.Join(digestFormats, ", "))
		}
	}
}

// checkAudience looks at who gets the digest.
func (d *document) checkAudience(one *Digest, path string, known []string) {
	for j, address := range one.Recipients {
		if a, err := mail.ParseAddress(address); err != nil || a.Address != address {
			d.problem(index(join(path, "recipients"), j), fmt.Sprintf("%q is not a plain mail address", address), "an address such as audit@contoso.example")
		}
	}
	for j, name := range one.To {
		if name != Everywhere && !slices.Contains(known, name) {
			d.problem(index(join(path, "to"), j), fmt.Sprintf("%q is not a destination", name), "one of "+strings.Join(known, ", ")+`, or "*"`)
		}
	}
}
