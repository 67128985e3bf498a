package rules

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// values collects what a field holds. It is reused from event to event: reading allocates nothing once it has grown.
type values struct {
	list  [][]byte
	arena []byte // what list points into
	raw   bool
	role  bool // the field holds a role definition, see roles
	first bool // Azure wrote the names on the path: the first member that has a value is the one
	reading
	depth   int    // lists within lists, while a path is followed
	text    []byte // the string that opened was made of
	relaxed relaxed
	names   memberNames
	bodies  [2]truth // whether the event may carry what was sent, and what was answered: see mayHold
	open    []int    // scratch: numbers of the objects and lists that are open
}

// reading is what the last field's values are besides themselves.
type reading struct {
	// present: the member is there, whatever it holds, null and an empty list too.
	present bool
	// doubt: the text can be read in more than one way (a member stands twice, or the text is no strict JSON). Each of
	// the values belongs to some reading; absent: in some reading there is none.
	doubt, absent bool
	// variants are the indexes of values that say the same as the value before them, in other words.
	variants []int
	from     int // where the field's values begin in values.list
}

// variant reports whether the value of that index says the same as the one before it. There may be as many as a caller
// cares to write, so they are searched for.
func (r *reading) variant(i int) bool {
	_, ok := slices.BinarySearch(r.variants, i) // in rising order, as they were noted
	return ok
}

func (v *values) reset() {
	v.list, v.arena, v.text, v.bodies = v.list[:0], v.arena[:0], nil, [2]truth{}
}

// add appends a text; empty means the event does not tell the field.
func (v *values) add(s string) {
	if s != "" {
		appendValue(v, s)
	}
}

// appendValue copies s into the arena in the form that the field compares in. Its capacity is cut: later values must
// not grow into it.
func appendValue[T string | []byte](v *values, s T) {
	start := len(v.arena)
	if v.raw {
		v.arena = append(v.arena, s...)
	} else {
		v.arena = appendFolded(v.arena, s)
	}
	v.list = append(v.list, v.arena[start:len(v.arena):len(v.arena)])
	if end := len(v.arena); !v.raw && foldsToASCII(s) {
		v.arena = appendWritten(v.arena, s)
		v.list, v.doubt = append(v.list, v.arena[end:len(v.arena):len(v.arena)]), true
	}
}

// read appends the field's values; more than one where Azure has several words for the same.
func (v *values) read(f field, e *activity.Event) {
	v.raw, v.reading, v.depth = f.raw, reading{from: len(v.list)}, 0
	v.readKind(f, e)
	v.present = v.present || len(v.list) > v.from
}

func (v *values) readKind(f field, e *activity.Event) {
	switch f.kind {
	case inProperties:
		if v.first = !fromCaller(f.path); !v.first && !v.mayHold(e.Properties, f.path) {
			return
		}
		v.role = strings.HasSuffix(f.path, "roledefinitionid")
		v.properties(e.Properties, f.path)
		v.role, v.first = false, false
	case ofRecord:
		v.record(e, f.path)
	case ofClaim:
		v.claim(e, f.path)
	case ofOpening:
		v.opening(e.Properties)
	case ofRequest:
		v.request(e.Properties)
	case ofSignature:
		v.signature(e)
	case ofCallerIP:
		v.address(e.CallerIP)
	case ofOperation:
		v.operation(e)
	case ofOutcome:
		v.words(outcomeWords[e.Outcome])
	case ofCategory:
		v.category(e)
	case ofLevel:
		v.level(e.Level)
	case ofCaller:
		v.add(e.Caller)
		v.addOther(e.CallerObjectID, e.Caller)
		v.addOther(e.CallerAppID, e.Caller)
	case ofProvider:
		v.provider(e)
	case ofTime:
		v.time(e.Time)
	case ofSubmittedAt:
		v.time(e.SubmittedAt)
	default:
		v.add(plain(f.kind, e))
	}
}

// plain returns the fields that hold one text.
func plain(k kind, e *activity.Event) string {
	switch k {
	case ofCallerType:
		return string(e.CallerType)
	case ofCallerName:
		return e.CallerName
	case ofCallerObjectID:
		return e.CallerObjectID
	case ofCallerAppID:
		return e.CallerAppID
	case ofCallerIP:
		return e.CallerIP
	case ofTenant:
		return e.TenantID
	case ofSubscription:
		return e.SubscriptionID
	case ofResourceID:
		return e.ResourceID
	case ofResourceType:
		return e.ResourceType
	case ofResourceGroup:
		return e.ResourceGroup
	case ofResourceName:
		return e.ResourceName
	}
	return trace(k, e)
}

// trace is the rest of plain: ids, and what Azure says in words.
func trace(k kind, e *activity.Event) string {
	switch k {
	case ofCorrelation:
		return e.CorrelationID
	case ofOperationID:
		return e.OperationID
	case ofEventID:
		return e.EventID
	case ofSubStatus:
		return e.SubStatus
	case ofDescription:
		return e.Description
	case ofForm:
		return string(e.Form)
	case ofID:
		return e.ID
	}
	return ""
}

