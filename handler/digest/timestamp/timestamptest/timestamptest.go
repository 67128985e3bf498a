// Package timestamptest is a time-stamp authority of one's own, with real keys and certificates, for tests. Not for
// anything that has to be believed.
package timestamptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	rfc3161 "github.com/digitorus/timestamp"
)

// Signer is a certificate and its key.
type Signer struct {
	Cert *x509.Certificate
	Key  *ecdsa.PrivateKey
}

// Request is what a certificate is to be.
type Request struct {
	Name string
	At   time.Time // it is valid for a year before and a month after
	Use  x509.ExtKeyUsage
	By   *Signer // nil for a root, which is for nothing but vouching

	// Alter changes the certificate before it is signed, nil leaves it as an authority's should be.
	Alter func(c *x509.Certificate)
}

// Uses is the extension of extended key usage. Package x509 writes one that is not critical; an authority's must be.
func Uses(critical bool, uses ...asn1.ObjectIdentifier) pkix.Extension {
	value, err := asn1.Marshal(uses)
	if err != nil {
		panic(err) // identifiers are constants of tests
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: critical, Value: value}
}

// TimeStamping is id-kp-timeStamping (RFC 3161 §2.3).
var TimeStamping = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}

// Issue makes a certificate.
func Issue(t testing.TB, r Request) *Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: r.Name}, NotBefore: r.At.AddDate(-1, 0, 0), NotAfter: r.At.AddDate(0, 1, 0),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{r.Use},
	}
	parent, parentKey := template, key
	if r.By == nil {
		template.IsCA, template.KeyUsage, template.ExtKeyUsage = true, x509.KeyUsageCertSign, nil
	} else {
		parent, parentKey = r.By.Cert, r.By.Key
	}
	if r.Use == x509.ExtKeyUsageTimeStamping {
		template.ExtKeyUsage, template.ExtraExtensions = nil, []pkix.Extension{Uses(true, TimeStamping)}
	}
	if r.Alter != nil {
		r.Alter(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &Signer{cert, key}
}

// PEM is the certificate as files hold it.
func (s *Signer) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Cert.Raw})
}

// Answer is what an authority with this certificate answers to a query, if its clock says at.
func (s *Signer) Answer(t testing.TB, query []byte, at time.Time) []byte {
	t.Helper()
	asked, err := rfc3161.ParseRequest(query)
	if err != nil {
		t.Error(err)
		return nil
	}
	told := rfc3161.Timestamp{
		HashAlgorithm: asked.HashAlgorithm, HashedMessage: asked.HashedMessage, Time: at, Nonce: asked.Nonce, Accuracy: time.Second,
		Policy: asn1.ObjectIdentifier{1, 2, 3, 4}, AddTSACertificate: asked.Certificates,
	}
	body, err := told.CreateResponseWithOpts(s.Cert, s.Key, crypto.SHA256)
	if err != nil {
		t.Error(err)
	}
	return body
}

// Serve runs an authority that answers as answer says, and returns its address.
func Serve(t testing.TB, answer func(query []byte) (status int, body []byte)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/timestamp-query" {
			t.Errorf("%s with %s, want a POST as RFC 3161 §3.4 says", r.Method, r.Header.Get("Content-Type"))
		}
		status, body := answer(query)
		w.Header().Set("Content-Type", "application/timestamp-reply")
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}
