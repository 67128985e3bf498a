// Package lookup finds out what an event does not say: the name behind an id, what a property was before, whether its
// actor ever did this before. It asks Azure, Microsoft Graph, the store and the name service, after the first message
// went out; the pipeline edits the message with what it brings.
//
// Three rules govern it:
//   - Nothing waits for it. Every question is bounded in time, and a service that is slow, throttles or refuses is left
//     alone for a while.
//   - Nothing is asked twice that is known: answers are kept, "there is none" among them, and one question at a time is
//     asked about one thing.
//   - What comes back is untrusted text, as events are: it is cut here and escaped by the channels.
//
// One file per lookup, and a line in the table below. What needs no network is package enrich's.
package lookup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/turns"
)

// Past is what the store remembers; package store has it.
type Past interface {
	Habit(ctx context.Context, e activity.Event) (alert.Habit, error)
	Related(ctx context.Context, correlation string) (events []activity.Event, ru float64, err error)
	Recent(ctx context.Context, actor string, at time.Time) (events []activity.Event, ru float64, err error)
	// States are what Azure said by itself of a resource, or of its health, in order of time.
	States(ctx context.Context, resourceID string, ofHealth bool) (all []activity.State, ru float64, err error)
}

// lookup is one question, and when it is worth asking.
type lookup struct {
	name    string
	adds    string // what readers get, for `handler check`
	needs   string // the permission that it takes
	applies func(e *activity.Event) bool
	ask     func(s *Set, ctx context.Context, e *activity.Event) (alert.Learned, error)
	probe   func(s *Set, ctx context.Context) (string, error) // tries the permission; nil: there is nothing to try
}

// lookups are all there are, by the name that settings, metrics and logs use.
var lookups = []lookup{
	{
		"role", "role name and what it permits", "Microsoft.Authorization/roleDefinitions/read on the watched subscriptions",
		isAssignment, (*Set).role, (*Set).probeRole,
	},
	{
		"resource", "role and principal, port and source, where the record does not carry them", "Microsoft.Authorization/roleAssignments/read, or Reader, on the watched subscriptions",
		IsReadable, (*Set).resource, (*Set).probeRole,
	},
	{"principal", "name of who gets or loses a role", graphNeeds, isAssignment, (*Set).principal, (*Set).probeGraph},
	{"caller", "name of a caller that is told by id only", graphNeeds, isNameless, (*Set).caller, (*Set).probeGraph},
	{"place", "subscription name, tags, owner", "Reader on the watched subscriptions", isPlaced, (*Set).place, (*Set).probePlace},
	{
		"policy", "names of policies, assignments and definitions", "Microsoft.Authorization/policyAssignments/read and so on, or Reader, on the watched subscriptions and management groups",
		isPolicy, (*Set).policy, nil,
	},
	{"changes", "properties before and after", "Reader on the watched subscriptions", isChange, (*Set).changes, (*Set).probePlace},
	{"health", "since when a resource is unavailable, and why", "none: it asks the store, where Resource Notifications are", isHealth, (*Set).health, nil},
	{"history", "first time, what else the actor does", "none: it asks the store", hasPast, (*Set).history, nil},
	{"host", "reverse name of the client's address", "none: it asks the name service", isPublic, (*Set).host, nil},
}

// Names lists the lookups.
func Names() []string {
	var names []string
	for _, l := range lookups {
		names = append(names, l.name)
	}
	return names
}

// Relevant names the lookups that could add something to an event, switched on or not.
func Relevant(e *activity.Event) []string {
	return (&Set{on: lookups}).For(e)
}

// Set is the lookups that are switched on. It is safe for concurrent use.
type Set struct {
	on       []lookup
	past     Past
	azure    clients
	resolve  func(ctx context.Context, address string) ([]string, error)
	ownerTag []string
	optional bool
	now      func() time.Time
	log      *slog.Logger

	roles   cache[roleKind]
	objects cache[string]
	places  cache[place]
	hosts   cache[string]
	bodies  cache[activity.Properties]
	titles  cache[string]
}

// Options say what to ask, and whom.
type Options struct {
	Names     []string // which lookups; see Names
	Optional  bool     // nobody named them one by one, so that one that may not ask is no fault
	Past      Past
	Azure     Azure
	Resolve   func(ctx context.Context, address string) ([]string, error) // net.Resolver's LookupAddr
	OwnerTags []string                                                    // names of the tags that say who owns a resource
	Now       func() time.Time
	Logger    *slog.Logger
}

