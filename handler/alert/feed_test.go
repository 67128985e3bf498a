package alert_test

import (
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
)

func TestAFeedIsJudgedByItsOwnPast(t *testing.T) {
	t.Parallel()
	busy, sleepy := alert.Feed{Name: "busy"}, alert.Feed{Name: "sleepy"}
	last := noon
	for h := range 10*24 + 7 { // from noon to the evening of the tenth day
		at := noon.Add(time.Duration(h) * time.Hour)
		if hour := at.Hour(); hour >= 8 && hour < 18 {
			busy.Add(40, at) // an office
			last = at
		}
		if h%24 == 0 {
			sleepy.Add(2, at)
		}
	}
	for _, c := range []struct {
		feed  alert.Feed
		after time.Duration
		want  bool
		why   string
	}{
		{busy, 3 * time.Hour, false, "it is evening: nothing ever comes"},
		{busy, 14 * time.Hour, false, "the first hour of work is not over"},
		{busy, 17 * time.Hour, true, "two hours of work without a record, where 40 came in each"},
		{sleepy, 48 * time.Hour, false, "two a day are too few to miss"},
		{alert.Feed{}, 48 * time.Hour, false, "it never told anything"},
	} {
		if _, silent := c.feed.Silent(last.Add(c.after)); silent != c.want {
			t.Errorf("%s after %s: silent %v, want %v: %s", c.feed.Name, c.after, silent, c.want, c.why)
		}
	}
}
