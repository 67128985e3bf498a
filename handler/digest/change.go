package digest

import (
	"encoding/json"
	"fmt"
	"io"
)

// Before is what a report needs to know of the one before it: its own JSON, and the hash of its manifest.
type Before struct {
	Period   string
	Manifest string // SHA-256, hexadecimal
	report   previous
}

// previous are the members of report.json that are compared.
type previous struct {
	Period     string         `json:"period"`
	Summary    Summary        `json:"summary"`
	HighRisk   []struct{}     `json:"high_risk_operations"`
	Listed     int64          `json:"high_risk_entries"` // of a Brief, which has no list
	Lifecycles Lifecycles     `json:"operations"`
	Deletions  Deletions      `json:"deletions"`
	Roles      previousRoles  `json:"role_assignments"`
	Alerts     previousAlerts `json:"alerts"`
}

type previousRoles struct {
	Created int64 `json:"created"`
	Deleted int64 `json:"deleted"`
}

type previousAlerts struct {
	Known  bool  `json:"known"`
	Raised int64 `json:"raised"`
}

// ReadBefore reads the report.json of the period before.
func ReadBefore(r io.Reader, manifest string) (*Before, error) {
	b := &Before{Manifest: manifest}
	if err := json.NewDecoder(r).Decode(&b.report); err != nil {
		return nil, fmt.Errorf("read previous report: %w", err)
	}
	b.Period = b.report.Period
	return b, nil
}

// Brief is what the next report needs to know of this one, as ReadBefore reads it.
func (r *Report) Brief() ([]byte, error) {
	return json.Marshal(previous{
		Period: r.Period, Summary: r.Summary, Lifecycles: r.Lifecycles, Deletions: Deletions{Total: r.Deletions.Total}, Listed: int64(r.HighRisk.Len()),
		Roles: previousRoles{r.Roles.Created, r.Roles.Deleted}, Alerts: previousAlerts{r.Alerts.Known, int64(r.Alerts.Raised)},
	})
}

func changeSince(b *Before, r *Report) *Change {
	if b == nil {
		return nil
	}
	c := &Change{Period: b.Period, Manifest: b.Manifest}
	add := func(name string, before, now int64) { c.Metrics = append(c.Metrics, Metric{name, before, now}) }
	add("Entries", b.report.Summary.Total, r.Summary.Total)
	add("Failed entries", b.report.Summary.Failed, r.Summary.Failed)
	add("Callers", b.report.Summary.UniqueCallers, r.Summary.UniqueCallers)
	add("Operations", b.report.Lifecycles.Distinct, r.Lifecycles.Distinct)
	add("High-risk entries", max(int64(len(b.report.HighRisk)), b.report.Listed), int64(r.HighRisk.Len()))
	add("Deletions", b.report.Deletions.Total, r.Deletions.Total)
	add("Role assignments created", b.report.Roles.Created, r.Roles.Created)
	add("Role assignments deleted", b.report.Roles.Deleted, r.Roles.Deleted)
	if b.report.Alerts.Known && r.Alerts.Known {
		add("Alerts", b.report.Alerts.Raised, int64(r.Alerts.Raised))
	}
	return c
}
