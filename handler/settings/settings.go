// Package settings reads what the operator chose: app settings (environment) and, in config.go, the config folder.
//
// A setting is declared where it is read, by the Def it is read with; nothing is registered anywhere else. Reading
// never fails on the spot: every problem is collected, so that `handler check` and a failing invocation can list all
// of them at once. The package knows no destination, store or schedule, only how to read and explain values.
package settings

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Def declares one app setting: what the example file, README table and `handler settings` say about it.
type Def struct {
	Name     string // SLACK_BOT_TOKEN
	Doc      string // one sentence; the first words say what it is for
	Default  string // the value when unset, as the operator would write it
	Example  string // what local.settings.json.example shows; defaults to Default
	Hint     string // what to do when it is missing or wrong
	Secret   bool   // never shown; belongs into Key Vault
	Required bool
}

// Problem is one thing wrong with the configuration and what to do about it.
type Problem struct {
	Name   string // the setting, or file:line of the config file
	Reason string
	Hint   string
}

func (p Problem) Error() string {
	text := p.Name + ": " + p.Reason
	if p.Hint != "" {
		text += " (hint: " + p.Hint + ")"
	}
	return text
}

// Set reads settings and remembers what was declared and what was wrong. It is safe for concurrent use.
type Set struct {
	lookup func(string) (string, bool)

	mu       sync.Mutex
	defs     []Def
	problems []Problem
	warnings []Problem
}

// New returns a Set over lookup, which has os.LookupEnv's shape.
func New(lookup func(string) (string, bool)) *Set { return &Set{lookup: lookup} }

// Text reads a setting as it stands, trimmed; the default when it is unset or empty.
func (s *Set) Text(d Def) string {
	s.declare(d)
	raw, _ := s.lookup(d.Name)
	value := strings.TrimSpace(raw)
	switch {
	case strings.HasPrefix(value, "@Microsoft.KeyVault("):
		// App Service leaves the reference as it is when it cannot be resolved (learn: "Use Key Vault references").
		s.Report(Problem{
			d.Name, "its Key Vault reference was not resolved",
			"give the app's identity the role Key Vault Secrets User and check the secret's URI",
		})
		return ""
	case value != "":
		return value
	case d.Required:
		s.Report(Problem{d.Name, "is not set", d.Hint})
	}
	return d.Default
}

// Secret reads a setting that must never be shown.
func (s *Set) Secret(d Def) Secret {
	d.Secret = true
	return Secret(s.Text(d))
}

// URL reads an absolute https address; http is allowed to loopback only, for local runs. The result is "" when unset.
func (s *Set) URL(d Def) string {
	value := s.Text(d)
	if value == "" {
		return ""
	}
	if err := CheckURL(value); err != nil {
		s.Report(Problem{d.Name, err.Error(), d.Hint})
		return ""
	}
	return value
}

// SecretURL reads an address that carries its own password, such as a webhook's.
func (s *Set) SecretURL(d Def) Secret {
	d.Secret = true
	return Secret(s.URL(d))
}

// Duration reads a Go duration ("25s").
func (s *Set) Duration(d Def) time.Duration {
	return parsed(s, d, func(text string) (time.Duration, error) {
		v, err := time.ParseDuration(text)
		if err == nil && v < 0 {
			err = errors.New("negative")
		}
		return v, err
	}, "is not a duration such as 25s or 10m")
}

// Int reads a whole number.
func (s *Set) Int(d Def) int {
	return parsed(s, d, strconv.Atoi, "is not a whole number")
}

// Bool reads true or false.
func (s *Set) Bool(d Def) bool {
	return parsed(s, d, strconv.ParseBool, "is neither true nor false")
}

// Zone reads an IANA time zone; UTC when unset.
func (s *Set) Zone(d Def) *time.Location {
	zone := parsed(s, d, time.LoadLocation, "is not an IANA time zone such as Europe/Berlin")
	if zone == nil {
		return time.UTC
	}
	return zone
}

// Choice reads one of a few words.
func (s *Set) Choice(d Def, words ...string) string {
	return parsed(s, d, func(text string) (string, error) {
		if slices.Contains(words, text) {
			return text, nil
		}
		return "", errors.New("unknown")
	}, "is none of "+strings.Join(words, ", "))
}

// parsed reads d as text and parses it; the empty text is the zero value. The value itself is never quoted in a
// problem: it may be a secret that was put into the wrong setting.
func parsed[T any](s *Set, d Def, parse func(string) (T, error), reason string) T {
	var zero T
	text := s.Text(d)
	if text == "" {
		return zero
	}
	v, err := parse(text)
	if err != nil {
		s.Report(Problem{d.Name, reason, d.Hint})
		return zero
	}
	return v
}

// Report adds a problem, for rules between settings that only the reader knows.
func (s *Set) Report(p Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.problems, p) {
		s.problems = append(s.problems, p)
	}
}

// Warn adds what is worth a look and keeps nothing from running.
func (s *Set) Warn(p Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.warnings, p) {
		s.warnings = append(s.warnings, p)
	}
}

// Warnings returns what was warned of so far.
func (s *Set) Warnings() []Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.warnings)
}

// Err joins all problems so far, nil when there are none.
func (s *Set) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := make([]error, len(s.problems))
	for i, p := range s.problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}

// Declared returns the settings read so far in the order of first reading.
func (s *Set) Declared() []Def {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.defs)
}

func (s *Set) declare(d Def) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.defs, func(have Def) bool { return have.Name == d.Name }) {
		s.defs = append(s.defs, d)
	}
}

// CheckURL says what keeps an address from being called: only https, and http to loopback. The address is not part
// of the error because webhook addresses are secrets.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return errors.New("is not an absolute URL")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && Loopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("must start with https:// (plain http is allowed to this machine only)")
}

// Loopback reports whether host names this machine: localhost or a loopback address.
func Loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
