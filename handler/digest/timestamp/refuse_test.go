package timestamp

import (
	"bytes"
	"crypto"
	"crypto/sha1" //nolint:gosec // ESSCertID is by SHA-1
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/pkcs7"
	rfc3161 "github.com/digitorus/timestamp"

	"github.com/auditbell/auditbell/handler/digest/timestamp/timestamptest"
)

// forgery is an answer that differs from an honest one where a field is set.
type forgery struct {
	by     *timestamptest.Signer
	beside []*x509.Certificate // other certificates that travel with the token
	kind   asn1.ObjectIdentifier
	ess    []pkcs7.Attribute // nil: ESSCertIDv2 of the signer
	alter  func(info []byte) []byte
}

func signingCertV2(certs ...*x509.Certificate) pkcs7.Attribute {
	var v struct{ Certs []struct{ Hash []byte } }
	for _, c := range certs {
		sum := sha256.Sum256(c.Raw)
		v.Certs = append(v.Certs, struct{ Hash []byte }{sum[:]})
	}
	return pkcs7.Attribute{Type: oidSigningCertV2, Value: v}
}

func signingCert(certs ...*x509.Certificate) pkcs7.Attribute {
	var v struct{ Certs []struct{ Hash []byte } }
	for _, c := range certs {
		sum := sha1.Sum(c.Raw) //nolint:gosec // see above
		v.Certs = append(v.Certs, struct{ Hash []byte }{sum[:]})
	}
	return pkcs7.Attribute{Type: oidSigningCert, Value: v}
}

// answer signs what the forgery's authority would answer.
func (f *forgery) answer(t testing.TB, query []byte) []byte {
	t.Helper()
	honest, err := readAnswer(f.by.Answer(t, query, noon))
	if err != nil {
		t.Fatal(err)
	}
	content := honest.info
	if f.alter != nil {
		content = f.alter(bytes.Clone(content))
	}
	signed, err := pkcs7.NewSignedData(content)
	if err != nil {
		t.Fatal(err)
	}
	signed.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	kind := f.kind
	if kind == nil {
		kind = oidTSTInfo
	}
	signed.SetContentType(kind)
	signed.GetSignedData().Version = 3
	for _, c := range f.beside {
		signed.AddCertificate(c)
	}
	ess := f.ess
	if ess == nil {
		ess = []pkcs7.Attribute{signingCertV2(f.by.Cert)}
	}
	if err := signed.AddSigner(f.by.Cert, f.by.Key, pkcs7.SignerInfoConfig{ExtraSignedAttributes: ess}); err != nil {
		t.Fatal(err)
	}
	der, err := signed.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return wrap(t, der)
}

