package simulation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/local/simulation/oracle"
)

// move is something that the people of the simulated Azure do, the adversary among them.
type move struct {
	name   string
	weight int
	make   func(p *planner, name string)
}

const ordinary = "ordinary work"

// moves are in the order in which a report names them. Those of the adversary are kinds of attack that were tried by hand,
// with what identifies them drawn at random.
var moves = []move{
	{ordinary, 42, func(p *planner, name string) {
		for range 1 + p.IntN(6) {
			p.do(p.kind(), deed{name, p.actor(), p.group()}, p.moment())
		}
	}},
	{"a used correlation id", 6, reuse},
	{"two acts in one deployment", 6, deployment},
	{"a flood with a grave act in it", 1, flood},
	{"many of a kind in one window", 6, window},
	{"grants to several principals", 6, grants},
	{"a role that stands in Started only", 6, startedOnly},
	{"a condition that ends", 6, condition},
	{"more than twenty operations", 3, twenty},
	{"more rules than an alert keeps", 3, manyRules},
	{"a record that the store refuses", 6, poison},
	{"a batch that races itself", 3, race},
	{"an act that failed", 6, failing},
	{"beside an exception", 8, beside},
	{"a graver rule beside an exception", 4, besideOneRule},
	{"after an act was marked as expected", 8, expected},
	{"while an alert is snoozed", 8, snoozed},
	{"in a window of maintenance", 8, maintained},
}

// kind is a sort of act: what it is called and what makes it grave.
type kind struct {
	name     string
	op       string
	provider string // path of the resource below its group
	severity oracle.Severity
	body     func(p *planner, act *oracle.Act) string
}

func nsgBody(source, port string) string {
	return text(object{"properties": object{"access": "Allow", "direction": "Inbound", "protocol": "Tcp", "sourceAddressPrefix": source, "destinationPortRange": port}})
}

// opened is a rule that lets the internet in.
func opened(p *planner, act *oracle.Act) string {
	port := fmt.Sprint(20000 + p.IntN(40000))
	act.Facts = append(act.Facts, oracle.Fact{Name: "port", Any: []string{port}}, oracle.Fact{Name: "source", Any: []string{"*", "any", "internet"}})
	return nsgBody("*", port)
}

// owner is a grant of Owner.
func owner(p *planner, act *oracle.Act) string {
	principal := p.guid("principal")
	act.Facts = append(act.Facts, oracle.Fact{Name: "role", Any: []string{"owner"}}, oracle.Fact{Name: "principal", Any: []string{principal}})
	return text(object{"properties": object{
		"roleDefinitionId": "/subscriptions/" + subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + ownerRole,
		"principalId":      principal, "principalType": "ServicePrincipal",
	}})
}

var (
	vaultDelete = kind{"vault deleted", "Microsoft.KeyVault/vaults/delete", "Microsoft.KeyVault/vaults/kv", oracle.High, nil}
	lockDelete  = kind{"lock deleted", "Microsoft.Authorization/locks/delete", "Microsoft.Authorization/locks/lock", oracle.High, nil}
	traceDelete = kind{"diagnostic setting deleted", "Microsoft.Insights/diagnosticSettings/delete", "Microsoft.Insights/diagnosticSettings/diag", oracle.High, nil}
	diskExport  = kind{"disk exported", "Microsoft.Compute/disks/beginGetAccess/action", "Microsoft.Compute/disks/disk", oracle.High, nil}
	purge       = kind{"vault purged", "Microsoft.KeyVault/locations/deletedVaults/purge/action", "Microsoft.KeyVault/locations/westeurope/deletedVaults/kv", oracle.Critical, nil}
	ownerGrant  = kind{"Owner granted", "Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/", oracle.High, owner}
	netOpened   = kind{"network opened", "Microsoft.Network/networkSecurityGroups/securityRules/write", "Microsoft.Network/networkSecurityGroups/nsg/securityRules/rule", oracle.High, opened}
	roleRemove  = kind{"role removed", "Microsoft.Authorization/roleAssignments/delete", "Microsoft.Authorization/roleAssignments/", oracle.Low, nil}
	keysListed  = kind{"keys listed", "Microsoft.Storage/storageAccounts/listKeys/action", "Microsoft.Storage/storageAccounts/st", oracle.Low, nil}
	policyWrite = kind{"policy assigned", "Microsoft.Authorization/policyAssignments/delete", "Microsoft.Authorization/policyAssignments/pa", oracle.Medium, nil}

	kinds = []kind{vaultDelete, lockDelete, traceDelete, diskExport, purge, ownerGrant, netOpened, roleRemove, keysListed, policyWrite}
)

func (p *planner) kind() kind { return kinds[p.IntN(len(kinds))] }

