package cli

import (
	"context"
	"crypto/x509"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/auditbell/auditbell/handler/tlog"
	"github.com/auditbell/auditbell/handler/verify"
)

type verifyCmd struct {
	Paths      []string `arg:"" name:"path" help:"Folder or manifest.json of a digest; of several, oldest first, the chain is checked too."`
	SHA256     string   `name:"sha256" help:"SHA-256 that the (last) manifest must have, from the mail or the channel; capitals, blanks and what sha256sum prints are fine." placeholder:"HEX"`
	TSACA      string   `name:"tsa-ca" help:"Root certificates (PEM) that you trust for time stamps; the (last) manifest must then have one." placeholder:"FILE"`
	LogKey     []string `name:"log-key" sep:"none" help:"Verifier key of the transparency log, name+id+key, from a source other than the bundle; those that it gave way to are followed by the entries that say so. The last manifest, and every one after the first that is, must then be in the log." placeholder:"KEY"`
	Witness    []string `sep:"none" help:"Verifier key of a witness that you trust and that is not the operator's; may be given several times. One of them must have seen the last manifest." placeholder:"KEY"`
	Record     string   `help:"Id of a record: say what the log has of it. Or a file with its proof, .tlog-proof." placeholder:"ID"`
	RecordFile string   `help:"The record itself, as JSON: say whether it is what was logged." placeholder:"FILE"`
	Log        string   `help:"A copy of the log's folder in the archive: the bundles are held against it, and --record looks there; by default the one beside the digests." placeholder:"DIR"`
	SaveProof  string   `help:"Write the proof of the record, for others to check." placeholder:"FILE"`
	Format     string   `enum:"auto,text,json" default:"auto" help:"auto, text or json."`
}

// run needs nothing but the files.
func (c *verifyCmd) run(ctx context.Context, std Surroundings) error {
	trust, err := c.trust()
	if err != nil {
		return err
	}
	var folders []fs.FS
	for i, path := range c.Paths {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			path = filepath.Dir(path)
		}
		c.Paths[i], folders = path, append(folders, os.DirFS(path))
	}
	if place, ok := c.logFolder(); ok {
		root, err := os.OpenRoot(place) // the operator made the copy: nothing in it leads out of it
		if err != nil {
			return err
		}
		defer func() { _ = root.Close() }()
		trust.Log = root.FS()
	}
	r := verify.Bundles(ctx, folders, trust)
	record, err := c.record(ctx, folders, r.Followed(trust))
	if err != nil {
		return err
	}
	if record != nil {
		r.Add(record)
	}
	return c.print(r, std)
}

// trust is what the reader gave.
func (c *verifyCmd) trust() (t verify.Trust, err error) {
	t.SHA256 = c.SHA256
	if t.Roots, err = readRoots(c.TSACA); err != nil {
		return t, err
	}
	if t.LogKeys, err = readKeys("--log-key", c.LogKey, false); err != nil {
		return t, err
	}
	t.Witnesses, err = readKeys("--witness", c.Witness, true)
	return t, err
}

func readKeys(flag string, texts []string, witness bool) (keys []tlog.Key, err error) {
	for _, text := range texts {
		key, err := tlog.ParseKey(text)
		if err == nil && key.Witness() != witness {
			err = fmt.Errorf("%s is a key of the other kind: logs and witnesses sign differently", key.Short())
		}
		if err != nil {
			return nil, misuse("%s: %v", flag, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// readRoots reads certificates in PEM; nil for no file.
func readRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator named it
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, misuse("%s holds no certificate in PEM", path)
	}
	return roots, nil
}

func (c *verifyCmd) print(r verify.Result, std Surroundings) error {
	if asJSON(c.Format, std) {
		if err := writeJSON(std.Out, r); err != nil {
			return err
		}
	} else {
		printVerified(std, r)
	}
	if !r.OK {
		return errNo
	}
	return nil
}

// printVerified prints what is proven first, what is not after it, and at the end what that rests on.
func printVerified(std Surroundings, r verify.Result) {
	if !r.OK {
		fmt.Fprintln(std.Out, "Something is wrong, so nothing is proven. See the lines marked WRONG.")
	}
	for _, text := range r.Proven {
		fmt.Fprintf(std.Out, "proven:     %s\n", text)
	}
	for _, text := range r.NotProven {
		fmt.Fprintf(std.Out, "not proven: %s\n", text)
	}
	if r.Record != nil {
		printChecks(std, r.Record.Checks)
	}
	for _, b := range r.Bundles {
		fmt.Fprintf(std.Out, "%s  manifest SHA-256 %s\n", b.Period, b.Manifest)
		printChecks(std, b.Checks)
	}
	printChecks(std, r.Chain)
	if r.Anchor != nil {
		printChecks(std, []verify.Check{*r.Anchor})
	}
}

func printChecks(std Surroundings, checks []verify.Check) {
	for _, check := range checks {
		word := "ok   "
		if !check.OK {
			word = "WRONG"
		}
		fmt.Fprintf(std.Out, "  %s  %-24s  %s\n", word, check.Name, check.Detail)
	}
}
