package digest

import (
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/coverage"
)

// Evidence is what the store knows beside events. What is missing in it is shown as not known, never as zero.
type Evidence struct {
	Alerts     AlertList
	Unsent     bool // the alerts are what rules would have alerted about: nothing was sent
	Exceptions []ExceptionUse
	Ends       []End   // destinations that did not get everything
	Staged     []Count // matches of rules on trial, by rule; they were counted and not sent
	Ledger     *Ledger
	Parked     map[string]int64
	Alive      *Alive     // nil: not known
	Rules      []Rule     // those in force; controls are theirs
	RuleSet    string     // hash of them
	RuleSets   []RuleSpan // those of the period, as its rollups name them; nil: not known
	Names      Names      // that were looked up for alerts
}

// RuleSpan is for how long rules were in force: hours, by what their rollups say.
type RuleSpan struct {
	RuleSet string    `json:"rule_set_sha256"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
}

// AddRuleSpan adds a span behind others, or to the last one of the same rules where it ends with its beginning.
func AddRuleSpan(spans []RuleSpan, next RuleSpan) []RuleSpan {
	for i := range spans {
		if last := &spans[i]; last.RuleSet == next.RuleSet && last.To.Equal(next.From) {
			last.To = next.To
			return spans
		}
	}
	return append(spans, next)
}

// Rule is what a report shows of a rule.
type Rule struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Author   string   `json:"author,omitempty"`
	Severity string   `json:"severity,omitempty"`
	Controls []string `json:"controls,omitempty"`
	// Categories are those of the events that the rule is about, by its own examples; none: not known, so any.
	Categories []activity.Category `json:"categories,omitempty"`
	// Feeds are those that carry what the rule is about, by its own examples (package coverage).
	Feeds []coverage.Feed `json:"feeds,omitempty"`
}

// Alert is what became of one alert.
type Alert struct {
	ID         string        `json:"id"`
	Rule       Rule          `json:"rule"`
	Severity   string        `json:"severity"`
	Headline   string        `json:"headline"`
	Happened   time.Time     `json:"happened,omitzero"` // the event's own time
	Opened     time.Time     `json:"opened"`
	Operation  string        `json:"operation"`
	Caller     string        `json:"caller,omitempty"`
	Resource   string        `json:"resource,omitempty"`
	Outcome    string        `json:"outcome,omitempty"`
	EventID    string        `json:"event_id,omitempty"`
	Entries    []string      `json:"-"` // EntryKey of all of its records, where they are known
	JudgedBy   Basis         `json:"judged_by,omitempty"`
	Count      int64         `json:"operations"` // operations it stands for
	Records    int64         `json:"entries"`
	Deliveries []Delivery    `json:"deliveries"`
	Answers    []Answer      `json:"answers,omitempty"`
	Latency    time.Duration `json:"-"` // from happening to the first delivery; negative when that is not known
}

// Basis is what an act was judged by, beside its records.
type Basis string

// What an act was judged by whose records do not say what was asked for.
const (
	ByLookup Basis = "lookup"   // what Azure answered when it was asked
	AtWorst  Basis = "at_worst" // nothing says it: as the gravest that it could be
)

// State is how much is known about a message at a destination, in the words of package notify.
type State string

// States. None of them says that a person read the message.
const (
	Waiting   State = "waiting"   // no answer has taken it yet
	Accepted  State = "accepted"  // a service took it and does not report what became of it
	Confirmed State = "confirmed" // the answer proves that it is where its readers look
)

// Delivery is what became of one alert at one destination.
type Delivery struct {
	Destination string    `json:"destination"`
	State       State     `json:"state"`
	At          time.Time `json:"at,omitzero"`      // when it was first accepted or confirmed, where that is known
	Reason      string    `json:"reason,omitempty"` // why it waits
}

// Answer is what a person did about an alert.
type Answer struct {
	Action string    `json:"action"` // acknowledged, snoozed, expected
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// ExceptionUse is an exception and what it kept quiet.
type ExceptionUse struct {
	ID      string    `json:"id"`
	Owner   string    `json:"owner"`
	Reason  string    `json:"reason"`
	Ticket  string    `json:"ticket,omitempty"`
	Expires time.Time `json:"expires"`
	Expired bool      `json:"expired"` // at the end of the period
	Count   int64     `json:"suppressed"`
	Rules   []Count   `json:"by_rule,omitempty"`
}

// Ledger is the comparison of what arrived with what Azure lists, hour by hour and subscription by subscription.
type Ledger struct {
	Off      string `json:"off,omitempty"`  // why nothing was compared; empty: something was
	Expected int    `json:"hours_expected"` // scope-hours of the period
	Checked  int    `json:"hours_checked"`
	// Compared are the hours that were checked, by kind of scope.
	Compared  map[activity.ScopeKind]int `json:"hours_checked_by_kind,omitempty"`
	Settled   int                        `json:"hours_settled"` // checked, and the last look (26 hours after the hour) is over
	Pending   int                        `json:"hours_pending"` // the last look is still to come
	Matched   int                        `json:"hours_matched"`
	Repaired  int                        `json:"hours_repaired"` // entries were missing and have been fed in
	Entries   int                        `json:"entries_repaired"`
	Unmatched int                        `json:"hours_unmatched"` // entries are missing still

	Listed    int64            `json:"entries_listed"`    // by Azure, in the hours that were compared
	Seen      int64            `json:"entries_seen"`      // brought by a feed
	Uncarried int64            `json:"entries_uncarried"` // that no feed brings; they were read from Azure's list
	Ignored   int64            `json:"entries_ignored"`   // filtered out by the operator's choice
	Open      int              `json:"operations_open"`   // that began in the period and of which Azure lists no end
	Feeds     map[string]Delay `json:"feeds,omitempty"`   // how late each feed was
	Recovery  Delay            `json:"recovery,omitzero"` // how late recovered entries were
	Unproven  []Unproven       `json:"unproven,omitempty"`
}

// Delay is how long after the fact entries were known. Its seconds are bounds that so many of them kept.
type Delay struct {
	Expected int64   `json:"entries_expected,omitempty"` // of what Azure lists, what a feed should have brought
	N        int64   `json:"entries"`
	P50      float64 `json:"p50_seconds"`
	P95      float64 `json:"p95_seconds"`
	Max      float64 `json:"max_seconds"`
}

// Unproven is a span of hours of a subscription of which it is not known that nothing was missed.
type Unproven struct {
	Subscription string    `json:"subscription"`
	From         time.Time `json:"from"`
	To           time.Time `json:"to"`
	Hours        int       `json:"hours"`
	Why          string    `json:"why"`
}

// Alerts are the alerts of the period. An alert counts by the best state that a destination has of it.
type Alerts struct {
	Known        bool             `json:"known"` // false: neither sent alerts nor rules were asked
	Sent         bool             `json:"sent"`  // false: what the rules would have alerted about, from entries alone
	Raised       int              `json:"raised"`
	ByLookup     int              `json:"judged_by_lookup,omitempty"`
	AtWorst      int              `json:"judged_at_worst,omitempty"`
	BySeverity   map[string]int64 `json:"by_severity,omitempty"`
	Confirmed    int              `json:"confirmed"`
	Accepted     int              `json:"accepted"`
	Waiting      int              `json:"waiting"`
	Owed         int              `json:"owed"` // deliveries to single destinations that wait
	Acknowledged int              `json:"acknowledged"`
	Open         int              `json:"open"` // confirmed or accepted, and not acknowledged
	ToDelivery   Latency          `json:"to_delivery"`
	ToAnswer     Latency          `json:"to_acknowledgement"`
	List         AlertList        `json:"-"` // gravest first, then by kind of operation, then by time; JSON has them as "list"
}

// Latency is a distribution of durations, in seconds.
type Latency struct {
	N   int     `json:"count"`
	P50 float64 `json:"p50_seconds"`
	P95 float64 `json:"p95_seconds"`
	Max float64 `json:"max_seconds"`
}

// Control is how one control worked in the period.
type Control struct {
	ID           string   `json:"id"`
	Title        string   `json:"title,omitempty"`
	Rules        []string `json:"rules"`
	Seen         int64    `json:"seen"`     // operations that met its rules: alerted and excepted
	Alerted      int64    `json:"alerted"`  // operations
	Excepted     int64    `json:"excepted"` // operations that an exception suppressed
	By           []string `json:"excepted_by,omitempty"`
	Alerts       int      `json:"alerts"`
	Confirmed    int      `json:"confirmed"`
	Accepted     int      `json:"accepted"`
	ToDelivery   Latency  `json:"to_delivery"`
	Acknowledged []string `json:"acknowledged_by,omitempty"`
	// Verdict says in a word what this proves: operated, quiet, not_watched, fell_short.
	Verdict string `json:"verdict"`
	Why     string `json:"why,omitempty"` // of not_watched
}
