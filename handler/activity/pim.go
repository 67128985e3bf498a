package activity

import (
	"encoding/json"
	"strings"
	"unicode"
)

// PIM is one step in the life of a role assignment under Privileged Identity Management. Azure writes these steps in two
// ways: as English phrases ("Add member to role completed (PIM activation)"; Microsoft: "Microsoft Entra audit log
// activity reference", Privileged Identity Management, category ResourceManagement), and as Resource Manager operations
// on schedule requests (Microsoft: "Role assignment schedule requests", REST reference). Both read alike here.
//
// payload keeps it under Event.Properties' member "pim", by the JSON names below: rules and exceptions name them as
// pim.act, pim.role and so on. A fact that the record does not have is empty.
type PIM struct {
	Act        PIMAct     `json:"act"`
	Assignment Assignment `json:"assignment,omitempty"` // of which kind is the assignment that the act is about
	// Lasting reports that the assignment has no end ("permanent"). False: it ends, or the record does not say.
	Lasting bool `json:"lasting,omitempty"`
	// Outside reports that the role was given without Privileged Identity Management, which noticed it afterwards.
	Outside bool `json:"outside,omitempty"`

	Role      string `json:"role,omitempty"`    // name, "Key Vault Crypto Officer"
	RoleID    string `json:"role_id,omitempty"` // role definition, lower-case GUID
	Subject   string `json:"subject,omitempty"` // name of who has or gets the role
	SubjectID string `json:"subject_id,omitempty"`
	Scope     string `json:"scope,omitempty"` // lower-case resource id at which the role holds

	Justification string `json:"justification,omitempty"`
	Ticket        string `json:"ticket,omitempty"`
	TicketSystem  string `json:"ticket_system,omitempty"`
	Start         Time   `json:"start,omitzero"`
	End           Time   `json:"end,omitzero"`
	Request       string `json:"request,omitempty"` // joins the steps of one request; correlation ids differ between them
}

// PIMAct is what happened to the assignment.
type PIMAct string

// The acts.
const (
	PIMRequested         PIMAct = "requested"
	PIMApprovalRequested PIMAct = "approval_requested"
	PIMApproved          PIMAct = "approved"
	PIMDenied            PIMAct = "denied"
	PIMCanceled          PIMAct = "canceled"
	PIMRequestExpired    PIMAct = "request_expired" // the request ended unanswered; no role was given
	PIMActivated         PIMAct = "activated"       // an eligible role is held, for hours
	PIMDeactivated       PIMAct = "deactivated"     // given back before its end
	PIMExpired           PIMAct = "expired"         // the activation ended by itself
	PIMGranted           PIMAct = "granted"         // an assignment was made: active or eligible
	PIMRenewed           PIMAct = "renewed"         // an assignment was extended or renewed
	PIMRemoved           PIMAct = "removed"
	PIMRestored          PIMAct = "restored"
	PIMSettingsChanged   PIMAct = "settings_changed" // what activations ask for: approval, duration, second factor
	PIMAlert             PIMAct = "alert"            // one of PIM's own alerts was raised, resolved or switched
	PIMOnboarded         PIMAct = "onboarded"        // the resource is managed by PIM
	PIMOffboarded        PIMAct = "offboarded"       // it is not any more
	PIMOther             PIMAct = "other"
)

// Assignment is the kind of a role assignment under Privileged Identity Management.
type Assignment string

// The kinds.
const (
	Activation         Assignment = "activation" // an eligible role, held for hours
	ActiveAssignment   Assignment = "active"     // held without activation
	EligibleAssignment Assignment = "eligible"   // may be activated
)

// PIMOf returns the step that e reports; false when it is none.
func PIMOf(e *Event) (PIM, bool) {
	if kind, ok := scheduleOperation(e.Operation); ok {
		return schedulePIM(e, kind), true
	}
	if !isPIMPhrase(e) {
		return PIM{}, false
	}
	props := e.Properties
	p := PIM{
		Role:          props.Any("RoleDefinition", "RoleName", "RoleDefinitionName"),
		RoleID:        lastGUID(props.Any("RoleDefinitionOriginId", "RoleDefinitionId")),
		Subject:       props.Any("SubjectName", "TargetName"),
		SubjectID:     props.Any("SubjectID", "TargetId"),
		Scope:         scopeOf(e.ResourceID),
		Justification: props.Any("Justification", "Reason"),
		Ticket:        props.Any("TicketNumber", "Ticket"),
		TicketSystem:  props.Text("TicketSystem"),
		Request:       props.Text("RoleAssignmentRequestId"),
	}
	p.Start = firstTime(props, "StartTime", "StartDateTime")
	p.End = firstTime(props, "ExpirationTime", "EndTime", "EndDateTime", "ExpirationDateTime")
	p.read(e.Operation)
	return p, true
}

