package activity

import (
	"strings"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// ServiceHealthFacts is what a Service Health event says about an incident at Azure (schema page, "Service health
// category"; the portal's Service Health blade shows the same under the tracking id).
type ServiceHealthFacts struct {
	Title           string
	Type            IncidentType
	TrackingID      string // "NA0F-BJG": the same through all communications about one incident
	Stage           string // "Active", "Planned", "InProgress", "Canceled", "Rescheduled", "Resolved", "Complete", "RCA"
	Service         string // the first service, as the alert rules filter it
	Region          string
	Services        []ImpactedService
	Communication   string // plain text; Azure writes HTML with tables and entities
	ImpactStart     Time
	ImpactEnd       Time   // impactMitigationTime; zero while it lasts
	CommunicationID string // of this communication; one incident has many
}

// ImpactedService is one entry of impactedServices.
type ImpactedService struct {
	Name    string
	Regions []string
}

// IncidentType is the variety of a Service Health event.
type IncidentType string

// The six varieties (schema page, Categories).
const (
	ActionRequired   IncidentType = "ActionRequired"
	AssistedRecovery IncidentType = "AssistedRecovery"
	Incident         IncidentType = "Incident"
	Maintenance      IncidentType = "Maintenance"
	Information      IncidentType = "Information"
	SecurityAdvisory IncidentType = "Security"
)

// ServiceHealthOf returns the facts of a Service Health event; false for events of another category.
func ServiceHealthOf(e Event) (ServiceHealthFacts, bool) {
	if e.Category != ServiceHealth {
		return ServiceHealthFacts{}, false
	}
	p := e.Properties
	f := ServiceHealthFacts{
		Title:           p.Any("title", "defaultLanguageTitle"),
		Type:            incidentTypeOf(p.Text("incidentType")),
		TrackingID:      p.Text("trackingId"),
		Stage:           p.Text("stage"),
		Service:         p.Text("service"),
		Region:          p.Text("region"),
		Services:        impactedServices(p),
		Communication:   PlainText(p.Any("communication", "defaultLanguageContent")),
		CommunicationID: p.Text("communicationId"),
	}
	f.ImpactStart, _ = ParseTime(p.Text("impactStartTime"))
	f.ImpactEnd, _ = ParseTime(p.Text("impactMitigationTime"))
	return f, true
}

// incidentTypeOf folds "Action Required" and "Informational" to the constants.
func incidentTypeOf(s string) IncidentType {
	for _, t := range []IncidentType{ActionRequired, AssistedRecovery, Incident, Maintenance, Information, SecurityAdvisory} {
		if equalFoldNoSpace(s, string(t)) {
			return t
		}
	}
	if strings.EqualFold(s, "Informational") { // what alert rules and newer events call it
		return Information
	}
	return IncidentType(s)
}

// impactedServices reads the list, which Azure writes as JSON in a string; payload has opened it.
func impactedServices(p Properties) []ImpactedService {
	var services []ImpactedService
	each(p.Value("impactedServices"), func(entry Properties) {
		s := ImpactedService{Name: entry.Text("ServiceName")}
		each(entry.Value("ImpactedRegions"), func(region Properties) {
			if name := region.Text("RegionName"); name != "" {
				s.Regions = append(s.Regions, name)
			}
		})
		if s.Name != "" {
			services = append(services, s)
		}
	})
	return services
}

// each calls fn with every object of the array raw; there is nothing to call when raw is no array.
func each(raw []byte, fn func(Properties)) {
	if jsonscan.Kind(raw) != '[' {
		return
	}
	_ = jsonscan.Array(raw, func(value []byte) error {
		if jsonscan.Kind(value) == '{' {
			fn(value)
		}
		return nil
	})
}
