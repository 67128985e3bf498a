package verify_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	rfc3161 "github.com/digitorus/timestamp"

	"github.com/auditbell/auditbell/handler/digest/timestamp/timestamptest"
	"github.com/auditbell/auditbell/handler/tlog"
	"github.com/auditbell/auditbell/handler/verify"
)

// lab holds two honest bundles, of October and November, and everything that signs.
type lab struct {
	t                *testing.T
	october          string // folder
	november         string
	log              *tlog.Signer
	witness          *tlog.Signer
	leaves           [][]byte // of the log
	root             *timestamptest.Signer
	authority        *timestamptest.Signer
	manifests        map[string]map[string]any // by folder
	entriesAtOctober int
	now              time.Time // of the witness
}

func made(month time.Month) time.Time { return time.Date(2026, month+1, 2, 7, 0, 0, 0, time.UTC) }

func newLab(t *testing.T) *lab {
	t.Helper()
	at := made(time.November)
	root := timestamptest.Issue(t, timestamptest.Request{Name: "Root", At: at})
	l := &lab{
		t: t, october: t.TempDir(), november: t.TempDir(), manifests: map[string]map[string]any{}, root: root,
		authority: timestamptest.Issue(t, timestamptest.Request{Name: "Authority", At: at, Use: x509.ExtKeyUsageTimeStamping, By: root}),
		log:       logSigner(t, "auditbell.contoso.example/log", 1),
	}
	l.witness = witnessSigner(l, "witness.auditor.example/w", 9)
	for i := range 5 {
		l.leaves = append(l.leaves, tlog.HourEntry{Hour: made(time.September).Add(time.Duration(i) * time.Hour), Version: 1, Records: i, Root: tlog.LeafHash(nil), Why: tlog.WhyClosed}.Entry())
	}
	l.write(l.october, time.October, nil)
	l.seal(l.october, time.October)
	l.entriesAtOctober = len(l.leaves)
	l.write(l.november, time.November, map[string]any{"period": "October", "manifest_sha256": l.hash(l.october)})
	l.seal(l.november, time.November)
	return l
}

func logSigner(t *testing.T, name string, seed byte) *tlog.Signer {
	t.Helper()
	s, err := tlog.NewSigner(name, bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (l *lab) file(folder, name string, data []byte) {
	l.t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) read(folder, name string) []byte {
	l.t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		l.t.Fatal(err)
	}
	return data
}

func (l *lab) edit(folder, name, old, new string) {
	l.t.Helper()
	data := l.read(folder, name)
	if !bytes.Contains(data, []byte(old)) {
		l.t.Fatalf("%s does not hold %q", name, old)
	}
	l.file(folder, name, bytes.Replace(data, []byte(old), []byte(new), 1))
}

// editListed edits a file and lists it as it is then, as who makes the bundle could.
func (l *lab) editListed(folder, name, old, new string) {
	l.t.Helper()
	l.edit(folder, name, old, new)
	l.manifest(folder, "report.json", "operations.csv")
}

func (l *lab) hash(folder string) string {
	sum := sha256.Sum256(l.read(folder, "manifest.json"))
	return hex.EncodeToString(sum[:])
}

// reportText is a report of three entries, of two operations, one of which met a rule.
const reportText = `{"period":%[1]q,"generated_at":%[2]q,"window":{"from":"2026-%02[3]d-01T00:00:00Z","to":"2026-%02[4]d-01T00:00:00Z"},"time_zone":"UTC",
	"summary":{"total_operations":3,"successful":1,"failed":1},"by_category":{"Administrative":3},"by_outcome":{"Succeeded":1,"Failed":1,"Started":1},
	"high_risk_operations":[
		{"timestamp":"2026-%02[3]d-05T10:00:00Z","operation":"microsoft.compute/disks/delete","caller":"ada@contoso.example","resource":"/disks/\u003done","status":"Started"},
		{"timestamp":"2026-%02[3]d-05T10:00:07.5Z","operation":"microsoft.compute/disks/delete","caller":null,"resource":"/disks/\u003done","status":"Succeeded"},
		{"timestamp":"2026-%02[3]d-06T11:00:00Z","operation":"microsoft.authorization/roleassignments/write","caller":"eve@contoso.example","resource":"=/roles","status":"Failed"}],
	"operations":{"distinct_operations":2,"by_outcome":{"Succeeded":1,"Failed":1}},"deletions":{"total":1,"by_type":[{"name":"microsoft.compute/disks","count":1}]},
	"role_assignments":{"created":0,"deleted":0,"changes":[{"action":"created","status":"Failed"}]},
	"alerts":{"known":true,"sent":true,"raised":1,"by_severity":{"high":1},"confirmed":1,"accepted":0,"waiting":0,
		"list":[{"id":"A-1","rule":{"id":"role-write"},"severity":"high","operation":"microsoft.authorization/roleassignments/write"}]},
	"completeness":{"verdict":"not_known","complete":false,"alerted_in_time":{"verdict":"not_known"},"source":"the store","hours":744,"ledger":{"hours_expected":744,"hours_checked":743,"unproven":[
		{"subscription":"sub-1","from":"2026-10-05T03:00:00Z","to":"2026-10-05T04:00:00Z","hours":1,"why":"it was not compared"}]}}}`

const tableText = "\ufefffirst_seen,last_seen,operation,caller,resource,outcome,entries,correlation_id,event_ids,alert_id,rule,rule_author,severity,first_sent,answers\n" +
	"2026-%02[1]d-06T11:00:00Z,2026-%02[1]d-06T11:00:00Z,microsoft.authorization/roleassignments/write,eve@contoso.example,'=/roles,Failed,1,c,e,A-1,role-write,,high,,\n" +
	"2026-%02[1]d-05T10:00:00Z,2026-%02[1]d-05T10:00:07.5Z,microsoft.compute/disks/delete,ada@contoso.example,/disks/=one,Succeeded,2,c,e,,,,,,\n"

// write writes the files of a bundle and their manifest.
func (l *lab) write(folder string, month time.Month, previous any) {
	l.file(folder, "report.json", fmt.Appendf(nil, reportText, month.String(), made(month).Format(time.RFC3339), int(month), int(month)+1))
	l.file(folder, "operations.csv", fmt.Appendf(nil, tableText, int(month)))
	from := time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC)
	l.manifests[folder] = map[string]any{
		"format": "auditbell-manifest/1", "period": month.String(), "window": map[string]any{"from": from, "to": from.AddDate(0, 1, 0)},
		"time_zone": "UTC", "generated_at": made(month), "counts": map[string]any{"entries": 3, "high_risk_entries": 3, "operations_csv_rows": 2, "alerts": 1}, "previous": previous,
		"verdict": "not_known", "alerted_in_time": "not_known", "complete": false,
	}
	l.manifest(folder, "report.json", "operations.csv")
}

