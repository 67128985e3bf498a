package store

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// clock is the account's time: the local clock corrected by what the Date header of the account's answers shows. The
// header has whole seconds, so a difference of less than two is taken for none.
type clock struct {
	local  func() time.Time
	offset atomic.Int64 // nanoseconds that the account is ahead
}

func (c *clock) now() time.Time { return c.local().Add(time.Duration(c.offset.Load())) }

// Do implements policy.Policy: it looks at every answer.
func (c *clock) Do(r *policy.Request) (*http.Response, error) {
	response, err := r.Next()
	if err != nil {
		return response, err
	}
	if date, parseErr := http.ParseTime(response.Header.Get("Date")); parseErr == nil {
		c.see(date)
	}
	return response, nil
}

func (c *clock) see(date time.Time) {
	const negligible = 2 * time.Second
	ahead := date.Sub(c.local())
	if ahead.Abs() < negligible {
		ahead = 0
	}
	if known := time.Duration(c.offset.Load()); (ahead - known).Abs() >= negligible {
		c.offset.Store(int64(ahead))
	}
}
