// Package verify says of digests what is proven, by whom, and what is not. It needs the files alone, and what the reader
// knows from elsewhere (Trust); it calls no service.
//
// To read it in one sitting, begin with Bundles and Files here, and go on with numbers.go (what is counted again: report.go
// and operations.go read the two large files, by stream.go and cells.go in bounded memory), log.go (the transparency log and
// its witnesses), copy.go (a copy of it), stamp.go (time stamps), record.go and find.go (one record) and say.go (the sentences,
// in their order). Every attack that it finds has a sentence of its own; docs/verify.md lists them.
//
// Not for deciding whether a report was true when it was made: that rests on its completeness statement.
package verify

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/tlog"
)

// Trust is what the reader knows from elsewhere. Everything may be missing; less is proven then.
type Trust struct {
	SHA256    string         // that the last manifest must have, as SHA256 reads it
	Roots     *x509.CertPool // of time-stamp authorities; nil: none
	LogKeys   []tlog.Key     // of the transparency log: the one in use, and those before it
	Witnesses []tlog.Key     // that are not the operator's
	Log       fs.FS          // a copy of the log's folder; nil: none
}

// Check is one thing that was looked at.
type Check struct {
	Name   string `json:"check"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// Bundle is what was found of one bundle.
type Bundle struct {
	Period    string       `json:"period"`
	Manifest  string       `json:"manifest_sha256"`
	Checks    []Check      `json:"checks"`
	Previous  *digest.Link `json:"previous,omitempty"`  // which manifest this one names, nil: none
	Stamped   *Stamped     `json:"timestamp,omitempty"` // nil: no authority said when the manifest was there
	Logged    *Logged      `json:"log,omitempty"`       // nil: not in a transparency log
	recounted []string     // files whose numbers agree
	open      []string     // what was not compared, as sentences
	tableHeld bool         // the rows of operations.csv were held against report.json
	unheld    []string     // the columns of operations.csv that were not
	manifest  digest.Manifest
	grows     *tlog.Growth // of the log, to the checkpoint that the manifest is in; nil: nothing proves it

	hoursLogged bool // a copy of the log has the hours that the bundle lists
}

// OK reports whether everything that was looked at is as it should be.
func (b *Bundle) OK() bool {
	return !slices.ContainsFunc(b.Checks, func(c Check) bool { return !c.OK })
}

// add notes a check; err nil is a good one, and detail is its sentence then.
func (b *Bundle) add(name string, err error, detail string) {
	b.Checks = append(b.Checks, check(name, err, detail))
}

func check(name string, err error, detail string) Check {
	if err != nil {
		return Check{name, false, err.Error()}
	}
	return Check{name, true, detail}
}

// Result is what was found of all bundles.
type Result struct {
	OK        bool     `json:"ok"`
	Bundles   []Bundle `json:"bundles"`
	Chain     []Check  `json:"chain,omitempty"` // from one bundle to the next
	Anchor    *Check   `json:"anchor,omitempty"`
	Record    *Record  `json:"record,omitempty"`
	Proven    []string `json:"proven,omitempty"` // empty when something is wrong
	NotProven []string `json:"not_proven"`

	steps    []tlog.Step // that the copy of the log shows
	unsigned bool        // no key was given that the copy could be signed with
}

// Bundles checks bundles, oldest first.
func Bundles(ctx context.Context, folders []fs.FS, t Trust) Result {
	r := Result{OK: true, unsigned: len(t.LogKeys) == 0}
	l, copyErr := r.open(ctx, &t)
	logged := false // bundles from before the log have no proof, those after it do
	for i, folder := range folders {
		b, last := Files(folder), i == len(folders)-1
		if b.Manifest != "" {
			b.stamp(folder, t.Roots, last)
			b.log(folder, t, len(t.LogKeys) > 0 && (last || logged), last)
			if logged = logged || b.Logged != nil; b.Logged != nil && !b.Logged.claimed {
				t.LogKeys = withSteps(t.LogKeys, b.Logged.steps)
			}
		}
		r.Bundles = append(r.Bundles, b)
	}
	r.Chain = chain(r.Bundles)
	r.Chain = append(r.Chain, growth(r.Bundles)...)
	if t.Log != nil {
		r.compare(ctx, folders, l, copyErr)
	}
	if t.SHA256 != "" {
		r.anchor(t.SHA256)
	}
	for i := range r.Bundles {
		r.OK = r.OK && r.Bundles[i].OK()
	}
	for _, c := range r.Chain {
		r.OK = r.OK && c.OK
	}
	r.Proven, r.NotProven = say(&r)
	return r
}

func (r *Result) anchor(given string) {
	last := r.Bundles[len(r.Bundles)-1].Manifest
	want, err := SHA256(given)
	switch {
	case last == "":
		err = errors.New("there is no manifest to compare it with")
	case err != nil:
		err = fmt.Errorf("%w; that of manifest.json is %s", err, last)
	case want != last:
		err = fmt.Errorf("you gave %s; the SHA-256 of manifest.json is %s", want, last)
	}
	c := check("given SHA-256", err, "is that of manifest.json: "+last)
	r.Anchor, r.OK = &c, r.OK && c.OK
}

// SHA256 reads a SHA-256 as people have it: capitals and blanks are allowed, and what sha256sum, openssl dgst, Get-FileHash and
// certutil print around it.
func SHA256(text string) (string, error) {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if i := slices.IndexFunc(words, isSHA256); i >= 0 {
		if last := slices.ContainsFunc(words[i+1:], isSHA256); last && i > 0 { // the first word is the hash, whatever the file is called
			return "", fmt.Errorf("%q has several SHA-256: give the one of manifest.json alone", printable(text))
		}
		return words[i], nil
	}
	hash := strings.TrimPrefix(strings.Join(words, ""), "sha256")
	if !isSHA256(hash) {
		return "", fmt.Errorf("%q is not a SHA-256: that has 64 hexadecimal digits", printable(text))
	}
	return hash, nil
}

func isSHA256(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == sha256.Size
}

// beside reports whether a file is made from the manifest, which then cannot list it.
func beside(name string) bool { return slices.Contains(besides, name) }

var besides = []string{digest.ManifestName, digest.TimestampName, digest.LogProofName, digest.LogGrownName}

// maxSmall bounds files that are read whole, but for report.json.
const maxSmall = 4 << 20

// readSmall reads a regular file of a bundle.
func readSmall(folder fs.FS, name string) ([]byte, error) {
	file, err := openRegular(folder, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSmall+1))
	if err == nil && len(text) > maxSmall {
		err = fmt.Errorf("%s is larger than the %d bytes that are read of such a file", name, maxSmall)
	}
	return text, err
}

// openRegular opens a file and nothing that stands for one: a link may lead out of the bundle, a pipe never ends.
func openRegular(folder fs.FS, name string) (fs.File, error) {
	if !safeName().MatchString(name) || device().MatchString(name) {
		return nil, fmt.Errorf("%q is not the name of a file in a bundle", printable(name))
	}
	info, err := fs.Lstat(folder, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s is missing: %w", name, fs.ErrNotExist)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file but a %s, which is not followed", name, kindOf(info.Mode()))
	}
	return folder.Open(name)
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "folder"
	case mode&fs.ModeSymlink != 0:
		return "symbolic link"
	}
	return "device or pipe"
}

// safeName is what files of a bundle are called. Names that only look like these are not among them.
var safeName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$`) })