// wrap puts a token into an answer that grants it.
func wrap(t testing.TB, token []byte) []byte {
	t.Helper()
	type status struct{ Status int }
	body, err := asn1.Marshal(struct {
		Status status
		Token  asn1.RawValue
	}{Token: asn1.RawValue{FullBytes: token}})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// openssl reports whether openssl believes an answer; it skips the comparison where openssl is not installed.
func openssl(t *testing.T, answer []byte, hash [sha256.Size]byte, root *timestamptest.Signer) (believes bool, output string) {
	t.Helper()
	dir := t.TempDir()
	tsr, ca := filepath.Join(dir, "a.tsr"), filepath.Join(dir, "ca.pem")
	for path, data := range map[string][]byte{tsr: answer, ca: root.PEM()} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	//nolint:gosec // the arguments are this test's
	out, err := exec.CommandContext(t.Context(), "openssl", "ts", "-verify", "-digest", hex.EncodeToString(hash[:]), "-in", tsr, "-CAfile", ca,
		"-attime", fmt.Sprint(noon.Unix())).CombinedOutput()
	return err == nil, string(out)
}

// TestAuthoritiesAsOpenSSL holds every decision about a certificate against openssl's.
func TestAuthoritiesAsOpenSSL(t *testing.T) {
	t.Parallel()
	_, missing := exec.LookPath("openssl")
	root := timestamptest.Issue(t, timestamptest.Request{Name: "Root", At: noon})
	issue := func(alter func(c *x509.Certificate)) *timestamptest.Signer {
		return timestamptest.Issue(t, timestamptest.Request{Name: "Authority", At: noon, Use: x509.ExtKeyUsageTimeStamping, By: root, Alter: alter})
	}
	uses := func(critical bool, oids ...asn1.ObjectIdentifier) *timestamptest.Signer {
		return issue(func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{timestamptest.Uses(critical, oids...)} })
	}
	usage := func(u x509.KeyUsage) *timestamptest.Signer {
		return issue(func(c *x509.Certificate) { c.KeyUsage = u })
	}
	anyUse, codeSigning := asn1.ObjectIdentifier{2, 5, 29, 37, 0}, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 3}
	good := issue(nil)
	twin := timestamptest.Issue(t, timestamptest.Request{Name: "Twin", At: noon, Use: x509.ExtKeyUsageTimeStamping, By: root})
	other := timestamptest.Issue(t, timestamptest.Request{Name: "Authority", At: noon, Use: x509.ExtKeyUsageTimeStamping, By: timestamptest.Issue(t, timestamptest.Request{Name: "Root", At: noon})})
	hash := sha256.Sum256([]byte("manifest"))
	query, err := (&rfc3161.Request{HashAlgorithm: crypto.SHA256, HashedMessage: hash[:], Certificates: true}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		believed bool
		forgery  forgery
	}{
		{"an authority", true, forgery{by: good}},
		{"ESSCertID by SHA-1", true, forgery{by: good, ess: []pkcs7.Attribute{signingCert(good.Cert)}}},
		{"both ESSCertIDs", true, forgery{by: good, ess: []pkcs7.Attribute{signingCert(good.Cert), signingCertV2(good.Cert)}}},
		{"ESSCertID names the root too", true, forgery{by: good, ess: []pkcs7.Attribute{signingCertV2(good.Cert, root.Cert)}, beside: []*x509.Certificate{root.Cert}}},
		{"no key usage", true, forgery{by: usage(0)}},
		{"non-repudiation only", true, forgery{by: usage(x509.KeyUsageContentCommitment)}},
		{"an unrelated certificate beside it", true, forgery{by: good, beside: []*x509.Certificate{other.Cert}}},

		{"no extended key usage", false, forgery{by: issue(func(c *x509.Certificate) { c.ExtraExtensions = nil })}},
		{"anyExtendedKeyUsage", false, forgery{by: uses(true, anyUse)}},
		{"a second use", false, forgery{by: uses(true, timestamptest.TimeStamping, codeSigning)}},
		{"time stamping and any", false, forgery{by: uses(true, timestamptest.TimeStamping, anyUse)}},
		{"another use", false, forgery{by: uses(true, codeSigning)}},
		{"extended key usage not critical", false, forgery{by: uses(false, timestamptest.TimeStamping)}},
		{"keyAgreement only", false, forgery{by: usage(x509.KeyUsageKeyAgreement)}},
		{"keyAgreement too", false, forgery{by: usage(x509.KeyUsageDigitalSignature | x509.KeyUsageKeyAgreement)}},
		{"certificate signing", false, forgery{by: usage(x509.KeyUsageCertSign)}},
		{"not valid yet", false, forgery{by: issue(func(c *x509.Certificate) { c.NotBefore = noon.Add(time.Hour) })}},
		{"not valid any more", false, forgery{by: issue(func(c *x509.Certificate) { c.NotAfter = noon.Add(-time.Hour) })}},
		{"another root's", false, forgery{by: other}},
		{"no ESSCertID", false, forgery{by: good, ess: []pkcs7.Attribute{}}},
		{"ESSCertID of another certificate", false, forgery{by: good, ess: []pkcs7.Attribute{signingCertV2(twin.Cert)}, beside: []*x509.Certificate{twin.Cert}}},
		{"ESSCertIDs that disagree", false, forgery{by: good, ess: []pkcs7.Attribute{signingCert(twin.Cert), signingCertV2(good.Cert)}, beside: []*x509.Certificate{twin.Cert}}},
		{"ESSCertID names a certificate off the way", false, forgery{by: good, ess: []pkcs7.Attribute{signingCertV2(good.Cert, twin.Cert)}, beside: []*x509.Certificate{twin.Cert}}},
		{"signed data that is no stamp", false, forgery{by: good, kind: pkcs7.OIDData}},
		{"the name of another authority", false, forgery{by: good, alter: func(info []byte) []byte { return bytes.Replace(info, []byte("Authority"), []byte("Autharity"), 1) }}},
		{"another version", false, forgery{by: good, alter: func(info []byte) []byte { return bytes.Replace(info, []byte{2, 1, 1}, []byte{2, 1, 2}, 1) }}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			answer := c.forgery.answer(t, query)
			s, err := Verify(answer, hash, pool(root))
			if (err == nil && s.Trusted) != c.believed {
				t.Errorf("believed: %v (%+v, %v), want %v", s.Trusted, s, err, c.believed)
			}
			if missing != nil {
				return
			}
			if believes, out := openssl(t, answer, hash, root); believes != c.believed {
				t.Errorf("openssl believes: %v, this test says %v\n%s", believes, c.believed, out)
			}
		})
	}
}