// deed is what acts of one move have in common: the move, the actor, the resource group.
type deed struct{ part, actor, group string }

// add adds an act of a kind and returns its operation, ready to be written as records.
func (p *planner) add(k kind, by deed, at time.Duration) (*oracle.Act, *operation) {
	a := oracle.Act{
		ID: len(p.plan.Acts), Kind: k.name, Actor: by.actor, Group: by.group, Severity: k.severity, At: p.epoch.Add(at), Part: by.part,
	}
	a.Resource = k.provider[strings.LastIndexByte(k.provider, '/')+1:] + fmt.Sprintf("%05d", p.next())
	if strings.HasSuffix(k.provider, "roleAssignments/") {
		a.Resource = p.guid("assignment")
	}
	o := &operation{
		name: k.op, caller: by.actor, ip: fmt.Sprintf("203.0.113.%d", 1+p.IntN(250)), correlation: p.guid("correlation"),
		resource: "/subscriptions/" + subscription + "/resourceGroups/" + by.group + "/providers/" + k.provider[:strings.LastIndexByte(k.provider, '/')+1] + a.Resource,
	}
	if k.body != nil {
		o.body = k.body(p, &a)
		o.whole = true
		if p.chance(2) {
			o.answer = o.body
		}
	}
	p.plan.Acts = append(p.plan.Acts, a)
	return &p.plan.Acts[a.ID], o
}

// do adds an act and has it delivered by one feed or by both.
func (p *planner) do(k kind, by deed, at time.Duration) {
	a, o := p.add(k, by, at)
	p.send(a, o, at, succeeded)
}

// send has an operation delivered. What stands in a request body only cannot come through Event Grid alone.
func (p *planner) send(a *oracle.Act, o *operation, at time.Duration, end status) {
	way := p.IntN(3)
	if o.body != "" && way == 0 {
		way = 1 + p.IntN(2)
	}
	if way != 1 {
		p.byGrid(a, o, at, end)
	}
	if way != 0 {
		p.byHub(a, o, at, end)
	}
}

func (p *planner) byGrid(a *oracle.Act, o *operation, at time.Duration, end status) {
	p.delivery(Delivery{At: at + p.seconds(5, 60), Feed: eventGrid, Records: []Record{{a.ID, p.grid(o, p.guid("event"), p.epoch.Add(at+3*time.Second), end)}}})
}

// byHub sends the stages of an operation through the export: in one batch, or the end later and now and then before the
// start.
func (p *planner) byHub(a *oracle.Act, o *operation, at time.Duration, end status) {
	begin := []Record{{a.ID, p.record(o, p.epoch.Add(at), started)}}
	if p.chance(2) {
		begin = append(begin, Record{a.ID, p.record(o, p.epoch.Add(at+time.Second), accepted)})
	}
	over := []Record{{a.ID, p.record(o, p.epoch.Add(at+3*time.Second), end)}}
	when := at + p.seconds(40, 300)
	if p.chance(3) {
		p.delivery(Delivery{At: when, Feed: hub, Records: slices.Concat(begin, over)})
		return
	}
	later := when + p.seconds(-20, 90)
	p.delivery(Delivery{At: when, Feed: hub, Records: begin})
	p.delivery(Delivery{At: max(later, at+5*time.Second), Feed: hub, Records: over})
}

// delivery adds a delivery; one in five comes twice.
func (p *planner) delivery(d Delivery) {
	if p.chance(5) && d.Feed != actionGroup {
		d.Again = append(d.Again, []time.Duration{0, 2 * time.Second, time.Minute, 3 * time.Hour}[p.IntN(4)])
	}
	p.plan.Deliveries = append(p.plan.Deliveries, d)
}

func (p *planner) seconds(from, to int) time.Duration {
	return time.Duration(from+p.IntN(to-from)) * time.Second
}

// reuse is an act under the correlation id of another caller's.
func reuse(p *planner, name string) {
	k := []kind{netOpened, traceDelete, lockDelete, diskExport}[p.IntN(4)]
	at, group := p.any(), p.group()
	first, o := p.add(k, deed{ordinary, p.actor(), group}, at)
	p.send(first, o, at, succeeded)
	at += p.seconds(60, 3*3600)
	second, o2 := p.add(k, deed{name, p.actor(), group}, at)
	second.Resource = first.Resource
	o2.resource, o2.correlation = o.resource, o.correlation
	p.send(second, o2, at, succeeded)
}