// device is a name that Windows takes for a device, whatever follows the dot; a name that ends in a dot it takes for the one without.
var device = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)`) })

// Files checks a bundle by its files alone: what the manifest lists is there and unchanged, nothing else is, and every
// number that can be counted again is right.
func Files(folder fs.FS) Bundle {
	var b Bundle
	text, err := readSmall(folder, digest.ManifestName)
	if err == nil {
		err = onceEach(text)
	}
	var hash string
	if err == nil {
		b.manifest, hash, err = digest.ReadManifest(text)
	}
	if err != nil {
		b.add(digest.ManifestName, err, "")
		return b
	}
	m := b.manifest
	b.Period, b.Manifest, b.Previous = printable(m.Period), hash, m.Previous
	const most = 100 // files; a digest has one for each format
	if n := len(m.Files); n == 0 || n > most {
		b.add(digest.ManifestName, fileCount(n), "")
		return b
	}
	hashed := make([]error, len(m.Files))
	var wait sync.WaitGroup
	wait.Go(func() {
		for i, f := range m.Files {
			hashed[i] = errors.Join(twin(m.Files[:i], f.Name), unchanged(folder, f))
		}
	})
	b.recount(folder)
	wait.Wait()
	counted := b.Checks
	b.Checks = nil
	for i, f := range m.Files {
		b.add(printable(f.Name), hashed[i], fmt.Sprintf("%d bytes, SHA-256 as in the manifest", f.Bytes))
	}
	b.strangers(folder)
	b.Checks = append(b.Checks, counted...)
	return b
}

func fileCount(n int) error {
	if n == 0 {
		return errors.New("lists no files: it vouches for nothing")
	}
	return fmt.Errorf("lists %d files, more than any digest has", n)
}

// onceEach refuses JSON that readers may read differently, see stream.
func onceEach(text []byte) error {
	s := stream{buf: text, ended: true, names: map[string]memberName{}}
	if err := s.skip(); err != nil {
		return err
	}
	return s.end()
}

// twin refuses a name that the manifest lists already, or one that some file systems take for it.
func twin(before []digest.File, name string) error {
	for _, f := range before {
		if same(f.Name, name) {
			return fmt.Errorf("the manifest lists it twice, as %q and %q", printable(f.Name), printable(name))
		}
	}
	if slices.ContainsFunc(besides, func(n string) bool { return same(n, name) }) {
		return errors.New("the manifest lists a file that is made from the manifest")
	}
	return nil
}

// same reports whether two names are one on some file systems, or look like one: whatever their case and composition.
func same(a, b string) bool {
	plain := func(name string) string { return strings.TrimRight(norm.NFKC.String(name), ". ") }
	return a == b || strings.EqualFold(plain(a), plain(b))
}

func unchanged(folder fs.FS, f digest.File) error {
	file, err := openRegular(folder, f.Name)
	if err != nil {
		return err
	}
	defer file.Close()
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(file, f.Bytes+1))
	switch got := hex.EncodeToString(h.Sum(nil)); {
	case err != nil:
		return err
	case n > f.Bytes:
		return fmt.Errorf("was changed: it has more than the %d bytes that the manifest says", f.Bytes)
	case n != f.Bytes:
		return fmt.Errorf("was changed: it has %d bytes, the manifest says %d", n, f.Bytes)
	case got != f.SHA256:
		return fmt.Errorf("was changed: its SHA-256 is %s, the manifest says %s", got, printable(f.SHA256))
	}
	return nil
}

// strangers finds what lies in the folder and is not of the bundle. A reader would take it for a part of what was
// verified, so it is wrong.
func (b *Bundle) strangers(folder fs.FS) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		b.add("folder", err, "")
		return
	}
	listed := func(is func(name string) bool) bool {
		return slices.ContainsFunc(b.manifest.Files, func(f digest.File) bool { return is(f.Name) })
	}
	for _, e := range entries {
		name := e.Name()
		if beside(name) || listed(func(n string) bool { return n == name }) {
			continue
		}
		kind := "file"
		if e.IsDir() {
			kind = "folder"
		}
		err := fmt.Errorf("is a %s that the manifest does not list: nothing vouches for it (hint: move it elsewhere)", kind)
		if listed(func(n string) bool { return same(n, name) }) || slices.ContainsFunc(besides, func(n string) bool { return same(n, name) }) {
			err = fmt.Errorf("is a %s that the manifest does not list, and its name looks like one of the bundle's", kind)
		}
		b.add(printable(name), err, "")
	}
}

// chain checks that each bundle names the manifest of the one before it.
func chain(bundles []Bundle) []Check {
	var checks []Check
	for i := range bundles[min(1, len(bundles)):] {
		before, b := &bundles[i], &bundles[i+1]
		var err error
		switch {
		case b.Manifest == "" || before.Manifest == "":
			err = errors.New("a manifest cannot be read")
		case b.Previous == nil:
			err = fmt.Errorf("%s names no manifest before it", b.Period)
		case b.manifest.GeneratedAt.Before(before.manifest.GeneratedAt):
			err = fmt.Errorf("%s says that it was made at %s, before %s, which it names", b.Period, b.manifest.GeneratedAt.Format(time.RFC3339), before.Period)
		case b.Previous.Manifest != before.Manifest:
			err = fmt.Errorf("%s was made after another digest than the one given: it names the manifest %s; that of %s is %s",
				b.Period, printable(b.Previous.Manifest), before.Period, before.Manifest)
		}
		checks = append(checks, check("chain to "+before.Period, err, b.Period+" names the manifest of "+before.Period))
	}
	return checks
}
