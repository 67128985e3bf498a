// Package timestamp has an authority that nobody here controls say when a hash was there (RFC 3161), and checks offline
// what it said. A digest's manifest is stamped so: whoever replaces the manifest and everything that names it would need
// a stamp with a time that is over.
//
// The answer is kept as the authority sent it, which is what other tools read as well:
//
//	openssl ts -verify -in manifest.json.tsr -data manifest.json -CAfile ca.pem
//
// Not for hashing, and not for deciding what a digest without a stamp is worth (package digest and its callers).
package timestamp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"time"

	"github.com/digitorus/pkcs7"
	rfc3161 "github.com/digitorus/timestamp"
)

// Authority is a time-stamp authority. It is safe for concurrent use.
type Authority struct {
	address string
	client  *http.Client
}

// Open returns the authority at an address and calls nothing; transport nil is net/http's own. Plain http is allowed,
// unlike elsewhere, because most public authorities offer nothing else: what is sent is a hash, and what comes back is
// signed and has the request's nonce.
func Open(address string, transport http.RoundTripper) (*Authority, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return nil, errors.New("is not the address of a time-stamp authority, such as https://freetsa.org/tsr")
	}
	refuse := func(*http.Request, []*http.Request) error { return errors.New("refuse redirect") }
	return &Authority{address, &http.Client{Transport: transport, Timeout: 15 * time.Second, CheckRedirect: refuse}}, nil
}

// largestAnswer bounds what is read; answers have some kilobytes.
const largestAnswer = 256 << 10

// Stamp has a SHA-256 stamped. The answer is checked as Verify does, without a root, and against the request.
func (a *Authority) Stamp(ctx context.Context, hash [sha256.Size]byte) (answer []byte, s Stamp, err error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, s, fmt.Errorf("draw nonce: %w", err)
	}
	ask := rfc3161.Request{HashAlgorithm: crypto.SHA256, HashedMessage: hash[:], Certificates: true, Nonce: nonce}
	query, err := ask.Marshal()
	if err != nil {
		return nil, s, fmt.Errorf("write time-stamp query: %w", err)
	}
	if answer, err = a.post(ctx, query); err != nil {
		return nil, s, fmt.Errorf("ask time-stamp authority: %w", err)
	}
	told, err := rfc3161.ParseResponse(answer)
	if err != nil {
		return nil, s, fmt.Errorf("read time stamp: %w", err)
	}
	if told.Nonce == nil || told.Nonce.Cmp(nonce) != 0 {
		return nil, s, errors.New("read time stamp: it answers another question (the nonce differs)")
	}
	s, err = Verify(answer, hash, nil)
	return answer, s, err
}

// post speaks RFC 3161 §3.4, time-stamp protocol via HTTP.
func (a *Authority) post(ctx context.Context, query []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.address, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/timestamp-query")
	r.Header.Set("Accept", "application/timestamp-reply")
	got, err := a.client.Do(r)
	if inner := new(url.Error); errors.As(err, &inner) {
		return nil, inner.Err // without the address, which may hold a key
	}
	if err != nil {
		return nil, err
	}
	defer got.Body.Close()
	body, err := io.ReadAll(io.LimitReader(got.Body, largestAnswer))
	if err != nil {
		return nil, err
	}
	if got.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", got.StatusCode)
	}
	return body, nil
}

// Stamp is what an authority said.
type Stamp struct {
	Time     time.Time     `json:"time"`
	Accuracy time.Duration `json:"accuracy,omitempty"` // 0: not told
	By       string        `json:"by"`                 // whom the signing certificate names
	Serial   string        `json:"serial"`
	Trusted  bool          `json:"trusted"` // a root that was given vouches for the signer
}

// Verify checks an answer that was kept: that it is about hash, that it is signed, and, when there are roots, that one of
// them vouched at the stamp's own time for the signer as a time-stamp authority. It asks nobody, so it does not know of
// certificates that were revoked since.
func Verify(answer []byte, hash [sha256.Size]byte, roots *x509.CertPool) (s Stamp, err error) {
	told, err := rfc3161.ParseResponse(answer)
	if err != nil {
		return s, fmt.Errorf("read time stamp: %w", err)
	}
	if told.HashAlgorithm != crypto.SHA256 || !bytes.Equal(told.HashedMessage, hash[:]) {
		return s, fmt.Errorf("the time stamp is of another file: of one with %s %s", told.HashAlgorithm, hex.EncodeToString(told.HashedMessage))
	}
	// The library checks the signature only where the token holds certificates, and does not tell whose it is.
	token, err := pkcs7.Parse(told.RawToken)
	if err != nil {
		return s, fmt.Errorf("read time stamp: %w", err)
	}
	signer := token.GetOnlySigner()
	if signer == nil {
		return s, errors.New("the time stamp does not hold the certificate of its one signer")
	}
	if err := token.Verify(); err != nil {
		return s, fmt.Errorf("check signature of the time stamp: %w", err)
	}
	s = Stamp{Time: told.Time.UTC(), Accuracy: told.Accuracy, By: signer.Subject.String(), Serial: told.SerialNumber.Text(16)}
	if roots == nil {
		return s, nil
	}
	between := x509.NewCertPool()
	for _, c := range token.Certificates {
		between.AddCert(c)
	}
	// Only this use: whoever has a web server's certificate of the same root is no authority (RFC 3161 §2.3).
	_, err = signer.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: told.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	})
	if err != nil {
		return s, fmt.Errorf("%s is not vouched for: %w", s.By, err)
	}
	s.Trusted = true
	return s, nil
}
