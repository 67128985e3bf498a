package timestamp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	rfc3161 "github.com/digitorus/timestamp"

	"github.com/auditbell/auditbell/handler/digest/timestamp/timestamptest"
)

// noon is the time that the authorities of these tests tell: theirs, not the clock's.
var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// serve runs an authority.
func serve(t *testing.T, answer func(query []byte) (int, []byte)) *Authority {
	t.Helper()
	a, err := Open(timestamptest.Serve(t, answer), nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func pool(s *timestamptest.Signer) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(s.Cert)
	return p
}

func TestStampIsVerifiedOffline(t *testing.T) {
	t.Parallel()
	root := timestamptest.Issue(t, timestamptest.Request{Name: "Root", At: noon})
	authority := timestamptest.Issue(t, timestamptest.Request{Name: "Time Stamp Authority", At: noon, Use: x509.ExtKeyUsageTimeStamping, By: root})
	hash := sha256.Sum256([]byte("manifest"))
	a := serve(t, func(query []byte) (int, []byte) { return http.StatusOK, authority.Answer(t, query, noon) })
	answer, s, err := a.Stamp(t.Context(), hash)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Time.Equal(noon) || s.By != "CN=Time Stamp Authority" || s.Trusted || s.Accuracy != time.Second {
		t.Errorf("stamp %+v, want noon by the authority, whom nobody has vouched for yet", s)
	}
	if s, err = Verify(answer, hash, pool(root)); err != nil || !s.Trusted {
		t.Errorf("with the root: %+v, %v", s, err)
	}
}

// TestQueryIsTheLibrarys compares our query with the one of a library that other tools are tested against.
func TestQueryIsTheLibrarys(t *testing.T) {
	t.Parallel()
	hash, nonce := sha256.Sum256([]byte("manifest")), big.NewInt(1<<62+7)
	want, err := (&rfc3161.Request{HashAlgorithm: crypto.SHA256, HashedMessage: hash[:], Certificates: true, Nonce: nonce}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := query(hash, nonce); err != nil || !bytes.Equal(got, want) {
		t.Errorf("query %x, %v, want %x", got, err, want)
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	root, other := timestamptest.Issue(t, timestamptest.Request{Name: "Root", At: noon}), timestamptest.Issue(t, timestamptest.Request{Name: "Root", At: noon})
	authority := timestamptest.Issue(t, timestamptest.Request{Name: "Authority", At: noon, Use: x509.ExtKeyUsageTimeStamping, By: root})
	web := timestamptest.Issue(t, timestamptest.Request{Name: "Web server", At: noon, Use: x509.ExtKeyUsageServerAuth, By: root})
	own := timestamptest.Issue(t, timestamptest.Request{Name: "Forger", At: noon, Use: x509.ExtKeyUsageTimeStamping, By: other})
	hash := sha256.Sum256([]byte("manifest"))
	query, err := (&rfc3161.Request{HashAlgorithm: crypto.SHA256, HashedMessage: hash[:], Certificates: true}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	bare, err := (&rfc3161.Request{HashAlgorithm: crypto.SHA256, HashedMessage: hash[:]}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	good := authority.Answer(t, query, noon)
	year := bytes.Index(good, []byte("20261101120000Z"))
	if year < 0 {
		t.Fatal("the time stands elsewhere than this test thinks")
	}
	back := bytes.Clone(good)
	copy(back[year:], "2025")
	for _, c := range []struct {
		name, why string
		answer    []byte
		hash      [sha256.Size]byte
		want      string
	}{
		{"another file", "a stamp is of one manifest", good, sha256.Sum256([]byte("forged")), "another file"},
		{"another time", "the time is what is signed", back, hash, "signature"},
		{"unknown root", "anybody can make an authority", own.Answer(t, query, noon), hash, "not vouched for"},
		{"forger beside the real one", "who signed counts, not who is named beside", (&forgery{by: own, beside: []*x509.Certificate{authority.Cert}}).answer(t, query), hash, "not vouched for"},
		{"a web server", "a certificate for something else of the same root is no authority", web.Answer(t, query, noon), hash, "not a time-stamp authority"},
		{"no certificate", "without one nobody knows who signed", authority.Answer(t, bare, noon), hash, "certificate"},
		{"cut short", "half a stamp is none", good[:len(good)/2], hash, "read time stamp"},
		{"nothing", "an empty file is none", nil, hash, "read time stamp"},
	} {
		s, err := Verify(c.answer, c.hash, pool(root))
		if err == nil || s.Trusted {
			t.Errorf("%s: accepted as %+v; %s", c.name, s, c.why)
		} else if !strings.Contains(err.Error(), c.want) && c.name != "another time" {
			t.Errorf("%s: %q, want %q in it", c.name, err, c.want)
		}
	}
	for i := range good { // no bit of what is signed can be turned
		damaged := bytes.Clone(good)
		damaged[i] ^= 1
		if s, err := Verify(damaged, hash, pool(root)); err == nil && (!s.Time.Equal(noon) || s.By != "CN=Authority") {
			t.Fatalf("byte %d turned: accepted as %+v", i, s)
		}
	}
}

func TestStampFails(t *testing.T) {
	t.Parallel()
	root := timestamptest.Issue(t, timestamptest.Request{Name: "Root", At: noon})
	authority := timestamptest.Issue(t, timestamptest.Request{Name: "Authority", At: noon, Use: x509.ExtKeyUsageTimeStamping, By: root})
	hash := sha256.Sum256([]byte("manifest"))
	var old []byte
	for name, answer := range map[string]func(query []byte) (int, []byte){
		"error":    func([]byte) (int, []byte) { return http.StatusServiceUnavailable, nil },
		"web page": func([]byte) (int, []byte) { return http.StatusOK, []byte("<html>") },
		"rejected": func([]byte) (int, []byte) {
			body, _ := rfc3161.CreateErrorResponse(rfc3161.Rejection, rfc3161.BadRequest)
			return http.StatusOK, body
		},
		"replayed": func(query []byte) (int, []byte) {
			if old == nil {
				asked, _ := rfc3161.ParseRequest(query)
				asked.Nonce = big.NewInt(7)
				other, _ := asked.Marshal()
				old = authority.Answer(t, other, noon)
			}
			return http.StatusOK, old
		},
	} {
		if answer, s, err := serve(t, answer).Stamp(t.Context(), hash); err == nil {
			t.Errorf("%s: accepted %d bytes as %+v", name, len(answer), s)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := serve(t, func([]byte) (int, []byte) { return http.StatusOK, nil }).Stamp(ctx, hash); err == nil {
		t.Error("a call whose time is over succeeded")
	}
}

func TestOpenTakesAddressesOnly(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "freetsa.org/tsr", "ftp://tsa.example", "https://user:secret@tsa.example"} {
		if _, err := Open(address, nil); err == nil {
			t.Errorf("%q is accepted", address)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error repeats the address: %v", err)
		}
	}
}
