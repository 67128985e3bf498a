package activity

import (
	"strings"
	"time"
)

// schedule is a Resource Manager operation of Privileged Identity Management.
type schedule struct {
	assignment Assignment
	verb       string // write, delete, cancel
	settings   bool   // of the policies that say what activations ask for
	approval   bool   // a decision about a request
}

// scheduleOperation reads the operations of the provider Microsoft.Authorization by which roles are assigned for a time
// (Microsoft: REST reference of Azure authorization, "Role Assignment Schedule Requests", "Role Eligibility Schedule
// Requests", "Role Management Policies", "Role Assignment Approval"). The schedules and instances that a request makes
// are not operations of anybody's.
func scheduleOperation(operation string) (schedule, bool) {
	const provider = "microsoft.authorization/"
	rest, ok := strings.CutPrefix(operation, provider)
	if !ok {
		return schedule{}, false
	}
	kind, verb, _ := strings.Cut(rest, "/")
	verb = strings.TrimSuffix(verb, "/action")
	s := schedule{verb: verb}
	switch kind {
	case "roleassignmentschedulerequests":
		s.assignment = ActiveAssignment
	case "roleeligibilityschedulerequests":
		s.assignment = EligibleAssignment
	case "rolemanagementpolicies", "rolemanagementpolicyassignments":
		s.settings = true
	case "roleassignmentapprovals":
		s.approval = true
	default:
		return schedule{}, false
	}
	return s, verb != "read"
}

// IsPIMRequest reports whether an operation asks Privileged Identity Management for an assignment: what kind of step it is, and
// of which role, stands in its body alone.
func IsPIMRequest(operation string) bool {
	s, ok := scheduleOperation(operation)
	return ok && s.assignment != "" && s.verb == "write"
}

// schedulePIM reads what a schedule request asked for: in the request's body, or in the answer, which repeats it.
func schedulePIM(e *Event, s schedule) PIM {
	asked := bodies{e.Properties.Value("requestbody"), e.Properties.Value("responseBody")}
	p := PIM{
		Assignment:    s.assignment,
		Role:          asked.text("expandedProperties", "roleDefinition", "displayName"),
		RoleID:        lastGUID(asked.text("roleDefinitionId")),
		Subject:       asked.text("expandedProperties", "principal", "displayName"),
		SubjectID:     asked.text("principalId"),
		Justification: asked.text("justification"),
		Ticket:        asked.text("ticketInfo", "ticketNumber"),
		TicketSystem:  asked.text("ticketInfo", "ticketSystem"),
		Scope:         scopeOf(e.ResourceID),
		Request:       lastGUID(e.ResourceID),
	}
	p.Lasting = strings.EqualFold(asked.text("scheduleInfo", "expiration", "type"), "NoExpiration")
	p.Start, _ = ParseTime(asked.text("scheduleInfo", "startDateTime"))
	p.End, _ = ParseTime(asked.text("scheduleInfo", "expiration", "endDateTime"))
	if d, ok := isoDuration(asked.text("scheduleInfo", "expiration", "duration")); ok && p.End.IsZero() && !p.Start.IsZero() {
		p.End = At(p.Start.Add(d))
	}
	p.Act = p.scheduleAct(s, asked)
	return p
}

// scheduleAct reads requestType, and for what people ask for themselves the state that the answer has: a request that
// waits for approval succeeds as a request.
func (p *PIM) scheduleAct(s schedule, asked bodies) PIMAct {
	switch {
	case s.settings:
		return PIMSettingsChanged
	case s.approval:
		switch strings.ToLower(asked.text("reviewResult")) {
		case "approve":
			return PIMApproved
		case "deny":
			return PIMDenied
		}
		return PIMOther
	case s.verb == "cancel", s.verb == "delete":
		return PIMCanceled
	}
	provisioned := strings.EqualFold(asked.text("status"), "Provisioned")
	switch kind := strings.ToLower(asked.text("requestType")); kind {
	case "selfactivate":
		if p.Assignment = Activation; provisioned {
			return PIMActivated
		}
		return PIMRequested
	case "selfdeactivate":
		p.Assignment = Activation
		return PIMDeactivated
	case "adminassign", "adminupdate":
		return PIMGranted
	case "adminremove":
		return PIMRemoved
	case "adminextend", "adminrenew":
		return PIMRenewed
	case "selfextend", "selfrenew":
		if provisioned {
			return PIMRenewed
		}
		return PIMRequested
	}
	return PIMRequested
}

// bodies are the request and the answer of an operation.
type bodies [2]Properties

// text returns the first text at path below properties.
func (b bodies) text(path ...string) string {
	for _, body := range b {
		if s := body.Text(append([]string{"properties"}, path...)...); s != "" {
			return s
		}
	}
	return ""
}

// scopeOf is where a role holds: what stands before the provider's own part of a request's id.
func scopeOf(id string) string {
	if at := strings.LastIndex(id, "/providers/microsoft.authorization"); at > 0 {
		return id[:at]
	}
	return id
}

// isoDuration reads the durations that Azure writes, "PT8H", "P180D", "PT30M" (ISO 8601, without months and years, which
// are of no fixed length).
func isoDuration(s string) (time.Duration, bool) {
	rest, ok := strings.CutPrefix(strings.ToUpper(s), "P")
	if !ok || rest == "" || len(rest) > 20 {
		return 0, false
	}
	units := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour}
	var total time.Duration
	for rest != "" {
		if rest[0] == 'T' {
			units, rest = map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second}, rest[1:]
			continue
		}
		n, i := 0, 0
		for ; i < len(rest) && '0' <= rest[i] && rest[i] <= '9' && i < 6; i++ {
			n = n*10 + int(rest[i]-'0')
		}
		if i == 0 || i == len(rest) || units[rest[i]] == 0 {
			return 0, false
		}
		total += time.Duration(n) * units[rest[i]]
		rest = rest[i+1:]
	}
	return total, true
}
