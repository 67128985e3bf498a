package simulation

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/auditbell/auditbell/local/simulation/oracle"
)

// What the operator asks for so that less is shown, and what an adversary does who has read the configuration: acts just
// beside what is suppressed, which must be shown as if it were not there.

// Click is something that a reader does in a message: the one that names an act by then.
type Click struct {
	At     time.Duration
	Act    int
	Action string // as the element of the message is called, without its prefix
	Choice int    // of a menu
}

// beside is an exception of the operator's, and acts of another actor, of another group and after its last day.
func beside(p *planner, name string) {
	actor, group, k := p.actor(), p.group(), p.grave()
	at := p.any()
	end := (at + 26*time.Hour).Truncate(24 * time.Hour) // a last day applies to its end
	if end+6*time.Hour > p.plan.Length {
		at, end = at-min(at-time.Hour, 24*time.Hour), end-24*time.Hour
	}
	if end < at+time.Hour {
		return // the plan is over too soon
	}
	p.exceptions = append(p.exceptions, fmt.Sprintf("  - {rules: [\"*\"], match: {caller: %s, resource_group: %s}, owner: ops@contoso.example, reason: made up for the simulation, expires: %s}\n",
		actor, group, p.epoch.Add(end-time.Hour).Format(time.DateOnly)))
	covered, o := p.add(k, deed{ordinary, actor, group}, at)
	covered.Excepted, covered.Until = true, p.epoch.Add(end)
	p.send(covered, o, at, succeeded)
	for _, other := range []deed{{name, actor, group + "-x"}, {name, actor, p.group()}, {name, actor + ".attacker.example", group}, {name, "x" + actor, group}} {
		at += p.seconds(1, 600)
		p.do(k, other, at)
	}
	p.do(p.grave(), deed{name, actor, group}, end+p.seconds(20*60, 3*3600))
}

// besideOneRule is an exception from one rule of an act that meets a graver one as well.
func besideOneRule(p *planner, name string) {
	p.plan.Config["rules/gizmo.yml"] = strings.ReplaceAll(ownRule("gizmo", "low", "started, succeeded"), "Contoso.Custom/things/write", "Contoso.Custom/gizmos/write")
	p.plan.Config["rules/gizmo-grave.yml"] = strings.ReplaceAll(ownRule("gizmo-grave", "high", "succeeded"), "Contoso.Custom/things/write", "Contoso.Custom/gizmos/write")
	actor, group := p.actor(), p.group()
	p.exceptions = append(p.exceptions, fmt.Sprintf("  - {rules: [gizmo], match: {caller: %s}, owner: ops@contoso.example, reason: made up for the simulation, expires: %s}\n",
		actor, p.epoch.Add(p.plan.Length+48*time.Hour).Format(time.DateOnly)))
	p.do(kind{"gizmo changed", "Contoso.Custom/gizmos/write", "Contoso.Custom/gizmos/gizmo", oracle.High, nil}, deed{name, actor, group}, p.any())
}

// expected has a reader mark an act as expected: the same by the same actor in the same group may be silent from then on,
// and nothing else.
func expected(p *planner, name string) {
	at, actor, group := p.any(), p.actor(), p.group()
	k, graver := policyWrite, p.grave()
	first, o := p.add(k, deed{ordinary, actor, group}, at)
	p.send(first, o, at, succeeded)
	at += p.seconds(900, 3600)
	p.plan.Clicks = append(p.plan.Clicks, Click{at, first.ID, "expect", 0})
	at += p.seconds(1, 3600)
	same, o := p.add(k, deed{ordinary, actor, group}, at)
	same.Excepted = true
	p.send(same, o, at, succeeded)
	for _, other := range []deed{{name, actor, group}, {name, actor, p.group()}, {name, p.actor(), group}} {
		at += p.seconds(1, 600)
		p.do(graver, other, at)
	}
	// A reader acknowledges it too; both are taken back when all of this is over, and the same is alerted again.
	for i, action := range []string{"acknowledge", "withdraw", "unacknowledge"} {
		p.plan.Clicks = append(p.plan.Clicks, Click{at + time.Duration(i+1)*10*time.Minute, first.ID, action, 0})
	}
	at += time.Hour
	again, o := p.add(k, deed{name, actor, group}, at)
	again.Excepted, again.After = true, p.plan.Acts[first.ID].Resource
	p.send(again, o, at, succeeded)
}

// snoozed has a reader put an alert off; what is done meanwhile is shown at its end at the latest, and at once elsewhere.
func snoozed(p *planner, name string) {
	at, actor, group, k := p.any(), p.actor(), p.group(), p.grave()
	first, o := p.add(k, deed{ordinary, actor, group}, at)
	p.send(first, o, at, succeeded)
	at += p.seconds(300, 600)
	p.plan.Clicks = append(p.plan.Clicks, Click{at, first.ID, "snooze", p.IntN(3)})
	for range 1 + p.IntN(4) {
		at += p.seconds(1, 900)
		again, o := p.add(k, deed{name, actor, group}, at)
		again.Late = true
		p.send(again, o, at, succeeded)
	}
	p.do(k, deed{name, actor, p.group()}, at)
	if p.chance(2) {
		p.plan.Clicks = append(p.plan.Clicks, Click{at + p.seconds(60, 3600), first.ID, "unsnooze", 0})
	}
}

