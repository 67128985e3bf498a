package payload

import (
	"bytes"
	"fmt"

	"github.com/auditbell/auditbell/handler/activity"
)

// mostUnreadable bounds the items of one delivery that have a reading each although they cannot be read. Damage is in a few
// records; a megabyte of quotation marks is half a million items, which together would take gigabytes.
const mostUnreadable = 1000

// crowd hands readings on, at most so many at once, and has one stand for the items of a delivery that are beyond mostUnreadable.
type crowd struct {
	most       int
	do         func([]Reading)
	unreadable int
	others     Reading // the first of them, with the beginning of their bytes
}

// gather takes the last reading to the others of its crowd, if it is one too many. It hands on what is enough, and returns what
// is not.
func (c *crowd) gather(readings []Reading) []Reading {
	last := len(readings) - 1
	if r := &readings[last]; r.Kind == Invalid {
		if c.unreadable++; c.unreadable > mostUnreadable {
			c.join(r)
			*r = Reading{}
			return readings[:last]
		}
	}
	if len(readings) < c.most {
		return readings
	}
	c.do(readings)
	clear(readings)
	return readings[:0]
}

func (c *crowd) join(r *Reading) {
	switch {
	case c.unreadable == mostUnreadable+1:
		c.others = *r
		c.others.Raw = bytes.Clone(r.Raw)
	case len(c.others.Raw) < activity.KeepExcerpt:
		c.others.Raw = append(append(c.others.Raw, '\n'), r.Raw...)
	}
}

// end returns the last readings, with the one that stands for others.
func (c *crowd) end(readings []Reading) []Reading {
	more := c.unreadable - mostUnreadable
	if more <= 0 {
		return readings
	}
	if more > 1 {
		c.others.Reason = fmt.Sprintf("%d more items, the first: %s", more, c.others.Reason)
	}
	return append(readings, c.others)
}
