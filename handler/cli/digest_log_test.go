package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/digest/digesttest"
	"github.com/auditbell/auditbell/handler/tlog"
)

// commanded runs the command line.
func commanded(t *testing.T, env map[string]string, args ...string) (code int, out string) {
	t.Helper()
	var b bytes.Buffer
	code = Run(context.Background(), args, Surroundings{In: strings.NewReader(""), Out: &b, Err: &b, Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
	return code, b.String()
}

// verifierKey is what `handler log key` prints, behind the line that says that the key was read.
func verifierKey(t *testing.T, env map[string]string) string {
	t.Helper()
	code, out := commanded(t, env, "log", "key")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) != 2 || !strings.Contains(lines[0], "key of the transparency log read") {
		t.Fatalf("log key exits %d:\n%s", code, out)
	}
	return lines[1]
}

// witnessed runs `handler witness` and returns its address and key.
func witnessed(t *testing.T, logKey string) (url, key string) {
	t.Helper()
	dir := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	out, in := net.Pipe()
	done := make(chan int, 1)
	go func() {
		done <- Run(ctx, []string{"witness", "--name", "witness.auditor.example/w", "--key", filepath.Join(dir, "key"), "--folder", filepath.Join(dir, "seen"), "--log-key", logKey, "--listen", "127.0.0.1:0"},
			Surroundings{In: strings.NewReader(""), Out: in, Err: in, Env: noEnv})
		in.Close()
	}()
	t.Cleanup(func() { stop(); <-done })
	text := make([]byte, 0, 1000)
	for buffer := make([]byte, 1000); bytes.Count(text, []byte("\n")) < 2; {
		n, err := out.Read(buffer)
		if text = append(text, buffer[:n]...); err != nil {
			t.Fatalf("the witness ended: %s", text)
		}
	}
	found := regexp.MustCompile(`(?s)listening on (\S+)\n.*: (\S+)\n`).FindStringSubmatch(string(text))
	if found == nil {
		t.Fatalf("the witness says %q", text)
	}
	return found[1], found[2]
}

// TestDigestIsLogged is an auditor's walk: the operator logs hours and digests; a second party witnesses; the auditor has
// a copy of the archive and three keys.
func TestDigestIsLogged(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.fill(t, small())
	keyFile := filepath.Join(t.TempDir(), "log.key")
	code, out := commanded(t, nil, "log", "init", "--name", "auditbell.contoso.example/log", "-o", keyFile)
	if code != 0 {
		t.Fatal(out)
	}
	o.env["TLOG_NAME"], o.env["TLOG_KEY_FILE"] = "auditbell.contoso.example/log", keyFile
	o.env["DIGEST_ARCHIVE"] = o.archive
	logKey := verifierKey(t, o.env)
	if !strings.Contains(out, logKey) || logKey == "" {
		t.Fatalf("log init prints another key than log key: %s / %s", out, logKey)
	}
	url, witnessKey := witnessed(t, logKey)
	o.env["TLOG_WITNESSES"], o.env["TLOG_QUORUM"] = url+" "+witnessKey, "1"
	var bundles []string
	for _, at := range []time.Time{time.Date(2026, 11, 1, 7, 0, 0, 0, time.UTC), time.Date(2026, 11, 2, 7, 0, 0, 0, time.UTC)} {
		bundles = append(bundles, o.logged(t, at))
	}
	if n := o.arrived("1 of 1 witnesses signed it."); len(n) != 2 {
		t.Errorf("readers who got the sentence: %v, want mail and channel", n)
	}
	args := append([]string{"verify", "--format", "text", "--log-key", logKey}, bundles...)
	code, out = commanded(t, nil, args...)
	for _, want := range []string{"proven:     The manifest of ", "proven:     The log only grew between", "not proven: That anybody but the operator saw the log"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Fatalf("verify exits %d, want %q:\n%s", code, want, out)
		}
	}
	// The witness's clock is the machine's and the office's is not, so its signature is about another time than the digest.
	if code, out = commanded(t, nil, append(args, "--witness", witnessKey)...); code != 1 || !strings.Contains(out, "the manifest is dated back") {
		t.Errorf("a digest of another time than its witness's: verify exits %d:\n%s", code, out)
	}
	saysNothingOfRecords(t, filepath.Join(o.archive, "log"), small())
	askForRecords(t, o, logKey, bundles)
}

