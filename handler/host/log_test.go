package host

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"
)

// What the host makes of a line: WorkerConsoleLogService.cs.
func hostLevel(stderr bool, line string) string {
	switch {
	case !stderr:
		return "Information"
	case strings.Contains(strings.ToLower(line), "warn"):
		return "Warning"
	}
	return "Error"
}

func TestEachLevelArrivesAsItself(t *testing.T) {
	t.Parallel()
	cases := []struct {
		level slog.Level
		msg   string
		want  string
	}{
		{slog.LevelDebug, "a warning to come", "Information"},
		{slog.LevelInfo, "warn", "Information"},
		{slog.LevelWarn, "slow", "Warning"},
		{slog.LevelError, "plain", "Error"},
		{slog.LevelError, "Warning: WARN warn wArN\nWARNED \\warn 😀", "Error"},
		{slog.LevelError + 4, "awarn", "Error"},
	}
	for _, c := range cases {
		var stdout, stderr bytes.Buffer
		logger := NewLogger(&stdout, &stderr, slog.LevelDebug)
		logger.With("warn_key", "unaware of warnings").WithGroup("Warn").Log(t.Context(), c.level, c.msg, "k", "warn")
		line := stdout.String() + stderr.String()
		if got := hostLevel(stderr.Len() > 0, line); got != c.want {
			t.Errorf("%s %q: host records %s, want %s: %s", c.level, c.msg, got, c.want, line)
		}
		if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
			t.Errorf("%q is not one line", line)
		}
		checkUndone(t, line, c.msg)
	}
}

// checkUndone reads the line as anybody would: the escapes must be invisible then.
func checkUndone(t *testing.T, line, msg string) {
	t.Helper()
	var record map[string]any
	if err := json.Unmarshal([]byte(line), &record); err != nil {
		t.Fatal(err)
	}
	group, _ := record["Warn"].(map[string]any)
	if record["msg"] != msg || record["warn_key"] != "unaware of warnings" || group["k"] != "warn" {
		t.Errorf("got %v, want message %q and every attribute", record, msg)
	}
}

func TestLevelIsHeld(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	NewLogger(&stdout, &stderr, slog.LevelWarn).Info("quiet")
	if stdout.Len()+stderr.Len() > 0 {
		t.Errorf("logged %s%s", &stdout, &stderr)
	}
}

func TestHandlerKeepsSlogsContract(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := labelled(NewLogger(&out, &out, slog.LevelDebug), slog.String("function", "ring"))
	err := slogtest.TestHandler(logger.Handler(), func() []map[string]any {
		var records []map[string]any
		for line := range strings.Lines(out.String()) {
			var record map[string]any
			if err := json.Unmarshal([]byte(line), &record); err != nil {
				t.Fatal(err)
			}
			if record["function"] != "ring" {
				t.Errorf("line %s has lost its label, or put it into a group", line)
			}
			records = append(records, record)
		}
		return records
	})
	if err != nil {
		t.Error(err)
	}
}
