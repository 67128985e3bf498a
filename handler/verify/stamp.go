package verify

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/timestamp"
)

// Stamped is what a time-stamp authority said of a manifest.
type Stamped = timestamp.Stamp

// stamp checks what an authority said of the manifest, when the bundle holds that. Where roots are given the reader wants
// to rely on it: then the last bundle must have one, because files that are replaced can be left without.
func (b *Bundle) stamp(folder fs.FS, roots *x509.CertPool, last bool) {
	answer, err := readSmall(folder, digest.TimestampName)
	if errors.Is(err, fs.ErrNotExist) && (roots == nil || !last) {
		return
	}
	var s Stamped
	if err == nil {
		s, err = timestamp.Verify(answer, b.hash(), roots)
	}
	if err == nil {
		b.Stamped = &s
		err = b.backdated(s.Time)
	}
	b.add(digest.TimestampName, err, fmt.Sprintf("of this manifest, %s, signed by %s under policy %s", s.Time.Format(time.RFC3339), s.By, s.Policy))
}

// hash is the manifest's.
func (b *Bundle) hash() (hash [sha256.Size]byte) {
	_, _ = hex.Decode(hash[:], []byte(b.Manifest)) // Files wrote it
	return hash
}

// patience is how long after a digest was made it may be stamped or logged: a digest that cannot be sent is tried again
// for days, with the same manifest.
const patience = 7 * 24 * time.Hour

// clocks is by how much the clocks of those who say a time may differ.
const clocks = 10 * time.Minute

// backdated compares the time that the manifest says it was made with one at which another party saw it.
func (b *Bundle) backdated(seen time.Time) error {
	switch made := b.manifest.GeneratedAt; {
	case made.IsZero():
		return errors.New("the manifest does not say when it was made")
	case seen.Before(made.Add(-clocks)):
		return fmt.Errorf("the manifest says that it was made at %s, after it was seen at %s", made.Format(time.RFC3339), seen.Format(time.RFC3339))
	case seen.After(made.Add(patience)):
		return fmt.Errorf("the manifest is dated back: it says that it was made at %s, and was first seen at %s", made.Format(time.RFC3339), seen.Format(time.RFC3339))
	}
	return nil
}
