package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// parsed is one document of a rule file.
type parsed struct {
	rule   *Rule
	left   Why    // why it is left out; empty: it is not
	reason string // the same for people
	line   int    // where the reason stands
}

// parseRule reads one document. A rule for another log source is recognised before anything else is checked: folders
// hold rules for systems whose features we rightly do not support.
func (p *problems) parseRule(n *yaml.Node, file string) parsed {
	n = deref(n)
	members := p.members(n)
	r := &Rule{File: file, Line: n.Line, Level: Medium}
	byKey := make(map[string]pair, len(members))
	for _, m := range members {
		byKey[m.key] = m
		p.metadata(r, m)
	}
	if m, ok := byKey["logsource"]; ok {
		if why, reason := p.foreign(m.value); why != "" {
			r.ID = p.identity(r)
			return parsed{r, why, reason, m.line}
		}
	}
	if r.Status == "deprecated" || r.Status == "unsupported" {
		r.ID = p.identity(r)
		return parsed{r, Retired, "its status is " + r.Status, byKey["status"].line}
	}
	p.body(r, byKey)
	r.ID = p.identity(r)
	if r.Title == "" {
		p.add(n.Line, "the rule has no title")
	}
	return parsed{rule: r}
}

// body reads what makes the rule match: a detection or a correlation.
func (p *problems) body(r *Rule, members map[string]pair) {
	if m, ok := members["auditbell"]; ok {
		p.parseExtension(r, m.value)
	}
	if m, ok := members["action"]; ok {
		p.add(m.line, "rule collections (action: %s) are Sigma 1: write each rule out", m.value.Value)
		return
	}
	if m, ok := members["filter"]; ok {
		p.parseFilter(r, m)
		return
	}
	if m, ok := members["correlation"]; ok {
		r.Correlation = p.parseCorrelation(m.value)
		return
	}
	m, ok := members["detection"]
	if !ok {
		p.add(r.Line, "the rule has neither a detection nor a correlation")
		return
	}
	if _, ok := members["logsource"]; !ok {
		p.add(r.Line, "the rule has no logsource; expected product azure, service activitylogs")
	}
	p.parseDetection(r, m.value)
}

// metadata reads the standard fields that people see. Fields that we do not know are the author's own business
// (specification: custom fields are allowed).
func (p *problems) metadata(r *Rule, m pair) {
	switch m.key {
	case "id":
		r.UUID = p.text(m.value)
	case "name":
		r.Name = p.text(m.value)
	case "title":
		r.Title = strings.TrimSpace(p.text(m.value))
	case "description":
		r.Description = strings.TrimSpace(p.text(m.value))
	case "status":
		r.Status = p.oneOf(m, "stable", "test", "experimental", "deprecated", "unsupported")
	case "level":
		r.Level = Level(cmp.Or(p.oneOf(m, "informational", "low", "medium", "high", "critical"), string(Medium)))
	case "author":
		r.Author = strings.Join(p.texts(m.value), ", ")
	case "license":
		r.License = p.text(m.value)
	case "date":
		r.Date = p.text(m.value)
	case "modified":
		r.Modified = p.text(m.value)
	case "references":
		r.References = p.texts(m.value)
	case "tags":
		r.Tags = p.texts(m.value)
	case "falsepositives":
		r.FalsePositives = p.texts(m.value)
	}
}

// oneOf reads a text that must be one of a few words; empty is allowed, the fields are optional.
func (p *problems) oneOf(m pair, words ...string) string {
	s := strings.ToLower(strings.TrimSpace(p.text(m.value)))
	if s != "" && !slices.Contains(words, s) {
		p.add(m.line, "%s %q is none of %s", m.key, s, strings.Join(words, ", "))
	}
	return s
}

// services are what the Activity Log is called: "azure.activitylogs" is how SigmaHQ wrote it before 2021. others are the
// Azure services that SigmaHQ has rules for (rules/cloud/azure, 2026-08).
var (
	services = []string{"activitylogs", "azure.activitylogs"}
	others   = []string{"auditlogs", "signinlogs", "riskdetection", "pim", "azure.auditlogs", "azure.signinlogs", "microsoft365portal"}
)

// foreign says why a log source is not the Azure Activity Log, if it is not.
func (p *problems) foreign(n *yaml.Node) (Why, string) {
	source := make(map[string]string)
	for _, m := range p.members(n) {
		if m.value.Kind == yaml.ScalarNode {
			source[m.key] = strings.ToLower(strings.TrimSpace(m.value.Value))
		}
	}
	product, service := source["product"], source["service"]
	const near = 3 // letters
	switch ours := slices.Contains(services, service); {
	case product == "azure" && ours:
		return "", ""
	case product == "azure" && service == "" && source["category"] == "":
		return Misspelt, "its log source names no service; the Activity Log is product azure, service activitylogs"
	case product == "" && ours:
		return Misspelt, "its log source names no product; the Activity Log is product azure, service activitylogs"
	case ours && edits(product, "azure") < near, product == "azure" && !slices.Contains(others, service) && edits(service, "activitylogs") <= near:
		return Misspelt, fmt.Sprintf("its log source is product %s, service %s; the Activity Log is product azure, service activitylogs", product, service)
	}
	var words []string
	for _, key := range []string{"product", "category", "service"} {
		if source[key] != "" {
			words = append(words, key+" "+source[key])
		}
	}
	return OtherSource, "it is about another log: " + strings.Join(words, ", ")
}

// identity is the rule's ID; see Rule.ID.
func (p *problems) identity(r *Rule) string {
	base := r.File[strings.LastIndexByte(r.File, '/')+1:]
	base, _, _ = strings.Cut(base, ".")
	for _, candidate := range []string{r.ID, r.UUID, r.Name, base} {
		if id := slug(candidate); id != "" {
			return id
		}
	}
	p.add(r.Line, "the rule has no id")
	return ""
}

// slug keeps [a-z0-9-] of a text, everything else becoming a hyphen.
func slug(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}
