package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/archive"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/email"
	"github.com/auditbell/auditbell/handler/pipeline"
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

	// Patience is how long all witnesses together may take.
	Patience time.Duration

	// Alerts is how a person hears of a log that is not witnessed or not written; nil: only the app's log says so.
	Alerts LogAlerts

	mu   sync.Mutex
	open *tlog.Log // nil until the key was needed
}

// LogAlerts raises alerts about the log.
type LogAlerts interface {
	Unwitnessed(ctx context.Context, b pipeline.Batch, log, detail string)
	Unlogged(ctx context.Context, b pipeline.Batch, log, detail string)
}

// cosign has the newest checkpoint signed by witnesses. That too few do stops nothing, and is an alert.
func (l *Log) cosign(ctx context.Context, t *tlog.Log, b pipeline.Batch) (note []byte, signed int) {
	asking, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	note, signed, err := t.Cosign(asking, l.witnesses)
	if err == nil && signed >= l.quorum {
		return note, signed
	}
	detail := fmt.Sprintf("%d of %d witnesses signed its newest checkpoint, %d should.", signed, len(l.witnesses), l.quorum)
	if err != nil {
		detail += " " + notify.FirstLine(errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))) + "."
	}
	b.Logger.Warn("witnesses did not sign the log", "signed", signed, "wanted", l.quorum, "witnesses", len(l.witnesses), "error", fmt.Sprint(err))
	if signed < l.quorum && l.Alerts != nil {
		l.Alerts.Unwitnessed(ctx, b, l.name, detail)
	}
	return note, signed
}

// unlogged alerts that something could not be logged.
func (l *Log) unlogged(ctx context.Context, b pipeline.Batch, what string, err error) {
	b.Logger.Error("not logged", "what", what, "error", err.Error())
	if l.Alerts != nil {
		l.Alerts.Unlogged(ctx, b, l.name, fmt.Sprintf("%s: %s.", what, strings.TrimSuffix(notify.FirstLine(err), ".")))
	}
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

// signer reads the key. Each time is logged: in Azure, Key Vault unwraps it then.
func (l *Log) signer(ctx context.Context, log *slog.Logger) (*tlog.Signer, error) {
	seed, err := l.seed(ctx)
	if err != nil {
		return nil, err
	}
	defer clear(seed)
	s, err := tlog.NewSigner(l.name, seed)
	if err == nil {
		log.Info("key of the transparency log read", "key", s.Key.Short())
	}
	return s, err
}

// get opens the log with its key, which is read once.
func (l *Log) get(ctx context.Context, log *slog.Logger) (*tlog.Log, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open != nil {
		return l.open, nil
	}
	s, err := l.signer(ctx, log)
	if err != nil {
		return nil, err
	}
	l.open = tlog.New(l.files, s, l.former...)
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

// Former are the keys that were the log's before.
func (l *Log) Former() []tlog.Key { return l.former }

// Rotate logs that the key gives way to that of a seed.
func (l *Log) Rotate(ctx context.Context, log *slog.Logger, seed []byte) (from, to tlog.Key, err error) {
	a, err := l.signer(ctx, log)
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
	return a.Key, b.Key, tlog.New(l.files, a, l.former...).Append(ctx, entry)
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

// batch is the run, as alerts about ourselves name it.
func (j *digestJob) batch() pipeline.Batch {
	return pipeline.Batch{ID: j.owner, Function: "digest", Logger: j.log}
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
		j.tlog.unlogged(ctx, j.batch(), "digest "+j.digest.Name+" of "+j.span.Key, err)
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
	note, signed := l.cosign(ctx, t, j.batch())
	c, err := tlog.PeekCheckpoint(note)
	if err != nil {
		return nil, "", err
	}
	proof, err := tlog.Prove(ctx, l.files, c, entry, note)
	if err != nil {
		return nil, "", err
	}
	history := tlog.History{Key: t.Key().String()}
	if history.Rotations, err = tlog.Rotations(ctx, l.files, c, l.former); err != nil {
		return nil, "", err
	}
	if proof.Extra, err = history.Text(); err != nil {
		return nil, "", err
	}
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
