package simulation

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/local/azure"
	"github.com/auditbell/auditbell/local/simulation/oracle"
)

// What the timer functions canary and reconcile do, in the plans that have them: each of both costs calls all day long.

// testAt is the time of day at which the daily test is due.
const testAt = 9 * time.Hour

// timers draws which of the functions a plan has.
func (p *planner) timers() {
	r := rand.New(rand.NewPCG(p.plan.Seed, 0x71e5))
	if r.IntN(5) == 0 {
		p.plan.Settings["CANARY_AT"] = "09:00"
		for at := testAt; at < p.plan.Length; at += 24 * time.Hour {
			p.plan.Tests = append(p.plan.Tests, at)
		}
	}
	if r.IntN(8) == 0 && p.plan.Length < 6*24*time.Hour {
		p.listed = map[string]bool{}
		p.plan.Settings["SCOPES"], p.plan.Settings["RECONCILE_FEEDS"], p.plan.Settings["RECONCILE_LOOKBACK"] = subscription, "eventgrid,eventhub", "1h"
		for at := 2 * time.Hour; at < p.plan.Length+30*time.Hour; at += 3*time.Hour + time.Duration(r.IntN(40))*time.Minute {
			p.plan.Comparisons = append(p.plan.Comparisons, at)
		}
	}
}

// record and grid are a record of an operation as a feed brings it. Where Azure's list is compared, it stands there too.
func (p *planner) record(o *operation, at time.Time, stage status) string {
	p.list(o, at, stage)
	return o.record(at, stage)
}

func (p *planner) grid(o *operation, id string, at time.Time, end status) string {
	p.list(o, at, end)
	return o.grid(id, at, end)
}

// list adds a record to Azure's own list, once, from some minutes later on.
func (p *planner) list(o *operation, at time.Time, stage status) {
	key := o.correlation + string(stage) + at.String()
	if p.listed == nil || p.listed[key] {
		return
	}
	p.listed[key] = true
	id := guid(p.plan.Seed, len(p.listed), "listed")
	p.plan.Log = append(p.plan.Log, azure.Entry{
		Scope: "/subscriptions/" + subscription, Time: at, From: at.Add(time.Duration(len(p.listed)%15) * time.Minute), Item: json.RawMessage(o.listed(id, at, stage)),
	})
}

// unfed are acts that no feed brings: Azure's list has them, and nothing else.
func (p *planner) unfed(name string) {
	if p.listed == nil {
		return
	}
	for range 2 + p.IntN(6) {
		at := p.any()
		a, o := p.add(p.kind(), deed{name, p.actor(), p.group()}, at)
		a.Late = true
		p.list(o, p.epoch.Add(at), started)
		p.list(o, p.epoch.Add(at+3*time.Second), succeeded)
		p.plan.Unfed = append(p.plan.Unfed, a.ID)
	}
}

// listed is a record as "Activity Logs - List" has it (REST reference, api-version 2015-04-01).
func (o *operation) listed(id string, at time.Time, stage status) string {
	value := func(s string) object { return object{"value": s, "localizedValue": s} }
	properties := object{}
	if o.body != "" && (stage == started || stage == succeeded && o.whole) {
		properties["requestbody"] = o.body
	}
	if stage == succeeded && o.answer != "" {
		properties["responseBody"] = o.answer
	}
	group, _, _ := strings.Cut(strings.TrimPrefix(o.resource, "/subscriptions/"+subscription+"/resourceGroups/"), "/")
	return text(object{
		"authorization": object{"action": o.name, "scope": o.resource}, "caller": o.caller, "channels": "Operation", "claims": o.claims(),
		"correlationId": o.correlation, "eventDataId": id, "eventName": value(map[bool]string{true: "BeginRequest", false: "EndRequest"}[stage == started]),
		"category": value("Administrative"), "eventTimestamp": seven(at), "id": o.resource + "/events/" + id + "/ticks/638000000000000000", "level": "Informational",
		"operationId": o.correlation, "operationName": value(o.name), "resourceGroupName": group, "resourceProviderName": value(strings.SplitN(o.name, "/", 2)[0]),
		"resourceId": o.resource, "status": value(string(stage)), "subStatus": value(""), "submissionTimestamp": seven(at.Add(time.Minute)), "subscriptionId": subscription,
		"tenantId": tenant, "httpRequest": object{"clientIpAddress": o.ip, "method": "PUT"}, "properties": properties,
	})
}

// timer runs a timer function on an instance, and again every ten minutes until it is done.
func (s *simulation) timer(function string, tries int, done func()) {
	i := s.someone()
	if i == nil {
		s.scheduler.after(time.Minute, func() { s.timer(function, tries, done) })
		return
	}
	s.invoke(i, function, timerOf(function), func(r result) {
		s.answered(function, nil, r, false)
		switch {
		case r.ok():
			done()
		case tries > 1:
			s.scheduler.after(10*time.Minute, func() { s.timer(function, tries-1, done) })
		}
	})
}

// doubt has the timer deliver run when messages that may be missing are reported: an hour later, and those that followed a day
// after that. The store owes nothing then, so the run would be left out.
func (s *simulation) doubt() {
	if now := time.Now(); now.Sub(s.doubted) > time.Hour {
		s.doubted = now
		s.scheduler.after(62*time.Minute, s.tick)
		s.scheduler.after(27*time.Hour, s.tick)
	}
}

// test sends the test of a day, and looks ten minutes later on another instance, as the function's schedule does.
func (s *simulation) test() {
	day := oracle.Test{Day: time.Now().UTC().Format(time.DateOnly), At: time.Now()}
	s.timer("canary", 12, func() {
		s.world.Tests = append(s.world.Tests, day)
		s.scheduler.after(10*time.Minute, func() { s.timer("canary", 1, func() {}) })
	})
}

// compare has the program compare what it has with Azure's list. The last run answers for every act that no feed brought.
func (s *simulation) compare(last bool) {
	s.timer("reconcile", 3, func() {
		if !last {
			return
		}
		for _, act := range s.plan.Unfed {
			s.world.Arrivals = append(s.world.Arrivals, oracle.Arrival{Act: act, At: time.Now()})
		}
	})
}

// runTimers puts both functions on the agenda.
func (s *simulation) runTimers() {
	for _, at := range s.plan.Tests {
		s.scheduler.at(s.begun.Add(at+30*time.Second), s.test)
	}
	for n, at := range s.plan.Comparisons {
		s.scheduler.at(s.begun.Add(at), func() { s.compare(n == len(s.plan.Comparisons)-1) })
	}
	s.azure.Log(slices.Clone(s.plan.Log)...)
}
