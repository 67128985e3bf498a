package digest

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// Check is one thing that verification looked at.
type Check struct {
	Name   string `json:"check"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// Verified is what verification of one bundle found.
type Verified struct {
	Period   string   `json:"period"`
	Manifest string   `json:"manifest_sha256"`
	Checks   []Check  `json:"checks"`
	Previous *Link    `json:"previous,omitempty"`  // which manifest this one names, nil: none
	Stamped  *Stamped `json:"timestamp,omitempty"` // nil: nobody said when the manifest was there
}

// Stamped is what a time-stamp authority said of a manifest. Whoever calls Verify checks it and puts it in.
type Stamped struct {
	Time    time.Time `json:"time"`
	By      string    `json:"by"`
	Trusted bool      `json:"trusted"` // a root that was given vouches for the authority
}

// OK reports whether everything that was looked at is as it was.
func (v *Verified) OK() bool {
	return !slices.ContainsFunc(v.Checks, func(c Check) bool { return !c.OK })
}

func (v *Verified) add(name string, err error, format string, args ...any) {
	c := Check{name, err == nil, fmt.Sprintf(format, args...)}
	if err != nil {
		c.Detail = err.Error()
	}
	v.Checks = append(v.Checks, c)
}

// Verify checks a bundle by its files alone: every hash, then every number that can be counted again.
func Verify(folder fs.FS) Verified {
	var v Verified
	text, err := fs.ReadFile(folder, ManifestName)
	if err != nil {
		v.add(ManifestName, err, "")
		return v
	}
	m, hash, err := ReadManifest(text)
	if err != nil {
		v.add(ManifestName, err, "")
		return v
	}
	v.Period, v.Manifest, v.Previous = m.Period, hash, m.Previous
	for _, f := range m.Files {
		v.add(f.Name, verifyFile(folder, f), "%d bytes, SHA-256 as in the manifest", f.Bytes)
	}
	v.counts(folder, m)
	v.strangers(folder, m)
	return v
}

func verifyFile(folder fs.FS, f File) error {
	if !fs.ValidPath(f.Name) || strings.Contains(f.Name, "/") {
		return fmt.Errorf("%q is not the name of a file in the bundle", f.Name)
	}
	file, err := folder.Open(f.Name)
	if err != nil {
		return err
	}
	defer file.Close()
	h := sha256.New()
	n, err := io.Copy(h, file)
	switch got := hex.EncodeToString(h.Sum(nil)); {
	case err != nil:
		return err
	case n != f.Bytes:
		return fmt.Errorf("has %d bytes, the manifest says %d", n, f.Bytes)
	case got != f.SHA256:
		return fmt.Errorf("its SHA-256 is %s, the manifest says %s", got, f.SHA256)
	}
	return nil
}

// counts counts again what the manifest states, in the files that hold it.
func (v *Verified) counts(folder fs.FS, m Manifest) {
	for _, f := range m.Files {
		switch f.Name {
		case "report.json":
			v.add("numbers in report.json", verifyReport(folder, m), "%d entries, %d of high risk, and the sums agree", m.Counts.Entries, m.Counts.HighRisk)
		case "operations.csv":
			v.add("lines in operations.csv", verifyLines(folder, m), "%d operations", m.Counts.Operations)
		}
	}
}

// recount is what is read of report.json.
type recount struct {
	Period     string            `json:"period"`
	Summary    Summary           `json:"summary"`
	ByCategory map[string]int64  `json:"by_category"`
	ByOutcome  map[string]int64  `json:"by_outcome"`
	HighRisk   []json.RawMessage `json:"high_risk_operations"`
	Alerts     struct {
		List []json.RawMessage `json:"list"`
	} `json:"alerts"`
}

func verifyReport(folder fs.FS, m Manifest) error {
	text, err := fs.ReadFile(folder, "report.json")
	if err != nil {
		return err
	}
	var r recount
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("read report.json: %w", err)
	}
	sum := func(counts map[string]int64) (total int64) {
		for _, n := range counts {
			total += n
		}
		return total
	}
	var wrong []error
	differ := func(what string, got, want int64) {
		if got != want {
			wrong = append(wrong, fmt.Errorf("%s: %d, expected %d", what, got, want))
		}
	}
	differ("entries", r.Summary.Total, m.Counts.Entries)
	differ("high-risk entries listed", int64(len(r.HighRisk)), m.Counts.HighRisk)
	differ("alerts listed", int64(len(r.Alerts.List)), m.Counts.Alerts)
	differ("sum of outcomes", sum(r.ByOutcome), r.Summary.Total)
	differ("succeeded", r.ByOutcome["Succeeded"], r.Summary.Successful)
	differ("failed", r.ByOutcome["Failed"], r.Summary.Failed)
	if got := sum(r.ByCategory); got > r.Summary.Total {
		differ("sum of categories", got, r.Summary.Total)
	}
	if r.Period != m.Period {
		wrong = append(wrong, fmt.Errorf("the period is %q, the manifest says %q", r.Period, m.Period))
	}
	return errors.Join(wrong...)
}

func verifyLines(folder fs.FS, m Manifest) error {
	file, err := folder.Open("operations.csv")
	if err != nil {
		return err
	}
	defer file.Close()
	in := csv.NewReader(file)
	n := int64(-1) // the head
	for {
		if _, err := in.Read(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("read operations.csv: %w", err)
		}
		n++
	}
	if n != m.Counts.Operations {
		return fmt.Errorf("%d operations, the manifest says %d", n, m.Counts.Operations)
	}
	return nil
}

// strangers tells what lies in the folder and is not of the bundle: it may be good, but nothing here vouches for it.
func (v *Verified) strangers(folder fs.FS, m Manifest) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return
	}
	for _, e := range entries {
		known := e.Name() == ManifestName || e.Name() == TimestampName || e.IsDir() || slices.ContainsFunc(m.Files, func(f File) bool { return f.Name == e.Name() })
		if !known {
			v.add(e.Name(), nil, "is not of this bundle; nothing vouches for it")
		}
	}
}

// VerifyChain checks that each bundle names the manifest of the one before it. Bundles come oldest first.
func VerifyChain(bundles []Verified) []Check {
	var checks []Check
	for i, v := range bundles[min(1, len(bundles)):] {
		before := bundles[i]
		c := Check{
			Name: "chain to " + before.Period, OK: v.Previous != nil && v.Previous.Manifest == before.Manifest,
			Detail: v.Period + " names the manifest of " + before.Period,
		}
		switch {
		case v.Previous == nil:
			c.Detail = v.Period + " names no manifest before it"
		case !c.OK:
			c.Detail = fmt.Sprintf("%s names the manifest %s; that of %s is %s", v.Period, v.Previous.Manifest, before.Period, before.Manifest)
		}
		checks = append(checks, c)
	}
	return checks
}

// Proof says what a verification without a finding proves, and what it does not.
func Proof(bundles []Verified, anchored bool) (proven, open []string) {
	proven = []string{
		"Every file is, byte for byte, the one that its manifest was made for.",
		"The numbers in report.json agree with each other and with the lines of operations.csv.",
	}
	open = []string{
		"That the report told the truth when it was made: that rests on its completeness statement and its source.",
	}
	if len(bundles) > 1 {
		proven = append(proven, fmt.Sprintf("The %d bundles follow one another without a change or a gap in their chain.", len(bundles)))
	} else {
		open = append(open, "That no bundle before this one was changed: verify it together with its predecessors.")
	}
	if anchored {
		proven = append(proven, "The manifest is the one whose SHA-256 you gave.")
	} else {
		open = append(open, "That nobody replaced files and manifest together: compare the manifest's SHA-256 with the mail, the card in the channel, the next bundle or the immutable archive (--sha256).")
	}
	stamped, unstamped := proofOfTime(bundles)
	return append(proven, stamped...), append(open, unstamped...)
}

// proofOfTime tells what time stamps prove. One covers the bundles before it too, because they are chained.
func proofOfTime(bundles []Verified) (proven, open []string) {
	for i, v := range bundles {
		switch at := v.Stamped; {
		case at == nil && i == len(bundles)-1:
			open = append(open, "When the manifest of "+v.Period+" was made: no time-stamp authority said so.")
		case at == nil:
		case at.Trusted:
			proven = append(proven, fmt.Sprintf("The manifest of %s, and whatever it names, was there at %s: %s says so, and the root that you gave vouched for it then.",
				v.Period, at.Time.Format(time.RFC3339), at.By))
			open = append(open, "That the certificate of "+at.By+" was not revoked: that takes asking its issuer.")
		default:
			open = append(open, fmt.Sprintf("That the manifest of %s was there at %s: %s says so, and nobody vouches for it (--tsa-ca).", v.Period, at.Time.Format(time.RFC3339), at.By))
		}
	}
	return proven, open
}
