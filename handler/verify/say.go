package verify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/timestamp"
)

// say says what is proven and what is not, each in the order in which a reader doubts: unchanged; in the log; the log only
// grew; seen by others; stamped; numbers agree; what was not compared. When something is wrong, nothing is called proven.
func say(r *Result) (proven, open []string) {
	var s sentences
	s.unchanged(r)
	s.logged(r)
	s.grown(r)
	s.seen(r)
	s.stamped(r)
	s.numbers(r)
	s.record(r.Record)
	if !r.OK {
		s.proven = nil
	}
	for i := range r.Bundles {
		s.open = append(s.open, r.Bundles[i].open...)
	}
	s.openf("That the report was true when it was made: that rests on its completeness statement and its source.")
	return s.proven, s.open
}

type sentences struct{ proven, open []string }

func (s *sentences) provenf(format string, args ...any) {
	s.proven = append(s.proven, fmt.Sprintf(format, args...))
}

func (s *sentences) openf(format string, args ...any) {
	s.open = append(s.open, fmt.Sprintf(format, args...))
}

func (s *sentences) unchanged(r *Result) {
	s.provenf("Every file is, byte for byte, the one that its manifest was made for, and the folder holds no other.")
	anchored := r.Anchor != nil && r.Anchor.OK
	if len(r.Bundles) > 1 {
		s.provenf("The %d bundles follow one another without a change or a gap in their chain.", len(r.Bundles))
		s.between(r)
	}
	if anchored {
		s.provenf("The last manifest is the one whose SHA-256 you gave; those before it are named by it.")
		return
	}
	if s.anchoredByOthers(r) {
		return
	}
	if len(r.Bundles) > 1 {
		s.openf("That the bundles were not all replaced together: a chain can be written again whole. Compare the last manifest's SHA-256 with the mail, the card in the channel or the immutable archive (--sha256).")
		return
	}
	s.openf("That files and manifest were not replaced together: compare the manifest's SHA-256 with the mail, the card in the channel, the next bundle or the immutable archive (--sha256).")
	s.openf("That no bundle before this one was changed: verify it together with its predecessors.")
}

// between names the time between the periods of two bundles, which a chain may pass over.
func (s *sentences) between(r *Result) {
	for i := range r.Bundles[1:] {
		end, begin := r.Bundles[i].manifest.Window.To, r.Bundles[i+1].manifest.Window.From
		if !end.IsZero() && end.Before(begin) {
			s.openf("What happened from %s to %s: no bundle that you gave is about it.", end.UTC().Format(time.RFC3339), begin.UTC().Format(time.RFC3339))
		}
	}
}

// anchoredByOthers reports whether another party than the operator saw the last manifest.
func (s *sentences) anchoredByOthers(r *Result) bool {
	last := &r.Bundles[len(r.Bundles)-1]
	return last.Stamped != nil && last.Stamped.Trusted || last.Logged != nil && !last.Logged.claimed && len(last.Logged.Seen) > 0
}

func (s *sentences) logged(r *Result) {
	for i := range r.Bundles {
		b := &r.Bundles[i]
		switch l := b.Logged; {
		case l == nil:
			s.openf("That the manifest of %s is in a transparency log: the bundle holds no proof of it.", b.Period)
		case l.claimed:
			s.openf("That the log %s is the operator's: the manifest of %s is its entry %d, but its key is the one that the bundle itself names (--log-key): %s", l.Origin, b.Period, l.Index, printable(l.key.String()))
		default:
			s.provenf("The manifest of %s is entry %d of the log %s, as of %d entries: its key %s says so.", b.Period, l.Index, l.Origin, l.Size, l.Key)
			if len(l.Rotated) > 0 {
				s.provenf("The log of %s changed its key by entries of its own, each signed by the key before: %s.", b.Period, strings.Join(l.Rotated, "; "))
			}
		}
	}
}

func (s *sentences) grown(r *Result) {
	for i := range r.Bundles {
		switch b := &r.Bundles[i]; {
		case !b.listed(digest.HoursName):
		case b.hoursLogged && r.unsigned:
			s.openf("That the copy of the log, which has the hours that %s lists, is the operator's: you gave no key of the log (--log-key).", b.Period)
		case b.hoursLogged:
			s.provenf("What our record of each hour was, as %s lists it, is in the copy of the log that you gave.", b.Period)
		default:
			s.openf("That the log has the hours that %s lists: give a copy of it (--log).", b.Period)
		}
	}
	if len(r.Bundles) < 2 {
		return
	}
	for i := range r.Bundles[1:] {
		before, b := &r.Bundles[i], &r.Bundles[i+1]
		switch {
		case before.Logged == nil || b.Logged == nil:
		case b.Logged.grown == nil && before.Logged.copied && b.Logged.copied && !r.unsigned:
			s.provenf("The log only grew between %s and %s, and since: the copy that you gave begins with both.", before.Period, b.Period)
		case b.Logged.grown == nil:
			s.openf("That the log only grew between %s and %s: no proof leads from the one to the other.", before.Period, b.Period)
		default:
			s.provenf("The log only grew between %s and %s, from %d to %d entries.", before.Period, b.Period, before.Logged.Size, b.Logged.Size)
		}
	}
}

