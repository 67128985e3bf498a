package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Config is config/auditbell.yaml. A new key is a field here, its description in config/schema/auditbell.json (a test
// holds the two together), and a check of what it means.
type Config struct {
	Destinations map[string]Destination `yaml:"destinations"`
	Routes       []Route                `yaml:"routes"`
	Summaries    Summaries              `yaml:"summaries"`
	Quiet        []Quiet                `yaml:"quiet"`
	Maintenance  []Maintenance          `yaml:"maintenance"`
	Changes      Changes                `yaml:"changes"`
	Digests      []Digest               `yaml:"digests"`
	Texts        Texts                  `yaml:"texts"`
	Report       Masthead               `yaml:"report"`
}

// Masthead is what stands on every digest.
type Masthead struct {
	Organisation   string `yaml:"organisation"`
	Classification string `yaml:"classification"` // a line such as "Internal"
	PreparedBy     string `yaml:"prepared_by"`    // of the sign-off
	ReviewedBy     string `yaml:"reviewed_by"`
}

// Destination is an end that routes may name beside the kinds themselves: the same token or address, another channel.
type Destination struct {
	Kind    string `yaml:"kind"`
	Channel string `yaml:"channel"` // empty: where the kind's own settings lead

	At string `yaml:"-"` // file, line and column
}

// Names are what the file may refer to and other packages know.
type Names struct {
	Kinds []string               // of destinations; each is a destination of its own, too
	Rule  func(like string) bool // reports whether there is a rule with such an id; nil: any id is right
	// RetiredTag says what stands in place of a tag that its catalogue has retired; nil: none is.
	RetiredTag func(tag string) (instead string, retired bool)
}

// configFile is the one file that this package reads from the config folder.
const configFile = "auditbell.yaml"

// ReadConfig reads the config folder. All problems go into s, each with file, line and column. Without the file, or without
// routes in it, they are DefaultRoutes.
func (s *Set) ReadConfig(folder fs.FS, names Names) Config {
	usual := Config{Routes: DefaultRoutes()}
	text, err := fs.ReadFile(folder, configFile)
	if errors.Is(err, fs.ErrNotExist) {
		return usual
	}
	if err != nil {
		s.Report(Problem{Name: configFile, Reason: "cannot be read: " + err.Error()})
		return usual
	}
	var c Config
	d, ok := newDocument("config/"+configFile, text, &c)
	defer d.reportTo(s)
	if !ok {
		return usual
	}
	d.checkDestinations(c.Destinations, names)
	d.locateTexts(&c.Texts)
	if len(c.Routes) == 0 {
		c.Routes = usual.Routes
	} else {
		d.checkRoutes(c, names)
	}
	d.checkSummaries(&c)
	d.checkQuiet(&c, names)
	d.checkChanges(&c.Changes, names)
	d.checkDigests(c.Digests, slices.Concat(names.Kinds, slices.Sorted(maps.Keys(c.Destinations))))
	return c
}

// destinationName is what keys and ids of items in the store may hold, where names of destinations end up.
var destinationName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

func (d *document) checkDestinations(all map[string]Destination, names Names) {
	kinds := strings.Join(names.Kinds, ", ")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		one, path := all[name], join("destinations", name)
		one.At = d.at(path)
		all[name] = one
		switch {
		case slices.Contains(names.Kinds, name):
			d.problem(path, fmt.Sprintf("%q is a kind of destination already, with the channel of its own settings", name), "choose another name, and name the kind under kind")
		case !destinationName.MatchString(name):
			d.problem(path, fmt.Sprintf("the name %q does not do", name), "lower-case letters, digits and hyphens, at most 40, a letter first")
		}
		if !slices.Contains(names.Kinds, one.Kind) {
			d.problem(join(path, "kind"), fmt.Sprintf("kind %q is unknown", one.Kind), "one of "+kinds)
		}
		if one.Channel != strings.TrimSpace(one.Channel) || strings.ContainsFunc(one.Channel, func(r rune) bool { return r < ' ' }) {
			d.problem(join(path, "channel"), fmt.Sprintf("channel %q has white space around it", one.Channel), "an id such as C0123456789")
		}
	}
}
