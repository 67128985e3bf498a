package digest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/auditbell/auditbell/handler/source"
)

// Manifest says of a bundle's files what they were when they were made. Its own hash stands in the next one's Previous,
// in the mail and in the card, so that to change a file unseen one has to change all of those too.
type Manifest struct {
	Format      string        `json:"format"` // manifestFormat
	Digest      string        `json:"digest,omitempty"`
	Period      string        `json:"period"`
	Window      source.Window `json:"window"`
	Zone        string        `json:"time_zone"`
	GeneratedAt time.Time     `json:"generated_at"`
	Tool        string        `json:"tool"` // name and version
	Source      string        `json:"source"`
	Complete    bool          `json:"complete"`                  // true only where the verdict is proven
	Verdict     Verdict       `json:"verdict"`                   // on the record
	InTime      Verdict       `json:"alerted_in_time"`           // the second verdict
	RuleSet     string        `json:"rule_set_sha256,omitempty"` // of the rules in force
	Config      string        `json:"config_sha256,omitempty"`   // of the configuration: routes, exceptions, rules of one's own
	Inputs      []File        `json:"inputs,omitempty"`          // what the report was made from, where that is files
	Counts      Counts        `json:"counts"`
	Files       []File        `json:"files"`
	Previous    *Link         `json:"previous,omitempty"` // nil: the first of its chain
}

const manifestFormat = "auditbell-manifest/1"

// ManifestName is the name of the manifest's file.
const ManifestName = "manifest.json"

// NamesName is the name of the file with the names of ids that a report shows, in bundles that show any: the same inputs and
// names make the same bytes.
const NamesName = "names.json"

// TimestampName is the name of what a time-stamp authority said of the manifest (RFC 3161), in bundles that have that.
const TimestampName = ManifestName + ".tsr"

// LogProofName and LogGrownName are the names of the proofs that the manifest is in the transparency log, and that the log
// only grew since the digest before, in bundles that have those.
const (
	LogProofName = ManifestName + ".tlog-proof"
	LogGrownName = ManifestName + ".tlog-grown"
)

// HoursName is the name of the file that lists what a transparency log has of the period's hours: their entries, one after
// the other, in bundles that have that.
const HoursName = "hours.tlog"

// Counts are numbers that verification counts again.
type Counts struct {
	Entries    int64 `json:"entries"`
	HighRisk   int64 `json:"high_risk_entries"`   // in report.json
	Operations int64 `json:"operations_csv_rows"` // without the head
	Alerts     int64 `json:"alerts"`
}

// File is one file of a bundle.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	ETag   string `json:"etag,omitempty"` // of an input that is a blob: the version that was read
}

// Link names the bundle before.
type Link struct {
	Period   string `json:"period,omitempty"`
	Manifest string `json:"manifest_sha256"`
}

// Bundle is what is to be written.
type Bundle struct {
	Report   Report
	Formats  []Format
	Tool     string // name and version of the program
	RuleSet  string
	Config   string // see Manifest
	Previous *Link
	Hours    []byte // HoursName, nil for none
	Inputs   []File // what the report was made from, in the order in which it was read
}

// Put writes one file of a bundle: it calls write once with where the bytes go.
type Put func(name string, write func(io.Writer) error) error

// Write writes every file, and the manifest last: a bundle without one is not finished.
func (b Bundle) Write(put Put) (Manifest, string, error) {
	r := &b.Report
	m := Manifest{
		Format: manifestFormat, Digest: r.Name, Period: r.Period, Window: r.Window, Zone: r.Zone.String(), GeneratedAt: r.GeneratedAt,
		Tool: b.Tool, Source: r.Completeness.Source, Complete: r.Completeness.Complete, Verdict: r.Completeness.Verdict, InTime: r.Completeness.InTime.Verdict, RuleSet: b.RuleSet, Config: b.Config, Previous: b.Previous, Inputs: b.Inputs, Files: []File{},
		Counts: Counts{Entries: r.Summary.Total, HighRisk: int64(r.HighRisk.Len()), Operations: int64(r.Cases().Len()), Alerts: int64(r.Alerts.List.Len())},
	}
	for _, f := range b.Formats {
		file, err := hashed(put, f.File, func(w io.Writer) error { return f.Write(w, b.Report) })
		if err != nil {
			return m, "", fmt.Errorf("write %s: %w", f.File, err)
		}
		m.Files = append(m.Files, file)
	}
	if len(r.Names) > 0 {
		file, err := hashed(put, NamesName, func(w io.Writer) error { return r.Names.write(w) })
		if err != nil {
			return m, "", fmt.Errorf("write %s: %w", NamesName, err)
		}
		m.Files = append(m.Files, file)
	}
	if len(b.Hours) > 0 {
		file, err := hashed(put, HoursName, func(w io.Writer) error { _, err := w.Write(b.Hours); return err })
		if err != nil {
			return m, "", fmt.Errorf("write %s: %w", HoursName, err)
		}
		m.Files = append(m.Files, file)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, "", fmt.Errorf("write manifest: %w", err)
	}
	file, err := hashed(put, ManifestName, func(w io.Writer) error { _, err := w.Write(append(text, '\n')); return err })
	if err != nil {
		return m, "", fmt.Errorf("write manifest: %w", err)
	}
	return m, file.SHA256, nil
}

// hashed puts a file and hashes what goes by.
func hashed(put Put, name string, write func(io.Writer) error) (File, error) {
	f := File{Name: name}
	err := put(name, func(w io.Writer) error {
		h := sha256.New()
		counted := &countingWriter{}
		if err := write(io.MultiWriter(w, h, counted)); err != nil {
			return err
		}
		f.Bytes, f.SHA256 = counted.n, hex.EncodeToString(h.Sum(nil))
		return nil
	})
	return f, err
}

type countingWriter struct{ n int64 }

func (c *countingWriter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// ReadManifest reads a manifest; hash is of its bytes.
func ReadManifest(text []byte) (m Manifest, hash string, err error) {
	if err := json.Unmarshal(text, &m); err != nil {
		return m, "", fmt.Errorf("read manifest: %w", err)
	}
	if m.Format != manifestFormat {
		return m, "", fmt.Errorf("read manifest: format %q is not %q", m.Format, manifestFormat)
	}
	sum := sha256.Sum256(text)
	return m, hex.EncodeToString(sum[:]), nil
}
