package payload_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/payload"
)

// Times of CSV files are read in the order that their column shows, and refused where it shows none.
func TestTimesOfCSVFiles(t *testing.T) {
	t.Parallel()
	const afternoon, morning = "2025-09-22T14:03:04.000Z", "2025-09-05T09:03:00.000Z"
	for _, c := range []struct{ times, want string }{
		{"22.09.2025 14:03:04|5.9.2025 09:03", afternoon + " " + morning},
		{"22.9.2025, 14:03:04|05.09.2025, 9:03", afternoon + " " + morning},
		{"22. 9. 2025 14:03:04|5. 9. 2025 9:03:00", afternoon + " " + morning},
		{"5.9.2025 klo 9.03.00|22.9.2025 klo 14.03.04", morning + " " + afternoon},
		{"05.09.2025 09:03", morning},
		{"9/22/2025, 2:03:04 PM|9/5/2025, 9:03:00 AM", afternoon + " " + morning},
		{"9/22/2025, 2:03:04\u202fPM|9/5/2025, 9:03:00\u202fAM", afternoon + " " + morning},
		{"9/5/2025 9:03|9/22/2025 14:03:04", morning + " " + afternoon},
		{"05/09/2025, 09:03:00|22/09/2025, 14:03:04", morning + " " + afternoon},
		{"5/9/2025, 9:03:00 am|22/9/2025, 2:03:04 pm", morning + " " + afternoon},
		{"5/9/2025, 9:03:00 a.\u00a0m.|22/9/2025, 2:03:04 p.\u00a0m.", morning + " " + afternoon},
		{"5-9-2025 09:03:00|22-9-2025 14:03:04", morning + " " + afternoon},
		{"2025/9/22 14:03:04|2025/9/5 9:03:00", afternoon + " " + morning},
		{"2025-09-22 14:03:04|2025-09-05 09:03", afternoon + " " + morning},
		{"2025-09-22T14:03:04Z|2025-09-05T09:03:00.000Z", afternoon + " " + morning},
		{"Mon Sep 22 2025 16:03:04 GMT+0200 (Central European Summer Time)|Fri Sep 05 2025 09:03:00 GMT+0000 (UTC)", afternoon + " " + morning},
		{"22 Sep 2025, 14:03:04|5 Sep 2025, 09:03:00", afternoon + " " + morning},
		{"Sep 22, 2025, 2:03:04 PM|Sep 5, 2025, 9:03:00 AM", afternoon + " " + morning},
		{"22/09/2025 16:03:04 +02:00|05/09/2025 09:03:00 UTC", afternoon + " " + morning},
		{"9/9/2025 9:03:00", "2025-09-09T09:03:00.000Z"},
		{"22.9.2025, 14:03:04,250", "2025-09-22T14:03:04.250Z"},
		{"9/9/2025 12:03:00 AM", "2025-09-09T00:03:00.000Z"},

		{"5/9/2025 9:03:00 AM|6/9/2025 9:03:00 AM", "day or the month first (5/9/2025 9:03:00 AM) (hint: az monitor"},
		{"05-09-2025 09:03", "day or the month first"},
		{"22/9/2025 9:03:00|9/22/2025 9:03:00", "some times have the day first"},
		{"22.9.2025 9:03|5/9/2025 9:03", "2025-09-22T09:03:00.000Z no time"},
		{"9/22/2025 9:03:00 AM|13/32/2025 9:03:00 AM", "some times have the day first"},
		{"9/22/2025 9:03:00 AM|9/31/2025 9:03:00 AM", "2025-09-22T09:03:00.000Z no time"},
		{"22.09.25 14:03|29.2.2025 9:03", "no time no time"},
		{"9/22/2025 24:03:00|9/22/2025 13:03:00 PM", "no time no time"},
		{"03:04.1", "no time"},
	} {
		var rows strings.Builder
		rows.WriteString(portalHeader)
		for i, at := range strings.Split(c.times, "|") {
			fmt.Fprintf(&rows, portalRow, i, at)
		}
		if got := timesOf(payload.Decode([]byte(rows.String()))); !strings.Contains(got, c.want) {
			t.Errorf("%s: read as %s, want %s", c.times, got, c.want)
		}
	}
}

const (
	portalHeader = "Correlation id,Operation name,Status,Event category,Level,Time,Subscription,Event initiated by\n"
	portalRow    = "c-%d,Delete Key Vault,Succeeded,Administrative,Informational,\"%s\",s,ada@contoso.example\n"
)

// timesOf lists the times of the events, or why there are none.
func timesOf(readings []payload.Reading) string {
	var list []string
	for _, r := range readings {
		switch {
		case r.Kind != payload.Activity:
			list = append(list, r.Reason)
		case r.Event.Time.IsZero() && r.Lost && strings.Contains(r.Notice, "no time that can be read"):
			list = append(list, "no time")
		default:
			at, _ := r.Event.Time.MarshalText() // as printed
			list = append(list, string(at))
		}
	}
	return strings.Join(list, " ")
}

// What is undecided on the first pages of a file may be decided on its last: the readings are the same wherever that is.
func TestTheWholeColumnDecides(t *testing.T) {
	t.Parallel()
	var rows strings.Builder
	rows.WriteString(portalHeader)
	for i := range 2_000 {
		fmt.Fprintf(&rows, portalRow, i, "5/9/2025 9:03:00")
	}
	for last, want := range map[string]string{"22/9/2025 9:03:00": "2025-09-05", "9/22/2025 9:03:00": "2025-05-09"} {
		readings := payload.Decode([]byte(rows.String() + fmt.Sprintf(portalRow, 9999, last)))
		if len(readings) != 2_001 || !strings.HasPrefix(timesOf(readings[:1]), want) || !strings.HasPrefix(timesOf(readings[2_000:]), "2025-09-22") {
			t.Errorf("%d readings, the first %s, want %s", len(readings), timesOf(readings[:1]), want)
		}
	}
}

// A file of the portal says once that its times have no zone; Log Analytics names the zone, and one that is not UTC may be any.
func TestZonesOfCSVFiles(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]bool{"22.09.2025 14:03": true, "2025-09-22T14:03:04Z": false, "22/09/2025 14:03 UTC": false} {
		r := payload.Decode([]byte(portalHeader + fmt.Sprintf(portalRow, 1, at)))[0]
		if got := strings.Contains(r.Notice, "have no zone"); got != want {
			t.Errorf("%s: notice %q", at, r.Notice)
		}
	}
	const rows = "TimeGenerated [%s],OperationNameValue,ActivityStatusValue\n\"9/22/2025, 2:03:04.123 PM\",A/B/write,Success\n"
	if got := timesOf(payload.Decode(fmt.Appendf(nil, rows, "UTC"))); got != "2025-09-22T14:03:04.123Z" {
		t.Errorf("UTC: %s", got)
	}
	if got := timesOf(payload.Decode(fmt.Appendf(nil, rows, "Local Time"))); !strings.Contains(got, "choose UTC") {
		t.Errorf("local time: %s", got)
	}
}
