package tlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
)

// Watcher is a witness that a second party runs: another tenant, the auditor. It signs checkpoints of the logs that it
// was given, each only when it grew out of the one it signed before (c2sp.org/tlog-witness). It keeps the newest
// checkpoint of each log in a folder of its own, and never signs what it could not keep.
type Watcher struct {
	signer *Signer
	folder string

	mu   sync.Mutex
	logs map[string]*watched // by origin; which logs there are does not change
}

// NewWatcher watches logs by their keys; several keys of one name are of one log. Keys that these gave way to are in the folder.
func NewWatcher(signer *Signer, folder string, logs []Key) (*Watcher, error) {
	if !signer.Key.Witness() {
		return nil, errors.New("open witness: its key is not a witness's")
	}
	w := &Watcher{signer: signer, logs: map[string]*watched{}, folder: folder}
	for _, k := range logs {
		if w.logs[k.Name] == nil {
			w.logs[k.Name] = &watched{}
		}
		w.logs[k.Name].keys = append(w.logs[k.Name].keys, k)
	}
	for origin, log := range w.logs {
		if err := log.read(w.path(origin) + keysSuffix); err != nil {
			return nil, fmt.Errorf("open witness: %w", err)
		}
	}
	return w, os.MkdirAll(folder, 0o750)
}

// Handler serves the witness protocol, and beside it checkpoints whose key the log changed to.
func (w *Watcher) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", func(out http.ResponseWriter, in *http.Request) { w.add(out, in, false) })
	mux.HandleFunc("POST "+rotatedPath, func(out http.ResponseWriter, in *http.Request) { w.add(out, in, true) })
	mux.HandleFunc("GET /{origin}/checkpoint", w.newest)
	return mux
}

// refusal is an answer that is not a signature.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

func (w *Watcher) add(out http.ResponseWriter, in *http.Request, isRotated bool) {
	body, err := io.ReadAll(http.MaxBytesReader(out, in.Body, 8*maxNote))
	if err != nil {
		http.Error(out, "the request is too long", http.StatusRequestEntityTooLarge)
		return
	}
	var line string
	if request, parseErr := parseRequest(body, isRotated); parseErr != nil {
		err = refuse(http.StatusBadRequest, "%v", parseErr)
	} else {
		line, err = w.sign(request)
	}
	wrong := new(refusal)
	switch {
	case errors.As(err, &wrong) && wrong.status == http.StatusConflict:
		out.Header().Set("Content-Type", "text/x.tlog.size")
		out.WriteHeader(wrong.status)
		_, _ = io.WriteString(out, wrong.text+"\n")
	case errors.As(err, &wrong):
		http.Error(out, wrong.text, wrong.status)
	case err != nil:
		http.Error(out, "the witness cannot keep the checkpoint", http.StatusInternalServerError)
	default:
		_, _ = io.WriteString(out, line)
	}
}

// sign checks a request and returns a signature line.
func (w *Watcher) sign(r request) (line string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := r.checkpoint
	log, known := w.logs[c.Origin]
	if !known {
		return "", refuse(http.StatusNotFound, "this witness does not watch that log")
	}
	next, err := log.follow(r)
	if err != nil {
		return "", refuse(http.StatusForbidden, "%v", err)
	}
	if r.grown.Before > c.Size {
		return "", refuse(http.StatusBadRequest, "the old size is larger than the checkpoint's")
	}
	old, err := w.last(c.Origin)
	if err != nil {
		return "", err
	}
	if r.grown.Before != old.Size {
		return "", refuse(http.StatusConflict, "%d", old.Size)
	}
	if err := CheckConsistency(r.grown.Hashes, old.Head, c.Head); err != nil || c.Size == 0 && c.Root != sha256.Sum256(nil) {
		return "", refuse(http.StatusUnprocessableEntity, "the log did not grow out of the one that was signed before")
	}
	line = w.signer.line(r.text)
	if err := w.keep(c.Origin, append(Sign(r.text), append(logLines(r.grown.Note, next.keys), line...)...)); err != nil {
		return "", err
	}
	if len(next.rotations) > len(log.rotations) {
		if err := w.write(w.path(c.Origin)+keysSuffix, next.text()); err != nil {
			return "", err
		}
	}
	*log = next
	return line, nil
}

// logLines are the signatures of a log's own keys.
func logLines(note []byte, keys []Key) (lines []byte) {
	_, found, _ := OpenNote(note, keys...) // it was opened before
	for _, s := range found {
		lines = append(append(lines, s.line...), '\n')
	}
	return lines
}

// last is the newest checkpoint that was signed; the empty log's when none was.
func (w *Watcher) last(origin string) (Checkpoint, error) {
	note, err := os.ReadFile(w.path(origin))
	if errors.Is(err, fs.ErrNotExist) {
		return Checkpoint{origin, Head{0, sha256.Sum256(nil)}}, nil
	}
	if err != nil {
		return Checkpoint{}, err
	}
	text, found, err := OpenNote(note, w.signer.Key)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%s is not signed by this witness", w.path(origin))
	}
	if err != nil {
		return Checkpoint{}, err
	}
	return ParseCheckpoint(text)
}

// keep replaces the newest checkpoint; the file is whole at any time.
func (w *Watcher) keep(origin string, note []byte) error { return w.write(w.path(origin), note) }

// write replaces a file.
func (w *Watcher) write(path string, data []byte) error {
	part, err := os.CreateTemp(w.folder, ".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name()) //nolint:errcheck // renamed, or a leftover that does no harm
	_, err = part.Write(data)
	if err := errors.Join(err, part.Sync(), part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}

func originHash(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return hex.EncodeToString(sum[:])
}

func (w *Watcher) path(origin string) string { return filepath.Join(w.folder, originHash(origin)) }

// newest serves the newest checkpoint of a log that was signed, for monitors.
func (w *Watcher) newest(out http.ResponseWriter, in *http.Request) {
	for origin := range w.logs {
		if originHash(origin) != in.PathValue("origin") {
			continue
		}
		if note, err := os.ReadFile(w.path(origin)); err == nil {
			http.ServeContent(out, in, "checkpoint.txt", w.signer.now(), bytes.NewReader(note))
			return
		}
	}
	http.Error(out, "no checkpoint of that log was signed", http.StatusNotFound)
}
