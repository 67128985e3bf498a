package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
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

// StampTries is how often an authority is asked. It is not asked again by later runs: what is sent is sent, and the stamp
// of the next digest covers this one, whose manifest it names.
const StampTries = 2

// Stamp has a manifest stamped. said is a sentence for readers, whatever came of it.
func Stamp(ctx context.Context, a *timestamp.Authority, manifest string) (answer []byte, said string, err error) {
	hash, err := ManifestHash(manifest)
	if err != nil {
		return nil, "", err
	}
	var s timestamp.Stamp
	for range StampTries {
		if answer, s, err = a.Stamp(ctx, hash); err == nil {
			return answer, fmt.Sprintf("Time stamp: %s says that manifest.json was there at %s (%s).", s.By, s.Time.Format(time.RFC3339), digest.TimestampName), nil
		}
	}
	return nil, "No time stamp: the authority could not be had. The next digest's stamp will cover this one.", err
}

// ManifestHash reads the SHA-256 of a manifest, 64 hexadecimal digits.
func ManifestHash(manifest string) (hash [sha256.Size]byte, err error) {
	text, err := hex.DecodeString(manifest)
	if err != nil || len(text) != len(hash) {
		return hash, fmt.Errorf("read hash: %q is no SHA-256", manifest)
	}
	return [sha256.Size]byte(text), nil
}

// stamp adds what the authority says to the files. That it says nothing stops no digest: it is said in the log, in the
// mail and in the channel.
func (j *digestJob) stamp(ctx context.Context, files []email.Attachment, manifest string) ([]email.Attachment, string) {
	if j.authority == nil {
		return files, ""
	}
	answer, said, err := Stamp(ctx, j.authority, manifest)
	if err != nil {
		j.log.Warn("no timestamp", "digest", j.digest.Name, "period", j.span.Key, "error", err.Error())
		return files, said
	}
	j.log.Info("timestamp", "digest", j.digest.Name, "period", j.span.Key)
	return append(files, email.Attachment{Name: digest.TimestampName, Type: "application/timestamp-reply", Data: answer}), said
}
