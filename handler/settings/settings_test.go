package settings_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/settings"
)

func from(env map[string]string) *settings.Set {
	return settings.New(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
}

func TestEveryProblemIsCollected(t *testing.T) {
	t.Parallel()
	s := from(map[string]string{"A_URL": "http://example.com/hunter2", "A_DURATION": "soon", "A_VAULT": "@Microsoft.KeyVault(SecretUri=x)"})
	s.URL(settings.Def{Name: "A_URL", Hint: "copy it from the workflow"})
	s.Duration(settings.Def{Name: "A_DURATION"})
	s.Text(settings.Def{Name: "A_VAULT"})
	s.Text(settings.Def{Name: "A_MISSING", Required: true, Hint: "set it"})
	got := fmt.Sprint(s.Err())
	for _, want := range []string{
		"A_URL: must start with https://", "(hint: copy it from the workflow)", "A_DURATION: is not a duration",
		"A_VAULT: its Key Vault reference was not resolved", "A_MISSING: is not set (hint: set it)",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("problems lack %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "hunter2") {
		t.Errorf("problems quote a value, which may be a secret:\n%s", got)
	}
}

func TestReadingAndDefaults(t *testing.T) {
	t.Parallel()
	s := from(map[string]string{"ZONE": "Europe/Berlin", "N": " 7 "})
	if got := s.Int(settings.Def{Name: "N"}); got != 7 {
		t.Errorf("Int = %d, want 7", got)
	}
	if got := s.Duration(settings.Def{Name: "D", Default: "25s"}); got != 25*time.Second {
		t.Errorf("Duration = %v, want the default", got)
	}
	if got := s.Zone(settings.Def{Name: "ZONE"}).String(); got != "Europe/Berlin" {
		t.Errorf("Zone = %s", got)
	}
	if got := s.URL(settings.Def{Name: "LOCAL", Default: "http://127.0.0.1:8081"}); got == "" {
		t.Error("URL refuses plain http to loopback, which local runs need")
	}
	if err := s.Err(); err != nil {
		t.Errorf("unexpected problems: %v", err)
	}
	if got := len(s.Declared()); got != 4 {
		t.Errorf("Declared lists %d settings, want the 4 that were read", got)
	}
}

func TestSecretNeverShows(t *testing.T) {
	t.Parallel()
	const token = "xoxb-very-secret"
	s := settings.Secret(token)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", s)
	asJSON, _ := json.Marshal(map[string]any{"token": s})
	for _, shown := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %q", s, s, s, s), log.String(), string(asJSON)} {
		if strings.Contains(shown, token) {
			t.Errorf("secret shows in %s", shown)
		}
	}
}
