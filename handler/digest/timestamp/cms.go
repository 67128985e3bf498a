package timestamp

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
)

// The part of CMS (RFC 5652) that a time-stamp token uses: SignedData with one signer and signed attributes.

var (
	oidSignedData     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidTSTInfo        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidContentType    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningCert    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12} // ESSCertID, SHA-1 (RFC 2634 §5.4)
	oidSigningCertV2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47} // ESSCertIDv2 (RFC 5035 §3)
	oidRSA            = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidEd25519        = asn1.ObjectIdentifier{1, 3, 101, 112}
	oidECPublicKey    = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidExtKeyUsage    = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidTimeStamping   = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}
)

// hashes are the digest algorithms that are believed, with the signature algorithms that name them.
var hashes = []struct {
	hash       crypto.Hash
	oid        asn1.ObjectIdentifier
	withRSA    asn1.ObjectIdentifier
	withECDSA  asn1.ObjectIdentifier
	rsa, ecdsa x509.SignatureAlgorithm
}{
	{
		crypto.SHA256,
		asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1},
		asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11},
		asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2},
		x509.SHA256WithRSA, x509.ECDSAWithSHA256,
	},
	{
		crypto.SHA384,
		asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2},
		asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12},
		asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3},
		x509.SHA384WithRSA, x509.ECDSAWithSHA384,
	},
	{
		crypto.SHA512,
		asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3},
		asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13},
		asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4},
		x509.SHA512WithRSA, x509.ECDSAWithSHA512,
	},
}

// hashOf returns the hash that an algorithm identifier names, 0 for none that is believed.
func hashOf(oid asn1.ObjectIdentifier) crypto.Hash {
	for _, h := range hashes {
		if h.oid.Equal(oid) {
			return h.hash
		}
	}
	return 0
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,tag:0"`
}

type signedData struct {
	Version      int
	Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
	Content      contentInfo
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	Revocation   asn1.RawValue `asn1:"optional,tag:1"`
	Signers      []signerInfo  `asn1:"set"`
}

type signerInfo struct {
	Version   int
	ID        asn1.RawValue // issuerAndSerial, or [0] the subject key identifier
	Digest    pkix.AlgorithmIdentifier
	Signed    asn1.RawValue `asn1:"optional,tag:0"`
	Algorithm pkix.AlgorithmIdentifier
	Signature []byte
	Unsigned  asn1.RawValue `asn1:"optional,tag:1"`
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values []asn1.RawValue `asn1:"set"`
}

// token is a time-stamp token whose signature holds.
type token struct {
	info         []byte // TSTInfo, DER
	signer       *x509.Certificate
	certificates []*x509.Certificate
	attributes   []attribute
}

// exactly decodes der into v, with nothing behind it.
func exactly(der []byte, v any) error {
	rest, err := asn1.Unmarshal(der, v)
	if err == nil && len(rest) > 0 {
		err = errors.New("bytes follow its end")
	}
	return err
}

// readToken reads a ContentInfo that checkDER passed, and checks its signature.
func readToken(der []byte) (t token, err error) {
	var outer contentInfo
	var data signedData
	if err = exactly(der, &outer); err == nil && !outer.Type.Equal(oidSignedData) {
		err = fmt.Errorf("its content is of type %s, not signed data", outer.Type)
	}
	if err == nil {
		err = exactly(outer.Content.Bytes, &data)
	}
	if err != nil {
		return t, fmt.Errorf("read token: %w", err)
	}
	if len(data.Signers) != 1 {
		return t, fmt.Errorf("the time stamp has %d signers, expected 1", len(data.Signers))
	}
	if !data.Content.Type.Equal(oidTSTInfo) {
		return t, fmt.Errorf("what is signed is of type %s, not a time stamp", data.Content.Type)
	}
	if err = exactly(data.Content.Content.Bytes, &t.info); err != nil {
		return t, fmt.Errorf("read content: %w", err)
	}
	if t.certificates, err = readCertificates(data.Certificates.Bytes); err != nil {
		return t, err
	}
	if t.signer = data.Signers[0].find(t.certificates); t.signer == nil {
		return t, errors.New("the time stamp does not hold the certificate of its one signer")
	}
	t.attributes, err = data.Signers[0].check(t.info, t.signer)
	return t, err
}

