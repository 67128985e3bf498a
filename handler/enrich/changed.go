package enrich

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// changed says what the caller asked for, in words, from the request's body. What it was before the event does not say;
// Resource Graph does a little later (package lookup), and its answer takes this fact's place.
func changed(e activity.Event, _ Options, v *View) {
	if e.Category != activity.Administrative || strings.HasPrefix(e.Operation, "microsoft.authorization/roleassignments/") {
		return // of a role assignment, role and principal say it all
	}
	body := activity.Properties(e.Properties.Value("requestbody", "properties"))
	var text string
	switch {
	case len(body) == 0:
		return
	case strings.HasSuffix(e.Operation, "/securityrules/write"):
		text = SecurityRule(e.ResourceName, "", body)
	case strings.HasSuffix(e.Operation, "/networksecuritygroups/write"):
		text = securityRules(body)
	}
	if text == "" {
		text = asked(body)
	}
	v.fact(Fact{Name: "Changed", Value: with("asked for ", text)})
}

// SecurityRule is "inbound rule allow-ssh added: 0.0.0.0/0 → 22, allow" of a rule's properties, "" when they are not those
// of one (learn: "Network security groups", security rules). done may be empty.
func SecurityRule(name, done string, p activity.Properties) string {
	direction := strings.ToLower(p.Text("direction"))
	from := or(p.Text("sourceAddressPrefix"), list(p, "sourceAddressPrefixes"))
	to := or(p.Text("destinationPortRange"), list(p, "destinationPortRanges"))
	if direction == "" || from == "" && to == "" {
		return ""
	}
	if from == "*" {
		from = "anywhere"
	}
	if to == "*" {
		to = "every port"
	}
	return join(direction, "rule", name, done) + ": " + or(from, "?") + " → " + or(to, "?") + with(", ", strings.ToLower(p.Text("access")))
}

// securityRules are the rules of a whole network security group, the first three in words.
func securityRules(p activity.Properties) string {
	const most = 3
	var rules []struct {
		Name       string              `json:"name"`
		Properties activity.Properties `json:"properties"`
	}
	if json.Unmarshal(p.Value("securityRules"), &rules) != nil {
		return ""
	}
	var told []string
	for _, r := range rules {
		if text := SecurityRule(r.Name, "", r.Properties); text != "" {
			told = append(told, text)
		}
	}
	return AndMore(told, most, "; ")
}

// list joins a member that is a list of texts.
func list(p activity.Properties, member string) string {
	var texts []string
	if json.Unmarshal(p.Value(member), &texts) != nil {
		return ""
	}
	return AndMore(texts, 4, ", ")
}

// AndMore joins the first texts and counts the others.
func AndMore(texts []string, most int, by string) string {
	if len(texts) <= most {
		return strings.Join(texts, by)
	}
	return strings.Join(texts[:most], by) + by + "and " + strconv.Itoa(len(texts)-most) + " more"
}

// asked lists a body's scalars, those that decide on exposure first.
func asked(body activity.Properties) string {
	const most = 5
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // 10737418240 must not become 1.073741824e+10
	var v map[string]any
	if decoder.Decode(&v) != nil {
		return ""
	}
	var all []setting
	flatten("", v, &all)
	slices.SortStableFunc(all, func(x, y setting) int {
		return cmp.Or(cmp.Compare(weight(x.path), weight(y.path)), cmp.Compare(x.path, y.path))
	})
	var texts []string
	for _, s := range all {
		texts = append(texts, s.path+" "+Shown(s.path, s.value))
	}
	return AndMore(texts, most, ", ")
}

// setting is one scalar of a body.
type setting struct{ path, value string }

// flatten gathers the scalars below v, at most three levels down and with no lists but those of texts.
func flatten(path string, v any, all *[]setting) {
	switch v := v.(type) {
	case map[string]any:
		if strings.Count(path, ".") >= 3 {
			return
		}
		for name, inner := range v {
			flatten(strings.TrimPrefix(path+"."+name, "."), inner, all)
		}
	case string:
		*all = append(*all, setting{path, v})
	case json.Number:
		*all = append(*all, setting{path, v.String()})
	case bool:
		*all = append(*all, setting{path, strconv.FormatBool(v)})
	}
}

// exposing are names whose values decide who can reach or read a resource.
var exposing = []string{
	"public", "network", "firewall", "defaultaction", "bypass", "ip", "tls", "https", "anonymous", "purge", "softdelete",
	"rbac", "localauth", "adminuser", "sharedkey", "encryption", "retention", "enforcement", "enabled", "level", "state",
}

// Boring reports whether a property says nothing to a person: Azure's own bookkeeping.
func Boring(path string) bool {
	name := strings.ToLower(path[strings.LastIndexByte(path, '.')+1:])
	return slices.Contains([]string{
		"provisioningstate", "etag", "resourceguid", "id", "type", "createdat", "updatedat", "createdon", "updatedon",
		"lastmodifiedat", "creationtime", "timecreated", "metadata",
	}, name)
}

func weight(path string) int {
	low := strings.ToLower(path)
	switch {
	case Boring(path):
		return 2
	case slices.ContainsFunc(exposing, func(word string) bool { return strings.Contains(low, word) }):
		return 0
	}
	return 1
}
