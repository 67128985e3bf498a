package timestamp

import (
	"bytes"
	"crypto"
	"crypto/sha1" //nolint:gosec // RFC 2634 names certificates so; it identifies and does not sign
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// authoritative checks that a certificate is a time-stamp authority's and was valid at a time. RFC 3161 §2.3: the extended
// key usage is critical and names time stamping alone. The key usage, where there is one, allows signing and nothing else,
// as openssl's purpose "timestampsign" asks.
func authoritative(c *x509.Certificate, at time.Time) error {
	if at.Before(c.NotBefore) || at.After(c.NotAfter) {
		return fmt.Errorf("its certificate was valid from %s to %s, not at %s", c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339), at.Format(time.RFC3339))
	}
	const signing = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	if c.KeyUsage != 0 && (c.KeyUsage&signing == 0 || c.KeyUsage&^signing != 0) {
		return errors.New("its certificate's key usage is not signing alone")
	}
	for _, e := range c.Extensions {
		if e.Id.Equal(oidExtKeyUsage) {
			return soleUse(e)
		}
	}
	return errors.New("its certificate has no extended key usage; an authority's names time stamping")
}

func soleUse(e pkix.Extension) error {
	var uses []asn1.ObjectIdentifier
	if err := exactly(e.Value, &uses); err != nil {
		return fmt.Errorf("read extended key usage: %w", err)
	}
	if len(uses) != 1 || !uses[0].Equal(oidTimeStamping) {
		return errors.New("its certificate's extended key usage is not time stamping alone")
	}
	if !e.Critical {
		return errors.New("its certificate's extended key usage is not critical")
	}
	return nil
}

type essCertID struct {
	Hash         []byte
	IssuerSerial essIssuerSerial `asn1:"optional"`
}

type essCertIDv2 struct {
	Algorithm    pkix.AlgorithmIdentifier `asn1:"optional"` // absent: SHA-256
	Hash         []byte
	IssuerSerial essIssuerSerial `asn1:"optional"`
}

type essIssuerSerial struct {
	Issuer []asn1.RawValue // GeneralNames
	Serial *big.Int
}

// certificateID names one certificate by its hash; hash 0 is SHA-1.
type certificateID struct {
	hash crypto.Hash
	sum  []byte
	by   essIssuerSerial
}

// is reports whether the id names c.
func (id certificateID) is(c *x509.Certificate) bool {
	var sum []byte
	if id.hash == 0 {
		s := sha1.Sum(c.Raw) //nolint:gosec // see above
		sum = s[:]
	} else {
		h := id.hash.New()
		h.Write(c.Raw)
		sum = h.Sum(nil)
	}
	if !bytes.Equal(sum, id.sum) || id.by.Serial == nil {
		return bytes.Equal(sum, id.sum)
	}
	named := slices.ContainsFunc(id.by.Issuer, func(n asn1.RawValue) bool {
		return n.Class == asn1.ClassContextSpecific && n.Tag == 4 && bytes.Equal(n.Bytes, c.RawIssuer)
	})
	return named && id.by.Serial.Cmp(c.SerialNumber) == 0
}

// readCertificateIDs reads by which certificates the token says it is signed (RFC 3161 §2.4.2, RFC 5816): without that, a
// certificate for the same key could be put in another's place.
func readCertificateIDs(signed []attribute) (lists [][]certificateID, err error) {
	var v1 struct {
		Certs    []essCertID
		Policies asn1.RawValue `asn1:"optional"`
	}
	var v2 struct {
		Certs    []essCertIDv2
		Policies asn1.RawValue `asn1:"optional"`
	}
	has := func(oid asn1.ObjectIdentifier) bool {
		return slices.ContainsFunc(signed, func(a attribute) bool { return a.Type.Equal(oid) })
	}
	if has(oidSigningCert) {
		if err := single(signed, oidSigningCert, &v1); err != nil {
			return nil, err
		}
		var ids []certificateID
		for _, c := range v1.Certs {
			ids = append(ids, certificateID{0, c.Hash, c.IssuerSerial})
		}
		lists = append(lists, ids)
	}
	if has(oidSigningCertV2) {
		if err := single(signed, oidSigningCertV2, &v2); err != nil {
			return nil, err
		}
		var ids []certificateID
		for _, c := range v2.Certs {
			hash := crypto.SHA256
			if c.Algorithm.Algorithm != nil {
				if hash = hashOf(c.Algorithm.Algorithm); hash == 0 {
					return nil, fmt.Errorf("the signer's certificate is named by algorithm %s, which is not believed", c.Algorithm.Algorithm)
				}
			}
			ids = append(ids, certificateID{hash, c.Hash, c.IssuerSerial})
		}
		lists = append(lists, ids)
	}
	if len(lists) == 0 {
		return nil, errors.New("the time stamp does not sign which certificate it is signed with (ESSCertID)")
	}
	return lists, nil
}

// named checks that the first certificate that the token names is its signer's.
func (t *token) named() ([][]certificateID, error) {
	lists, err := readCertificateIDs(t.attributes)
	if err != nil {
		return nil, err
	}
	for _, ids := range lists {
		if len(ids) == 0 || !ids[0].is(t.signer) {
			return nil, errors.New("the time stamp says that it is signed with another certificate (ESSCertID)")
		}
	}
	return lists, nil
}

// vouched checks that a root vouched for the signer as a time-stamp authority at a time, along a way on which every
// certificate lies that the token names.
func (t *token) vouched(roots *x509.CertPool, at time.Time, lists [][]certificateID) error {
	between := x509.NewCertPool()
	for _, c := range t.certificates {
		between.AddCert(c)
	}
	chains, err := t.signer.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	})
	if err != nil {
		return err
	}
	for _, chain := range chains {
		if !slices.ContainsFunc(slices.Concat(lists...), func(id certificateID) bool { return !slices.ContainsFunc(chain, id.is) }) {
			return nil
		}
	}
	return errors.New("a certificate that the time stamp names (ESSCertID) is not between the signer and the root")
}
