package publish

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/azure"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/archive"
	"github.com/auditbell/auditbell/handler/notify/email"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/tlog"
)

// Log is the transparency log: the records of each hour and the manifest of each digest are logged, in the archive.
type Log struct {
	name      string
	seed      func(ctx context.Context) ([]byte, error)
	files     logFiles
	former    []tlog.Key
	witnesses []*tlog.Witness
	quorum    int

	mu   sync.Mutex
	open *tlog.Log // nil until the key was needed
}

// logFolder is where in the archive the log lies.
const logFolder = "log/"

// logFiles are the log's files in the archive.
type logFiles struct{ archive *archive.Archive }

func (f logFiles) Get(ctx context.Context, name string) ([]byte, error) {
	return f.archive.Get(ctx, logFolder+name)
}

func (f logFiles) Put(ctx context.Context, name, mediaType string, data []byte) error {
	return f.archive.Put(ctx, logFolder+name, mediaType, data)
}

// readLog opens the log, nil when none is set. The key is read when it is first needed.
func readLog(s *settings.Set, kept *archive.Archive, client *http.Client) *Log {
	l := &Log{files: logFiles{kept}}
	l.name = s.Text(settings.Def{
		Name: "TLOG_NAME", Doc: "Name of the transparency log that hours and digests go into, such as auditbell.contoso.com/log; empty keeps none.",
		Hint: "it needs DIGEST_ARCHIVE, and a key: `handler log init` makes one",
	})
	l.seed = readSeed(s, client)
	l.former = readFormer(s)
	l.witnesses = readWitnesses(s, client)
	l.quorum = s.Int(settings.Def{Name: "TLOG_QUORUM", Default: "0", Doc: "How many witnesses should sign each checkpoint; digests and the app's log say when fewer did."})
	if l.name == "" {
		return nil
	}
	report := func(name, reason, hint string) { s.Report(settings.Problem{Name: name, Reason: reason, Hint: hint}) }
	switch {
	case kept == nil:
		report("TLOG_NAME", "needs DIGEST_ARCHIVE: the log is kept there", "")
	case l.seed == nil:
		report("TLOG_NAME", "has no key", "set TLOG_KEY_FILE, or TLOG_KEY and TLOG_VAULT_KEY; `handler log init` makes them")
	case l.quorum > len(l.witnesses):
		report("TLOG_QUORUM", fmt.Sprintf("is %d, and there are %d witnesses", l.quorum, len(l.witnesses)), "")
	}
	return l
}

// readSeed reads where the log's key is, nil when nowhere.
func readSeed(s *settings.Set, client *http.Client) func(context.Context) ([]byte, error) {
	file := s.Text(settings.Def{Name: "TLOG_KEY_FILE", Doc: "File with the log's key, for a log on one machine; in Azure use TLOG_KEY and TLOG_VAULT_KEY."})
	wrapped := s.Text(settings.Def{Name: "TLOG_KEY", Doc: "The log's key, as `handler log init --vault-key` wrapped it."})
	vault := s.Text(settings.Def{Name: "TLOG_VAULT_KEY", Doc: "Address of the Key Vault key that wraps the log's key; its role is Key Vault Crypto User."})
	switch {
	case file != "":
		return func(context.Context) ([]byte, error) { return ReadSeedFile(file) }
	case wrapped == "" && vault == "":
		return nil
	}
	key, err := azure.OpenVaultKey(vault, azure.Credential(s), client)
	raw, wrongKey := base64.StdEncoding.DecodeString(wrapped)
	if err != nil {
		s.Report(settings.Problem{Name: "TLOG_VAULT_KEY", Reason: err.Error()})
		return nil
	}
	if wrongKey != nil || len(raw) == 0 {
		s.Report(settings.Problem{Name: "TLOG_KEY", Reason: "is not what `handler log init` printed"})
	}
	return func(ctx context.Context) ([]byte, error) { return key.Unwrap(ctx, raw) }
}

