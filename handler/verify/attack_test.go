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

// The attacks are made by a tool of their own: it writes bundles by their description in docs/verify.md and does not
// import the package that makes them.

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
	var err error
	if l.witness, err = tlog.NewWitnessSigner("witness.auditor.example/w", bytes.Repeat([]byte{9}, 32), func() time.Time { return l.now }); err != nil {
		t.Fatal(err)
	}
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
	"completeness":{"verdict":"not_known","complete":false,"told_in_time":{"verdict":"not_known"},"source":"the store","hours":744,"ledger":{"hours_expected":744,"hours_checked":743,"unproven":[
		{"subscription":"sub-1","from":"2026-10-05T03:00:00Z","to":"2026-10-05T04:00:00Z","hours":1,"why":"it was not compared"}]}}}`

const tableText = "\ufefffirst_seen,last_seen,operation,caller,resource,outcome,entries,correlation_id,event_ids,alert_id,rule,rule_author,severity,first_delivered,answers\n" +
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
		"verdict": "not_known", "told_in_time": "not_known", "complete": false,
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
	sum := sha256.Sum256(l.read(folder, "manifest.json"))
	query, err := (&rfc3161.Request{HashAlgorithm: crypto.SHA256, HashedMessage: sum[:], Certificates: true}).Marshal()
	if err != nil {
		l.t.Fatal(err)
	}
	l.file(folder, "manifest.json.tsr", by.Answer(l.t, query, at))
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

func (l *lab) grow(folder string, leaves [][]byte, before int) {
	hashes, err := tlog.Consistency(tree(leaves), uint64(before), uint64(len(leaves)))
	if err != nil {
		l.t.Fatal(err)
	}
	l.file(folder, "manifest.json.tlog-grown", tlog.Growth{Before: uint64(before), Hashes: hashes, Note: note(leaves, l.log)}.Text())
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

func TestHonestBundlesAreProven(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	r := l.verify(l.trust(strings.ToUpper(l.hash(l.november)) + "  manifest.json"))
	if !r.OK {
		t.Fatalf("honest bundles are refused:\n%s", wrong(r))
	}
	for i, want := range []string{
		"Every file is, byte for byte",
		"2 bundles follow one another",
		"whose SHA-256 you gave",
		"The manifest of October is entry 5 of the log auditbell.contoso.example/log, as of 6 entries",
		"The manifest of November is entry 6",
		"only grew between October and November, from 6 to 7 entries",
		"The log of October was seen by 1 witnesses, of which 1 are ones that you named (witness.auditor.example/w at 2026-11-02T07:01:00Z)",
		"The log of November was seen",
		"The manifest of October, and whatever it names, was there at 2026-11-02T07:01:00Z: CN=Authority says so (policy 1.2.3.4)",
		"The manifest of November",
		"numbers in report.json agree",
		"operations.csv has as many",
	} {
		if i >= len(r.Proven) || !strings.Contains(r.Proven[i], want) {
			t.Errorf("sentence %d of what is proven lacks %q:\n%s", i, want, strings.Join(r.Proven, "\n"))
		}
	}
	open := strings.Join(r.NotProven, "\n")
	if !strings.Contains(open, "That nothing is missing in sub-1 from 2026-10-05T03:00:00Z to 2026-10-05T04:00:00Z (1 hours): it was not compared.") {
		t.Errorf("the hour that was not compared is not listed:\n%s", open)
	}
	for _, not := range []string{"--sha256", "--log-key", "--witness", "--tsa-ca"} {
		if strings.Contains(open, not) {
			t.Errorf("%s was given, and is asked for:\n%s", not, open)
		}
	}
}

func TestEveryAttackHasItsSentence(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/verify.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		attack func(l *lab)
		want   string
	}{
		{"a byte of a file", func(l *lab) { l.edit(l.november, "operations.csv", "ada", "eda") }, "operations.csv: was changed: its SHA-256 is"},
		{"a byte more", func(l *lab) { l.edit(l.november, "operations.csv", "ada", "adam") }, "operations.csv: was changed: it has more than the"},
		{"a byte less", func(l *lab) { l.edit(l.november, "operations.csv", "ada", "ad") }, "operations.csv: was changed: it has 431 bytes, the manifest says 432"},
		{"a byte of the manifest", func(l *lab) { l.edit(l.november, "manifest.json", "UTC", "CET") }, "given SHA-256: you gave"},
		{"a dropped file", func(l *lab) { _ = os.Remove(filepath.Join(l.november, "report.json")) }, "report.json: report.json is missing"},
		{"a dropped bundle", func(l *lab) { l.october = l.november }, "chain to November: November was made after another digest than the one given"},
		{"an extra file", func(l *lab) { l.file(l.november, "notes.txt", nil) }, "notes.txt: is a file that the manifest does not list: nothing vouches for it"},
		{"an extra folder", func(l *lab) { _ = os.Mkdir(filepath.Join(l.november, "annex"), 0o700) }, "annex: is a folder that the manifest does not list"},
		{"a report that the manifest does not list", func(l *lab) { l.manifest(l.november, "operations.csv") }, "report.json: is a file that the manifest does not list"},
		{"no files", func(l *lab) { l.manifest(l.november) }, "manifest.json: lists no files: it vouches for nothing"},
		{"another manifest", func(l *lab) {
			l.edit(l.november, "operations.csv", "ada", "eda")
			l.manifest(l.november, "report.json", "operations.csv")
		}, "manifest.json.tsr: the time stamp is of another file"},
		{"a member twice", func(l *lab) { l.edit(l.november, "manifest.json", `"files": [`, `"FILES": [], "files": [`) }, `its member "files" is there twice`},
		{"a file twice", func(l *lab) { l.manifest(l.november, "report.json", "report.json", "operations.csv") }, "the manifest lists it twice"},
		{"numbers that do not agree", func(l *lab) {
			l.edit(l.november, "report.json", `"total_operations":3`, `"total_operations":4`)
			l.manifest(l.november, "report.json", "operations.csv")
		}, "numbers in report.json: entries: 4, expected 3"},
		{"a caller put in place of another", func(l *lab) { l.editListed(l.november, "operations.csv", "ada", "eve") }, `lines in operations.csv: line 3: caller "eve@contoso.example": report.json lists no such entry`},
		{"an outcome made better", func(l *lab) { l.editListed(l.november, "operations.csv", "Failed", "Succeeded") }, `lines in operations.csv: line 2: outcome "Succeeded": report.json lists no such entry`},
		{"an operation moved in time", func(l *lab) { l.editListed(l.november, "operations.csv", "-05T10:00:00Z", "-06T10:00:00Z") }, `line 3: first_seen "2026-11-06T10:00:00Z": report.json lists no such entry`},
		{"an alert invented", func(l *lab) { l.editListed(l.november, "operations.csv", "A-1", "A-2") }, `alert_id "A-2": report.json lists no such alert`},
		{"an entry left out of an operation", func(l *lab) { l.editListed(l.november, "operations.csv", "Succeeded,2", "Succeeded,1") }, "lines in operations.csv: has 1 entries of an operation, report.json lists 2"},
		{"a deletion left out of a number", func(l *lab) {
			l.editListed(l.november, "report.json", `"total":1,"by_type":[{"name":"microsoft.compute/disks","count":1}]`, `"total":0,"by_type":[]`)
		}, "has 1 deletions that succeeded, report.json says 0"},
		{"an entry of another period", func(l *lab) {
			l.editListed(l.november, "report.json", `"2026-11-05T10:00:00Z"`, `"2026-10-05T10:00:00Z"`)
		}, "entries listed that are not of the period: 1, expected 0"},
		{"a verdict that the numbers do not bear", func(l *lab) {
			l.manifests[l.november]["verdict"], l.manifests[l.november]["complete"] = "proven", true
			l.editListed(l.november, "report.json", `"verdict":"not_known","complete":false`, `"verdict":"proven","complete":true`)
		}, "it is called proven, and not every hour was compared to the end"},
		{"a verdict in the report alone", func(l *lab) {
			l.editListed(l.november, "report.json", `"verdict":"not_known","complete"`, `"verdict":"proven","complete"`)
		}, `the verdict on the record is "proven", the manifest says "not_known"`},
		{"a report of another month", func(l *lab) { l.editListed(l.november, "report.json", `"to":"2026-12-01`, `"to":"2026-11-30`) }, "numbers in report.json: the period is 2026-11-01T00:00:00Z to 2026-11-30T00:00:00Z, the manifest says"},
		{"a number twice in the report", func(l *lab) {
			l.editListed(l.november, "report.json", `"by_outcome"`, `"Summary":{"total_operations":3},"by_outcome"`)
		}, `read report.json: its member "Summary" is there twice`},
		{"two reports in one file", func(l *lab) { l.editListed(l.november, "report.json", `"time_zone"`, `"x":{}} {"time_zone"`) }, "read report.json: something follows its end"},
		{"an operation left out", func(l *lab) {
			l.edit(l.november, "operations.csv", strings.SplitAfter(string(l.read(l.november, "operations.csv")), "\n")[1], "")
			l.manifest(l.november, "report.json", "operations.csv")
		}, "lines in operations.csv: 1 operations, the manifest says 2"},
		{"a chain that was rewritten whole", func(l *lab) {
			l.edit(l.october, "operations.csv", "ada", "eda")
			l.manifest(l.october, "report.json", "operations.csv")
			l.manifests[l.november]["previous"] = map[string]any{"manifest_sha256": l.hash(l.october)}
			l.rewrite(l.november)
		}, "manifest.json.tlog-proof: the log does not hold it"},
		{"a fork of the log", func(l *lab) {
			other := append([][]byte{[]byte("another past")}, l.leaves[1:]...)
			l.prove(l.november, other, l.log, l.witness)
			l.grow(l.november, other, l.entriesAtOctober)
		}, "log since October: the log was rewritten"},
		{"a fork of the same length", func(l *lab) {
			other := append(l.leaves[:5:5], tlog.ManifestEntry(sha256.Sum256(l.read(l.november, "manifest.json"))))
			l.prove(l.november, other, l.log, l.witness)
		}, "log since October: was forked: there are two of 6 entries"},
		{"a truncated log", func(l *lab) {
			other := append(l.leaves[:2:2], tlog.ManifestEntry(sha256.Sum256(l.read(l.november, "manifest.json"))))
			l.prove(l.november, other, l.log, l.witness)
		}, "log since October: was truncated: it has 3 entries, and had 6 before"},
		{"back-dating", func(l *lab) {
			l.manifests[l.november]["generated_at"] = made(time.October)
			l.rewrite(l.november)
			l.stamp(l.november, l.authority, made(time.November))
		}, "manifest.json.tsr: the manifest is dated back"},
		{"dating ahead", func(l *lab) {
			l.manifests[l.november]["generated_at"] = made(time.November).AddDate(0, 0, 20)
			l.rewrite(l.november)
			l.stamp(l.november, l.authority, made(time.November))
		}, "after it was seen at"},
		{"signed again with another key", func(l *lab) { l.prove(l.november, l.leaves, logSigner(l.t, l.log.Key.Name, 2), l.witness) }, "it was signed with another key than"},
		{"a proof from another log", func(l *lab) { l.prove(l.november, l.leaves, logSigner(l.t, "other.example/log", 3), l.witness) }, `it is from another log: "other.example/log"`},
		{"a checkpoint that is replayed", func(l *lab) {
			p, err := tlog.ParseProof(l.read(l.november, "manifest.json.tlog-proof"))
			if err != nil {
				l.t.Fatal(err)
			}
			p.Note = note(l.leaves[:l.entriesAtOctober], l.log, l.witness)
			l.file(l.november, "manifest.json.tlog-proof", p.Text())
		}, "manifest.json.tlog-proof: the log does not hold it"},
		{"the proof left out", func(l *lab) { _ = os.Remove(filepath.Join(l.november, "manifest.json.tlog-proof")) }, "manifest.json.tlog-proof: manifest.json.tlog-proof is missing"},
		{"the stamp left out", func(l *lab) { _ = os.Remove(filepath.Join(l.november, "manifest.json.tsr")) }, "manifest.json.tsr: manifest.json.tsr is missing"},
		{"a witness's signature that does not hold", func(l *lab) {
			w, err := tlog.NewWitnessSigner(l.witness.Key.Name, bytes.Repeat([]byte{9}, 32), func() time.Time { return made(time.November) })
			if err != nil {
				l.t.Fatal(err)
			}
			signed := note(append(l.leaves[:3:3], []byte("x")), l.log, w) // of another checkpoint
			lines := strings.Split(strings.TrimSpace(string(signed)), "\n")
			p, _ := tlog.ParseProof(l.read(l.november, "manifest.json.tlog-proof"))
			p.Note = append(note(l.leaves, l.log), []byte(lines[len(lines)-1]+"\n")...)
			l.file(l.november, "manifest.json.tlog-proof", p.Text())
		}, "the signature of witness.auditor.example/w"},
		{"a symbolic link", func(l *lab) {
			data := l.read(l.november, "operations.csv")
			elsewhere := filepath.Join(l.t.TempDir(), "operations.csv")
			_ = os.WriteFile(elsewhere, data, 0o600)
			_ = os.Remove(filepath.Join(l.november, "operations.csv"))
			_ = os.Symlink(elsewhere, filepath.Join(l.november, "operations.csv"))
		}, "operations.csv: operations.csv is not a file but a symbolic link"},
		{"a manifest that is a link", func(l *lab) {
			elsewhere := filepath.Join(l.t.TempDir(), "m")
			_ = os.Rename(filepath.Join(l.november, "manifest.json"), elsewhere)
			_ = os.Symlink(elsewhere, filepath.Join(l.november, "manifest.json"))
		}, "manifest.json is not a file but a symbolic link"},
		{"a path that leads out", func(l *lab) { l.edit(l.november, "manifest.json", `"report.json"`, `"../report.json"`) }, `"../report.json" is not the name of a file in a bundle`},
		{"a path in a folder", func(l *lab) { l.edit(l.november, "manifest.json", `"report.json"`, `"a/report.json"`) }, `is not the name of a file in a bundle`},
		{"a twin by case", func(l *lab) { l.file(l.november, "Report.json", l.read(l.november, "report.json")) }, "Report.json: is a file that the manifest does not list, and its name looks like one of the bundle's"},
		{"a twin by Unicode", func(l *lab) { l.file(l.november, "ｒeport.json", l.read(l.november, "report.json")) }, "looks like one of the bundle's"},
		{"a twin in the manifest", func(l *lab) {
			l.file(l.november, "Report.json", l.read(l.november, "report.json"))
			l.manifest(l.november, "report.json", "operations.csv", "Report.json")
		}, `Report.json: the manifest lists it twice, as "report.json" and "Report.json"`},
		{"a manifest that lists itself", func(l *lab) { l.manifest(l.november, "report.json", "operations.csv", "manifest.json") }, "is made from the manifest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if row := fmt.Sprintf("| %s | `…%s…` |", c.name, c.want); !strings.Contains(string(page), row) {
				t.Errorf("docs/verify.md lacks the line\n%s", row)
			}
			l := newLab(t)
			sha := l.hash(l.november)
			c.attack(l)
			r := l.verify(l.trust(sha))
			if got := wrong(r); r.OK || len(r.Proven) > 0 || !strings.Contains(got, c.want) {
				t.Errorf("found (ok: %v, %d sentences are proven):\n%swant %q", r.OK, len(r.Proven), got, c.want)
			}
		})
	}
}

// TestWithoutTrustLittleIsProven holds that a chain that was rewritten whole, stamps and log included, is not called
// proven to a reader who has nothing from elsewhere: each missing thing is named.
func TestWithoutTrustLittleIsProven(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	r := l.verify(verify.Trust{})
	if !r.OK {
		t.Fatal(wrong(r))
	}
	proven, open := strings.Join(r.Proven, "\n"), strings.Join(r.NotProven, "\n")
	for _, want := range []string{"a chain can be written again whole", "its key is the one that the bundle itself names (--log-key)", "of keys that you did not give (--witness)", "no root that you gave vouches for it (--tsa-ca)"} {
		if !strings.Contains(open, want) {
			t.Errorf("what is not proven lacks %q:\n%s", want, open)
		}
	}
	for _, not := range []string{"entry 5", "seen by", "vouched"} {
		if strings.Contains(proven, not) {
			t.Errorf("%q is called proven:\n%s", not, proven)
		}
	}
}

func TestSHA256AsPeopleHaveIt(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("0a1b", 16)
	for _, text := range []string{
		hash, strings.ToUpper(hash), " " + hash + "\n", hash + "  manifest.json", hash + " *manifest.json", `\` + hash + `  a\\b`, "sha256:" + hash, "SHA256:" + strings.ToUpper(hash),
		hash[:32] + " " + hash[32:], "sha256-" + hash, hash + "  my digests/manifest.json",
	} {
		if got, err := verify.SHA256(text); got != hash || err != nil {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "abc", hash[:62], hash + "00", "zz" + hash[2:]} {
		if got, err := verify.SHA256(text); err == nil {
			t.Errorf("%q is read as %q", text, got)
		}
	}
}

func TestRecordsAreProvenToAuditors(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	var reader tlog.RecordReader
	var list []tlog.Record
	have := map[string]string{}
	for i := range 1400 {
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		id := hex.EncodeToString(sum[:20])
		have[id] = fmt.Sprintf(`{"id":%q,"operation":"Microsoft.Compute/virtualMachines/write","caller":"a@example.com","n":%d}`, id, i)
		r, err := reader.Read([]byte(have[id]))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	records := tlog.SortRecords(list)
	entry := records.Entry(made(time.October), 1, tlog.WhyClosed)
	leaves := append(l.leaves, entry.Entry())
	size := uint64(len(leaves))
	proof := func(id string) []byte {
		inner, err := records.Prove(entry, id)
		if err != nil {
			t.Fatal(err)
		}
		extra, err := json.Marshal(inner)
		if err != nil {
			t.Fatal(err)
		}
		hashes, err := tlog.Inclusion(tree(leaves), size-1, size)
		if err != nil {
			t.Fatal(err)
		}
		return tlog.Proof{Extra: extra, Index: size - 1, Hashes: hashes, Note: note(leaves, l.log, l.witness)}.Text()
	}
	id, absent := records[700].ID, strings.Repeat("8", 40)
	if n := len(proof(id)); n > 3<<10 {
		t.Errorf("the proof of a record has %d bytes, want 3 KiB at most", n)
	}
	for name, c := range map[string]struct {
		proof []byte
		have  string
		ok    bool
		want  string
	}{
		"there":          {proof(id), have[id], true, "is in our record of 2026-11-02T07Z, one of 1400"},
		"not there":      {proof(absent), "", true, "that does not say that it did not happen"},
		"altered":        {proof(id), strings.Replace(have[id], "a@example.com", "b@example.com", 1), false, "was altered: its SHA-256 is"},
		"invented":       {proof(absent), fmt.Sprintf(`{"id":%q}`, absent), false, "was invented"},
		"another record": {proof(id), have[records[1].ID], false, "the record that you gave is"},
		"left out":       {bytes.Replace(proof(absent), []byte("index "), []byte("index 1"), 1), "", false, "the log does not hold it"},
	} {
		var given []byte
		if c.have != "" {
			given = []byte(c.have)
		}
		r := verify.CheckRecord(verify.Question{Proof: c.proof, Have: given}, l.trust(""))
		if text := fmt.Sprint(r.Checks); r.OK() != c.ok || !strings.Contains(text, c.want) {
			t.Errorf("%s: %s, want %q", name, text, c.want)
		}
	}
}
