package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/auditbell/auditbell/handler/digest"
)

type verifyCmd struct {
	Paths  []string `arg:"" name:"path" help:"Folder or manifest.json of a digest; of several, oldest first, the chain is checked too."`
	SHA256 string   `name:"sha256" help:"SHA-256 that the (last) manifest must have, from the mail or the channel." placeholder:"HEX"`
	TSACA  string   `name:"tsa-ca" help:"Root certificates (PEM) that you trust for time stamps; the (last) manifest must then have one." placeholder:"FILE"`
	Format string   `enum:"auto,text,json" default:"auto" help:"auto, text or json."`
}

// verification is what verify prints as JSON.
type verification struct {
	OK        bool              `json:"ok"`
	Bundles   []digest.Verified `json:"bundles"`
	Chain     []digest.Check    `json:"chain,omitempty"`
	Anchor    *digest.Check     `json:"anchor,omitempty"`
	Proven    []string          `json:"proven,omitempty"`
	NotProven []string          `json:"not_proven"`
}

// run needs nothing but the files.
func (c *verifyCmd) run(_ context.Context, std Surroundings) error {
	v := verification{OK: true}
	roots, err := readRoots(c.TSACA)
	if err != nil {
		return err
	}
	for i, path := range c.Paths {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			path = filepath.Dir(path)
		}
		one := digest.Verify(os.DirFS(path))
		verifyStamp(os.DirFS(path), &one, roots, i == len(c.Paths)-1)
		v.Bundles = append(v.Bundles, one)
		v.OK = v.OK && one.OK()
	}
	v.Chain = digest.VerifyChain(v.Bundles)
	for _, check := range v.Chain {
		v.OK = v.OK && check.OK
	}
	if c.SHA256 != "" {
		last := v.Bundles[len(v.Bundles)-1].Manifest
		v.Anchor = &digest.Check{Name: "given SHA-256", OK: last == c.SHA256, Detail: "the manifest's is " + last}
		v.OK = v.OK && v.Anchor.OK
	}
	v.Proven, v.NotProven = digest.Proof(v.Bundles, v.Anchor != nil && v.Anchor.OK)
	if !v.OK {
		v.Proven = nil
	}
	return c.print(v, std)
}

func (c *verifyCmd) print(v verification, std Surroundings) error {
	if asJSON(c.Format, std) {
		if err := writeJSON(std.Out, v); err != nil {
			return err
		}
	} else {
		v.text(std)
	}
	if !v.OK {
		return errNo
	}
	return nil
}

func (v *verification) text(std Surroundings) {
	for _, b := range v.Bundles {
		fmt.Fprintf(std.Out, "%s  manifest SHA-256 %s\n", b.Period, b.Manifest)
		printChecks(std, b.Checks)
	}
	printChecks(std, v.Chain)
	if v.Anchor != nil {
		printChecks(std, []digest.Check{*v.Anchor})
	}
	for _, text := range v.Proven {
		fmt.Fprintf(std.Out, "proven:     %s\n", text)
	}
	for _, text := range v.NotProven {
		fmt.Fprintf(std.Out, "not proven: %s\n", text)
	}
}

func printChecks(std Surroundings, checks []digest.Check) {
	for _, check := range checks {
		word := "ok   "
		if !check.OK {
			word = "WRONG"
		}
		fmt.Fprintf(std.Out, "  %s  %-24s  %s\n", word, check.Name, check.Detail)
	}
}
