package host

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
)

// NewLogger returns the logger for a process that runs under the Functions host: one line of JSON per record.
//
// The host knows no levels. It records each stdout line as Information and each stderr line as Error, except that a
// stderr line with "warn" anywhere in it, in any case, is a Warning (WorkerConsoleLogService.cs). So records below
// WARN go to stdout, WARN goes to stderr where its own name marks it, and in an ERROR every "warn" is spelled with an
// escape that JSON readers undo: w\u0061rn. A newline would make two records; JSON never holds a raw one.
func NewLogger(stdout, stderr io.Writer, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	stderr = &lockedWriter{w: stderr} // two handlers share it
	return slog.New(&levelHandler{
		info:    slog.NewJSONHandler(stdout, options),
		warning: slog.NewJSONHandler(stderr, options),
		failure: slog.NewJSONHandler(unwarned{stderr}, options),
	})
}

// levelHandler sends each record to the stream that gives it the right level in the host.
type levelHandler struct {
	info, warning, failure slog.Handler
}

var _ slog.Handler = (*levelHandler)(nil)

func (h *levelHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.info.Enabled(ctx, level)
}

func (h *levelHandler) Handle(ctx context.Context, r slog.Record) error {
	switch {
	case r.Level >= slog.LevelError:
		return h.failure.Handle(ctx, r)
	case r.Level >= slog.LevelWarn:
		return h.warning.Handle(ctx, r)
	}
	return h.info.Handle(ctx, r)
}

func (h *levelHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &levelHandler{h.info.WithAttrs(attrs), h.warning.WithAttrs(attrs), h.failure.WithAttrs(attrs)}
}

func (h *levelHandler) WithGroup(name string) slog.Handler {
	return &levelHandler{h.info.WithGroup(name), h.warning.WithGroup(name), h.failure.WithGroup(name)}
}

// labelled returns a logger whose records carry the labels. slog formats attributes when a logger gets them, for each
// of the three streams; most invocations log nothing, so here they are formatted when a record comes.
func labelled(l *slog.Logger, labels ...slog.Attr) *slog.Logger {
	return slog.New(&labelHandler{l.Handler(), labels})
}

type labelHandler struct {
	slog.Handler
	labels []slog.Attr
}

var _ slog.Handler = (*labelHandler)(nil)

func (h *labelHandler) Handle(ctx context.Context, r slog.Record) error {
	return h.Handler.WithAttrs(h.labels).Handle(ctx, r)
}

func (h *labelHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.Handler.WithAttrs(h.labels).WithAttrs(attrs)
}

func (h *labelHandler) WithGroup(name string) slog.Handler {
	return h.Handler.WithAttrs(h.labels).WithGroup(name)
}

// unwarned rewrites "warn" in lines of JSON, where the word can only stand inside a string.
type unwarned struct{ w io.Writer }

func (u unwarned) Write(line []byte) (int, error) {
	out := line
	for from := 0; ; {
		at := indexWarn(out, from)
		if at < 0 {
			break
		}
		escape := `\u0061`
		if out[at+1] == 'A' {
			escape = `\u0041`
		}
		from = at + 1 + len(escape)
		out = bytes.Join([][]byte{out[:at+1], []byte(escape), out[at+2:]}, nil)
	}
	if _, err := u.w.Write(out); err != nil {
		return 0, err
	}
	return len(line), nil
}

func indexWarn(line []byte, from int) int {
	for i := from; i+4 <= len(line); i++ {
		if bytes.EqualFold(line[i:i+4], []byte("warn")) {
			return i
		}
	}
	return -1
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
