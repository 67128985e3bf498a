package activity

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The spellings that Azure services were seen to write (facts: payload variations, time; DESIGN.md names the sources).
func TestParseTime(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"2025-04-24T14:11:46.4216690Z":      "2025-04-24T14:11:46.421669Z",    // seven digits, the usual
		"2025-12-22T08:46:29.678707300Z":    "2025-12-22T08:46:29.6787073Z",   // nine
		"2018-03-07T14:23:51.991Z":          "2018-03-07T14:23:51.991Z",       // three
		"2018-09-04T15:33:43.65Z":           "2018-09-04T15:33:43.65Z",        // two
		"2018-09-04T15:33:43Z":              "2018-09-04T15:33:43Z",           // none
		"2017-03-29T15:43:08.0019532+00:00": "2017-03-29T15:43:08.0019532Z",   // offset of webhooks
		"2017-03-29T15:43:08.0019532+02:00": "2017-03-29T13:43:08.0019532Z",   // another offset
		"2019-01-21T22:14:26.9792776":       "2019-01-21T22:14:26.9792776Z",   // no zone: UTC
		"11/14/2025 1:48:53 AM":             "2025-11-14T01:48:53Z",           // US order
		"11/14/2025 01:48:53 pm":            "2025-11-14T13:48:53Z",           // US order, lower-case marker
		"06/25/2017 19:59:39":               "2017-06-25T19:59:39Z",           // endTimeUTC of ServiceHealth
		"6/5/2017 7:59:39 PM +00:00":        "2017-06-05T19:59:39Z",           // US order with offset
		"06/25/2017 19:59:39 +02:00":        "2017-06-25T17:59:39Z",           // the same, 24 hours
		"Fri, 21 Jul 2017 01:00:51 GMT":     "2017-07-21T01:00:51Z",           // lastScaleActionTime
		" 2018-09-04t15:33:43z ":            "",                               // blanks are the caller's to trim
		"2018-09-04t15:33:43z":              "2018-09-04T15:33:43Z",           // RFC 3339 allows lower case
		"2023-06-15:54:46.8676027Z":         "",                               // has lost a part: unknown, not guessed
		"2023-02-29T00:00:00Z":              "",                               // no such day
		"2024-02-29T23:59:59.9999999Z":      "2024-02-29T23:59:59.9999999Z",   // leap day
		"2023-13-01T00:00:00Z":              "",                               // no such month
		"2023-01-01T24:00:00Z":              "",                               // no such hour
		"2023-01-01T00:00:00.Z":             "",                               // a point without digits
		"0001-01-01T00:00:00Z":              "0001-01-01T00:00:00Z",           // .NET's DateTime.MinValue
		"2023-01-01T00:00:00.1234567891Z":   "2023-01-01T00:00:00.123456789Z", // ten digits: cut
		"1718409286":                        "2024-06-14T23:54:46Z",           // seconds since 1970
		"1718409286.25":                     "2024-06-14T23:54:46.25Z",        // as Python writes them
		"1718409286123":                     "2024-06-14T23:54:46.123Z",       // milliseconds
		"1718409286123.5":                   "2024-06-14T23:54:46.1235Z",      //
		"1718409286123456":                  "2024-06-14T23:54:46.123456Z",    // microseconds
		"1718409286123456789":               "2024-06-14T23:54:46.123456789Z", // nanoseconds
		"638000000000000000":                "",                               // .NET's ticks: of another beginning
		"20240614":                          "",                               // a date is no instant
		"2024":                              "",                               //
		"4":                                 "",                               //
		"-1718409286":                       "",                               //
		"99999999999999999999":              "",                               //
		"/Date(1718409286123)/":             "2024-06-14T23:54:46.123Z",       // Windows PowerShell
		"/Date(1718409286123+0200)/":        "2024-06-14T23:54:46.123Z",       // the offset moves nothing
		"/Date(-62135596800000)/":           "0001-01-01T00:00:00Z",           // DateTime.MinValue
		"/Date(x)/":                         "",                               //
		"/Date(1718409286123":               "",                               //
		"2024-06-14T23:54Z":                 "2024-06-14T23:54:00Z",           // no seconds
		"2024-06-14T23:54":                  "2024-06-14T23:54:00Z",           //
		"2024-06-14 23:54":                  "2024-06-14T23:54:00Z",           //
		"2024-06-14T23:54+02:00":            "2024-06-14T21:54:00Z",           //
		"6/14/2024, 11:54:46 PM":            "2024-06-14T23:54:46Z",           // the portal, for people
		"14/06/2024 23:54:46":               "",                               // day first is not guessed
		"20240614T235446Z":                  "2024-06-14T23:54:46Z",           // ISO 8601, basic
		"2024-06-14 23:54:46 +0000 UTC":     "2024-06-14T23:54:46Z",           // Go's own
		"":                                  "",
		"yesterday":                         "",
		"9999-12-31T23:59:59.9999999Z":      "9999-12-31T23:59:59.9999999Z",
		"2026-01-31T23:59:59.9999999-12:00": "2026-02-01T11:59:59.9999999Z",
		"2026-01-02 03:04:05":               "2026-01-02T03:04:05Z",
		"2026-01-02 03:04:05.123Z":          "2026-01-02T03:04:05.123Z",
		"2026-01-02T03:04:05+0100":          "2026-01-02T02:04:05Z",
	} {
		got, ok := ParseTime(written)
		text := ""
		if ok {
			text = got.Format(time.RFC3339Nano)
		}
		if text != want {
			t.Errorf("ParseTime(%q) = %q, want %q", written, text, want)
		}
	}
}

// The fast path must agree with the standard library wherever it accepts.
func TestParseTimeAgreesWithStandardLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999999999).Draw(t, "nanos")).UTC()
		written := at.Format(time.RFC3339Nano)
		got, ok := parseRFC3339(written)
		if !ok || !got.Equal(at) {
			t.Fatalf("parseRFC3339(%q) = %v, %v", written, got, ok)
		}
	})
}
