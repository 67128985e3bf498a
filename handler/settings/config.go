package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Config is config/auditbell.yaml.
type Config struct {
	Routes      []Route       `yaml:"routes"`
	Quiet       []Quiet       `yaml:"quiet"`
	Maintenance []Maintenance `yaml:"maintenance"`
}

// severities are Sigma's levels from quiet to loud.
var severities = []string{"informational", "low", "medium", "high", "critical"}

// Route sends what matches to destinations. Routes are tried in order; the first that matches is taken, and the
// following ones too while Continue is set. The last must match everything, so that nothing falls through.
type Route struct {
	Match    RouteMatch `yaml:"match"`
	To       []string   `yaml:"to"` // destination names, or Everywhere
	Continue bool       `yaml:"continue"`
}

// Everywhere in a route's To stands for every destination that is configured.
const Everywhere = "*"

// RouteMatch lists conditions that must all hold; within one, any value will do. Comparison ignores case.
type RouteMatch struct {
	Severity      string   `yaml:"severity"` // this severity or a graver one
	Category      []string `yaml:"category"`
	Rule          []string `yaml:"rule"`
	Subscription  []string `yaml:"subscription"`
	ResourceGroup []string `yaml:"resource_group"`
}

func (m RouteMatch) empty() bool {
	return m.Severity == "" && len(m.Category)+len(m.Rule)+len(m.Subscription)+len(m.ResourceGroup) == 0
}

// configFile is the one file that this package reads from the config folder.
const configFile = "auditbell.yaml"

// ReadConfig reads the config folder; destinations are the names that routes may use. Problems go into s. Without the
// file everything goes everywhere.
func (s *Set) ReadConfig(folder fs.FS, destinations []string) Config {
	everything := Config{Routes: []Route{{To: []string{Everywhere}}}}
	text, err := fs.ReadFile(folder, configFile)
	if errors.Is(err, fs.ErrNotExist) {
		return everything
	}
	if err != nil {
		s.Report(Problem{Name: configFile, Reason: "cannot be read: " + err.Error()})
		return everything
	}
	var c Config
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		s.Report(Problem{Name: configFile, Reason: strings.ReplaceAll(err.Error(), "\n", " "), Hint: "compare with config/auditbell.yaml in the repository"})
		return everything
	}
	if len(c.Routes) == 0 {
		c.Routes = everything.Routes
	}
	s.checkRoutes(c.Routes, destinations)
	s.checkQuiet(&c)
	return c
}

func (s *Set) checkRoutes(routes []Route, destinations []string) {
	known := map[string]bool{Everywhere: true}
	for _, name := range destinations {
		known[name] = true
	}
	for i, r := range routes {
		at := fmt.Sprintf("%s: route %d", configFile, i+1)
		if len(r.To) == 0 {
			s.Report(Problem{at, "sends to nothing", "list destinations under to, or use \"*\""})
		}
		for _, name := range r.To {
			if !known[name] {
				s.Report(Problem{at, fmt.Sprintf("names the destination %q, which there is not", name), "known: " + strings.Join(destinations, ", ") + ", *"})
			}
		}
		if m := r.Match.Severity; m != "" && !slices.Contains(severities, m) {
			s.Report(Problem{at, fmt.Sprintf("severity %q is unknown", m), "one of " + strings.Join(severities, ", ")})
		}
	}
	if last := routes[len(routes)-1]; !last.Match.empty() {
		s.Report(Problem{configFile, "the last route does not match everything: what no route matches would be silent", "end with a route without match"})
	}
}
