package payload

import (
	"bytes"
	"fmt"

	"github.com/auditbell/auditbell/handler/activity"
)

// mostUnreadable bounds the items of one delivery that have a reading each although they cannot be read. Damage is in a few
// records; a megabyte of quotation marks is half a million items, which together would take gigabytes.
const mostUnreadable = 1000

// crowd has one reading stand for the items of a delivery that are beyond mostUnreadable.
type crowd struct {
	unreadable int
	at         int    // where the reading for the others stands
	first      string // why the first of them cannot be read
}

// gather takes the last reading to the others of its crowd, if it is one too many.
func (c *crowd) gather(readings []Reading) []Reading {
	last := len(readings) - 1
	r := &readings[last]
	if r.Kind != Invalid {
		return readings
	}
	switch c.unreadable++; {
	case c.unreadable <= mostUnreadable:
		return readings
	case c.unreadable == mostUnreadable+1:
		c.at, c.first, r.Raw = last, r.Reason, bytes.Clone(r.Raw)
		return readings
	}
	others := &readings[c.at]
	others.Reason = fmt.Sprintf("%d more items, the first: %s", c.unreadable-mostUnreadable, c.first)
	if len(others.Raw) < activity.KeepExcerpt {
		others.Raw = append(append(others.Raw, '\n'), r.Raw...)
	}
	*r = Reading{}
	return readings[:last]
}
