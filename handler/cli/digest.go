package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/publish"
	"github.com/auditbell/auditbell/handler/digest/timestamp"
	"github.com/auditbell/auditbell/handler/enrich"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/source"
)

type digestCmd struct {
	sourceFlags
	ruleChoice
	NoRules  bool     `help:"Only count files and blobs; do not evaluate rules, which takes several times as long."`
	Format   []string `short:"f" default:"json" help:"html, pdf, csv, xlsx, json, oscal, markdown; several comma-separated, or all." placeholder:"NAME"`
	Out      string   `short:"o" default:"-" help:"Folder for the files and their manifest; - writes one format to standard output." placeholder:"DIR"`
	Name     string   `help:"Name of the digest, shown in it."`
	Zone     string   `default:"UTC" help:"Time zone in which days begin, such as Europe/Berlin." placeholder:"ZONE"`
	Names    string   `help:"File with names of ids, {\"GUID\": \"name\"} in JSON or YAML, before those of names.yaml in the configuration; the ids stay beside them." placeholder:"FILE"`
	Previous string   `help:"Manifest of the period before: its numbers are compared, and the new manifest names it." placeholder:"FILE"`
	Stamp    string   `name:"timestamp" help:"Address of a time-stamp authority (RFC 3161) that says when the manifest was there." placeholder:"URL"`
	At       string   `help:"Time of generation to write instead of now; the same input at the same time makes the same bytes." placeholder:"TIME"`
	Progress string   `enum:"auto,always,never" default:"auto" help:"Show progress: auto does when standard error is a terminal."`
}

// run makes a digest. What was unreadable is counted and named in the report, and makes the exit code 1.
func (c *digestCmd) run(ctx context.Context, std Surroundings) error {
	late := new(collector)
	defer late.collectLate()()
	formats, err := c.formats()
	if err != nil {
		return err
	}
	zone, now, err := c.when()
	if err != nil {
		return err
	}
	window, err := c.window(zone, now)
	if err != nil {
		return err
	}
	before, link, err := readPrevious(c.Previous)
	if err != nil {
		return err
	}
	named, err := readNaming(c.Names, std)
	if err != nil {
		return err
	}
	c.hash = c.Out != "-"
	from, err := c.open(ctx, std, &window, zone)
	if err != nil {
		return err
	}
	if !c.NoRules {
		if from, err = c.withRules(ctx, from, window, now, std); err != nil {
			return err
		}
	}
	tally := from.tally(window)
	if err := c.count(ctx, tally, from, std); err != nil {
		return err
	}
	if from.ruled != nil {
		tally.Close()
		late.afresh()
		from.evidence, from.ruled = from.ruled.evidence(), nil
	}
	if from.ruleSets != nil {
		from.evidence.RuleSets = from.ruleSets()
	}
	report := digest.Build(tally, digest.Subject{
		Names: named.names, Masthead: named.masthead, Name: c.Name, Source: from.words, Zone: zone, Now: now, Before: before, RoleName: enrich.RoleName, Evidence: from.evidence,
	})
	named.ask(ctx, &report, std)
	if err := c.write(ctx, written{report, formats, link, from}, std); err != nil {
		return err
	}
	return c.complain(report, std)
}

// withRules has the rules evaluated over what files and blobs hold.
func (c *digestCmd) withRules(ctx context.Context, from openSource, w source.Window, now time.Time, std Surroundings) (openSource, error) {
	files, ok := from.source.(source.Files)
	if !ok {
		return from, nil
	}
	r, err := newRuled(ctx, c.ruleChoice, w, now, std)
	if err != nil {
		return from, err
	}
	files.Events, files.Wanted = r.read, r.wants
	from.source, from.ruled, from.ruleSet = files, r, r.ruleSet()
	return from, nil
}

// formats finds the formats that were asked for.
func (c *digestCmd) formats() ([]digest.Format, error) {
	var chosen []digest.Format
	for _, name := range c.Format {
		if name == "all" {
			chosen = digest.Formats
			continue
		}
		f, ok := digest.FormatNamed(name)
		if !ok {
			return nil, misuse("unknown format %q (hint: html, pdf, csv, xlsx, json, oscal, markdown or all)", name)
		}
		chosen = append(chosen, f)
	}
	if c.Out == "-" && c.Stamp != "" {
		return nil, misuse("--timestamp stamps a manifest, and standard output has none (hint: -o DIR)")
	}
	if c.Out == "-" && len(chosen) != 1 {
		return nil, misuse("standard output takes one format (hint: -o DIR for several)")
	}
	return chosen, nil
}

// when reads the zone and the time of generation.
func (c *digestCmd) when() (*time.Location, time.Time, error) {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil || c.Zone == "Local" {
		return nil, time.Time{}, misuse("%q is not a time zone such as Europe/Berlin", c.Zone)
	}
	now := time.Now().Truncate(time.Second)
	if c.At != "" {
		if now, err = parseMoment(c.At, zone, now); err != nil {
			return nil, time.Time{}, err
		}
	}
	return zone, now, nil
}

