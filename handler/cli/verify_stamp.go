package cli

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/publish"
	"github.com/auditbell/auditbell/handler/digest/timestamp"
)

// verifyStamp checks what an authority said of a bundle's manifest, when the bundle holds that. Where a root is given,
// somebody wants to rely on it: then the last bundle must have one, for whoever replaces files can leave it out.
func verifyStamp(folder fs.FS, v *digest.Verified, roots *x509.CertPool, last bool) {
	answer, err := fs.ReadFile(folder, digest.TimestampName)
	if errors.Is(err, fs.ErrNotExist) && (roots == nil || !last) {
		return
	}
	check := digest.Check{Name: digest.TimestampName}
	hash, hashErr := publish.ManifestHash(v.Manifest)
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