// saysNothingOfRecords checks that no file of the log has a name, an address or a resource of a record: witnesses see it, and it
// stays when the time of a record is over.
func saysNothingOfRecords(t *testing.T, folder string, records []digesttest.Record) {
	t.Helper()
	var secrets [][]byte
	for _, r := range records {
		for _, text := range []string{r.Caller, r.Address, r.Subscription, r.Group, r.Resource, r.Operation, r.EventID, r.Correlation} {
			if len(text) > 6 {
				secrets = append(secrets, []byte(strings.ToLower(text)))
			}
		}
	}
	files := 0
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		text = bytes.ToLower(text)
		for _, secret := range secrets {
			if bytes.Contains(text, secret) {
				t.Errorf("%s has %q", path, secret)
			}
		}
		files++
		return err
	})
	if err != nil || files < 10 || len(secrets) < 10 {
		t.Errorf("%d files of the log were looked at for %d texts, %v", files, len(secrets), err)
	}
}

// auditorsWalk runs the commands of the auditor's page, with what its variables and files stand for.
func auditorsWalk(t *testing.T, names map[string]string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/auditor.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "## A bundle that a stranger can believe")
	_, block, _ := strings.Cut(section, "```sh\n")
	block, _, _ = strings.Cut(block, "```")
	lines := strings.Split(strings.TrimSpace(block), "\n")
	if len(lines) != 4 {
		t.Fatalf("the walk has %d steps", len(lines))
	}
	for i, line := range lines {
		args := strings.Fields(line)[1:]
		for k, arg := range args {
			if value, ok := names[strings.Trim(arg, `"`)]; ok {
				args[k] = value
			}
		}
		want := [4]string{"The log only grew between", "was in our record of 2026-10-31T", "the one that was logged", "was altered: its SHA-256 is"}[i]
		code, out := commanded(t, nil, append(args, "--format", "text")...)
		if (code == 0) != (i < 3) || !strings.Contains(out, want) {
			t.Errorf("%s\nexits %d, want %q:\n%s", line, code, want, out)
		}
	}
}

// askForRecords asks for one record, for one that was altered, and for one that is not there.
func askForRecords(t *testing.T, o *office, logKey string, bundles []string) {
	t.Helper()
	bundle := bundles[0]
	var id string
	var raw []byte
	for hour := time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC); id == ""; hour = hour.Add(time.Hour) {
		for one, err := range o.Store.HourRecords(t.Context(), hour) {
			if err != nil {
				t.Fatal(err)
			}
			raw = bytes.Clone(one)
			var item struct{ ID string }
			if err := json.Unmarshal(one, &item); err != nil {
				t.Fatal(err)
			}
			id = item.ID
		}
	}
	dir := t.TempDir()
	proof, honest, altered := filepath.Join(dir, "r.tlog-proof"), filepath.Join(dir, "honest.json"), filepath.Join(dir, "altered.json")
	for path, data := range map[string][]byte{honest: raw, altered: bytes.Replace(raw, []byte(`"operation":"`), []byte(`"operation":"X`), 1)} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	auditorsWalk(t, map[string]string{
		"$LOG_KEY": logKey, "$OCTOBER": bundles[0], "$NOVEMBER": bundles[1], "$ID": id, "record.tlog-proof": proof, "record.json": honest, "altered.json": altered,
	})
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"there", []string{"--record", id, "--save-proof", proof}, 0, "proven:     Record " + id + " was in our record of 2026-10-31T"},
		{"what it was", []string{"--record", id, "--record-file", honest}, 0, "the one that was logged"},
		{"altered", []string{"--record", id, "--record-file", altered}, 1, "was altered: its SHA-256 is"},
		{"by its proof alone", []string{"--record", proof, "--record-file", honest}, 0, "the one that was logged"},
		{"not there", []string{"--record", "nosuchrecord"}, 0, "was in our record of none of the 24 hours of the period"},
	} {
		if code, out := commanded(t, nil, append([]string{"verify", "--format", "text", "--log-key", logKey, bundle}, c.args...)...); code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%s: verify exits %d, want %q:\n%s", c.name, code, c.want, out)
		}
	}
	if text, err := os.ReadFile(proof); err != nil || len(text) > 3<<10 {
		t.Errorf("the proof of a record has %d bytes, %v, want 3 KiB at most", len(text), err)
	}
	lists, _ := filepath.Glob(filepath.Join(o.archive, "log", "hours", "20261031*", "1.records"))
	for _, list := range lists { // the operator leaves a record out of a list
		text, err := os.ReadFile(list)
		if err != nil || len(text) == 0 {
			continue
		}
		records, err := tlog.ParseRecords(text)
		if err != nil {
			t.Fatal(err)
		}
		overwrite(t, list, records[1:].Text())
	}
	if code, out := commanded(t, nil, "verify", "--log-key", logKey, bundle, "--record", id); code == 0 || !strings.Contains(out, "was changed: the log has another root") {
		t.Errorf("a record left out of the lists: verify exits %d:\n%s", code, out)
	}
}

