// Package digest turns past events into a report that an auditor can check: one Report from whatever source, one file
// for each format, and a bundle whose files prove each other.
//
// A Tally counts what a source yields; Build makes a Report of it and of what the store knows beside events (Evidence).
// The package reads no store and sends no mail: main brings the one and does the other.
package digest

import (
	"time"

	"github.com/auditbell/auditbell/handler/source"
)

// Report is a digest before it is written in a format. Two Reports of the same events are equal whatever source the
// events came from, but for what Completeness says of the source.
//
// The first six are the keys of the compliance report that people wrote in pandas before, and mean what they mean there:
// numbers of log entries, each once however often it was delivered, statuses of all vocabularies folded, operations
// compared without regard to case.
type Report struct {
	Period         string // in words
	GeneratedAt    time.Time
	Summary        Summary
	ByCategory     map[string]int64
	SecurityEvents []Family
	HighRisk       Operations

	Name         string // of the digest, as config/auditbell.yaml has it
	Masthead     Masthead
	Names        Names // of its ids, as far as they were known when it was made; see AddNames
	Window       source.Window
	Zone         *time.Location // in which days begin
	Completeness Completeness
	Lifecycles   Lifecycles
	ByOutcome    map[string]int64 // entries
	Policy       Outcomes         // a failed Policy entry is a request that policy denied
	Roles        Roles
	Deletions    Deletions
	Failures     Failures
	Top          Top
	Activity     Activity
	Alerts       Alerts
	Exceptions   []ExceptionUse
	Ends         []End   // destinations that did not get everything; nil: none, or not known
	Staged       []Count // matches of experimental rules, counted and not sent
	Controls     []Control
	RuleSets     []RuleSpan // the rules that were in force, where that is known
	Change       *Change    // against the period before; nil when that is not known

	callerIDs []string // callers of whom entries have an id only, in order
}

// Summary is the report in four numbers of log entries.
type Summary struct {
	Total         int64 `json:"total_operations"`
	Successful    int64 `json:"successful"`
	Failed        int64 `json:"failed"`
	UniqueCallers int64 `json:"unique_callers"`
}

// Family is what is counted of one kind of security-relevant operation.
type Family struct {
	Name       string   `json:"-"` // what the operation's name contains
	Count      int64    `json:"count"`
	Successful int64    `json:"successful"`
	Callers    []string `json:"callers"` // by name, in lower case
}

// Outcomes counts by how it ended.
type Outcomes struct {
	Total     int64 `json:"total"`
	Succeeded int64 `json:"succeeded"`
	Failed    int64 `json:"failed"`
}

// Lifecycles counts operations rather than entries: Started, Accepted and Succeeded of one operation are one.
type Lifecycles struct {
	Distinct  int64            `json:"distinct_operations"`
	ByOutcome map[string]int64 `json:"by_outcome"` // the last state seen
	// Unfinished were started and no end was seen: still running, or the end was lost.
	Unfinished int64 `json:"unfinished"`
}

// Roles are the changes of role assignments.
type Roles struct {
	Created int64        `json:"created"` // successful ones
	Deleted int64        `json:"deleted"`
	Changes []RoleChange `json:"changes"` // by time, one for each operation
}

// RoleChange is one change of a role assignment.
type RoleChange struct {
	Time      time.Time `json:"timestamp,omitzero"`
	Action    string    `json:"action"` // created or deleted
	Caller    string    `json:"caller,omitempty"`
	Role      string    `json:"role,omitempty"` // its name where it is a built-in one, else its id
	Principal string    `json:"principal,omitempty"`
	Kind      string    `json:"principal_type,omitempty"`
	Scope     string    `json:"scope,omitempty"`
	Resource  string    `json:"resource,omitempty"`
	Status    string    `json:"status,omitempty"`
	EventID   string    `json:"event_id,omitempty"`
}

// Count is a name with a number.
type Count struct {
	Name string `json:"name"`
	N    int64  `json:"count"`
}

// Deletions are the successful ones.
type Deletions struct {
	Total  int64   `json:"total"`
	ByType []Count `json:"by_type"` // most first
}

// Failures are the failed entries.
type Failures struct {
	Total       int64   `json:"total"`
	ByOperation []Count `json:"by_operation"` // most first
}

// Top lists who and what there was most of.
type Top struct {
	Operations []Tried `json:"operations"`
	Callers    []Tried `json:"callers"`
	Risky      []Tried `json:"high_risk_callers"` // those with the most entries of high risk
}

// Tried is a name with how often it was tried, and how that went.
type Tried struct {
	Name   string `json:"name"`
	N      int64  `json:"count"`
	Failed int64  `json:"failed"`
	Risky  int64  `json:"high_risk,omitempty"`
}

// Activity is when it happened: a line for each day of the period in its zone.
type Activity struct {
	Days []Day `json:"days"`
}

// Day counts entries by hour of the clock on the wall. On the two days on which clocks change, an hour is missing or
// counts double.
type Day struct {
	Date  string    `json:"date"`
	Hours [24]int64 `json:"hours"`
	Total int64     `json:"total"`
	Risky int64     `json:"high_risk"`
}

// Change compares with the period before.
type Change struct {
	Period   string   `json:"period"` // the one before
	Manifest string   `json:"manifest_sha256,omitempty"`
	Metrics  []Metric `json:"metrics"`
}

// Metric is one number then and now.
type Metric struct {
	Name   string `json:"name"`
	Before int64  `json:"before"`
	Now    int64  `json:"now"`
}

// Completeness answers the first question of an audit: is this everything?
type Completeness struct {
	// Statement says it in sentences; the other members are what it rests on.
	Statement  string           `json:"statement"`
	Verdict    Verdict          `json:"verdict"`  // on the record
	Complete   bool             `json:"complete"` // true only where the verdict is proven
	Reasons    []string         `json:"reasons,omitempty"`
	InTime     InTime           `json:"alerted_in_time"`
	Source     string           `json:"source"` // where the entries came from
	Inputs     int              `json:"inputs,omitempty"`
	Bytes      int64            `json:"bytes,omitempty"`
	Forms      []Count          `json:"forms,omitempty"`
	Again      int64            `json:"redelivered"` // delivered again, counted once
	Outside    int64            `json:"outside_period"`
	Undated    int64            `json:"undated"` // have no time that can be read
	Unreadable int64            `json:"unreadable"`
	Places     []source.Place   `json:"unreadable_places,omitempty"` // the first ones
	Other      map[string]int64 `json:"other_signals,omitempty"`     // read, and not Activity Log entries
	Hours      int              `json:"hours"`                       // of the period
	Silent     int              `json:"hours_without_entries"`
	Gaps       []Gap            `json:"longest_silences,omitempty"`
	Scopes     []Count          `json:"subscriptions"` // entries of each; "" is what names none
	Ledger     *Ledger          `json:"ledger,omitempty"`
	Parked     map[string]int64 `json:"parked,omitempty"` // came in and was set aside, by signal
	Canary     CanaryDays       `json:"canary"`           // how far the daily test went, day by day
	Watch      SelfWatch        `json:"self_watch"`       // in which hours the function ran
}

// Gap is a span without any entry.
type Gap struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Hours int       `json:"hours"`
}