// manifest writes the manifest for files.
func (l *lab) manifest(folder string, files ...string) {
	list := []any{}
	for _, name := range files {
		data := l.read(folder, name)
		sum := sha256.Sum256(data)
		list = append(list, map[string]any{"name": name, "bytes": len(data), "sha256": hex.EncodeToString(sum[:])})
	}
	l.manifests[folder]["files"] = list
	l.rewrite(folder)
}

func (l *lab) rewrite(folder string) {
	text, err := json.MarshalIndent(l.manifests[folder], "", "  ")
	if err != nil {
		l.t.Fatal(err)
	}
	l.file(folder, "manifest.json", append(text, '\n'))
}

// seal has a manifest stamped, and logs it.
func (l *lab) seal(folder string, month time.Month) {
	l.now = made(month).Add(time.Minute)
	l.stamp(folder, l.authority, l.now)
	l.leaves = append(l.leaves, tlog.ManifestEntry(sha256.Sum256(l.read(folder, "manifest.json"))))
	l.prove(folder, l.leaves, l.log, l.witness)
	if l.entriesAtOctober > 0 {
		l.grow(folder, l.leaves, l.entriesAtOctober)
	}
}

func (l *lab) stamp(folder string, by *timestamptest.Signer, at time.Time) {
	l.t.Helper()
	l.file(folder, "manifest.json.tsr", by.Answer(l.t, l.query(folder, crypto.SHA256), at))
}

// stampBy has a manifest stamped by another digest algorithm.
func (l *lab) stampBy(folder string, algorithm crypto.Hash) {
	l.t.Helper()
	l.file(folder, "manifest.json.tsr", l.authority.Answer(l.t, l.query(folder, algorithm), l.now))
}

func (l *lab) query(folder string, algorithm crypto.Hash) []byte {
	l.t.Helper()
	h := algorithm.New()
	h.Write(l.read(folder, "manifest.json"))
	query, err := (&rfc3161.Request{HashAlgorithm: algorithm, HashedMessage: h.Sum(nil), Certificates: true}).Marshal()
	if err != nil {
		l.t.Fatal(err)
	}
	return query
}

