// Package timestamp has an independent authority say when a hash was there (RFC 3161), and checks offline
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
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"time"
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

// Stamp has a SHA-256 stamped. The answer is checked as Verify does, without a root, and against the request.
func (a *Authority) Stamp(ctx context.Context, hash [sha256.Size]byte) (answer []byte, s Stamp, err error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, s, fmt.Errorf("draw nonce: %w", err)
	}
	ask, err := query(hash, nonce)
	if err != nil {
		return nil, s, fmt.Errorf("write time-stamp query: %w", err)
	}
	if answer, err = a.post(ctx, ask); err != nil {
		return nil, s, fmt.Errorf("ask time-stamp authority: %w", err)
	}
	info, s, err := verify(answer, hash, nil)
	if err == nil && (info.Nonce == nil || info.Nonce.Cmp(nonce) != 0) {
		err = errors.New("read time stamp: it answers another question (the nonce differs)")
	}
	if err != nil {
		return nil, Stamp{}, err
	}
	return answer, s, nil
}

// request is RFC 3161 §2.4.1, TimeStampReq, without policy and extensions.
type request struct {
	Version      int
	Imprint      imprint
	Nonce        *big.Int
	Certificates bool // the answer holds the authority's certificate
}

func query(hash [sha256.Size]byte, nonce *big.Int) ([]byte, error) {
	algorithm := pkix.AlgorithmIdentifier{Algorithm: hashes[0].oid, Parameters: asn1.NullRawValue}
	return asn1.Marshal(request{Version: 1, Imprint: imprint{algorithm, hash[:]}, Nonce: nonce, Certificates: true})
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
	body, err := io.ReadAll(io.LimitReader(got.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if got.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", got.StatusCode)
	}
	return body, nil
}