// ReadSeedFile reads a key's file: 32 bytes in base64.
func ReadSeedFile(path string) ([]byte, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator named it
	if err != nil {
		return nil, fmt.Errorf("read log key: %w", err)
	}
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != 32 {
		return nil, fmt.Errorf("read log key: %s does not hold 32 bytes in base64", path)
	}
	return seed, nil
}

func readFormer(s *settings.Set) (keys []tlog.Key) {
	text := s.Text(settings.Def{Name: "TLOG_FORMER_KEYS", Doc: "Verifier keys that were the log's before, comma-separated; `handler log rotate` says which."})
	for _, one := range strings.FieldsFunc(text, isSeparator) {
		key, err := tlog.ParseKey(one)
		if err != nil {
			s.Report(settings.Problem{Name: "TLOG_FORMER_KEYS", Reason: err.Error()})
			continue
		}
		keys = append(keys, key)
	}
	return keys
}

func isSeparator(r rune) bool { return r == ',' || r == ' ' || r == '\n' }

// readWitnesses reads pairs of an address and a key.
func readWitnesses(s *settings.Set, client *http.Client) (list []*tlog.Witness) {
	text := s.Text(settings.Def{
		Name: "TLOG_WITNESSES", Doc: "Witnesses that sign the log's checkpoints: address and verifier key of each, comma-separated.",
		Hint: "such as https://witness.example witness.example+1234abcd+BE…",
	})
	fields := strings.FieldsFunc(text, isSeparator)
	if len(fields)%2 != 0 {
		s.Report(settings.Problem{Name: "TLOG_WITNESSES", Reason: "is not a list of an address and a verifier key each"})
		return nil
	}
	for pair := range slices.Chunk(fields, 2) {
		key, err := tlog.ParseKey(pair[1])
		if err == nil && !key.Witness() {
			err = fmt.Errorf("%s is a log's key, not a witness's", key.Short())
		}
		if err = errors.Join(err, settings.CheckURL(pair[0])); err != nil {
			s.Report(settings.Problem{Name: "TLOG_WITNESSES", Reason: err.Error()})
			continue
		}
		list = append(list, tlog.NewWitness(pair[0], key, client))
	}
	return list
}

// get opens the log with its key. Each time the key is read is logged: in Azure, Key Vault unwraps it then.
func (l *Log) get(ctx context.Context, log *slog.Logger) (*tlog.Log, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open != nil {
		return l.open, nil
	}
	seed, err := l.seed(ctx)
	if err != nil {
		return nil, err
	}
	defer clear(seed)
	signer, err := tlog.NewSigner(l.name, seed)
	if err != nil {
		return nil, err
	}
	log.Info("key of the transparency log read", "key", signer.Key.Short())
	l.open = tlog.New(l.files, signer, l.former...)
	return l.open, nil
}

// Key is the log's verifier key.
func (l *Log) Key(ctx context.Context, log *slog.Logger) (tlog.Key, error) {
	t, err := l.get(ctx, log)
	if err != nil {
		return tlog.Key{}, err
	}
	return t.Key(), nil
}

// Rotate logs that the key gives way to that of a seed.
func (l *Log) Rotate(ctx context.Context, log *slog.Logger, seed []byte) (from, to tlog.Key, err error) {
	old, err := l.seed(ctx)
	if err != nil {
		return from, to, err
	}
	defer clear(old)
	a, err := tlog.NewSigner(l.name, old)
	if err != nil {
		return from, to, err
	}
	b, err := tlog.NewSigner(l.name, seed)
	if err != nil {
		return from, to, err
	}
	entry, err := tlog.RotationEntry(a, b)
	if err != nil {
		return from, to, err
	}
	t, err := l.get(ctx, log)
	if err != nil {
		return from, to, err
	}
	return a.Key, b.Key, t.Append(ctx, entry)
}

const (
	// loggedAfter is how long after its end an hour is logged: reconciliation's last look is over then.
	loggedAfter = 27 * time.Hour
	// loggedFor is how long it is looked whether records of a logged hour came late.
	loggedFor = 7 * 24 * time.Hour
)