// TestLogKeyRotates changes the key of a log: what follows is signed by the new key, and verifies with both.
func TestLogKeyRotates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := map[string]string{"TLOG_NAME": "auditbell.contoso.example/log", "TLOG_KEY_FILE": filepath.Join(dir, "old"), "DIGEST_ARCHIVE": filepath.Join(dir, "archive")}
	for _, name := range []string{"old", "new"} {
		if code, out := commanded(t, nil, "log", "init", "--name", env["TLOG_NAME"], "-o", filepath.Join(dir, name)); code != 0 {
			t.Fatal(out)
		}
	}
	if code, out := commanded(t, nil, "log", "init", "--name", env["TLOG_NAME"], "-o", filepath.Join(dir, "old")); code == 0 {
		t.Errorf("a key that is there is written over:\n%s", out)
	}
	old := verifierKey(t, env)
	code, out := commanded(t, env, "log", "rotate", "--new-key-file", filepath.Join(dir, "new"))
	if code != 0 || !strings.Contains(out, "TLOG_FORMER_KEYS="+old) {
		t.Fatalf("rotate exits %d:\n%s", code, out)
	}
	env["TLOG_KEY_FILE"] = filepath.Join(dir, "new")
	if code, out = commanded(t, env, "log", "rotate", "--new-key-file", filepath.Join(dir, "old")); code == 0 {
		t.Errorf("a log of which the former key is not known is written on:\n%s", out)
	}
	env["TLOG_FORMER_KEYS"] = old
	if code, out = commanded(t, env, "log", "rotate", "--new-key-file", filepath.Join(dir, "old")); code != 0 {
		t.Errorf("rotate exits %d:\n%s", code, out)
	}
	entry, err := os.ReadFile(filepath.Join(dir, "archive", "log", "tile", "entries", "000.p", "1"))
	if err != nil {
		t.Fatal(err)
	}
	if from, to, err := tlog.ParseRotation(entry[2:]); err != nil || from.String() != old || to.Equal(from) {
		t.Errorf("the log's first entry is a rotation from %s to %s, %v", from, to, err)
	}
}

