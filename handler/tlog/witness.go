package tlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Witness is a second party's service, as the log knows it (c2sp.org/tlog-witness). It is safe for concurrent use.
type Witness struct {
	Key    Key
	url    string
	client *http.Client

	mu   sync.Mutex
	last uint64 // the size that it is known to have seen
}

// NewWitness is a witness at an address; it calls nothing.
func NewWitness(url string, key Key, client *http.Client) *Witness {
	return &Witness{Key: key, url: strings.TrimRight(url, "/"), client: client}
}

// cosign has a checkpoint signed and returns the signature line. A witness that has seen another size than it is known to
// have says so, and is asked once more; one that does not know the key is led to it from the former ones.
func (w *Witness) cosign(ctx context.Context, files Reader, h state, former []Key) (line string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var rotations []Rotation
	for range 3 {
		grown, err := Grow(ctx, files, min(w.last, h.Size), h.Checkpoint, h.note)
		if err != nil {
			return "", err
		}
		status, body, err := w.ask(ctx, grown, rotations)
		switch {
		case err != nil:
			return "", err
		case status == http.StatusConflict:
			size, err := parseNumber(strings.TrimSpace(string(body)))
			if err != nil || size > h.Size {
				return "", fmt.Errorf("it has seen a log of %.20q entries, this one has %d", body, h.Size)
			}
			w.last = size
		case status == http.StatusForbidden && rotations == nil && len(former) > 0:
			if rotations, err = Rotations(ctx, files, h.Checkpoint, former); err != nil {
				return "", err
			}
		case status == http.StatusForbidden || rotations != nil && status != http.StatusOK:
			return "", fmt.Errorf("it does not know the key that the log is signed with (status %d): give its operator the verifier key", status)
		case status != http.StatusOK:
			return "", fmt.Errorf("status %d", status)
		default:
			return w.accept(h.Checkpoint, string(body))
		}
	}
	return "", errors.New("it has seen another size each time it was asked")
}

// ask asks for a signature, with the rotations that lead to the checkpoint's key where there are any.
func (w *Witness) ask(ctx context.Context, grown Growth, rotations []Rotation) (status int, answer []byte, err error) {
	if rotations == nil {
		return w.post(ctx, "/add-checkpoint", grown.Text())
	}
	body, err := json.Marshal(rotated{string(grown.Text()), rotations})
	if err != nil {
		return 0, nil, err
	}
	return w.post(ctx, rotatedPath, body)
}

// accept checks the signature in an answer.
func (w *Witness) accept(c Checkpoint, answer string) (line string, err error) {
	_, found, err := OpenNote([]byte(c.Text()+"\n"+answer), w.Key)
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("its answer is not signed by %s", w.Key.Short())
	}
	w.last = c.Size
	return found[0].line + "\n", nil
}

func (w *Witness) post(ctx context.Context, path string, body []byte) (status int, answer []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	got, err := w.client.Do(r)
	if err != nil {
		return 0, nil, errors.New("it cannot be reached") // the error of net/http repeats the address
	}
	defer got.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(got.Body, maxNote))
	return got.StatusCode, answer, err
}

// Cosign has witnesses sign the newest checkpoint, all at once, for as long as ctx allows, and keeps the note with their signatures. n is how many
// signed. An error says which did not; the log goes on without them.
func (l *Log) Cosign(ctx context.Context, witnesses []*Witness) (note []byte, n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.forward(ctx); err != nil || l.head.note == nil || len(witnesses) == 0 {
		return l.head.note, 0, err
	}
	if note, err = l.seen(ctx); err != nil || !bytes.Equal(note, l.head.note) {
		return note, signed(note, witnesses), err
	}
	lines, errs := make([]string, len(witnesses)), make([]error, len(witnesses))
	var wait sync.WaitGroup
	for i, w := range witnesses {
		wait.Go(func() {
			if lines[i], errs[i] = w.cosign(ctx, l.keeper, l.head, l.former); errs[i] != nil {
				errs[i] = fmt.Errorf("witness %s: %w", w.Key.Name, errs[i])
			}
		})
	}
	wait.Wait()
	all := strings.Join(lines, "")
	if n = strings.Count(all, "\n"); n == 0 {
		return l.head.note, 0, errors.Join(errs...)
	}
	note = append(bytes.Clone(l.head.note), all...)
	if err := l.keeper.Put(context.WithoutCancel(ctx), cosignedPath(l.head.batches), "text/plain; charset=utf-8", note); err != nil {
		errs = append(errs, err) // another process was first; this note is as good
	}
	return note, n, errors.Join(errs...)
}

// signed counts the witnesses whose signature a note has.
func signed(note []byte, witnesses []*Witness) (n int) {
	for _, w := range witnesses {
		if _, found, err := OpenNote(note, w.Key); err == nil {
			n += len(found)
		}
	}
	return n
}