// Run logs hours whose last look is over, and logs those again that records were late for.
func (l *Log) Run(ctx context.Context, r *Rollups, log *slog.Logger) error {
	t, err := l.get(ctx, log)
	if err != nil {
		return err
	}
	c, _, err := t.Head(ctx)
	if err != nil {
		return err
	}
	now := r.Now().UTC()
	newest := now.Add(-loggedAfter).Truncate(time.Hour).Add(-time.Hour)
	logged, err := tlog.Hours(ctx, l.files, c, newest.Add(-loggedFor))
	if err != nil {
		return err
	}
	var entries [][]byte
	for hour := newest.Add(-loggedFor); !hour.After(newest); hour = hour.Add(time.Hour) {
		have, ok := logged[hour]
		if old := hour.Before(newest.Add(-24 * time.Hour)); ok && old && now.Hour()%RecheckEvery != 0 {
			continue
		}
		entry, err := l.hour(ctx, r, hour, have)
		if err != nil {
			return err
		}
		if entry != nil {
			entries = append(entries, entry)
		}
	}
	if err := t.Append(ctx, entries...); err != nil {
		return err
	}
	_, signed, err := t.Cosign(ctx, l.witnesses)
	if err != nil || signed < l.quorum {
		log.Warn("witnesses did not sign the log", "signed", signed, "wanted", l.quorum, "witnesses", len(l.witnesses), "error", fmt.Sprint(err))
	}
	log.Info("hours logged", "hours", len(entries), "witnesses", signed)
	return nil
}