// count feeds everything into the tally.
func (c *digestCmd) count(ctx context.Context, t *digest.Tally, from openSource, std Surroundings) error {
	bar := c.bar(from, std)
	entries, began := 0, time.Now()
	for b, err := range from.source.Entries(ctx, t.Vocabulary) {
		if err != nil {
			return err
		}
		t.Add(b)
		if entries += len(b.Entries); bar != nil {
			bar.Describe(fmt.Sprintf("%d entries, %.0f/s", entries, float64(entries)/time.Since(began).Seconds()))
			_ = bar.Set64(from.read.Load()) // a bar that cannot be drawn is no reason to stop
		}
	}
	if bar != nil {
		_ = bar.Finish()
	}
	return nil
}

func (c *digestCmd) bar(from openSource, std Surroundings) *progressbar.ProgressBar {
	if c.Progress == "never" || c.Progress == "auto" && !terminal(std.Err) || from.read == nil {
		return nil
	}
	return newBar(std.Err, from.size(), progressbar.OptionShowBytes(true))
}

// written is what write writes.
type written struct {
	report  digest.Report
	formats []digest.Format
	link    *digest.Link
	from    openSource
}

// write writes one format to standard output, or a bundle into a folder.
func (c *digestCmd) write(ctx context.Context, w written, std Surroundings) error {
	if c.Out == "-" {
		return w.formats[0].Write(std.Out, w.report)
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil { //nolint:gosec // reports are for others to read
		return err
	}
	bundle := digest.Bundle{Report: w.report, Formats: w.formats, Tool: strings.TrimSpace("auditbell " + std.Version + " " + std.Commit), Previous: w.link, Inputs: w.from.inputs.list(), RuleSet: w.from.ruleSet}
	files := settings.New(std.Env)
	if bundle.Config = files.HashConfig(app.ConfigFolder(files)); files.Err() != nil {
		return files.Err()
	}
	_, hash, err := bundle.Write(putInto(c.Out))
	if err != nil {
		return err
	}
	fmt.Fprintf(std.Err, "%s: %s. %s\nmanifest SHA-256 %s\n", c.Out, w.report.Completeness.Verdict.Words(), w.report.Completeness.Statement, hash)
	return c.stamp(ctx, hash, std)
}

// stamp has the manifest stamped when that is asked for. The digest stands without it; the exit code says that one was
// wanted and could not be had.
func (c *digestCmd) stamp(ctx context.Context, manifest string, std Surroundings) error {
	stale := os.Remove(filepath.Join(c.Out, digest.TimestampName)) // of another manifest
	if stale != nil && !errors.Is(stale, os.ErrNotExist) {
		return stale
	}
	if c.Stamp == "" {
		return nil
	}
	authority, err := timestamp.Open(c.Stamp, nil)
	if err != nil {
		return misuse("--timestamp %v", err)
	}
	answer, said, err := publish.Stamp(ctx, authority, manifest)
	fmt.Fprintln(std.Err, said)
	if err != nil {
		fmt.Fprintf(std.Err, "handler: %v\n", err)
		return errNo
	}
	return putInto(c.Out)(digest.TimestampName, func(w io.Writer) error { _, err := w.Write(answer); return err })
}

// putInto writes the files of a bundle into a folder, each under its name only when it is whole.
func putInto(folder string) digest.Put {
	return func(name string, write func(io.Writer) error) error {
		path := filepath.Join(folder, name)
		file, err := os.Create(path + ".part") //nolint:gosec // the operator named the folder
		if err != nil {
			return err
		}
		if err := errors.Join(write(file), file.Close()); err != nil {
			return errors.Join(err, os.Remove(file.Name()))
		}
		return os.Rename(file.Name(), path)
	}
}

// complain says the verdict on standard error where it is not proven. What is known to be missing makes the exit code 1.
func (c *digestCmd) complain(r digest.Report, std Surroundings) error {
	if r.Completeness.Complete {
		return nil
	}
	for _, p := range r.Completeness.Places {
		fmt.Fprintln(std.Err, p)
	}
	fmt.Fprintf(std.Err, "handler: %s: %s\n", r.Completeness.Verdict.Words(), strings.Join(r.Completeness.Reasons, "; "))
	if r.Completeness.Verdict == digest.Incomplete {
		return errNo
	}
	return nil
}

// readPrevious reads the bundle of the period before, by its manifest.
func readPrevious(path string) (*digest.Before, *digest.Link, error) {
	if path == "" {
		return nil, nil, nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, digest.ManifestName)
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator named it
	if err != nil {
		return nil, nil, err
	}
	m, hash, err := digest.ReadManifest(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	link := &digest.Link{Period: m.Period, Manifest: hash}
	file, err := os.Open(filepath.Join(filepath.Dir(path), "report.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, link, nil // a chain needs the manifest only; the comparison is left out
	}
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	before, err := digest.ReadBefore(file, hash)
	return before, link, err
}
