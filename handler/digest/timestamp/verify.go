package timestamp

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode"
)

// Stamp is what an authority said.
type Stamp struct {
	Time     time.Time     `json:"time"`
	Accuracy time.Duration `json:"accuracy,omitempty"` // 0: not stated
	By       string        `json:"by"`                 // whom the signing certificate names
	Serial   string        `json:"serial"`             // the stamp's number, hexadecimal
	Policy   string        `json:"policy"`             // the object identifier of the rules that the authority keeps
	Trusted  bool          `json:"trusted"`            // a root that was given vouches for the signer
}

// Verify checks an answer that was kept: that it is about hash; that it is signed with the certificate that it names; that
// this certificate is a time-stamp authority's and was valid at the stamp's time; and, when there are roots, that one of
// them vouched for it at that time. It calls no service, so it does not know of certificates that were revoked since. Input
// that is no time stamp costs time linear in its length, and no more than maxAnswer bytes of it are read.
func Verify(answer []byte, hash [sha256.Size]byte, roots *x509.CertPool) (Stamp, error) {
	_, s, err := verify(answer, hash, roots)
	return s, err
}

func verify(answer []byte, hash [sha256.Size]byte, roots *x509.CertPool) (info tstInfo, s Stamp, err error) {
	t, err := readAnswer(answer)
	if err == nil {
		info, err = readInfo(t.info)
	}
	if err != nil {
		return info, s, fmt.Errorf("read time stamp: %w", err)
	}
	if hashOf(info.Imprint.Algorithm.Algorithm) != crypto.SHA256 || !bytes.Equal(info.Imprint.Hash, hash[:]) {
		return info, s, fmt.Errorf("the time stamp is of another file: of one with a hash of %s…", hex.EncodeToString(info.Imprint.Hash[:min(len(info.Imprint.Hash), sha256.Size)]))
	}
	s = Stamp{Time: info.Time.UTC(), Accuracy: info.accuracy(), By: printable(t.signer.Subject.String()), Serial: info.Serial.Text(16), Policy: info.Policy.String()}
	lists, err := t.named()
	if err == nil {
		err = errors.Join(authoritative(t.signer, info.Time), info.by(t.signer))
	}
	if err != nil {
		return info, Stamp{}, fmt.Errorf("%s is not a time-stamp authority: %w", s.By, err)
	}
	if roots == nil {
		return info, s, nil
	}
	if err := t.vouched(roots, info.Time, lists); err != nil {
		return info, Stamp{}, fmt.Errorf("%s is not vouched for: %w", s.By, err)
	}
	s.Trusted = true
	return info, s, nil
}

// response is TimeStampResp, RFC 3161 §2.4.2.
type response struct {
	Status struct {
		Status int
		Text   []asn1.RawValue `asn1:"optional"`
		Fail   asn1.BitString  `asn1:"optional"`
	}
	Token asn1.RawValue `asn1:"optional"`
}

// readAnswer reads an answer and checks the signature in it.
func readAnswer(answer []byte) (t token, err error) {
	if err = checkDER(answer); err != nil {
		return t, err
	}
	var r response
	if err = exactly(answer, &r); err != nil {
		return t, err
	}
	if r.Status.Status != 0 && r.Status.Status != 1 { // granted, granted with changes
		var why []string
		for _, text := range r.Status.Text {
			why = append(why, printable(string(text.Bytes)))
		}
		return t, fmt.Errorf("the authority refused: status %d %s", r.Status.Status, printable(strings.Join(why, "; ")))
	}
	return readToken(r.Token.FullBytes)
}

// imprint is MessageImprint, RFC 3161 §2.4.1: what is stamped.
type imprint struct {
	Algorithm pkix.AlgorithmIdentifier
	Hash      []byte
}

// tstInfo is TSTInfo, RFC 3161 §2.4.2.
type tstInfo struct {
	Version int
	Policy  asn1.ObjectIdentifier
	Imprint imprint

	Serial     *big.Int
	Time       time.Time        `asn1:"generalized"`
	Accuracy   accuracy         `asn1:"optional"`
	Ordering   bool             `asn1:"optional"`
	Nonce      *big.Int         `asn1:"optional"`
	TSA        asn1.RawValue    `asn1:"optional,tag:0"` // explicit: what is inside is a GeneralName
	Extensions []pkix.Extension `asn1:"optional,tag:1"`
}

type accuracy struct {
	Seconds int64 `asn1:"optional"`
	Millis  int64 `asn1:"optional,tag:0"`
	Micros  int64 `asn1:"optional,tag:1"`
}

func readInfo(der []byte) (info tstInfo, err error) {
	if err = checkDER(der); err == nil {
		err = exactly(der, &info)
	}
	within := func(n, most int64) bool { return n >= 0 && n <= most }
	switch a := info.Accuracy; {
	case err != nil:
		return info, err
	case info.Version != 1:
		return info, fmt.Errorf("version %d is not known", info.Version)
	case !within(a.Seconds, 1e9) || !within(a.Millis, 999) || !within(a.Micros, 999):
		return info, errors.New("its accuracy is no time")
	case len(info.Policy) > 64 || info.Serial.BitLen() > 512:
		return info, errors.New("its policy or its number is longer than any authority's")
	}
	for _, e := range info.Extensions {
		if e.Critical {
			return info, fmt.Errorf("it has a critical extension %s that is not known", e.Id)
		}
	}
	return info, nil
}

func (info *tstInfo) accuracy() time.Duration {
	a := info.Accuracy
	return time.Duration(a.Seconds)*time.Second + time.Duration(a.Millis)*time.Millisecond + time.Duration(a.Micros)*time.Microsecond
}

// by checks that the authority's name, where the stamp has one, is a name of the certificate (RFC 3161 §2.4.2).
func (info *tstInfo) by(c *x509.Certificate) error {
	if info.TSA.FullBytes == nil {
		return nil
	}
	var name asn1.RawValue
	if err := exactly(info.TSA.Bytes, &name); err != nil {
		return fmt.Errorf("read the authority's name: %w", err)
	}
	if name.Tag == 4 && sameName(name.Bytes, c.RawSubject) {
		return nil
	}
	for _, e := range c.Extensions {
		var names []asn1.RawValue
		if e.Id.Equal(oidSubjectAltName) && exactly(e.Value, &names) == nil {
			for _, n := range names {
				if bytes.Equal(n.FullBytes, name.FullBytes) {
					return nil
				}
			}
		}
	}
	return errors.New("the stamp names another authority than its certificate")
}

// sameName compares distinguished names, however their texts are encoded.
func sameName(a, b []byte) bool {
	var x, y pkix.RDNSequence
	return bytes.Equal(a, b) || exactly(a, &x) == nil && exactly(b, &y) == nil && x.String() == y.String()
}

// printable is text of an answer for a terminal.
func printable(text string) string { return Printable(text, 200) }

// Printable is text that others wrote, for a terminal: without control characters, and cut to so many characters.
func Printable(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, text)
	if r := []rune(text); len(r) > most {
		text = string(r[:most-1]) + "…"
	}
	return text
}
