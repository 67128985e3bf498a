package outbox

import "time"

// What a channel takes: Slack allows one message a second to a channel with short bursts (docs.slack.dev, "Rate limits"),
// a Teams workflow about the same.
const (
	PerSecond = 1
	Burst     = 60
	// grow is the time after which the burst of a channel that asked to wait is one message larger.
	grow = time.Minute
)

// Wait notes that the channel takes no message for a while: for as long as it said, or from 2 s to a minute when it did
// not say and does so again and again.
func (h *Health) Wait(delay time.Duration, now time.Time) {
	if h.Throttled++; delay <= 0 {
		delay = min(time.Second<<min(h.Throttled, 10), time.Minute)
	}
	until := now.UTC().Add(delay)
	if until.After(h.Hold) {
		h.Hold = until
	}
	h.Slowed, h.Tokens, h.At = h.Hold, 1, h.Hold // the pace after a pause begins with one message
}

// Held returns how long the channel still asks to wait.
func (h *Health) Held(now time.Time) time.Duration { return max(h.Hold.Sub(now), 0) }

// Burst is how many messages may come at once: as many as ever where the channel has not asked to wait for an hour.
// After that it grows from two, so that one can be left to a grave alert; the first of them is there when the pause ends, the
// second one when a message more would be.
func (h *Health) Burst(now time.Time) int {
	if h.Slowed.IsZero() {
		return Burst
	}
	return min(2+int(max(now.Sub(h.Slowed), 0)/grow), Burst)
}

// Take grants up to n messages from the channel's budget, which all instances share. When there are none, wait says when
// the next one will be there.
func (h *Health) Take(n int, now time.Time) (granted int, wait time.Duration) {
	if held := h.Held(now); held > 0 {
		return 0, held
	}
	h.refill(now)
	granted = min(n, int(h.Tokens))
	h.Tokens -= float64(granted)
	if granted == 0 {
		wait = time.Duration((1 - h.Tokens) / PerSecond * float64(time.Second))
	}
	return granted, wait
}

func (h *Health) refill(now time.Time) {
	switch {
	case h.At.IsZero():
		h.Tokens = float64(h.Burst(now))
	case now.After(h.At):
		h.Tokens += now.Sub(h.At).Seconds() * PerSecond
	}
	if now.After(h.At) {
		h.At = now.UTC()
	}
	h.Tokens = min(h.Tokens, float64(h.Burst(now)))
}

// Room is how many messages the channel may get now.
func (h *Health) Room(now time.Time) int {
	if h.Held(now) > 0 {
		return 0
	}
	copied := *h
	copied.refill(now)
	return int(copied.Tokens)
}
