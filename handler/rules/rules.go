package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Level is a rule's severity, in Sigma's words.
type Level string

// Sigma's levels, lowest first (Sigma rules specification, "Level").
const (
	Informational Level = "informational"
	Low           Level = "low"
	Medium        Level = "medium"
	High          Level = "high"
	Critical      Level = "critical"
)

// levels lists them in rising order; a level's position is its rank.
var levels = []Level{Informational, Low, Medium, High, Critical}

// Rank orders levels: 0 for informational to 4 for critical, -1 for what is no level.
func (l Level) Rank() int { return slices.Index(levels, l) }

// Rule is one Sigma rule as its author wrote it. Values are read-only after Load.
type Rule struct {
	// ID names the rule in messages, keys and URLs: [a-z0-9-] only. It is auditbell.id where there is one (the
	// library's slugs, equal to the file name), else the Sigma id, else the Sigma name, else the file's base name.
	ID string
	// UUID is the Sigma `id` as written, Name the Sigma `name`; correlations refer to rules by either, or by ID.
	UUID, Name string

	Title, Description string
	Status             string // Sigma's: stable, test, experimental, deprecated, unsupported; may be empty
	Level              Level  // medium where the author gives none: most published rules are
	// Author must appear in every message that the rule causes (Detection Rule License 1.1); License names the terms.
	Author, License                  string
	References, Tags, FalsePositives []string
	Date, Modified                   string

	File string // path within the loaded folder
	Line int    // line on which the document starts

	Auditbell   Extension
	Correlation *Correlation // nil for a rule on single events
	Filter      *Filter      // nil for what matches by itself

	Condition string // as written; empty for a correlation

	detection  *expr   // the condition with its selections; nil for a correlation
	selections []*expr // in the order written
	embedded   bool    // of our own library
}

// Extension is what stands under `auditbell:`. All of it is optional for rules of others.
type Extension struct {
	Reason   string        // one sentence: why this severity
	Runbook  []string      // steps for whoever gets the message
	Window   time.Duration // repeats within it are the same noise; 0: the pipeline's default
	GroupBy  []string      // fields whose values tell one noise from another; empty: the pipeline's default
	Controls []string      // "CIS Azure 6.0.0 6.1.2.1", "NIST 800-53 AC-6", …: with the edition where there are editions
	// Outcomes says which outcomes alert; empty: all of them. An event whose outcome is unknown always alerts: a partial
	// record is no reason to be silent.
	Outcomes []activity.Outcome
	Examples Examples
	// Enabled overrides what Status implies: true lets an experimental rule alert, false takes the rule out.
	Enabled *bool
}

// Examples are the rule's own tests.
type Examples struct{ Match, NoMatch []Example }

// Alerts reports whether the rule's matches are sent. Experimental rules are evaluated and counted only, until
// auditbell.enabled says otherwise.
func (r *Rule) Alerts() bool {
	if r.Auditbell.Enabled != nil {
		return *r.Auditbell.Enabled
	}
	return r.Status != "experimental"
}

// Off reports whether the rule was taken out with `enabled: false`; Compile leaves such rules aside.
func (r *Rule) Off() bool { return r.Auditbell.Enabled != nil && !*r.Auditbell.Enabled }

// Techniques returns the ATT&CK technique ids among the tags, upper case: "T1098.003". They are not checked against a
// list: SigmaHQ already uses ids newer than any that we could ship.
func (r *Rule) Techniques() []string {
	var ids []string
	for _, tag := range r.Tags {
		id, ok := strings.CutPrefix(strings.ToLower(tag), "attack.t")
		if ok && id != "" && '0' <= id[0] && id[0] <= '9' {
			ids = append(ids, "T"+strings.ToUpper(id))
		}
	}
	return ids
}

// Where is the rule's place for error texts and listings: "library/role-assignment-alert.yml:1".
func (r *Rule) Where() string { return position("", r.File, r.Line) }

// Replace returns base with every rule that has the ID of one in own replaced by it, and the rest of own appended: an
// operator changes a library rule by writing one with the same id.
func Replace(base, own []*Rule) []*Rule {
	all := slices.Clone(base)
	for _, r := range own {
		at := slices.IndexFunc(all, func(b *Rule) bool { return b.ID == r.ID })
		if at < 0 {
			all = append(all, r)
			continue
		}
		all[at] = r
	}
	return all
}
