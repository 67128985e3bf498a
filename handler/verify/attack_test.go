package verify_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/tlog"
	"github.com/auditbell/auditbell/handler/verify"
)

// The attacks are made by a tool of their own: it writes bundles by their description in docs/verify.md and does not
// import the package that makes them.

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
		"The log of October was seen by 1 witness that you named (witness.auditor.example/w at 2026-11-02T07:01:00Z)",
		"The log of November was seen",
		"The manifest of October, and whatever it names, was there at 2026-11-02T07:01:00Z: CN=Authority says so (policy 1.2.3.4)",
		"The manifest of November",
		"numbers in report.json agree",
		"operations.csv has as many",
		"Times, callers, resources, outcomes and alerts in operations.csv are those of entries that report.json lists",
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
		{"a byte less", func(l *lab) { l.edit(l.november, "operations.csv", "ada", "ad") }, "operations.csv: was changed: it has 426 bytes, the manifest says 427"},
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
		{"a caller put in place of another", func(l *lab) { l.editListed(l.november, "operations.csv", "ada", "eve") }, `lines in operations.csv: line 3: caller "eve@contoso.example": report.json lists no such entry or alert`},
		{"an outcome made better", func(l *lab) { l.editListed(l.november, "operations.csv", "Failed", "Succeeded") }, `lines in operations.csv: line 2: outcome "Succeeded": report.json lists no such entry or alert`},
		{"an operation moved in time", func(l *lab) { l.editListed(l.november, "operations.csv", "-05T10:00:00Z", "-06T10:00:00Z") }, `line 3: first_seen "2026-11-06T10:00:00Z": report.json lists no such entry or alert`},
		{"an alert invented", func(l *lab) { l.editListed(l.november, "operations.csv", "A-1", "A-2") }, `alert_id "A-2": report.json lists no such entry or alert`},
		{"an entry left out of an operation", func(l *lab) { l.editListed(l.november, "operations.csv", "Succeeded,2", "Succeeded,1") }, "lines in operations.csv: has 1 entries of an operation, report.json lists 2"},
		{"a deletion left out of a number", func(l *lab) {
			l.editListed(l.november, "report.json", `"total":1,"by_type":[{"name":"microsoft.compute/disks","count":1}]`, `"total":0,"by_type":[]`)
		}, "has 1 deletions that succeeded, report.json says 0"},
		{"an entry of another period", func(l *lab) {
			l.editListed(l.november, "report.json", `"2026-11-05T10:00:00Z"`, `"2026-10-05T10:00:00Z"`)
		}, "entries listed that are not of the period: 1, expected 0"},
		{"an entry of another period, in a list before the period", func(l *lab) {
			window := `"window":{"from":"2026-11-01T00:00:00Z","to":"2026-12-01T00:00:00Z"},`
			l.edit(l.november, "report.json", window, "")
			l.edit(l.november, "report.json", `"completeness"`, window+`"completeness"`)
			l.editListed(l.november, "report.json", `"2026-11-05T10:00:00Z"`, `"2026-10-05T10:00:00Z"`)
		}, "entries listed that are not of the period: 1, expected 0"},
		{"a verdict that the numbers do not bear", func(l *lab) {
			l.manifests[l.november]["verdict"], l.manifests[l.november]["complete"] = "proven", true
			l.editListed(l.november, "report.json", `"verdict":"not_known","complete":false`, `"verdict":"proven","complete":true`)
		}, "it is called proven, and not every hour was compared to the end"},
		{"a verdict in the report alone", func(l *lab) {
			l.editListed(l.november, "report.json", `"verdict":"not_known","complete"`, `"verdict":"proven","complete"`)
		}, `the verdict on the record is "proven", the manifest says "not_known"`},
		{"alerts called accepted in time", func(l *lab) {
			l.editListed(l.november, "report.json", `"alerted_in_time":{"verdict":"not_known"}`, `"alerted_in_time":{"verdict":"not_known","accepted":true}`)
		}, "everything is called accepted in time, and the function did not run in every hour"},
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
		{"a new key that the old one did not sign", func(l *lab) {
			other := logSigner(l.t, l.log.Key.Name, 2)
			forged := tlog.Sign(fmt.Sprintf("auditbell-key/1\nfrom %s\nto %s\n", l.log.Key, other.Key), other)
			l.rotated(l.november, append(l.leaves[:6:6], forged, l.leaves[6]), 6, other, l.witness)
		}, "manifest.json.tlog-proof: read log entry: a rotation is signed by both keys of a log"},
		{"a new key that is not logged", func(l *lab) {
			other := logSigner(l.t, l.log.Key.Name, 2)
			l.rotated(l.november, append(l.leaves[:6:6], []byte("another entry"), l.leaves[6]), 6, other, l.witness)
			p, _ := tlog.ParseProof(l.read(l.november, "manifest.json.tlog-proof"))
			h, _ := tlog.ParseHistory(p.Extra)
			h.Rotations[0].Entry = string(rotation(l.t, l.log, other))
			l.rewriteExtra(l.november, h)
		}, "the log does not hold the rotation from"},
		{"a key that had given way", func(l *lab) {
			other := logSigner(l.t, l.log.Key.Name, 2)
			leaves := append(l.leaves[:5:5], rotation(l.t, l.log, other), l.leaves[5])
			l.rotated(l.october, leaves, 5, other)
			l.prove(l.november, append(leaves, l.leaves[6]), l.log, l.witness)
		}, "log since October: was signed with auditbell.contoso.example/log"},
		{"a checkpoint that is replayed", func(l *lab) {
			l.editProof(l.november, func(p *tlog.Proof) { p.Note = note(l.leaves[:l.entriesAtOctober], l.log, l.witness) })
		}, "manifest.json.tlog-proof: the log does not hold it"},
		{"the proof left out", func(l *lab) { _ = os.Remove(filepath.Join(l.november, "manifest.json.tlog-proof")) }, "manifest.json.tlog-proof: manifest.json.tlog-proof is missing"},
		{"the stamp left out", func(l *lab) { _ = os.Remove(filepath.Join(l.november, "manifest.json.tsr")) }, "manifest.json.tsr: manifest.json.tsr is missing"},
		{"the witness's signature left out", func(l *lab) { l.prove(l.november, l.leaves, l.log) }, "manifest.json.tlog-proof: no witness that you named signed its checkpoint"},
		{"a proof of growth that the log did not sign", func(l *lab) {
			l.grow(l.november, l.leaves, l.entriesAtOctober, logSigner(l.t, l.log.Key.Name, 5))
		}, "manifest.json.tlog-grown: none of the keys of the log signed its checkpoint of 7 entries"},
		{"a witness's signature that does not hold", func(l *lab) {
			signed := note(append(l.leaves[:3:3], []byte("x")), l.log, l.witness) // of another checkpoint
			lines := strings.Split(strings.TrimSpace(string(signed)), "\n")
			l.editProof(l.november, func(p *tlog.Proof) { p.Note = append(note(l.leaves, l.log), []byte(lines[len(lines)-1]+"\n")...) })
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
		{"a twin by a dot at its end", func(l *lab) { l.file(l.november, "report.json.", l.read(l.november, "report.json")) }, "report.json.: is a file that the manifest does not list, and its name looks like"},
		{"a device of Windows", func(l *lab) { l.edit(l.november, "manifest.json", `"report.json"`, `"Con.json"`) }, `"Con.json" is not the name of a file in a bundle`},
		{"a row without end", func(l *lab) {
			l.editListed(l.november, "operations.csv", ",ada", `,"`+strings.Repeat("ada", 3<<20))
		}, "read operations.csv: a row has more than"},
		{"a twin in the manifest", func(l *lab) {
			l.file(l.november, "Report.json", l.read(l.november, "report.json"))
			l.manifest(l.november, "report.json", "operations.csv", "Report.json")
		}, `Report.json: the manifest lists it twice, as "report.json" and "Report.json"`},
		{"a mark before the manifest", func(l *lab) { l.edit(l.november, "manifest.json", "{", "\ufeff{") }, "manifest.json: is not JSON"},
		{"an absolute path", func(l *lab) { l.edit(l.november, "manifest.json", `"report.json"`, `"/etc/passwd"`) }, `"/etc/passwd" is not the name of a file in a bundle`},
		{"a stream of a file", func(l *lab) { l.edit(l.november, "manifest.json", `"report.json"`, `"report.json:a"`) }, `"report.json:a" is not the name of a file in a bundle`},
		{"a twin by a blank at its end", func(l *lab) { l.file(l.november, "report.json ", l.read(l.november, "report.json")) }, "report.json : is a file that the manifest does not list, and its name looks like"},
		{"a formula in a cell", func(l *lab) { l.editListed(l.november, "operations.csv", "Succeeded,2,c", "Succeeded,2,=1+1") }, "line 3: its cell 8 is a formula to a spreadsheet"},
		{"a formula behind a semicolon", func(l *lab) { l.editListed(l.november, "operations.csv", "Succeeded,2,c", "Succeeded,2,c;=1+1") }, "line 3: its cell 8 is a formula to a spreadsheet"},
		{"a number below zero", func(l *lab) {
			l.editListed(l.november, "report.json", `"Started":1}`, `"Started":3,"Accepted":-2}`)
		}, "numbers in report.json: sum of outcomes: one of them is -2"},
		{"an hour of another period", func(l *lab) {
			l.file(l.november, "hours.tlog", l.leaves[0])
			l.manifest(l.november, "report.json", "operations.csv", "hours.tlog")
		}, "hours listed: 2026-10-02T07:00:00Z is there, which is not of the period"},
		{"a manifest from before the one that it names", func(l *lab) {
			l.manifests[l.november]["generated_at"] = made(time.September)
			l.rewrite(l.november)
		}, "chain to October: November says that it was made at 2026-10-02T07:00:00Z, before October, which it names"},
		{"a stamp over another digest", func(l *lab) { l.stampBy(l.november, crypto.SHA512) }, "manifest.json.tsr: the time stamp is of another file"},
		{"a witness that is the log itself", func(l *lab) {
			l.witness = witnessSigner(l, "witness.auditor.example/w", 1)
			l.prove(l.november, l.leaves, l.log, l.witness)
		}, "signs with a key of the log itself: it is no other party"},
		{"a proof with a hash too many", func(l *lab) {
			l.editProof(l.november, func(p *tlog.Proof) { p.Hashes = append(p.Hashes, tlog.Hash{}) })
		}, "manifest.json.tlog-proof: the log does not hold it: the proof of inclusion is too long"},
		{"a place behind the end of the log", func(l *lab) {
			l.editProof(l.november, func(p *tlog.Proof) { p.Index = 7 })
		}, "a tree of 7 entries has no entry 7"},
		{"a log of no entries", func(l *lab) {
			l.editProof(l.november, func(p *tlog.Proof) { p.Index, p.Hashes, p.Note = 0, nil, note(nil, l.log) })
		}, "a tree of 0 entries has no entry 0"},
		{"a size that leaps", func(l *lab) {
			leap := tlog.Checkpoint{Origin: l.log.Key.Name, Head: tlog.Head{Size: 1 << 60, Root: tlog.LeafHash(nil)}}
			l.editProof(l.november, func(p *tlog.Proof) { p.Note = tlog.Sign(leap.Text(), l.log) })
		}, "the proof of inclusion is too short"},
		{"line ends of Windows in a proof", func(l *lab) {
			l.editProof(l.november, func(p *tlog.Proof) { p.Note = bytes.ReplaceAll(p.Note, []byte("\n"), []byte("\r\n")) })
		}, "manifest.json.tlog-proof: read note: it is not a text"},
		{"extra data of a proof that readers may read differently", func(l *lab) {
			l.editProof(l.november, func(p *tlog.Proof) { p.Extra = []byte(`{"key":"a","Key":"b"}`) })
		}, `read proof: its extra data: its member "Key" is there twice`},
		{"a proof of growth to another checkpoint", func(l *lab) {
			l.grow(l.november, append([][]byte{[]byte("another past")}, l.leaves[1:]...), l.entriesAtOctober)
		}, "manifest.json.tlog-grown: ends with another checkpoint than that of the manifest's proof"},
		{"a file in place of a proof of growth", func(l *lab) {
			l.file(l.october, "manifest.json.tlog-grown", []byte("MZ"))
		}, "manifest.json.tlog-grown: read proof of growth"},
		{"a twin of the manifest in the manifest", func(l *lab) {
			l.file(l.november, "Manifest.json", nil)
			l.manifest(l.november, "report.json", "operations.csv", "Manifest.json")
		}, "Manifest.json: the manifest lists a file that is made from the manifest"},
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

// TestColumnsOfAnotherVersionAreNotProven gives a column another name: the rows are counted, and nothing is said of them.
func TestColumnsOfAnotherVersionAreNotProven(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.editListed(l.november, "operations.csv", "caller", "who")
	l.seal(l.november, time.November)
	l.grow(l.november, l.leaves, l.entriesAtOctober)
	r := l.verify(l.trust(""))
	if proven := strings.Join(r.Proven, "\n"); !r.OK || strings.Contains(proven, "Times, callers") || !strings.Contains(strings.Join(r.NotProven, "\n"), "the table's columns are not those that are compared") {
		t.Errorf("ok %v\n%s\n%s", r.OK, wrong(r), proven)
	}
}

func TestSHA256AsPeopleHaveIt(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("0a1b", 16)
	for _, text := range []string{
		hash, strings.ToUpper(hash), " " + hash + "\n", hash + "  manifest.json", hash + " *manifest.json", `\` + hash + `  a\\b`, "sha256:" + hash, "SHA256:" + strings.ToUpper(hash),
		hash[:32] + " " + hash[32:], "sha256-" + hash, hash + "  my digests/manifest.json", hash + "  " + strings.Repeat("f", 64) + ".json",
		"SHA256 (manifest.json) = " + hash, "SHA2-256(manifest.json)= " + hash, // sha256sum --tag, openssl dgst
		"\r\nAlgorithm       Hash                                                Path\r\n---------       ----\r\nSHA256          " + strings.ToUpper(hash) + `       C:\Users\ada\manifest.json`,
		"SHA256 hash of manifest.json:\r\n" + hash + "\r\nCertUtil: -hashfile command completed successfully.", // certutil -hashfile
		strings.Join(pairs(hash), " "), strings.ToUpper(strings.Join(pairs(hash), ":")),
	} {
		if got, err := verify.SHA256(text); got != hash || err != nil {
			t.Errorf("%q is read as %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "abc", hash[:62], hash + "00", "zz" + hash[2:], "SHA512 (manifest.json) = " + hash + hash, "(a.json) = " + hash + "\n(manifest.json) = " + strings.Repeat("f", 64)} {
		if got, err := verify.SHA256(text); err == nil {
			t.Errorf("%q is read as %q", text, got)
		}
	}
}

func pairs(hash string) (list []string) {
	for i := 0; i < len(hash); i += 2 {
		list = append(list, hash[i:i+2])
	}
	return list
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
		extra, err := inner.Text()
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
	year := 14 * len(tlog.Hash{}.String()+"\n") // the way to the root of a log of ten thousand entries
	deep := records[1023].ID + "0"              // the two records beside it have the least of their ways to the root in common
	for _, id := range []string{id, absent, deep} {
		if n := len(proof(id)) + year; n > 3<<10 {
			t.Errorf("the proof for %s has %d bytes, want 3 KiB at most", id, n)
		}
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
