package reconcile

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/store"
)

// Hour is what the comparison of one subscription's hour came to. All of its numbers are of distinct records.
type Hour struct {
	Subscription string    `json:"subscription"`
	Hour         time.Time `json:"hour"`
	Looked       time.Time `json:"looked"` // when the newest comparison began
	Done         time.Time `json:"done"`   // when what it found missing was recorded and rung
	Looks        int       `json:"looks"`

	Listed     int                       `json:"listed"`       // by Azure
	Print      uint64                    `json:"print,string"` // of the ids of all records that Azure lists: when it stays, so did the list. A text: Cosmos keeps numbers as doubles
	Categories map[activity.Category]int `json:"categories,omitempty"`
	Seen       int                       `json:"seen"`      // brought by a feed, in time or late
	Missed     int                       `json:"missed"`    // a feed should have brought it and none did
	Uncarried  int                       `json:"uncarried"` // no feed that is set up brings such records
	Ignored    int                       `json:"ignored"`   // not wanted: the operator filters such operations
	Recovered  int                       `json:"recovered"` // of those missed and uncarried: recorded and judged by reconciliation
	Unstored   int                       `json:"unstored"`  // of them: could not be recorded; kept among what was set aside
	Again      int                       `json:"again"`     // brought by more than one feed, or listed twice
	Unlisted   int                       `json:"unlisted"`  // brought by a feed and not listed
	Unreadable int                       `json:"unreadable,omitempty"`
	Open       int                       `json:"open"` // operations that began in the hour and of which no end was listed yet

	Feeds    map[Feed]FeedHour `json:"feeds,omitempty"`
	Recovery Delays            `json:"recovery,omitzero"` // from happening to being recovered
}

// FeedHour is what one feed brought of an hour.
type FeedHour struct {
	Expected int    `json:"expected"` // of what Azure lists, what this feed carries
	Seen     int    `json:"seen"`     // of what Azure lists, what it brought
	Delay    Delays `json:"delay,omitzero"`
}

// Proven reports whether everything that Azure lists of the hour is recorded, but for what the operator does not want.
func (h *Hour) Proven() bool {
	return h.Seen+h.Recovered+h.Ignored == h.Listed && h.Unreadable == 0
}

// LastLook is when the last look at an hour is due: entries that Azure lists later than that are not waited for.
func LastLook(hour time.Time) time.Time { return hour.Add(time.Hour + looks[len(looks)-1]) }

// Settled reports whether the last look at the hour is over, or a later one that a person asked for.
func (h *Hour) Settled() bool { return !h.Done.IsZero() && !h.Looked.Before(LastLook(h.Hour)) }

// add takes in a later part of the same hour.
func (h *Hour) add(o Hour) {
	h.Listed += o.Listed
	h.Print += o.Print
	h.Seen += o.Seen
	h.Missed += o.Missed
	h.Uncarried += o.Uncarried
	h.Ignored += o.Ignored
	h.Recovered += o.Recovered
	h.Unstored += o.Unstored
	h.Again += o.Again
	h.Unlisted += o.Unlisted
	h.Unreadable += o.Unreadable
	h.Recovery.Add(o.Recovery)
	for category, n := range o.Categories {
		h.category(category, n)
	}
	for feed, part := range o.Feeds {
		h.feed(feed, func(f *FeedHour) {
			f.Expected += part.Expected
			f.Seen += part.Seen
			f.Delay.Add(part.Delay)
		})
	}
}

// list counts a record that Azure lists.
func (h *Hour) list(id string) {
	h.Listed++
	one := fnv.New64a()
	_, _ = one.Write([]byte(id)) // hash.Hash never fails
	h.Print += one.Sum64()       // whatever the order
}

func (h *Hour) category(c activity.Category, n int) {
	if h.Categories == nil {
		h.Categories = map[activity.Category]int{}
	}
	h.Categories[c] += n
}

func (h *Hour) feed(name Feed, change func(*FeedHour)) {
	if h.Feeds == nil {
		h.Feeds = map[Feed]FeedHour{}
	}
	f := h.Feeds[name]
	change(&f)
	h.Feeds[name] = f
}

// kept is h as the store keeps it.
func (h *Hour) kept() (store.LedgerHour, error) {
	body, err := json.Marshal(h)
	if err != nil {
		return store.LedgerHour{}, fmt.Errorf("write ledger: %w", err)
	}
	return store.LedgerHour{Subscription: activity.Scope(h.Subscription).Key(), Hour: h.Hour, Body: body}, nil
}

// ReadHour reads what the store kept.
func ReadHour(kept store.LedgerHour) (Hour, error) {
	var h Hour
	if err := json.Unmarshal(kept.Body, &h); err != nil {
		return h, fmt.Errorf("read ledger: %w", err)
	}
	return h, nil
}

// Delays is a distribution of delays that can be summed up over hours: how many were at most each of delayBounds.
type Delays struct {
	Counts []int   `json:"counts,omitempty"` // by bound; the last one beyond all of them
	Max    float64 `json:"max_seconds,omitempty"`
}

// delayBounds are where a reader's judgement changes: at once, soon, after Azure's own delay, after a redelivery, late.
var delayBounds = []time.Duration{
	5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute,
	time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 72 * time.Hour,
}

// note counts one delay. A clock that is behind makes it negative, which is no delay.
func (d *Delays) note(delay time.Duration) {
	if d.Counts == nil {
		d.Counts = make([]int, len(delayBounds)+1)
	}
	at := slices.IndexFunc(delayBounds, func(bound time.Duration) bool { return delay <= bound })
	if at < 0 {
		at = len(delayBounds)
	}
	d.Counts[at]++
	d.Max = max(d.Max, delay.Seconds())
}

// Add takes in another distribution.
func (d *Delays) Add(o Delays) {
	if d.Counts == nil {
		d.Counts = make([]int, len(delayBounds)+1)
	}
	for i, n := range o.Counts[:min(len(o.Counts), len(d.Counts))] {
		d.Counts[i] += n
	}
	d.Max = max(d.Max, o.Max)
}

// N is how many delays were counted.
func (d Delays) N() int {
	n := 0
	for _, one := range d.Counts {
		n += one
	}
	return n
}

// Within is a bound that the given share of all delays kept, the next one above it that there is, and the longest delay
// at most.
func (d Delays) Within(share float64) time.Duration {
	longest, n, sum := time.Duration(d.Max*float64(time.Second)), d.N(), 0
	for i, one := range d.Counts {
		if sum += one; n > 0 && float64(sum) >= share*float64(n) && i < len(delayBounds) {
			return min(delayBounds[i], longest)
		}
	}
	return longest
}