// deployment writes a security rule harmlessly and then once more, in one deployment: caller, correlation id and resource
// are the same.
func deployment(p *planner, name string) {
	at, group, actor := p.any(), p.group(), p.actor()
	harmless := netOpened
	harmless.name, harmless.severity = "network rule written", oracle.Medium
	harmless.body = func(*planner, *oracle.Act) string { return nsgBody("10.0.0.0/8", "443") }
	first, o := p.add(harmless, deed{ordinary, actor, group}, at)
	p.byHub(first, o, at, succeeded)
	at += p.seconds(60, 1200)
	second, o2 := p.add(netOpened, deed{name, actor, group}, at)
	second.Resource = first.Resource
	o2.resource, o2.correlation, o2.ip = o.resource, o.correlation, o.ip
	p.byHub(second, o2, at, succeeded)
}

// flood makes many low alerts and one grave act among them, by the same actor at the same service. Some floods come while a
// channel takes nothing, so that it has more waiting than it can take one by one.
func flood(p *planner, name string) {
	at, actor := p.any(), p.actor()
	if p.chance(2) {
		p.plan.Troubles = append(p.plan.Troubles, Trouble{
			From: at, To: at + p.seconds(120, 900), Of: sending, Channel: p.plan.Channels[p.IntN(3)], Faults: []fault{refused}, Share: 1,
		})
	}
	n := 125 + p.IntN(30)
	grave := n / 2
	var records []Record
	for i := range n {
		k := roleRemove
		if i == grave {
			k = ownerGrant
		}
		a, o := p.add(k, deed{ordinary, actor, p.group()}, at)
		if i == grave {
			a.Part = name
			p.delivery(Delivery{At: at + 20*time.Second, Feed: hub, Records: []Record{{a.ID, p.record(o, p.epoch.Add(at), succeeded)}}})
			continue
		}
		records = append(records, Record{a.ID, p.grid(o, p.guid("event"), p.epoch.Add(at), succeeded)})
	}
	for i, some := range slices.Collect(slices.Chunk(records, 40)) {
		p.plan.Deliveries = append(p.plan.Deliveries, Delivery{At: at + time.Duration(i*8)*time.Second, Feed: eventGrid, Records: some})
	}
}

// window is two to nine acts of one kind, actor and scope within a window.
func window(p *planner, name string) {
	k := []kind{vaultDelete, lockDelete, traceDelete}[p.IntN(3)]
	at, actor, group := p.any(), p.actor(), p.group()
	for i := range 2 + p.IntN(8) {
		a, o := p.add(k, deed{name, actor, group}, at)
		if i == 0 {
			a.Part = ordinary
		}
		p.send(a, o, at, succeeded)
		at += p.seconds(1, 60)
	}
}

// grants gives Owner to several principals.
func grants(p *planner, name string) {
	at, actor, group := p.any(), p.actor(), p.group()
	for range 2 + p.IntN(5) {
		a, o := p.add(ownerGrant, deed{name, actor, group}, at)
		p.byHub(a, o, at, succeeded)
		at += p.seconds(1, 60)
	}
}

// startedOnly grants Owner so that the role stands in the request body of Started and nowhere else. Start and end may come at
// the same moment, from two partitions of the hub.
func startedOnly(p *planner, name string) {
	at := p.any()
	a, o := p.add([]kind{ownerGrant, netOpened}[p.IntN(2)], deed{name, p.actor(), p.group()}, at)
	o.answer, o.whole = "", false
	switch p.IntN(3) {
	case 0:
		for second, stage := range []status{started, succeeded} {
			p.delivery(Delivery{At: at + time.Minute, Feed: hub, Records: []Record{{a.ID, p.record(o, p.epoch.Add(at+time.Duration(second)*time.Second), stage)}}})
		}
		return
	case 1:
		p.byGrid(a, o, at, succeeded)
	}
	p.byHub(a, o, at, succeeded)
}

// condition is a resource that becomes unavailable and available again.
func condition(p *planner, name string) {
	at := p.any()
	a := oracle.Act{ID: len(p.plan.Acts), Kind: "resource unavailable", Group: p.group(), Severity: oracle.Medium, At: p.epoch.Add(at), Part: name, Ended: true}
	a.Resource = fmt.Sprintf("vm%05d", p.next())
	p.plan.Acts = append(p.plan.Acts, a)
	resource := "/subscriptions/" + subscription + "/resourcegroups/" + a.Group + "/providers/microsoft.compute/virtualmachines/" + a.Resource
	c := &healthEvent{resource, p.guid("correlation")}
	p.delivery(Delivery{At: at + time.Minute, Feed: actionGroup, Records: []Record{{a.ID, c.alert(p.guid("event"), p.epoch.Add(at), false)}}})
	at += p.seconds(300, 7200)
	p.delivery(Delivery{At: at + time.Minute, Feed: actionGroup, Records: []Record{{a.ID, c.alert(p.guid("event"), p.epoch.Add(at), true)}}})
}

