package host

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// retryPolicy is function.json's "retry". It lives in memory only: if the host dies, so do the retries.
type retryPolicy struct {
	Strategy        string
	MaxRetryCount   int // -1: for ever
	DelayInterval   string
	MinimumInterval string
	MaximumInterval string

	first, last time.Duration
}

// check validates the policy for a trigger (HOST Utility.cs, ValidateRetryOptions). A policy on an Event Grid function
// would hold the webhook beyond Event Grid's 30 s, and HTTP has none.
func (p *retryPolicy) check(trigger string) (err error) {
	if p == nil {
		return nil
	}
	if trigger != "timerTrigger" && trigger != "eventHubTrigger" {
		return fmt.Errorf("retry: not supported for %s", trigger)
	}
	low, high := p.DelayInterval, p.DelayInterval
	switch p.Strategy {
	case "fixedDelay":
	case "exponentialBackoff":
		low, high = p.MinimumInterval, p.MaximumInterval
	default:
		return fmt.Errorf("retry: unknown strategy %q", p.Strategy)
	}
	if low == "" || high == "" {
		return fmt.Errorf("retry: %s needs its intervals", p.Strategy)
	}
	if p.first, err = timeSpan(low, 0); err != nil {
		return fmt.Errorf("retry: %w", err)
	}
	if p.last, err = timeSpan(high, 0); err != nil {
		return fmt.Errorf("retry: %w", err)
	}
	return nil
}

// allows reports whether a retry with this number (from 1) may be made.
func (p *retryPolicy) allows(retry int) bool { return p.MaxRetryCount < 0 || retry <= p.MaxRetryCount }

// delay is the pause after the failed attempt n (from 0).
func (p *retryPolicy) delay(n int) time.Duration {
	if p.Strategy == "fixedDelay" {
		return p.first
	}
	grown := float64(p.first) * math.Pow(2, float64(n))
	return time.Duration(min(grown, float64(p.last)))
}

// context is Metadata.RetryContext.
func (p *retryPolicy) context(n int, last error) json.RawMessage {
	context := map[string]any{"RetryCount": n, "MaxRetryCount": p.MaxRetryCount}
	if last != nil {
		context["Exception"] = map[string]string{"Message": last.Error()}
	}
	return encode(context)
}
