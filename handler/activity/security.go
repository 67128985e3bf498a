package activity

import "strings"

// SecurityFacts is what an alert of Microsoft Defender for Cloud says (schema page, "Security category"). The
// properties vary with the alert type; these are the ones that most have.
type SecurityFacts struct {
	Title    string
	Severity SecuritySeverity
	Entity   string // the compromised entity: a machine, an account, a resource
	Actor    string // the account that acted, with its domain where there is one
	Action   string // "Detected", "Blocked": what Defender did
	Process  string
	Command  string
}

// SecuritySeverity is Defender's own grade, unlike Level, which is Informational for nearly all of these events.
type SecuritySeverity string

// The grades (schema page, "properties.Severity"); Defender also writes "Informational".
const (
	HighSeverity   SecuritySeverity = "High"
	MediumSeverity SecuritySeverity = "Medium"
	LowSeverity    SecuritySeverity = "Low"
)

// SecurityOf returns the facts of a Defender alert; false for events of another category.
func SecurityOf(e Event) (SecurityFacts, bool) {
	if e.Category != Security {
		return SecurityFacts{}, false
	}
	p := e.Properties
	return SecurityFacts{
		Title:    p.Any("eventName", "alertDisplayName", "title"),
		Severity: severityOf(p.Any("Severity", "alertSeverity")),
		Entity:   p.Any("compromisedEntity", "compromised entity", "hostName", "attackedResource"),
		Actor:    accountOf(p),
		Action:   p.Any("ActionTaken", "action taken"),
		Process:  p.Any("processName", "suspiciousProcess"),
		Command:  p.Any("commandLine", "suspiciousCommandLine"),
	}, true
}

func severityOf(s string) SecuritySeverity {
	for _, severity := range []SecuritySeverity{HighSeverity, MediumSeverity, LowSeverity} {
		if strings.EqualFold(s, string(severity)) {
			return severity
		}
	}
	return SecuritySeverity(s)
}

// accountOf joins domain and user as Windows writes them.
func accountOf(p Properties) string {
	user, domain := p.Any("userName", "user name", "account", "actor"), p.Any("domainName", "domain")
	if user == "" || domain == "" {
		return user
	}
	return domain + `\` + user
}
