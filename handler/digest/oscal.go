package digest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// OSCALVersion is the version of NIST's Open Security Controls Assessment Language that OSCAL writes.
const OSCALVersion = "1.1.3"

// oscalSpace is the name space of the ids: each is a UUIDv5 of what it names, so that the same report gives the same bytes.
var oscalSpace = uuid.MustParse("6f1d5b0e-6c39-5d7e-9a53-0d6a5f0c4b21")

// OSCAL writes assessment results: one result for the period, an observation for the completeness and one for each
// control, the scopes as their subjects, and a risk for each gap: of the record, and of a control that was not watched or
// fell short. It states no finding: whether a control is satisfied is for an assessor to judge, and the observations say
// what was seen.
func OSCAL(w io.Writer, r Report) error {
	o := oscalWriter{r: &r}
	result := o.result()
	document := map[string]oscalDocument{"assessment-results": {
		UUID: oscalID("document", result),
		Metadata: oscalMetadata{
			Title: "Azure Activity Log digest, " + r.Period, Modified: oscalTime(r.GeneratedAt), Version: r.GeneratedAt.UTC().Format("20060102T150405Z"), OSCAL: OSCALVersion,
			Remarks: "Made by Auditbell. Observations are counts of log entries and alerts; they are not an assessor's findings.",
		},
		Plan:    oscalPlan{Href: "#" + o.plan()},
		Results: []oscalResult{result},
		Back:    oscalBack{o.resources},
	}}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	if err := out.Encode(document); err != nil {
		return fmt.Errorf("write OSCAL: %w", err)
	}
	return nil
}

// The members of assessment results that are written, in the order of NIST's JSON format reference for 1.1.3.
type oscalDocument struct {
	UUID     string        `json:"uuid"`
	Metadata oscalMetadata `json:"metadata"`
	Plan     oscalPlan     `json:"import-ap"`
	Results  []oscalResult `json:"results"`
	Back     oscalBack     `json:"back-matter"`
}

type oscalMetadata struct {
	Title    string `json:"title"`
	Modified string `json:"last-modified"`
	Version  string `json:"version"`
	OSCAL    string `json:"oscal-version"`
	Remarks  string `json:"remarks"`
}

type oscalPlan struct {
	Href string `json:"href"`
}

type oscalResult struct {
	UUID         string             `json:"uuid,omitempty"`
	Title        string             `json:"title"`
	Description  string             `json:"description"`
	Start        string             `json:"start"`
	End          string             `json:"end,omitempty"`
	Local        *oscalLocal        `json:"local-definitions,omitempty"`
	Reviewed     oscalReviewed      `json:"reviewed-controls"`
	Observations []oscalObservation `json:"observations"`
	Risks        []oscalRisk        `json:"risks,omitempty"`
}

type oscalLocal struct {
	Components []oscalComponent `json:"components"`
}

type oscalComponent struct {
	UUID        string      `json:"uuid,omitempty"`
	Type        string      `json:"type"`
	Title       string      `json:"title"`
	Description string      `json:"description"`
	Props       []oscalProp `json:"props,omitempty"`
	Status      oscalState  `json:"status"`
}

type oscalState struct {
	State string `json:"state"`
}

type oscalReviewed struct {
	Selections []oscalSelection `json:"control-selections"`
}

type oscalSelection struct {
	Description string `json:"description"`
}