// New returns the lookups that o names. It calls nothing.
func New(o Options) (*Set, error) {
	s := &Set{past: o.Past, resolve: o.Resolve, ownerTag: o.OwnerTags, optional: o.Optional, now: o.Now, log: o.Logger}
	for _, l := range lookups {
		if slices.Contains(o.Names, l.name) {
			s.on = append(s.on, l)
		}
	}
	var err error
	if s.azure, err = o.Azure.open(o.Now, o.Logger); err != nil {
		return nil, fmt.Errorf("make Azure clients: %w", err)
	}
	s.roles, s.objects, s.places, s.hosts = newCache[roleKind](o.Now), newCache[string](o.Now), newCache[place](o.Now), newCache[string](o.Now)
	s.bodies, s.titles = newCache[activity.Properties](o.Now), newCache[string](o.Now)
	return s, nil
}

// For names the lookups that could add something to the event.
func (s *Set) For(e *activity.Event) []string {
	var names []string
	for _, l := range s.on {
		if l.applies(e) {
			names = append(names, l.name)
		}
	}
	return names
}

// within bounds one question; all that belong to an event are asked at once.
const within = 2500 * time.Millisecond

// Look asks the named lookups. later are those that had no answer yet.
func (s *Set) Look(ctx context.Context, e activity.Event, names []string) (found alert.Learned, later []string) {
	var mu sync.Mutex
	asked := slices.DeleteFunc(slices.Clone(s.on), func(l lookup) bool { return !slices.Contains(names, l.name) })
	turns.Each(ctx, len(asked), max(1, len(asked)), func(ctx context.Context, i int) {
		one, err := s.one(ctx, asked[i], &e)
		mu.Lock()
		defer mu.Unlock()
		found = merge(found, one)
		if mayAnswerLater(err) {
			later = append(later, asked[i].name)
		}
	})
	slices.Sort(later)
	return found, later
}

// one asks one lookup. A panic on a garbled answer is that lookup's own: the message is complete without it.
func (s *Set) one(ctx context.Context, l lookup, e *activity.Event) (found alert.Learned, err error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("lookup panicked", "lookup", l.name, "event", e.ID, "panic", fmt.Sprint(p))
			found, err = alert.Learned{}, errNothing
		}
	}()
	began := s.now()
	found, err = l.ask(s, ctx, e)
	args := []any{"lookup", l.name, "event", e.ID, "ms", s.now().Sub(began).Milliseconds()}
	switch {
	case err == nil, errors.Is(err, errNothing):
		s.log.Debug("looked up", args...)
	default:
		s.log.Info("not looked up", append(args, "later", mayAnswerLater(err), "error", short(err))...)
	}
	return found, err
}

// merge puts two answers together.
func merge(a, b alert.Learned) alert.Learned {
	if len(b.Names) > 0 {
		names := maps.Clone(b.Names)
		maps.Copy(names, a.Names)
		a.Names = names
	}
	a.Facts = append(a.Facts, b.Facts...)
	a.RU += b.RU
	if b.Body != nil {
		a.Body, a.AsOf = b.Body, b.AsOf
	}
	a.Missing, a.Refused = cmp.Or(a.Missing, b.Missing), a.Refused || b.Refused
	return a
}

// Line is what `handler check` says about one lookup.
type Line struct {
	Name   string
	On, OK bool
	Detail string
}

// Check tries every lookup's permission and says, of those that lack it, what to grant.
func (s *Set) Check(ctx context.Context) []Line {
	var lines []Line
	for _, l := range lookups {
		line := Line{Name: l.name, Detail: l.adds}
		line.On = slices.ContainsFunc(s.on, func(on lookup) bool { return on.name == l.name })
		line.OK = true
		switch {
		case !line.On:
			line.Detail = "off; it would add " + l.adds
		case l.probe != nil:
			detail, err := s.try(ctx, l)
			line.Detail += detail
			if err != nil {
				line.OK = s.optional
				line.Detail = fmt.Sprintf("messages go without %s: %s (hint: it needs %s; or take it out of LOOKUPS)", l.adds, short(err), l.needs)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func (s *Set) try(ctx context.Context, l lookup) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*within) // a first token takes its time
	defer cancel()
	return l.probe(s, ctx)
}