func (s *sentences) seen(r *Result) {
	for i := range r.Bundles {
		b := &r.Bundles[i]
		l := b.Logged
		if l == nil {
			continue
		}
		if len(l.Seen) == 0 {
			s.openf("That anybody but the operator saw the log of %s: %s", b.Period, unseen(l))
			continue
		}
		var names []string
		for _, w := range l.Seen {
			names = append(names, w.Witness+" at "+w.At.Format(time.RFC3339))
		}
		s.provenf("The log of %s was seen by %d %s that you named (%s): they saw it grow and nothing of it change.",
			b.Period, len(l.Seen), map[bool]string{true: "witness", false: "witnesses"}[len(l.Seen) == 1], strings.Join(names, ", "))
		if l.Unknown > 0 {
			s.openf("Whose the %d further signatures on the log of %s are: you did not give their keys (--witness).", l.Unknown, b.Period)
		}
	}
}

func unseen(l *Logged) string {
	if l.Unknown > 0 {
		return fmt.Sprintf("%d signatures on it are of keys that you did not give (--witness).", l.Unknown)
	}
	return "no witness signed it."
}

// stamped says what time stamps prove. One covers the bundles before it too, because they are chained.
func (s *sentences) stamped(r *Result) {
	for i := range r.Bundles {
		b := &r.Bundles[i]
		switch at := b.Stamped; {
		case at == nil && i == len(r.Bundles)-1:
			s.openf("When the manifest of %s was made: no time-stamp authority said so.", b.Period)
		case at == nil:
		case at.Trusted:
			s.provenf("The manifest of %s, and whatever it names, was there at %s: %s says so (policy %s), and the root that you gave vouched for it then.",
				b.Period, at.Time.Format(time.RFC3339), at.By, at.Policy)
			s.openf("That the certificate of %s was not revoked: that takes asking its issuer.", at.By)
		default:
			s.openf("That the manifest of %s was there at %s: %s says so, and no root that you gave vouches for it (--tsa-ca).", b.Period, at.Time.Format(time.RFC3339), at.By)
		}
	}
}

func (s *sentences) numbers(r *Result) {
	all := func(name string) bool {
		return !slices.ContainsFunc(r.Bundles, func(b Bundle) bool { return !slices.Contains(b.recounted, name) })
	}
	report, operations := all("report.json"), all("operations.csv")
	if report {
		s.provenf("The numbers in report.json agree with each other and with the manifest.")
	} else {
		s.openf("That the report's numbers agree with each other: the manifest of a bundle does not list report.json, or its numbers are wrong.")
	}
	if operations {
		s.provenf("operations.csv has as many operations as the manifest says.")
	} else {
		s.openf("How many operations there were: the manifest of a bundle does not list operations.csv, or its lines are not as many.")
	}
	switch held := !slices.ContainsFunc(r.Bundles, func(b Bundle) bool { return !b.tableHeld }); {
	case held:
		s.provenf("Times, callers, resources, outcomes and alerts in operations.csv are those of entries that report.json lists, each cell by itself, of each operation as many; no cell is a formula.")
		s.openf("That the cells of each row of operations.csv belong together, and what its other columns say (%s): report.json does not show it.", printable(strings.Join(r.unheld(), ", ")))
	case report && operations:
		s.openf("That operations.csv and report.json are about the same entries: the table's columns are not those that are compared.")
	}
	if slices.ContainsFunc(r.Bundles, func(b Bundle) bool { return b.listed(digest.NamesName) }) {
		s.openf("That the names in %s are those of their ids: they were looked up when the digest was made.", digest.NamesName)
	}
	if others := r.uncounted(); report && len(others) > 0 {
		s.openf("The numbers in %s: those in report.json and operations.csv are counted again, and no others.", strings.Join(others, ", "))
	}
}

// unheld are the columns of operations.csv that are not compared.
func (r *Result) unheld() (names []string) {
	for i := range r.Bundles {
		for _, name := range r.Bundles[i].unheld {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// uncounted are the files that bundles list and whose numbers are not counted again.
func (r *Result) uncounted() (names []string) {
	for i := range r.Bundles {
		for _, f := range r.Bundles[i].manifest.Files {
			if name := printable(f.Name); !slices.Contains(r.Bundles[i].recounted, f.Name) && f.Name != digest.NamesName && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// record says what the log has of one record.
func (s *sentences) record(r *Record) {
	switch {
	case r == nil || !r.OK():
		return
	case r.Log.claimed:
		s.openf("What the log has of record %s: its key is the one that the proof itself names (--log-key).", printable(r.ID))
		return
	case r.Present:
		s.provenf("Record %s was in our record of %s when that hour was logged (version %d, entry %d of the log).", printable(r.ID), r.Hour, r.Version, r.Log.Index)
	case r.searched > 0:
		s.provenf("Record %s was in our record of none of the %d hours of the period that the log has.", printable(r.ID), r.searched)
		s.openf("That what record %s is about did not happen: the log says what we had, not what there was.", printable(r.ID))
	default:
		s.provenf("Record %s was not in our record of %s when that hour was logged (version %d, entry %d of the log).", printable(r.ID), r.Hour, r.Version, r.Log.Index)
		s.openf("That what record %s is about did not happen: the log says what we had, not what there was.", printable(r.ID))
	}
	if r.whole {
		s.provenf("Our record of %s is sorted and has no id twice: its list was read whole.", r.Hour)
	} else {
		s.openf("That our record of %s is sorted and has no second record of that id, with other content: a proof alone does not show it. Give a copy of the log (--log), and the list of the hour is read whole.", r.Hour)
	}
	if len(r.Checks) > 1 {
		s.provenf("The record that you gave is, in its canonical form, the one that was logged.")
	} else if r.Present {
		s.openf("What record %s said: give it with --record-file, and it is compared with what was logged (SHA-256 %s).", printable(r.ID), r.Sum)
	}
}

// printable is text of a bundle for a terminal.
func printable(text string) string { return timestamp.Printable(text, 300) }
