package host

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// schedule is an NCRONTAB expression: {second} {minute} {hour} {day} {month} {day of week}, in UTC as in Azure.
type schedule struct {
	spec *cron.SpecSchedule
	// both says that day and day of week are both restricted. NCRONTAB then wants both to hold; Unix cron, whose
	// parser this is, either.
	both bool
}

var ncrontab = cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// parseSchedule reads six fields, or five with the seconds left out as the extension also accepts (CronSchedule.cs).
// The TimeSpan form is not for Consumption plans and is refused.
func parseSchedule(expression string) (schedule, error) {
	fields := strings.Fields(expression)
	if len(fields) != 5 && len(fields) != 6 || strings.ContainsAny(expression, "?=@") {
		return schedule{}, fmt.Errorf("schedule %q is not NCRONTAB: six fields such as \"0 */5 * * * *\"", expression)
	}
	parsed, err := ncrontab.Parse(expression)
	if err != nil {
		return schedule{}, fmt.Errorf("schedule %q: %w", expression, err)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return schedule{}, fmt.Errorf("schedule %q is not NCRONTAB", expression)
	}
	spec.Location = time.UTC
	n := len(fields)
	s := schedule{spec: spec, both: !strings.HasPrefix(fields[n-3], "*") && !strings.HasPrefix(fields[n-1], "*")}
	if s.next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return schedule{}, fmt.Errorf("schedule %q never comes", expression)
	}
	return s, nil
}

// next is the first tick after t; zero if there is none within years.
func (s schedule) next(t time.Time) time.Time {
	next := s.spec.Next(t.UTC())
	for s.both && !next.IsZero() && !s.onDay(next) {
		year, month, day := next.Date()
		next = s.spec.Next(time.Date(year, month, day+1, 0, 0, 0, -1, time.UTC))
		if next.Sub(t) > 30*365*24*time.Hour {
			return time.Time{}
		}
	}
	return next
}

func (s schedule) onDay(t time.Time) bool {
	return s.spec.Dom&(1<<uint(t.Day())) != 0 && s.spec.Dow&(1<<uint(t.Weekday())) != 0
}

// frequent says that more than one tick falls into the next minute, for which the extension keeps no status at all
// (TimerSchedule.Create), whatever useMonitor says.
func (s schedule) frequent(now time.Time) bool {
	second := s.next(s.next(now))
	return second.Before(now.Add(time.Minute))
}