// isPIMPhrase recognises the phrases by their own word, or by the service that writes them: "azurerbac" stands in the
// properties of every record of the OpenTelemetry collector's sample (pim-log.json).
func isPIMPhrase(e *Event) bool {
	if !strings.Contains(e.Operation, " ") { // no operation of Resource Manager's has a blank
		return false
	}
	return strings.EqualFold(e.Properties.Text("ResourceProviderName"), "azurerbac") ||
		hasWord(e.Operation, "pim") || e.Properties.Value("RoleAssignmentRequestId") != nil
}

func hasWord(phrase, word string) bool {
	for w := range strings.FieldsFuncSeq(phrase, func(r rune) bool { return !unicode.IsLetter(r) }) {
		if w == word {
			return true
		}
	}
	return false
}

// read reads a phrase in lower case.
func (p *PIM) read(phrase string) {
	says := func(part string) bool { return strings.Contains(phrase, part) }
	p.Lasting = says("permanent")
	p.Outside = says("outside of pim")
	switch {
	case says("eligible"):
		p.Assignment = EligibleAssignment
	case says("activation"), says("deactivate"):
		p.Assignment = Activation
	case says("member"), says("assignment"):
		p.Assignment = ActiveAssignment
	}
	for _, step := range pimPhrases {
		if says(step.part) {
			p.Act = step.act
			break
		}
	}
	if p.Act == "" {
		p.Act = p.done(phrase)
	}
}

// pimPhrases are the parts of phrases that decide the act, the first one wins: "Add member to role request approved
// (PIM activation)", "Update member in PIM denied by admin (extend/renew)", "Cancel request for role update".
var pimPhrases = []struct {
	part string
	act  PIMAct
}{
	{"update pim alert setting", PIMSettingsChanged},
	{"pim alert", PIMAlert},
	{"role setting", PIMSettingsChanged},
	{"pim policy", PIMSettingsChanged},
	{"offboarded", PIMOffboarded},
	{"onboarded", PIMOnboarded},
	{"request expired", PIMRequestExpired},
	{"activation expired", PIMExpired},
	{"approval requested", PIMApprovalRequested},
	{"approve", PIMApproved},
	{"denied", PIMDenied},
	{"deny", PIMDenied},
	{"rejected", PIMDenied},
	{"cancel", PIMCanceled},
	{"pending", PIMApprovalRequested},
	{"failed", PIMOther},
	{"requested", PIMRequested},
	{"restore ", PIMRestored},
	{"pim deactivate", PIMDeactivated},
}

// done is the act of a phrase that speaks of what is done: "… completed (…)", or no state at all as in "Remove
// permanent direct role assignment".
func (p *PIM) done(phrase string) PIMAct {
	verb, _, _ := strings.Cut(phrase, " ")
	switch {
	case strings.Contains(phrase, "renew"), strings.Contains(phrase, "extend"):
		return PIMRenewed
	case verb == "add" && p.Assignment == Activation:
		return PIMActivated
	case verb == "add":
		return PIMGranted
	case verb == "remove" && p.Assignment == Activation:
		return PIMDeactivated
	case verb == "remove" && p.Assignment != "":
		return PIMRemoved
	}
	return PIMOther
}

// firstTime reads the first of the members that is an instant.
func firstTime(p Properties, names ...string) Time {
	for _, name := range names {
		if at, ok := ParseTime(p.Text(name)); ok {
			return at
		}
	}
	return Time{}
}

// lastGUID is the last segment of a resource id, in lower case.
func lastGUID(id string) string { return strings.ToLower(id[strings.LastIndexByte(id, '/')+1:]) }

// AddPIM keeps the step that e reports under its properties' member "pim", in place of what was known of it before; other
// events it leaves as they are.
func AddPIM(e *Event) {
	if !strings.Contains(e.Operation, " ") && !strings.HasPrefix(e.Operation, "microsoft.authorization/role") {
		return // nearly every event
	}
	p, ok := PIMOf(e)
	if !ok {
		return
	}
	text, err := json.Marshal(p)
	if err != nil {
		return // times beyond the year 9999, which ParseTime does not read
	}
	e.Properties = e.Properties.With(Properties(`{"pim":` + string(text) + `}`))
}