// element is a DER element.
func element(tag byte, content ...[]byte) []byte {
	b := bytes.Join(content, nil)
	switch n := len(b); {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, b...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, b...)
	case n < 0x10000:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, b...)
	default:
		return append([]byte{tag, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, b...)
	}
}

// hostile are answers that are meant to cost time or memory.
func hostile() map[string][]byte {
	granted := element(0x30, []byte{2, 1, 0})
	deep := []byte{2, 1, 1}
	for range 10_000 {
		deep = element(0x30, deep)
	}
	return map[string][]byte{
		"lengths read again at every level": element(0x30, granted, element(0x30, []byte{0x30, 0x80}, bytes.Repeat([]byte{0x30, 2, 0x30, 0x80}, 60), []byte{2, 1, 1, 0, 0})),
		"a child longer than its parent":    element(0x30, granted, []byte{0x30, 4, 0x30, 0x7f, 2, 1}),
		"indefinite lengths":                element(0x30, granted, bytes.Repeat([]byte{0x30, 0x80}, 10_000)),
		"nested deep":                       element(0x30, granted, deep),
		"a length of four gigabytes":        element(0x30, granted, []byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}),
		"a length of zero bytes":            {0x30, 0x80},
		"a length longer than it need be":   {0x30, 0x82, 0, 3, 2, 1, 0},
		"a tag without end":                 bytes.Repeat([]byte{0xff}, 1000),
		"empty elements":                    element(0x30, granted, element(0x30, bytes.Repeat([]byte{0x30, 0}, 30_000))),
		"longer than is read":               element(0x30, granted, element(4, make([]byte, maxAnswer))),
	}
}

func TestHostileAnswersEndSoon(t *testing.T) {
	t.Parallel()
	for name, answer := range hostile() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if s, err := Verify(answer, sha256.Sum256(nil), nil); err == nil || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: believed as %+v, %v", name, s, err)
		}
		if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > 64<<20 {
			t.Errorf("%s: %d bytes were allocated, want 64 MiB at most", name, after.TotalAlloc-before.TotalAlloc)
		}
	}
}

// FuzzVerify holds that no input is trusted, none panics, and what is believed is one stamp alone.
func FuzzVerify(f *testing.F) {
	root := timestamptest.Issue(f, timestamptest.Request{Name: "Root", At: noon})
	authority := timestamptest.Issue(f, timestamptest.Request{Name: "Authority", At: noon, Use: x509.ExtKeyUsageTimeStamping, By: root})
	hash := sha256.Sum256([]byte("manifest"))
	query, err := (&rfc3161.Request{HashAlgorithm: crypto.SHA256, HashedMessage: hash[:], Certificates: true}).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(authority.Answer(f, query, noon))
	f.Add((&forgery{by: authority, ess: []pkcs7.Attribute{signingCert(authority.Cert)}}).answer(f, query))
	for _, answer := range hostile() {
		f.Add(answer[:min(len(answer), 300)]) // long ones keep the fuzzer busy with making them short
	}
	roots := x509.NewCertPool()
	roots.AddCert(root.Cert)
	f.Fuzz(func(t *testing.T, answer []byte) {
		s, err := Verify(answer, hash, roots)
		if err == nil && (!s.Time.Equal(noon) || s.By != "CN=Authority" || !s.Trusted) {
			t.Errorf("believed as %+v", s)
		}
	})
}
