package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of a signed request. The signature is "v1=" and the HMAC-SHA256, in hexadecimal, of the timestamp, a full stop
// and the body as sent. The timestamp is in seconds since 1970; it is signed so that a request cannot be replayed later.
const (
	TimestampHeader = "Auditbell-Timestamp"
	SignatureHeader = "Auditbell-Signature"
)

// tolerance is how far the two clocks may be apart, and how long a captured request is of use.
const tolerance = 5 * time.Minute

// sign returns the value of SignatureHeader.
func sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + ".")) // a Hash never returns an error
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

// Verify says whether a request with these headers and this body came from a holder of secret, and lately. It is what a
// receiver written in Go calls. SignatureHeader may hold several signatures, separated by commas, while a secret is
// being changed.
func Verify(secret string, h http.Header, body []byte, now time.Time) error {
	timestamp := h.Get(TimestampHeader)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return errors.New("verify webhook: no timestamp")
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return errors.New("verify webhook: timestamp is too old or in the future")
	}
	want := []byte(sign(secret, timestamp, body))
	for _, given := range strings.Split(h.Get(SignatureHeader), ",") {
		if hmac.Equal([]byte(strings.TrimSpace(given)), want) {
			return nil
		}
	}
	return errors.New("verify webhook: signature does not match")
}