// twenty is more operations of one kind and scope than an alert lists: grave ones go on in another, of mild ones the list is
// cut.
func twenty(p *planner, name string) {
	k := []kind{diskExport, keysListed, {"widget changed", "Contoso.Custom/widgets/write", "Contoso.Custom/widgets/widget", oracle.Low, nil}}[p.IntN(3)]
	p.plan.Config["rules/widget.yml"] = strings.ReplaceAll(ownRule("widget", "low", "started, succeeded"), "Contoso.Custom/things/write", "Contoso.Custom/widgets/write")
	at, actor, group := p.any(), p.actor(), p.group()
	for range 21 + p.IntN(4) {
		a, o := p.add(k, deed{name, actor, group}, at)
		p.delivery(Delivery{At: at + 30*time.Second, Feed: hub, Records: []Record{
			{a.ID, p.record(o, p.epoch.Add(at), started)}, {a.ID, p.record(o, p.epoch.Add(at+time.Second), accepted)}, {a.ID, p.record(o, p.epoch.Add(at+2*time.Second), succeeded)},
		}})
		at += p.seconds(1, 20)
	}
}

// poison puts a record that the store refuses between others: half of a surrogate pair in a request body.
func poison(p *planner, name string) {
	at := p.any()
	a, o := p.add(netOpened, deed{name, p.actor(), p.group()}, at)
	o.body = strings.TrimSuffix(o.body, "}}") + `,"description":"` + halfPair + `"}}`
	bad := Record{a.ID, strings.ReplaceAll(p.record(o, p.epoch.Add(at), started), halfPair, `\\ud83d`)}
	over := Record{a.ID, p.record(o, p.epoch.Add(at+time.Second), succeeded)}
	b, o2 := p.add(lockDelete, deed{name, p.actor(), p.group()}, at)
	good := Record{b.ID, p.record(o2, p.epoch.Add(at), succeeded)}
	p.delivery(Delivery{At: at + time.Minute, Feed: hub, Records: []Record{bad, good, over}})
}

const halfPair = "HALF-PAIR"

// race is many operations of one group in one batch, or in one batch of each partition of the hub at the same moment: the
// records of a batch are worked on at once, and so are batches, by several instances.
func race(p *planner, name string) {
	k := []kind{vaultDelete, lockDelete, traceDelete}[p.IntN(3)]
	at, actor, group := p.any(), p.actor(), p.group()
	var records []Record
	for range 20 + p.IntN(30) {
		a, o := p.add(k, deed{name, actor, group}, at)
		records = append(records, Record{a.ID, p.record(o, p.epoch.Add(at), succeeded)})
	}
	for some := range slices.Chunk(records, []int{len(records), 6}[p.IntN(2)]) {
		p.delivery(Delivery{At: at + time.Minute, Feed: hub, Records: some})
	}
}

// failing is a grave act that was tried and failed.
func failing(p *planner, name string) {
	at := p.moment()
	k := kind{"access elevated", "Microsoft.Authorization/elevateAccess/action", "Microsoft.Authorization/elevate", oracle.Critical, nil}
	a, o := p.add(k, deed{name, p.actor(), p.group()}, at)
	a.Failed = true
	p.send(a, o, at, failed)
}

// manyRules meets ten rules of the operator's and then, at its end, an eleventh that is critical.
func manyRules(p *planner, name string) {
	at := p.any()
	k := kind{"thing changed", "Contoso.Custom/things/write", "Contoso.Custom/things/thing", oracle.Critical, nil}
	for i := range 10 {
		p.plan.Config[fmt.Sprintf("rules/first-%02d.yml", i)] = ownRule(fmt.Sprintf("first-%02d", i), "low", "started")
	}
	p.plan.Config["rules/grave.yml"] = ownRule("grave", "critical", "succeeded")
	a, o := p.add(k, deed{name, p.actor(), p.group()}, at)
	p.delivery(Delivery{At: at + 40*time.Second, Feed: hub, Records: []Record{{a.ID, p.record(o, p.epoch.Add(at), started)}}})
	p.delivery(Delivery{At: at + 150*time.Second, Feed: hub, Records: []Record{{a.ID, p.record(o, p.epoch.Add(at+time.Minute), succeeded)}}})
}

// ownRule is a rule of the operator's for the things of manyRules.
func ownRule(id, level, outcome string) string {
	return fmt.Sprintf(`title: Things of Contoso, %[1]s
id: %[2]s
status: test
description: Made up for the simulation.
author: simulation
date: 2026-11-30
logsource: {product: azure, service: activitylogs}
detection:
  selection:
    operationName: Contoso.Custom/things/write
  condition: selection
level: %[3]s
auditbell:
  id: %[1]s
  reason: Made up for the simulation.
  outcomes: [%[4]s]
  window: 15m
`, id, guid(7, 7, id), level, outcome)
}