// editProof writes the proof of a manifest again, with something else in it.
func (l *lab) editProof(folder string, edit func(p *tlog.Proof)) {
	l.t.Helper()
	p, err := tlog.ParseProof(l.read(folder, "manifest.json.tlog-proof"))
	if err != nil {
		l.t.Fatal(err)
	}
	edit(&p)
	l.file(folder, "manifest.json.tlog-proof", p.Text())
}

func witnessSigner(l *lab, name string, seed byte) *tlog.Signer {
	l.t.Helper()
	s, err := tlog.NewWitnessSigner(name, bytes.Repeat([]byte{seed}, 32), func() time.Time { return l.now })
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

func tree(leaves [][]byte) (t tlog.Leaves) {
	for _, e := range leaves {
		t = append(t, tlog.LeafHash(e))
	}
	return t
}

// note is the checkpoint of a log of these leaves.
func note(leaves [][]byte, signers ...*tlog.Signer) []byte {
	root, _ := tlog.Root(tree(leaves), uint64(len(leaves)))
	return tlog.Sign(tlog.Checkpoint{Origin: signers[0].Key.Name, Head: tlog.Head{Size: uint64(len(leaves)), Root: root}}.Text(), signers...)
}

// prove writes the proof that the last of the leaves is in the log.
func (l *lab) prove(folder string, leaves [][]byte, signers ...*tlog.Signer) {
	size := uint64(len(leaves))
	hashes, err := tlog.Inclusion(tree(leaves), size-1, size)
	if err != nil {
		l.t.Fatal(err)
	}
	l.file(folder, "manifest.json.tlog-proof", tlog.Proof{Extra: []byte(signers[0].Key.String()), Index: size - 1, Hashes: hashes, Note: note(leaves, signers...)}.Text())
}

// grow writes the proof that the log only grew, with its checkpoint, which the log's key signs where no signers are given.
func (l *lab) grow(folder string, leaves [][]byte, before int, signers ...*tlog.Signer) {
	if len(signers) == 0 {
		signers = []*tlog.Signer{l.log}
	}
	hashes, err := tlog.Consistency(tree(leaves), uint64(before), uint64(len(leaves)))
	if err != nil {
		l.t.Fatal(err)
	}
	l.file(folder, "manifest.json.tlog-grown", tlog.Growth{Before: uint64(before), Hashes: hashes, Note: note(leaves, signers...)}.Text())
}

// trust is what an auditor has who kept the log's key, the witness's, the authority's root and the mail.
func (l *lab) trust(sha string) verify.Trust {
	roots := x509.NewCertPool()
	roots.AddCert(l.root.Cert)
	return verify.Trust{SHA256: sha, Roots: roots, LogKeys: []tlog.Key{l.log.Key}, Witnesses: []tlog.Key{l.witness.Key}}
}

func (l *lab) verify(t verify.Trust) verify.Result {
	return verify.Bundles(l.t.Context(), []fs.FS{os.DirFS(l.october), os.DirFS(l.november)}, t)
}

// sentences are the findings that are wrong.
func wrong(r verify.Result) string {
	var b strings.Builder
	list := func(c verify.Check) {
		if !c.OK {
			fmt.Fprintf(&b, "%s: %s\n", c.Name, c.Detail)
		}
	}
	for i := range r.Bundles {
		for _, c := range r.Bundles[i].Checks {
			list(c)
		}
	}
	for _, c := range r.Chain {
		list(c)
	}
	if r.Anchor != nil {
		list(*r.Anchor)
	}
	return b.String()
}

// rotation is the entry by which a log's key gives way to another.
func rotation(t *testing.T, from, to *tlog.Signer) []byte {
	t.Helper()
	entry, err := tlog.RotationEntry(from, to)
	if err != nil {
		t.Fatal(err)
	}
	return entry
}

// rotated writes the proof that the last of the leaves is in the log, whose key changed by one of them.
func (l *lab) rotated(folder string, leaves [][]byte, at int, signers ...*tlog.Signer) {
	l.prove(folder, leaves, signers...)
	size := uint64(len(leaves))
	hashes, err := tlog.Inclusion(tree(leaves), uint64(at), size)
	if err != nil {
		l.t.Fatal(err)
	}
	l.rewriteExtra(folder, tlog.History{Key: signers[0].Key.String(), Rotations: []tlog.Rotation{{Entry: string(leaves[at]), Index: uint64(at), Hashes: hashes}}})
}

func (l *lab) rewriteExtra(folder string, h tlog.History) {
	l.t.Helper()
	text, err := h.Text()
	if err != nil {
		l.t.Fatal(err)
	}
	l.editProof(folder, func(p *tlog.Proof) { p.Extra = text })
}
