package alert

import "time"

// Feed is how much came in through one function, by hour, so that silence can be distinguished from quiet: a feed is judged
// against its own past, because one subscription's busy hour is another's month.
type Feed struct {
	Name  string    `json:"name"` // the function
	Last  time.Time `json:"last"` // when something came in
	Hours []Hour    `json:"hours"`
}

// Hour is the number of records that came in within an hour.
type Hour struct {
	At int64 `json:"at"` // hours since 1970
	N  int   `json:"n"`
}

// keepHours is the past that a feed is judged by: the same hours of the last two weeks.
const keepHours = 14 * 24

// enough is the number of records that must have been expected, going by the past, for none to mean silence. Were they
// independent, a feed would fall silent by chance once in e^30 times.
const enough = 30

// Add notes records that came in.
func (f *Feed) Add(n int, now time.Time) {
	hour := now.Unix() / 3600
	f.Last = now.UTC()
	if last := len(f.Hours) - 1; last >= 0 && f.Hours[last].At == hour {
		f.Hours[last].N += n
		return
	}
	f.Hours = append(f.Hours, Hour{hour, n})
	for len(f.Hours) > 0 && f.Hours[0].At <= hour-keepHours {
		f.Hours = f.Hours[1:]
	}
}

// Silent reports whether the feed should have brought something since Last, and how much it used to bring in such a time.
func (f *Feed) Silent(now time.Time) (expected float64, silent bool) {
	from, to := f.Last.Unix()/3600+1, now.Unix()/3600 // whole hours of silence
	if to <= from || len(f.Hours) == 0 {
		return 0, false
	}
	days := max(1, float64((f.Hours[len(f.Hours)-1].At-f.Hours[0].At)/24))
	for hour := from; hour < to; hour++ {
		sum := 0
		for _, h := range f.Hours {
			if (h.At-hour)%24 == 0 {
				sum += h.N
			}
		}
		expected += float64(sum) / days
	}
	return expected, expected >= enough
}
