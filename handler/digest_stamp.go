package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/timestamp"
	"github.com/auditbell/auditbell/handler/notify/email"
	"github.com/auditbell/auditbell/handler/settings"
)

// readAuthority opens the time-stamp authority, nil when none is set.
func readAuthority(s *settings.Set) *timestamp.Authority {
	address := s.Text(settings.Def{
		Name: "DIGEST_TIMESTAMP_URL", Doc: "Time-stamp authority (RFC 3161) that says when a digest's manifest was there, such as https://freetsa.org/tsr; empty asks none.",
		Hint: "http is allowed here: what is sent is a hash, and the answer is signed",
	})
	if address == "" {
		return nil
	}
	authority, err := timestamp.Open(address, nil)
	if err != nil {
		s.Report(settings.Problem{Name: "DIGEST_TIMESTAMP_URL", Reason: err.Error()})
	}
	return authority
}

// stampTries is how often an authority is asked. It is not asked again by later runs: what is sent is sent, and the stamp
// of the next digest covers this one, whose manifest it names.
const stampTries = 2

// stampManifest has a manifest stamped. said is a sentence for readers, whatever came of it.
func stampManifest(ctx context.Context, a *timestamp.Authority, manifest string) (answer []byte, said string, err error) {
	hash, err := manifestHash(manifest)
	if err != nil {
		return nil, "", err
	}
	var s timestamp.Stamp
	for range stampTries {
		if answer, s, err = a.Stamp(ctx, hash); err == nil {
			return answer, fmt.Sprintf("Time stamp: %s says that manifest.json was there at %s (%s).", s.By, s.Time.Format(time.RFC3339), digest.TimestampName), nil
		}
	}
	return nil, "No time stamp: the authority could not be had. The next digest's stamp will cover this one.", err
}

func manifestHash(manifest string) (hash [sha256.Size]byte, err error) {
	text, err := hex.DecodeString(manifest)
	if err != nil || len(text) != len(hash) {
		return hash, fmt.Errorf("read hash: %q is no SHA-256", manifest)
	}
	return [sha256.Size]byte(text), nil
}

// stamp adds what the authority says to the files. That it says nothing stops no digest: it is told in the log, in the
// mail and in the channel.
func (j *digestJob) stamp(ctx context.Context, files []email.Attachment, manifest string) ([]email.Attachment, string) {
	if j.authority == nil {
		return files, ""
	}
	answer, said, err := stampManifest(ctx, j.authority, manifest)
	if err != nil {
		j.log.Warn("no timestamp", "digest", j.digest.Name, "period", j.span.Key, "error", err.Error())
		return files, said
	}
	j.log.Info("timestamp", "digest", j.digest.Name, "period", j.span.Key)
	return append(files, email.Attachment{Name: digest.TimestampName, Type: "application/timestamp-reply", Data: answer}), said
}

// verifyStamp checks what an authority said of a bundle's manifest, when the bundle holds that. Where a root is given,
// somebody wants to rely on it: then the last bundle must have one, for whoever replaces files can leave it out.
func verifyStamp(folder fs.FS, v *digest.Verified, roots *x509.CertPool, last bool) {
	answer, err := fs.ReadFile(folder, digest.TimestampName)
	if errors.Is(err, fs.ErrNotExist) && (roots == nil || !last) {
		return
	}
	check := digest.Check{Name: digest.TimestampName}
	hash, hashErr := manifestHash(v.Manifest)
	var s timestamp.Stamp
	if err = errors.Join(err, hashErr); err == nil {
		s, err = timestamp.Verify(answer, hash, roots)
	}
	if err != nil {
		check.Detail = err.Error()
	} else {
		v.Stamped = &digest.Stamped{Time: s.Time, By: s.By, Trusted: s.Trusted}
		check.OK, check.Detail = true, fmt.Sprintf("of this manifest, %s, signed by %s", s.Time.Format(time.RFC3339), s.By)
	}
	v.Checks = append(v.Checks, check)
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
