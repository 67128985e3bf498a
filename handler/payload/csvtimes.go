package payload

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Times of CSV files. The portal writes them as the viewer's browser does, and Excel as its country does: 9/22/2025, 2:03 PM
// is 22/09/2025 14:03 elsewhere. Dots mean that the day is first; with slashes and hyphens the whole column decides, because
// a guess would move events to other months.

// dateOrder is the order in which a file writes day and month.
type dateOrder uint8

const (
	undecided dateOrder = iota
	dayFirst
	monthFirst
)

// localDate is a date and a time with the year behind or in front. Between date and time may stand a comma, T, or the
// "klo", "kl." and "um" of a few languages.
var localDate = regexp.MustCompile(`(?i)^(\d{1,4})([./-])\s*(\d{1,2})[./-]\s*(\d{1,4})\.?(?:,|t|\s|klo|kl\.|um|at)+` +
	`(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,9}))?)?(?:\s?([ap])\.?\s?m\.?)?\s*(z|utc|gmt|[+-]\d{2}:?\d{2})?$`)

// namedMonths are the times of browsers that name the month, without what JavaScript puts in parentheses behind the zone.
var namedMonths = []string{
	"Mon Jan 2 2006 15:04:05 GMT-0700", "2 Jan 2006, 15:04:05", "2 Jan 2006 15:04:05", "Jan 2, 2006, 3:04:05 PM", "Jan 2, 2006 3:04:05 PM",
	"2 January 2006 15:04:05", "January 2, 2006 3:04:05 PM",
}

// blanks are the white space of browsers, who put a narrow one before AM and PM.
var blanks = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\u200e", "", "\u200f", "")

// csvTime is a time as written, day and month in either order.
type csvTime struct {
	year, one, two int
	separator      byte // between the parts of the date; 0: the year, the month and the day
	clock          time.Duration
	zone           string // as written; empty: none
}

func parseCSVTime(text string) (csvTime, bool) {
	m := localDate.FindStringSubmatch(blanks.Replace(text))
	if m == nil {
		return csvTime{}, false
	}
	number := func(i int) int { n, _ := strconv.Atoi(m[i]); return n } // digits, or nothing
	t := csvTime{year: number(4), one: number(1), two: number(3), separator: m[2][0], zone: strings.ToUpper(m[10])}
	switch front, behind := len(m[1]), len(m[4]); {
	case front == 4 && behind <= 2:
		t.year, t.one, t.two, t.separator = number(1), number(3), number(4), 0
	case front > 2 || behind != 4: // two digits of a year could stand anywhere
		return csvTime{}, false
	}
	hour, minute, second := number(5), number(6), number(7)
	if half := m[9]; half != "" {
		if hour < 1 || hour > 12 {
			return csvTime{}, false
		}
		if hour %= 12; strings.EqualFold(half, "p") {
			hour += 12
		}
	}
	clock, err := time.ParseDuration(fmt.Sprintf("%dh%dm%d.%ss", hour, minute, second, cmp.Or(m[8], "0")))
	t.clock = clock
	return t, err == nil && hour < 24 && minute < 60 && second < 60
}

// byColumn reports whether other values of the column say which of its numbers is the day.
func (t csvTime) byColumn() bool { return t.separator == '/' || t.separator == '-' }

// order is what the value itself says.
func (t csvTime) order() dateOrder {
	switch {
	case t.separator == '.' || t.one > 12:
		return dayFirst
	case t.separator == 0 || t.two > 12:
		return monthFirst
	}
	return undecided
}

// in returns the instant, read in the order of its column; in UTC where it has no zone.
func (t csvTime) in(column dateOrder) (time.Time, bool) {
	month, day := t.one, t.two
	switch order := t.order(); {
	case !t.byColumn() && order == dayFirst, t.byColumn() && column == dayFirst:
		month, day = day, month
	case t.byColumn() && column == undecided && t.one != t.two:
		return time.Time{}, false
	}
	at := time.Date(t.year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if at.Day() != day || int(at.Month()) != month {
		return time.Time{}, false
	}
	at = at.Add(t.clock)
	if len(t.zone) <= len("UTC") {
		return at, true
	}
	zone, err := time.Parse("-0700", strings.ReplaceAll(t.zone, ":", ""))
	_, offset := zone.Zone()
	return at.Add(-time.Duration(offset) * time.Second), err == nil
}

// rewritten gives a time of the file so that it reads as what it is, or as no time.
func (s csvSource) rewritten(text string) string {
	at, ok := time.Time{}, false
	if t, local := parseCSVTime(text); local {
		if at, ok = t.in(s.order); !ok {
			return text + " (day or month first?)"
		}
	} else {
		at, ok = namedMonth(text)
	}
	if known, is := activity.ParseTime(text); !ok || is && known.Equal(at) {
		return text
	}
	return at.UTC().Format(time.RFC3339Nano)
}

func namedMonth(text string) (time.Time, bool) {
	plain, _, _ := strings.Cut(blanks.Replace(text), " (")
	for _, layout := range namedMonths {
		if at, err := time.Parse(layout, plain); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// csvDecided is how much of a file is looked at to see in which order it writes day and month.
const csvDecided = 64 << 20

// decide finds out how the file writes its times, and says why that cannot be known. p.text stays at the file's beginning.
func (p *part) decide(s *csvSource) (reason string) {
	if s.zone != "" {
		return fmt.Sprintf("a CSV file with times of the zone %q, which may be any: choose UTC for display and export again", s.zone) + readable
	}
	var seen bytes.Buffer
	rows := newCSV(io.TeeReader(io.LimitReader(p.text, csvDecided), &seen), s.comma)
	defer func() { p.text = io.MultiReader(&seen, p.text) }()
	_, err := rows.Read() // the header
	column := dateColumn{}
	for err == nil && !column.known() {
		var fields []string
		if fields, err = rows.Read(); err != nil {
			break
		}
		for _, i := range s.times {
			if i < len(fields) && fields[i] != "" {
				column.see(fields[i])
			}
		}
	}
	s.order, s.local = column.order, column.local
	return column.reason()
}

// dateColumn is what the values seen so far say about their column.
type dateColumn struct {
	order    dateOrder
	example  string // a value that could be either
	contrary string // a value that is not in the order of others
	plain    bool   // the values need no column
	begun    bool
	local    bool // the first one has no zone
}

// known reports whether more values would say no more. A column of slashes is read whole: it may contradict itself.
func (c *dateColumn) known() bool { return c.plain || c.contrary != "" }

func (c *dateColumn) see(text string) {
	t, ok := parseCSVTime(text)
	if !c.begun {
		c.begun, c.local = true, ok && t.zone == ""
	}
	switch {
	case !ok || !t.byColumn():
		_, named := namedMonth(text)
		_, usual := activity.ParseTime(text)
		c.plain = ok || named || usual
	case t.order() == undecided && t.one != t.two:
		c.example = cmp.Or(c.example, strings.Clone(text))
	case t.order() != undecided && c.order != undecided && t.order() != c.order:
		c.contrary = strings.Clone(text)
	case t.order() != undecided:
		c.order = t.order()
	}
}

func (c *dateColumn) reason() string {
	switch {
	case c.contrary != "":
		return fmt.Sprintf("a CSV file in which some times have the day first and others the month (%.40s)", c.contrary) + readable
	case c.order == undecided && c.example != "" && !c.plain:
		return fmt.Sprintf("a CSV file whose times may have the day or the month first (%.40s)", c.example) + readable
	}
	return ""
}
