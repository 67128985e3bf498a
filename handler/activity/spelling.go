package activity

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// layouts are the spellings besides RFC 3339 that Azure services and the tools that export from them were seen to write
// (facts: payload variations): no zone, which means UTC, no seconds, and the US order with or without AM/PM and offset,
// as the portal writes it for people too. Go accepts fractional seconds behind the seconds of every layout. The day-first
// order of other countries is not among them: 03/04/2026 would be read as either.
var layouts = []string{
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04",
	"2006-01-02 15:04Z07:00",
	"2006-01-02 15:04",
	"20060102T150405Z0700",
	"1/2/2006, 3:04:05 PM",
	"1/2/2006, 15:04:05",
	"1/2/2006 3:04 PM",
	"2006-01-02 15:04:05 -0700 MST",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04:05 Z07:00",
	"2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05 Z07:00",
	"2006-01-02 15:04:05",
	"2006-01-02 15:04:05 UTC",
	"1/2/2006 3:04:05 PM",
	"1/2/2006 3:04:05 PM Z07:00",
	"1/2/2006 3:04:05 PMZ07:00",
	"1/2/2006 15:04:05 Z07:00",
	"1/2/2006 15:04:05Z07:00",
	"1/2/2006 15:04:05",
	"1/2/2006T15:04:05Z07:00",
	"2006-01-02T15:04:05-0700",
	time.RFC1123,
	time.RFC1123Z,
}

// ParseTime reads an instant as Azure services and their tools write it; false when s is none. A wrong guess would move
// an event to another month, so nothing is repaired: 2023-06-15:54:46Z, seen once, has lost a part and stays unknown.
func ParseTime[T string | []byte](s T) (Time, bool) {
	if at, ok := parseRFC3339(s); ok {
		return at, true
	}
	if len(s) == 0 || len(s) > 64 {
		return Time{}, false
	}
	written := strings.ToUpper(string(s))
	if at, ok := parseCount(written); ok {
		return at, true
	}
	if at, err := time.Parse(time.RFC3339Nano, written); err == nil {
		return At(at), true
	}
	for _, layout := range layouts {
		if at, err := time.Parse(layout, written); err == nil {
			return At(at), true
		}
	}
	return Time{}, false
}

// parseCount reads what is counted from 1970: /Date(1758547872123)/ and /Date(1758547872123+0200)/ as .NET's older JSON
// writers and Windows PowerShell have it (milliseconds in UTC; the offset says only where it was written), and bare
// numbers. Those are seconds, milliseconds, microseconds or nanoseconds; between the years 2000 and 2100 no number can
// be two of them, and others are no time.
func parseCount(s string) (Time, bool) {
	if inner, ok := strings.CutPrefix(s, "/DATE("); ok {
		inner, ok = strings.CutSuffix(inner, ")/")
		if at := strings.LastIndexAny(inner, "+-"); at > 0 {
			inner = inner[:at]
		}
		ms, err := strconv.ParseInt(inner, 10, 64)
		at := time.UnixMilli(ms)
		return At(at), ok && err == nil && between(at, 1, 9999)
	}
	whole, part, _ := strings.Cut(s, ".")
	n, rest := digits(whole), digits(part)
	if len(whole) > 19 || n < 0 || rest < 0 || len(part) > 9 {
		return Time{}, false
	}
	for _, unit := range [...]time.Duration{time.Second, time.Millisecond, time.Microsecond, time.Nanosecond} {
		perSecond := int64(time.Second / unit)
		at := time.Unix(int64(n)/perSecond, int64(n)%perSecond*int64(unit))
		if between(at, 2000, 2099) {
			for range part {
				unit /= 10
			}
			return At(at.Add(time.Duration(rest) * unit)), true
		}
	}
	return Time{}, false
}

func between(at time.Time, first, last int) bool {
	year := at.UTC().Year()
	return first <= year && year <= last
}

// parseRFC3339 reads the usual spelling, 2025-04-24T14:11:46.421669Z or …+00:00, without the cost of time.Parse.
func parseRFC3339[T string | []byte](s T) (Time, bool) {
	const upToSeconds = len("2006-01-02T15:04:05")
	if len(s) <= upToSeconds || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return Time{}, false
	}
	year, month, day := digits(s[0:4]), digits(s[5:7]), digits(s[8:10])
	hour, minute, second := digits(s[11:13]), digits(s[14:16]), digits(s[17:19])
	nano, rest := fraction(s[upToSeconds:])
	if zone := string(rest); nano < 0 || zone != "Z" && zone != "+00:00" {
		return Time{}, false
	}
	if year < 0 || month < 1 || month > 12 || day < 1 || day > 28 && day > daysIn(year, month) {
		return Time{}, false
	}
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return Time{}, false
	}
	seconds := int64(daysSince1970(year, month, day))*86400 + int64(hour*3600+minute*60+second)
	return At(time.Unix(seconds, int64(nano))), true
}

// fraction reads ".1234567" as nanoseconds and returns what follows; -1 when there are more than nine digits or none.
func fraction[T string | []byte](s T) (nano int, rest T) {
	if s[0] != '.' {
		return 0, s
	}
	i := 1
	for ; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		nano = nano*10 + int(s[i]-'0')
		if i > 9 {
			return -1, rest
		}
	}
	if i == 1 {
		return -1, rest
	}
	for n := i; n <= 9; n++ {
		nano *= 10
	}
	return nano, s[i:]
}

// digits reads a number without sign; -1 when there is another byte in it.
func digits[T string | []byte](s T) int {
	n := 0
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// daysSince1970 counts in years that begin on 1 March, so that the leap day is the last. time.Date costs five times
// as much, twice per event.
func daysSince1970(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	const to1970 = 719468 // days from 1 March of the year 0
	return year*365 + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - to1970
}

// Lower is s in lower case. Letters beyond ASCII do not become letters within it, as the Kelvin sign and the capital i with a
// dot do in strings.ToLower: Azure keeps names with them apart, so a name that differs by one is of another thing.
func Lower(s string) string {
	if isLower(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if low := unicode.ToLower(r); r < utf8.RuneSelf || low >= utf8.RuneSelf {
			return low
		}
		return r
	}, s)
}

// isLower reports whether s is ASCII without capitals, as most of what is compared is.
func isLower(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

// LowerASCII lowers s in place up to the first byte beyond ASCII, and returns where that stands; len(s) when there is none.
// Eight bytes are lowered together: ids are long.
func LowerASCII(s []byte) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		x := binary.LittleEndian.Uint64(s[i:])
		if x&tops != 0 {
			break
		}
		// The top bit of a byte is set in the first sum from 'A' on, in the second behind 'Z'.
		capital := (x + (0x80-'A')*ones) &^ (x + (0x80-'Z'-1)*ones) & tops
		binary.LittleEndian.PutUint64(s[i:], x|capital>>2)
	}
	for ; i < len(s) && s[i] < utf8.RuneSelf; i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			s[i] += 'a' - 'A'
		}
	}
	return i
}