// operation gives the ARM name and, where it says something else, the name for people: a rule's operationName may be
// either (Log Analytics: OperationName is the display name, OperationNameValue the ARM name). The display form goes
// first: where it is the original spelling, `cased` is meant for it.
func (v *values) operation(e *activity.Event) {
	v.add(e.OperationDisplay)
	if !strings.EqualFold(e.OperationDisplay, e.Operation) {
		v.add(e.Operation)
	}
}

// outcomeWords are the spellings under which Azure reports an outcome (payload variations, "Result"): a rule that
// says Succeeded means the event that another channel exports as Success. activity.OutcomeOf is the way back.
var outcomeWords = map[activity.Outcome][]string{
	activity.Started:    {"Started", "Start"},
	activity.Accepted:   {"Accepted", "Accept"},
	activity.InProgress: {"InProgress", "In Progress", "in_progress", "Running"},
	activity.Succeeded:  {"Succeeded", "Success"},
	activity.Failed:     {"Failed", "Failure", "Fail"},
	activity.Canceled:   {"Canceled", "Cancelled", "Cancel"},
	activity.Active:     {"Active", "Activated"},
	activity.Resolved:   {"Resolved", "Resolve"},
	activity.Updated:    {"Updated", "Update"},
}

func (v *values) words(words []string) {
	for _, w := range words {
		v.add(w)
	}
}

// category also answers to the older export, whose category is the kind of operation: Write, Delete or Action
// (payload variations, "Two generations of export").
func (v *values) category(e *activity.Event) {
	v.add(string(e.Category))
	switch e.Category {
	case activity.ServiceHealth:
		v.add("Service Health")
	case activity.ResourceHealth:
		v.add("Resource Health")
	case activity.Administrative:
		switch _, verb, _ := cutLast(e.Operation); verb {
		case "write", "delete", "action":
			v.add(verb)
		}
	}
}

func cutLast(operation string) (before, after string, ok bool) {
	i := strings.LastIndexByte(operation, '/')
	if i < 0 {
		return operation, "", false
	}
	return operation[:i], operation[i+1:], true
}

// level: the older export writes Information.
func (v *values) level(l activity.Level) {
	v.add(string(l))
	if l == activity.Informational {
		v.add("Information")
	}
}

// provider is the namespace of the resource type and of the operation; they differ for extension resources, and
// either is what some channel reports as resourceProviderName.
func (v *values) provider(e *activity.Event) {
	byType, _, _ := strings.Cut(e.ResourceType, "/")
	byOperation, _, nested := strings.Cut(e.Operation, "/")
	v.add(byType)
	if nested {
		v.addOther(byOperation, byType)
	}
}

// fromCaller reports whether a path leads into what the caller sent, or what was answered with it.
func fromCaller(path string) bool {
	return slices.ContainsFunc(bodyNames[:], func(name string) bool { return strings.HasPrefix(path, name) })
}

// bodyNames are the members that hold what a caller sent, and what was answered.
var bodyNames = [...]string{"requestbody", "responsebody"}

// mayHold reports whether the properties may have the body that a path leads into: most records have neither, and need not be
// looked through for each path. It is looked for once for each event.
func (v *values) mayHold(properties activity.Properties, path string) bool {
	for i, name := range bodyNames {
		if !strings.HasPrefix(path, name) {
			continue
		}
		if v.bodies[i] == unknown {
			v.bodies[i] = truthOf(activity.MayName(properties, name))
		}
		return v.bodies[i] == yes
	}
	return true
}

// signature is the export's resultSignature: as written where the record has it, else made of outcome and sub status
// ("Succeeded.Created"). The sub status alone answers too.
func (v *values) signature(e *activity.Event) {
	before := len(v.list)
	v.record(e, "result_signature")
	if len(v.list) == before {
		for _, w := range outcomeWords[e.Outcome] {
			v.add(w + "." + e.SubStatus)
		}
	}
	v.add(e.SubStatus)
}

// address gives an address as it is written and, where that says more or says it otherwise, alone: without port, zone
// and the brackets of IPv6.
func (v *values) address(s string) {
	v.add(s)
	if addr, ok := addressOf(s); ok {
		v.addOther(addr.String(), s)
	}
}

// addressOf reads an address, alone or with a port.
func addressOf(s string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		withPort, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		addr = withPort.Addr()
	}
	return addr.Unmap().WithZone(""), true
}

// addOther adds s unless it is known under another casing.
func (v *values) addOther(s, known string) {
	if !strings.EqualFold(s, known) {
		v.add(s)
	}
}

// time adds the RFC 3339 text that `handler decode` prints.
func (v *values) time(t activity.Time) {
	if t.IsZero() {
		return
	}
	var buf [40]byte
	text, err := t.AppendText(buf[:0])
	if err == nil {
		appendValue(v, text)
	}
}
