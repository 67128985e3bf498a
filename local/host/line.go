package host

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"
)

// The host's names for levels.
const (
	Information = "Information"
	Warning     = "Warning"
	Error       = "Error"
)

// Categories of lines. Others are "Function.<name>".
const (
	CategoryHost    = "Host"
	CategoryConsole = "Host.Function.Console" // what the handler printed
)

// Line is one record of the host's log.
type Line struct {
	At       time.Time
	Level    string
	Category string
	Text     string
}

func (l Line) String() string {
	return fmt.Sprintf("%s %-11s %s: %s", l.At.UTC().Format("15:04:05.000"), l.Level, l.Category, l.Text)
}

// logger hands lines to the sink one at a time.
type logger struct {
	mu   *sync.Mutex
	sink func(Line)
}

func newLogger(sink func(Line)) logger {
	if sink == nil {
		sink = func(Line) {}
	}
	return logger{new(sync.Mutex), sink}
}

func (l logger) printf(level, category, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sink(Line{At: time.Now(), Level: level, Category: category, Text: fmt.Sprintf(format, args...)})
}

// lineWriter cuts what a process prints into lines.
type lineWriter struct {
	line func(string)
	rest []byte // begun and not ended
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		end := bytes.IndexByte(w.rest, '\n')
		if end < 0 {
			return len(p), nil
		}
		w.line(strings.TrimSuffix(string(w.rest[:end]), "\r"))
		w.rest = w.rest[end+1:]
	}
}

// flush gives out a last line that has no newline.
func (w *lineWriter) flush() {
	if len(w.rest) > 0 {
		w.line(string(w.rest))
		w.rest = nil
	}
}

// console returns the writers for a handler's two streams. Levels are the host's guess (WorkerProcess.cs with
// useStdErrorStreamForErrorsOnly): stdout is Information; stderr is Error unless "warn" stands anywhere in the line.
// errorLine also gets each Error, because the last of them explain an exit.
func (l logger) console(errorLine func(string)) (stdout, stderr *lineWriter) {
	stdout = &lineWriter{line: func(text string) { l.handlerLine(Information, text) }}
	stderr = &lineWriter{line: func(text string) {
		if strings.Contains(strings.ToLower(text), "warn") {
			l.handlerLine(Warning, text)
			return
		}
		errorLine(text)
		l.handlerLine(Error, text)
	}}
	return stdout, stderr
}

// systemPrefix makes a line the worker's own instead of the user's (WorkerProcessUtilities.cs).
const systemPrefix = "LanguageWorkerConsoleLog"

func (l logger) handlerLine(level, text string) {
	if own, system := strings.CutPrefix(text, systemPrefix); system {
		l.printf(level, CategoryHost, "%s", own)
		return
	}
	l.printf(level, CategoryConsole, "%s", text)
}