type oscalObservation struct {
	UUID        string          `json:"uuid,omitempty"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Props       []oscalProp     `json:"props"`
	Methods     []string        `json:"methods"`
	Types       []string        `json:"types"`
	Subjects    []oscalSubject  `json:"subjects,omitempty"`
	Evidence    []oscalEvidence `json:"relevant-evidence"`
	Collected   string          `json:"collected"`
}

type oscalProp struct {
	Name  string `json:"name"`
	Space string `json:"ns"`
	Value string `json:"value"`
}

type oscalSubject struct {
	UUID  string `json:"subject-uuid"`
	Type  string `json:"type"`
	Title string `json:"title"`
}

type oscalEvidence struct {
	Href        string `json:"href"`
	Description string `json:"description"`
}

type oscalRisk struct {
	UUID         string         `json:"uuid,omitempty"`
	Title        string         `json:"title"`
	Description  string         `json:"description"`
	Statement    string         `json:"statement"`
	Status       string         `json:"status"`
	Observations []oscalRelated `json:"related-observations"`
}

type oscalRelated struct {
	UUID string `json:"observation-uuid"`
}

type oscalBack struct {
	Resources []oscalResource `json:"resources"`
}

type oscalResource struct {
	UUID        string      `json:"uuid,omitempty"`
	Title       string      `json:"title"`
	Description string      `json:"description"`
	Links       []oscalLink `json:"rlinks,omitempty"`
}

type oscalLink struct {
	Href string `json:"href"`
	Type string `json:"media-type"`
}

// oscalWriter gathers what refers to each other.
type oscalWriter struct {
	r         *Report
	resources []oscalResource
	subjects  []oscalSubject
}

// oscalID is the UUIDv5 of what a thing says.
func oscalID(kind string, content any) string {
	text, _ := json.Marshal(content) // texts and lists of them always marshal
	return uuid.NewSHA1(oscalSpace, append([]byte(kind+"\n"), text...)).String()
}

func oscalTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// oscalText is a text that OSCAL takes: it has something to say, and no white space at its ends.
func oscalText(text string) string {
	if text = strings.Join(strings.Fields(text), " "); text == "" {
		return "none"
	}
	return text
}

func oscalProps(pairs ...string) (props []oscalProp) {
	for pair := range slices.Chunk(pairs, 2) {
		props = append(props, oscalProp{pair[0], "https://github.com/auditbell/auditbell/ns/oscal", oscalText(pair[1])})
	}
	return props
}

// resource adds a resource of the back matter and returns its id.
func (o *oscalWriter) resource(one oscalResource) string {
	one.UUID = oscalID("resource", one)
	o.resources = append(o.resources, one)
	return one.UUID
}

func (o *oscalWriter) plan() string {
	return o.resource(oscalResource{Title: "Assessment plan", Description: "There is no assessment plan: Auditbell watches the Activity Log all the time, by the rules in force that the digest's manifest names."})
}

func (o *oscalWriter) result() oscalResult {
	r := o.r
	manifest := o.resource(oscalResource{
		Title: "Manifest", Description: "Names every file of the digest with its SHA-256; `handler verify` checks them.", Links: []oscalLink{{ManifestName, "application/json"}},
	})
	result := oscalResult{
		Title: "Azure Activity Log, " + oscalText(r.Period), Description: oscalText(r.Completeness.Statement), Start: oscalTime(o.start()), Local: o.scopes(),
		Reviewed: oscalReviewed{[]oscalSelection{{"The controls that the rules in force name."}}},
	}
	if !r.Window.To.IsZero() {
		result.End = oscalTime(r.Window.To)
	}
	complete := o.completeness(manifest)
	result.Observations = append(result.Observations, complete)
	result.Risks = o.risks(complete.UUID)
	for i := range r.Controls {
		one := o.control(&r.Controls[i], manifest)
		result.Observations = append(result.Observations, one)
		if risk := controlRisk(&r.Controls[i], one.UUID); risk != nil {
			result.Risks = append(result.Risks, *risk)
		}
	}
	result.UUID = oscalID("result", result)
	return result
}

// start is when the period began; a report on everything that its files hold has no beginning, and was begun when made.
func (o *oscalWriter) start() time.Time {
	if o.r.Window.From.IsZero() {
		return o.r.GeneratedAt
	}
	return o.r.Window.From
}

// scopes are the components that the observations are about.
func (o *oscalWriter) scopes() *oscalLocal {
	var local oscalLocal
	for _, s := range o.r.Completeness.Scopes {
		if s.Name == "" {
			continue
		}
		c := oscalComponent{
			Type: "service", Title: "Azure scope " + oscalText(s.Name), Description: "A scope whose Activity Log entries were counted.",
			Props: oscalProps("scope", s.Name, "entries", fmt.Sprint(s.N)), Status: oscalState{"operational"},
		}
		c.UUID = oscalID("scope", s.Name)
		local.Components = append(local.Components, c)
		o.subjects = append(o.subjects, oscalSubject{c.UUID, "component", c.Title})
	}
	if len(local.Components) == 0 {
		return nil
	}
	return &local
}

// observation completes what all observations share.
func (o *oscalWriter) observation(one oscalObservation, manifest string) oscalObservation {
	one.Methods, one.Types, one.Subjects, one.Collected = []string{"EXAMINE"}, []string{"historic"}, o.subjects, oscalTime(o.r.GeneratedAt)
	one.Evidence = append(one.Evidence, oscalEvidence{"#" + manifest, "The manifest of the digest, which names its files."})
	one.UUID = oscalID("observation", one)
	return one
}

func (o *oscalWriter) completeness(manifest string) oscalObservation {
	c := &o.r.Completeness
	return o.observation(oscalObservation{
		Title: "Completeness of the record", Description: oscalText(c.Statement),
		Props: oscalProps("verdict", string(c.Verdict), "source", c.Source, "entries", fmt.Sprint(o.r.Summary.Total)),
	}, manifest)
}

func (o *oscalWriter) control(c *Control, manifest string) oscalObservation {
	text := fmt.Sprintf("%d operations met the rules of this control: %d led to alerts (%d alerts), %d were covered by exceptions.", c.Seen, c.Alerted, c.Alerts, c.Excepted)
	if c.Why != "" {
		text += " " + c.Why
	}
	return o.observation(oscalObservation{
		Title: oscalText(c.ID), Description: oscalText(text),
		Props: oscalProps("control", c.ID, "verdict", c.Verdict, "rules", strings.Join(c.Rules, ", "), "operations", fmt.Sprint(c.Seen), "alerts", fmt.Sprint(c.Alerts)),
	}, manifest)
}

// controlRisk is the gap that a control has, nil for none.
func controlRisk(c *Control, observation string) *oscalRisk {
	switch c.Verdict {
	case NotWatched:
		return oscalGap(c.ID+" was not watched", cmp.Or(c.Why, "Nothing met its rules, and no feed that could."), "Operations of this control may not have come in.", observation)
	case FellShort:
		return oscalGap(c.ID+" fell short", "An alert of this control waits: no destination has taken it.", "Operations of this control are not known to a person yet.", observation)
	}
	return nil
}

func oscalGap(title, text, statement, observation string) *oscalRisk {
	one := oscalRisk{Title: oscalText(title), Description: oscalText(text), Statement: statement, Status: "open", Observations: []oscalRelated{{observation}}}
	one.UUID = oscalID("risk", one)
	return &one
}

// risks are the gaps: hours that were not compared with Azure, and what else keeps the record from being proven.
func (o *oscalWriter) risks(observation string) (all []oscalRisk) {
	add := func(title, text string) {
		all = append(all, *oscalGap(title, text, "Entries of the Activity Log may be missing from the record.", observation))
	}
	c := &o.r.Completeness
	for _, reason := range c.Reasons {
		add("The record is not proven complete", reason)
	}
	if c.Ledger == nil {
		return all
	}
	for _, u := range c.Ledger.Unproven {
		add("Hours that are not proven", fmt.Sprintf("%s, %s to %s (%d hours): %s", u.Subscription, oscalTime(u.From), oscalTime(u.To), u.Hours, u.Why))
	}
	return all
}
