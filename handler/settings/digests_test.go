package settings

import (
	"strings"
	"testing"
	"time"
)

func TestDigestPeriods(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		period, now, key, from, to string
	}{
		{"monthly", "2026-11-01T05:59:00+01:00", "2026-09", "2026-09-01T00:00:00+02:00", "2026-10-01T00:00:00+02:00"}, // the delay is not over
		{"monthly", "2026-11-01T06:00:00+01:00", "2026-10", "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00"}, // 745 hours
		{"monthly", "2027-01-03T00:00:00+01:00", "2026-12", "2026-12-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"},
		{"weekly", "2026-10-26T07:00:00+01:00", "2026-w43", "2026-10-19T00:00:00+02:00", "2026-10-26T00:00:00+01:00"},
		{"weekly", "2026-10-25T23:00:00+01:00", "2026-w42", "2026-10-12T00:00:00+02:00", "2026-10-19T00:00:00+02:00"}, // Sunday
		{"weekly", "2027-01-05T00:00:00+01:00", "2026-w53", "2026-12-28T00:00:00+01:00", "2027-01-04T00:00:00+01:00"},
		{"daily", "2026-10-26T06:30:00+01:00", "2026-10-25", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"}, // 25 hours
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		d := Digest{Period: c.period, zone: berlin, delay: defaultDelay}
		got := d.Due(now)
		if got.Key != c.key || got.From.Format(time.RFC3339) != c.from || got.To.Format(time.RFC3339) != c.to {
			t.Errorf("%s at %s: %s, %s to %s", c.period, c.now, got.Key, got.From.Format(time.RFC3339), got.To.Format(time.RFC3339))
		}
		before := d.Before(got)
		if !before.To.Equal(got.From) || before.Key >= got.Key {
			t.Errorf("%s: before %s is %s, which ends %s", c.period, got.Key, before.Key, before.To)
		}
	}
}

func TestDigestProblems(t *testing.T) {
	t.Parallel()
	const text = `
digests:
  - {name: monthly, recipients: [audit@contoso.example], to: [slack, "*"], formats: [pdf], delay: 12h, time_zone: Europe/Berlin}
  - {name: monthly}
  - {name: Weekly!, period: yearly, time_zone: Mars, delay: 600h}
  - {name: a, recipients: ["Ann <ann@contoso.example>", nobody], to: [pigeon], formats: [docx]}
`
	var c struct {
		Digests []Digest `yaml:"digests"`
	}
	d, ok := newDocument("config/auditbell.yaml", []byte(text), &c)
	if !ok {
		t.Fatal(d.problems)
	}
	d.checkDigests(c.Digests, []string{"slack", "teams"})
	var got []string
	for _, p := range d.problems {
		got = append(got, p.Error())
	}
	all := strings.Join(got, "\n")
	for _, want := range []string{
		`:4:`, `already`, `the name "Weekly!" does not do`, `period "yearly" is unknown (hint: one of monthly, weekly, daily)`, `time_zone "Mars" is unknown`,
		`delay "600h" does not do`, `"Ann <ann@contoso.example>" is not a plain mail address`, `"nobody" is not`, `"pigeon" is not a destination`, `format "docx" is unknown`,
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no problem says %q", want)
		}
	}
	if len(got) != 9 {
		t.Errorf("%d problems, want 9:\n%s", len(got), all)
	}
	if one := c.Digests[0]; one.delay != 12*time.Hour || one.Zone().String() != "Europe/Berlin" || one.Period != "monthly" {
		t.Errorf("the right one was read as %+v", one)
	}
}