// TestLateRecordsAreAmendments logs an hour, adds a record that comes late, and finds a further entry that says so; an hour
// in which nothing changed is logged once.
func TestLateRecordsAreAmendments(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	records := small()
	o.fill(t, records)
	o.keepLog(t)
	files := verifyFolder(filepath.Join(o.archive, "log"))
	late := time.Date(2026, 10, 31, 21, 0, 0, 0, time.UTC) // recounted with every sixth run: 33 hours before the last of them
	run := func(at time.Time) map[time.Time]tlog.HourEntry {
		t.Helper()
		o.clock.Store(at.Unix())
		_, digests := o.instance(t)
		if _, err := digests.Rollups.Run(t.Context(), invocation()); err != nil {
			t.Fatal(err)
		}
		c, _, err := tlog.Newest(t.Context(), files)
		if err != nil {
			return nil
		}
		hours, err := tlog.Hours(t.Context(), files, c, late.Add(-24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return hours
	}
	if hours := run(time.Date(2026, 11, 1, 7, 0, 0, 0, time.UTC)); hours[late].Version != 0 {
		t.Fatalf("an hour is logged 13 hours after its end: %+v", hours[late])
	}
	first := run(time.Date(2026, 11, 2, 7, 0, 0, 0, time.UTC))
	if h := first[late]; h.Version != 1 || h.Why != tlog.WhyClosed {
		t.Fatalf("the hour is logged as %+v", h)
	}
	again := run(time.Date(2026, 11, 2, 7, 10, 0, 0, time.UTC))
	if len(again) != len(first) || again[late] != first[late] {
		t.Errorf("the hour is logged again, and nothing changed: %+v", again[late])
	}
	one := records[0]
	one.Time, one.Submitted, one.EventID, one.Correlation, one.OperationID = late.Add(30*time.Minute), late.Add(31*time.Minute), "late-event", "late-correlation", "late-operation"
	o.fill(t, []digesttest.Record{one})
	amended := run(time.Date(2026, 11, 2, 7, 20, 0, 0, time.UTC))
	if h := amended[late]; h.Version != 2 || h.Why != tlog.WhyLate || h.Records != first[late].Records+1 || h.Root == first[late].Root {
		t.Errorf("after a late record the hour is %+v, it was %+v", h, first[late])
	}
	for _, version := range []int{1, 2} {
		text, err := os.ReadFile(filepath.Join(o.archive, "log", tlog.RecordsPath(late, version)))
		if err != nil {
			t.Error(err)
		}
		if _, err := tlog.ParseRecords(text); err != nil {
			t.Errorf("version %d: %v", version, err)
		}
	}
}

// keepLog makes the office log hours and digests, with a key in a file.
func (o *office) keepLog(t *testing.T) {
	t.Helper()
	keyFile := filepath.Join(t.TempDir(), "log.key")
	if code, out := commanded(t, nil, "log", "init", "--name", "auditbell.contoso.example/log", "-o", keyFile); code != 0 {
		t.Fatal(out)
	}
	o.env["TLOG_NAME"], o.env["TLOG_KEY_FILE"] = "auditbell.contoso.example/log", keyFile
	o.App, o.digests = o.instance(t)
}

// wholeHours counts how often the records of an hour are asked for whole, in the first shard.
type wholeHours struct {
	http.Handler

	mu    sync.Mutex
	asked map[string]int
}

func (w *wholeHours) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	body, _ := io.ReadAll(in.Body) // what is missing the account misses too
	in.Body = io.NopCloser(bytes.NewReader(body))
	if strings.Contains(string(body), "SELECT * FROM c WHERE c.hour = @hour") && strings.Contains(in.Header.Get("X-Ms-Documentdb-Partitionkey"), `-00"`) {
		var query struct {
			Parameters []struct{ Name, Value string }
		}
		_ = json.Unmarshal(body, &query)
		w.mu.Lock()
		w.asked[query.Parameters[0].Value]++
		w.mu.Unlock()
	}
	w.Handler.ServeHTTP(out, in)
}

// TestRecordsAreReadOnce rolls up hours and logs them a day later: their records are hashed while they are rolled up, and read a
// second time only where that was before there was a log. Either way what is logged is what is stored.
func TestRecordsAreReadOnce(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	early, later := time.Date(2026, 10, 31, 3, 0, 0, 0, time.UTC), time.Date(2026, 10, 31, 4, 0, 0, 0, time.UTC)
	o.fill(t, slices.DeleteFunc(small(), func(r digesttest.Record) bool { return r.Time.Before(early) || !r.Time.Before(later.Add(time.Hour)) }))
	reads := &wholeHours{Handler: o.account, asked: map[string]int{}}
	o.meter.Handler = reads
	run := func(at time.Time) {
		t.Helper()
		o.clock.Store(at.Unix())
		if _, err := o.Digests.Rollups.Run(t.Context(), invocation()); err != nil {
			t.Fatal(err)
		}
	}
	run(early.Add(70 * time.Minute))
	o.keepLog(t)
	run(later.Add(70 * time.Minute))
	run(later.Add(30 * time.Hour))
	files := verifyFolder(filepath.Join(o.archive, "log"))
	c, _, err := tlog.Newest(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	logged, err := tlog.Hours(t.Context(), files, c, early)
	if err != nil {
		t.Fatal(err)
	}
	for hour, times := range map[time.Time]int{early: 2, later: 1} {
		if n := reads.asked[hour.Format("2006-01-02T15")]; n != times {
			t.Errorf("the records of %s were read %d times until it was logged, want %d", hour, n, times)
		}
		if want := o.hashed(t, hour).Entry(hour, 1, tlog.WhyClosed); want.Records == 0 || logged[hour] != want {
			t.Errorf("the hour is logged as %+v, its records are %+v", logged[hour], want)
		}
	}
}

// hashed are the records of an hour as they are stored.
func (o *office) hashed(t *testing.T, hour time.Time) tlog.Records {
	t.Helper()
	var all []tlog.Record
	for raw, err := range o.Store.HourRecords(t.Context(), hour) {
		if err != nil {
			t.Fatal(err)
		}
		one, err := new(tlog.RecordReader).Read(raw)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return tlog.SortRecords(all)
}

// verifyFolder reads files below a folder.
type verifyFolder string

func (f verifyFolder) Get(_ context.Context, name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(f), name))
}