// readCertificates reads a set of certificates. What is no X.509 certificate that can be read vouches for nothing and is
// left out.
func readCertificates(set []byte) (list []*x509.Certificate, err error) {
	for n := 0; len(set) > 0; n++ {
		if n == maxCertificates {
			return nil, fmt.Errorf("the time stamp holds more than %d certificates", maxCertificates)
		}
		var one asn1.RawValue
		if set, err = asn1.Unmarshal(set, &one); err != nil {
			return nil, fmt.Errorf("read certificates: %w", err)
		}
		c, err := x509.ParseCertificate(one.FullBytes)
		if err != nil {
			continue
		}
		if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxRSABits {
			return nil, fmt.Errorf("a certificate's key has %d bits, more than the %d that are read", key.N.BitLen(), maxRSABits)
		}
		list = append(list, c)
	}
	return list, nil
}

// find returns the signer's certificate, nil when it is not in the list.
func (s *signerInfo) find(list []*x509.Certificate) *x509.Certificate {
	var named issuerAndSerial
	bySerial := s.ID.Class == asn1.ClassUniversal && exactly(s.ID.FullBytes, &named) == nil
	byKey := s.ID.Class == asn1.ClassContextSpecific && s.ID.Tag == 0 && len(s.ID.Bytes) > 0
	for _, c := range list {
		if bySerial && bytes.Equal(c.RawIssuer, named.Issuer.FullBytes) && c.SerialNumber.Cmp(named.Serial) == 0 {
			return c
		}
		if byKey && bytes.Equal(c.SubjectKeyId, s.ID.Bytes) {
			return c
		}
	}
	return nil
}

// check checks the signature over the signed attributes, and theirs over the content (RFC 5652 §5.4, §11).
func (s *signerInfo) check(content []byte, signer *x509.Certificate) (signed []attribute, err error) {
	if signed, err = readAttributes(s.Signed.Bytes); err != nil {
		return nil, err
	}
	hash := hashOf(s.Digest.Algorithm)
	if hash == 0 {
		return nil, fmt.Errorf("digest algorithm %s is not believed", s.Digest.Algorithm)
	}
	var kind asn1.ObjectIdentifier
	var digest []byte
	if err := errors.Join(single(signed, oidContentType, &kind), single(signed, oidMessageDigest, &digest)); err != nil {
		return nil, err
	}
	h := hash.New()
	h.Write(content)
	if !kind.Equal(oidTSTInfo) || !bytes.Equal(digest, h.Sum(nil)) {
		return nil, errors.New("check signature of the time stamp: it signs something else")
	}
	algorithm, err := s.algorithm(hash)
	if err != nil {
		return nil, err
	}
	text := bytes.Clone(s.Signed.FullBytes)
	text[0] = 0x31 // what is signed has the tag of a SET, not the [0] that it travels with
	if err := signer.CheckSignature(algorithm, text, s.Signature); err != nil {
		return nil, fmt.Errorf("check signature of the time stamp: %w", err)
	}
	return signed, nil
}

// algorithm returns the signature algorithm; where that names a hash, it must be the digest's.
func (s *signerInfo) algorithm(hash crypto.Hash) (x509.SignatureAlgorithm, error) {
	oid := s.Algorithm.Algorithm
	for _, h := range hashes {
		switch {
		case h.hash != hash:
		case oid.Equal(oidRSA), oid.Equal(h.withRSA):
			return h.rsa, nil
		case oid.Equal(oidECPublicKey), oid.Equal(h.withECDSA):
			return h.ecdsa, nil
		case oid.Equal(oidEd25519):
			return x509.PureEd25519, nil
		}
	}
	return 0, fmt.Errorf("signature algorithm %s with a digest by %s is not believed", oid, hash)
}

func readAttributes(set []byte) (list []attribute, err error) {
	for len(set) > 0 {
		var one attribute
		if set, err = asn1.Unmarshal(set, &one); err != nil {
			return nil, fmt.Errorf("read signed attributes: %w", err)
		}
		list = append(list, one)
	}
	return list, nil
}

// single decodes the one value of an attribute that must be there once.
func single(list []attribute, oid asn1.ObjectIdentifier, v any) error {
	value, n := asn1.RawValue{}, 0
	for _, a := range list {
		if a.Type.Equal(oid) {
			n += max(1, len(a.Values))
			if len(a.Values) == 1 {
				value = a.Values[0]
			}
		}
	}
	if n != 1 || value.FullBytes == nil {
		return fmt.Errorf("signed attribute %s is there %d times, expected once with one value", oid, n)
	}
	if err := exactly(value.FullBytes, v); err != nil {
		return fmt.Errorf("read signed attribute %s: %w", oid, err)
	}
	return nil
}