// hour is the entry to log for an hour, nil for none. An hour without a rollup is from before Auditbell was there.
func (l *Log) hour(ctx context.Context, r *Rollups, hour time.Time, have tlog.HourEntry) ([]byte, error) {
	rolled, ok, err := r.Store.Rollup(ctx, hour)
	if err != nil || !ok || have.Version > 0 && rolled.Events <= have.Records {
		return nil, err
	}
	list, err := hourRecords(ctx, r, hour)
	if err != nil || have.Version > 0 && list.Root() == have.Root {
		return nil, err
	}
	version, why := have.Version+1, tlog.WhyClosed
	if version > 1 {
		why = tlog.WhyLate
	}
	path := tlog.RecordsPath(hour, version)
	if err := l.files.Put(ctx, path, "text/plain", list.Text()); errors.Is(err, archive.ErrOther) {
		// An earlier run wrote the list and was killed before it logged it. What came since is the next version's.
		text, err := l.files.Get(ctx, path)
		if err != nil {
			return nil, err
		}
		if list, err = tlog.ParseRecords(text); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	return list.Entry(hour, version, why).Entry(), nil
}

// hourRecords reads the records of an hour as they are stored.
func hourRecords(ctx context.Context, r *Rollups, hour time.Time) (tlog.Records, error) {
	var reader tlog.RecordReader
	var list []tlog.Record
	for raw, err := range r.Store.HourRecords(ctx, hour) {
		if err != nil {
			return nil, fmt.Errorf("read records of %s: %w", hour.Format("2006-01-02T15Z"), err)
		}
		one, err := reader.Read(raw)
		if err != nil {
			return nil, fmt.Errorf("read records of %s: %w", hour.Format("2006-01-02T15Z"), err)
		}
		list = append(list, one)
	}
	return tlog.SortRecords(list), nil
}

// hours is what the log has of the period's hours, as of the time the digest is made: a retry writes the same bytes.
func (l *Log) hours(ctx context.Context, j *digestJob) ([]byte, error) {
	t, err := l.get(ctx, j.log)
	if err != nil {
		return nil, err
	}
	if j.state.LogSize == 0 {
		c, _, err := t.Head(ctx)
		if err != nil {
			return nil, err
		}
		j.state.LogSize = c.Size
	}
	from := j.span.From.UTC().Truncate(time.Hour)
	all, err := tlog.Hours(ctx, l.files, tlog.Checkpoint{Head: tlog.Head{Size: j.state.LogSize}}, from)
	if err != nil {
		return nil, err
	}
	var text []byte
	for _, hour := range slices.SortedFunc(maps.Keys(all), time.Time.Compare) {
		if hour.Before(j.span.To) {
			text = append(text, all[hour].Entry()...)
		}
	}
	return text, nil
}

// logHours is Log.hours; without them there is a digest too.
func (j *digestJob) logHours(ctx context.Context) []byte {
	if j.tlog == nil {
		return nil
	}
	text, err := j.tlog.hours(ctx, j)
	if err != nil {
		j.log.Warn("hours of the log not read", "digest", j.digest.Name, "period", j.span.Key, "error", err.Error())
	}
	return text
}

// logManifest logs a manifest and adds the proofs to the files. A failure stops no digest: log, mail
// and channel say so.
func (j *digestJob) logManifest(ctx context.Context, files []email.Attachment, manifest string) ([]email.Attachment, string) {
	if j.tlog == nil {
		return files, ""
	}
	proofs, said, err := j.tlog.manifest(ctx, j, manifest)
	if err != nil {
		j.log.Warn("digest not logged", "digest", j.digest.Name, "period", j.span.Key, "error", err.Error())
		return files, "Transparency log: the digest could not be logged; the app's log says why."
	}
	return append(files, proofs...), said
}

func (l *Log) manifest(ctx context.Context, j *digestJob, manifest string) (files []email.Attachment, said string, err error) {
	hash, err := ManifestHash(manifest)
	if err != nil {
		return nil, "", err
	}
	t, err := l.get(ctx, j.log)
	if err != nil {
		return nil, "", err
	}
	entry := tlog.ManifestEntry(hash)
	if err := t.Append(ctx, entry); err != nil {
		return nil, "", err
	}
	note, signed, err := t.Cosign(ctx, l.witnesses)
	if err != nil {
		j.log.Warn("witnesses did not sign the log", "signed", signed, "wanted", l.quorum, "error", err.Error())
	}
	c, err := tlog.PeekCheckpoint(note)
	if err != nil {
		return nil, "", err
	}
	proof, err := tlog.Prove(ctx, l.files, c, entry, note)
	if err != nil {
		return nil, "", err
	}
	proof.Extra = []byte(t.Key().String())
	files = append(files, email.Attachment{Name: digest.LogProofName, Type: "text/plain; charset=utf-8", Data: proof.Text()})
	said = fmt.Sprintf("Transparency log: manifest.json is entry %d of %s.", proof.Index, l.name)
	if len(l.witnesses) > 0 {
		said += fmt.Sprintf(" %d of %d witnesses signed it", signed, len(l.witnesses))
		if signed < l.quorum {
			said += fmt.Sprintf("; %d should", l.quorum)
		}
		said += "."
	}
	if grown := l.grown(ctx, j, c, note); grown != nil {
		files = append(files, email.Attachment{Name: digest.LogGrownName, Type: "text/plain; charset=utf-8", Data: grown})
	}
	return files, said, nil
}

// grown proves that the log only grew since the digest before, nil when that was not logged.
func (l *Log) grown(ctx context.Context, j *digestJob, c tlog.Checkpoint, note []byte) []byte {
	state, err := j.Record.Store.DigestState(ctx, j.digest.Name, j.digest.Before(j.span).Key)
	if err != nil || state.Made.IsZero() {
		return nil
	}
	text, err := j.archive.Get(ctx, folderOf(j.digest.Name, state.Period, state.Made)+"/"+digest.LogProofName)
	if err != nil {
		return nil
	}
	before, err := tlog.ParseProof(text)
	if err != nil {
		return nil
	}
	old, err := tlog.PeekCheckpoint(before.Note)
	if err != nil {
		return nil
	}
	g, err := tlog.Grow(ctx, l.files, old.Size, c, note)
	if err != nil {
		j.log.Warn("log did not grow from the digest before", "digest", j.digest.Name, "period", j.span.Key, "error", err.Error())
		return nil
	}
	return g.Text()
}
