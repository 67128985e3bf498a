// Package calendar counts days as the clocks of a time zone do. Its days partition time: every instant belongs to exactly
// one day, also where clocks change at midnight, repeat an hour across it, or skip a whole date.
//
// It is not for durations, and it knows no working days and no holidays.
package calendar

import (
	"fmt"
	"iter"
	"math"
	"sort"
	"time"
)

// Date is a day of the Gregorian calendar.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the date that clocks in t's location show at t.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{year, month, day}
}

// Parse reads a date such as 2026-10-31.
func Parse(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return Date{}, fmt.Errorf("%q is not a date such as 2026-10-31", text)
	}
	return DateOf(t), nil
}

// Add returns the date a number of years, months and days later. What overflows is carried, as time.Date does.
func (d Date) Add(years, months, days int) Date {
	return DateOf(time.Date(d.Year+years, d.Month+time.Month(months), d.Day+days, 0, 0, 0, 0, time.UTC))
}

// First is the first day of the date's month.
func (d Date) First() Date { return Date{d.Year, d.Month, 1} }

// Monday is the Monday of the date's week, as ISO 8601 counts weeks.
func (d Date) Monday() Date { return d.Add(0, 0, -(int(d.Weekday())+6)%7) }

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// Format writes the date in a layout of package time.
func (d Date) Format(layout string) string { return d.utc().Format(layout) }

// String is the date as ISO 8601 writes it.
func (d Date) String() string { return d.Format(time.DateOnly) }

// ISOWeek is the year and number of the date's week.
func (d Date) ISOWeek() (year, week int) { return d.utc().ISOWeek() }

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// Start is the first instant of the date in a zone: the first at which its clocks show this date or a later one. A date
// that the zone skipped starts when the next one does.
func (d Date) Start(zone *time.Location) time.Time { return d.At(0, zone) }

// At is the first instant at which the clocks of a zone show the time of day on the date, or a later one. Where clocks
// are put forward across it, that is the moment of the change; where they show it twice, it is the first time.
//
// time.Time.ZoneBounds would say when clocks change, but not on the last day of a leap year (Go 1.26: the end that it
// gives then lies in the past), so changes are searched for.
func (d Date) At(clock time.Duration, zone *time.Location) time.Time {
	wall := d.utc().Add(clock).Unix()
	best := int64(never)
	for at, before := wall-window, offsetAt(wall-window, zone); at < wall+window; at += step {
		after := offsetAt(at+step, zone)
		if after != before {
			best = min(best, shows(wall, before, zone), shows(wall, after, zone), changeTo(wall, at, zone))
		}
		before = after
	}
	if best == never { // no change near by
		best = wall - offsetAt(wall, zone)
	}
	return time.Unix(best, 0).In(zone)
}

const (
	window = 24 * 60 * 60 // seconds; no zone has ever differed that much from UTC
	step   = 12 * 60 * 60 // between two looks at the clocks; no zone has ever changed them twice in that time
	never  = math.MaxInt64
)

func offsetAt(unix int64, zone *time.Location) int64 {
	_, offset := time.Unix(unix, 0).In(zone).Zone()
	return int64(offset)
}

// shows is when clocks with an offset show a time, never when they have another offset then.
func shows(wall, offset int64, zone *time.Location) int64 {
	if at := wall - offset; offsetAt(at, zone) == offset {
		return at
	}
	return never
}

// changeTo is when clocks change in the step from an instant on, never when they do not show the time or a later one then.
func changeTo(wall, from int64, zone *time.Location) int64 {
	before := offsetAt(from, zone)
	change := from + int64(sort.Search(step, func(i int) bool { return offsetAt(from+int64(i), zone) != before }))
	if change+offsetAt(change, zone) >= wall {
		return change
	}
	return never
}

// Day is one day of a zone, the half-open span [From, To).
type Day struct {
	Date     Date
	From, To time.Time
}

// DayOf is the day of a zone that holds an instant.
func DayOf(t time.Time, zone *time.Location) Day {
	date := DateOf(t.In(zone))
	for {
		day := Day{date, date.Start(zone), date.Add(0, 0, 1).Start(zone)}
		if t.Before(day.To) {
			return day
		}
		date = date.Add(0, 0, 1) // clocks were put back across midnight: the next date had begun before
	}
}

// Days yields the days of a zone that have an instant in [from, to), in order and whole.
func Days(from, to time.Time, zone *time.Location) iter.Seq[Day] {
	return func(yield func(Day) bool) {
		for from.Before(to) {
			day := DayOf(from, zone)
			if !yield(day) {
				return
			}
			from = day.To
		}
	}
}