// maintained is a window of maintenance: what is less than critical in its group may wait for its end.
func maintained(p *planner, name string) {
	from, actor, group := p.any(), p.actor(), p.group()
	to := from + p.seconds(3600, 12*3600)
	p.maintenance = append(p.maintenance, fmt.Sprintf("  - {name: window of %s, from: %s, to: %s, match: {resource_group: %s}}\n",
		group, p.epoch.Add(from).Format(time.RFC3339), p.epoch.Add(to).Format(time.RFC3339), group))
	for range 1 + p.IntN(5) {
		at := from + time.Duration(p.Int64N(int64(to-from)))
		held, o := p.add(p.grave(), deed{name, actor, group}, at)
		held.Late = held.Severity < oracle.Critical
		p.send(held, o, at, succeeded)
	}
	p.do(purge, deed{name, actor, group}, from+(to-from)/2)
	p.do(p.grave(), deed{name, actor, group + "-x"}, from+(to-from)/2)
	p.do(p.grave(), deed{name, actor, group}, to+p.seconds(600, 3600))
}

// grave is a kind of act that is grave.
func (p *planner) grave() kind {
	return []kind{vaultDelete, lockDelete, traceDelete, diskExport, purge, ownerGrant, netOpened}[p.IntN(7)]
}

// operate writes what the operator chose into the configuration: some plans have nights in which what is mild waits.
func (p *planner) operate() {
	file := routes
	if p.chance(4) {
		file += "quiet:\n  - {name: the night, from: \"22:00\", to: \"05:00\", time_zone: UTC}\n"
		p.night()
	}
	if len(p.maintenance) > 0 {
		file += "maintenance:\n" + strings.Join(p.maintenance, "")
	}
	p.plan.Config["auditbell.yaml"] = file
	if len(p.exceptions) > 0 {
		p.plan.Config["exceptions.yaml"] = "exceptions:\n" + strings.Join(p.exceptions, "")
	}
}

// night has what is mild wait until the morning, and what comes shortly before it may be held as well.
func (p *planner) night() {
	for i := range p.plan.Acts {
		a := &p.plan.Acts[i]
		if at := a.At.Add(15 * time.Minute); a.Severity < oracle.High && (at.Hour() >= 22 || at.Hour() < 6) {
			a.Late = true
		}
	}
}

// click does what a reader does, in the newest message in Slack that names the act and offers it. Slack does not repeat a
// click.
func (s *simulation) click(c Click) {
	i := s.someone()
	about := s.plan.Acts[c.Act].Resource
	stamp, element := s.offered(about, "auditbell-"+c.Action)
	if i == nil || element == nil {
		return
	}
	s.trace.line("reader      clicks %s on the message about %s", c.Action, about)
	action := object{"action_id": element.ActionID, "action_ts": fmt.Sprint(time.Now().UnixMicro()), "value": element.Value}
	if n := len(element.Options); n > 0 {
		action["selected_option"] = object{"value": element.Options[c.Choice%n].Value}
	}
	payload := text(object{
		"type": "block_actions", "trigger_id": fmt.Sprint("trigger-", c.Act, c.Action, c.At), "user": object{"id": "U0OPERATOR", "username": "ana"},
		"container": object{"message_ts": stamp, "channel_id": "C0SECURITY"}, "actions": []object{action},
	})
	body := "payload=" + url.QueryEscape(payload)
	seconds := fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, []byte(signingSecret))
	_, _ = mac.Write([]byte("v0:" + seconds + ":" + body)) // hash.Hash never fails
	s.invoke(i, "slack-action", request("slack-action", body, map[string][]string{
		"Content-Type": {"application/x-www-form-urlencoded"}, "X-Slack-Signature": {"v0=" + hex.EncodeToString(mac.Sum(nil))}, "X-Slack-Request-Timestamp": {seconds},
	}), func(r result) { s.answered("slack-action", nil, r, false) })
}

// element is something in a message that a reader can click.
type element struct {
	ActionID string `json:"action_id"`
	Value    string `json:"value"`
	Options  []struct {
		Value string `json:"value"`
	} `json:"options"`
}

// offered finds an element in the newest message that names something.
func (s *simulation) offered(about, action string) (stamp string, found *element) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.messages) - 1; i >= 0; i-- {
		m := &s.messages[i]
		if m.Channel != "slack" || m.Kind == "reply" || !strings.Contains(m.Text, about) {
			continue
		}
		var blocks []struct{ Elements json.RawMessage }
		_ = json.Unmarshal([]byte(s.blocks[m.Ref]), &blocks) // what cannot be read offers nothing
		for _, b := range blocks {
			var elements []element
			_ = json.Unmarshal(b.Elements, &elements) // of another kind of block
			for j := range elements {
				if elements[j].ActionID == action {
					return m.Ref, &elements[j]
				}
			}
		}
	}
	return "", nil
}

// request is the body that the host posts for a function that is called over HTTP.
func request(function, body string, headers map[string][]string) []byte {
	return envelope(function, "req", object{
		"Url": "https://app.invalid/api/" + function, "Method": "POST", "Query": object{}, "Params": object{}, "Headers": headers, "Identities": []any{}, "Body": body,
	})
}
