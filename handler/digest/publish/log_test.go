package publish

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/digest/archive"
)

// TestEachUnwrappingIsLogged counts how often the log's key is asked for, which is an unwrapping where Key Vault wraps it.
func TestEachUnwrappingIsLogged(t *testing.T) {
	t.Parallel()
	kept, err := archive.Open(t.TempDir(), archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	l := &Log{name: "auditbell.contoso.example/log", files: logFiles{kept}, seed: func(context.Context) ([]byte, error) {
		asked++
		return bytes.Repeat([]byte{1}, 32), nil
	}}
	var lines bytes.Buffer
	log := slog.New(slog.NewTextHandler(&lines, nil))
	for range 2 { // the second time it is there
		if _, err := l.Key(t.Context(), log); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := l.Rotate(t.Context(), log, bytes.Repeat([]byte{2}, 32)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(lines.String(), "key of the transparency log read"); asked != 2 || n != asked {
		t.Errorf("the key was asked for %d times, expected 2, and %d were logged:\n%s", asked, n, lines.String())
	}
}
