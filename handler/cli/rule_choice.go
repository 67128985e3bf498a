package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
)

// ruleChoice says which rules a command works with; without flags, those that the handler would serve with.
type ruleChoice struct {
	Rules     string `placeholder:"DIR" help:"Rules of this folder or file in place of config/rules."`
	NoLibrary bool   `help:"Leave the library out."`
}

// chosenRules are the rules of a choice, compiled.
type chosenRules struct {
	all  []*rules.Rule
	set  *rules.Set
	left []rules.Left
}

// wrong reports whether a rule was left out that was meant to be evaluated; the command then ends with exit code 1, after
// it has done what it could.
func (c chosenRules) wrong() bool { return len(rules.Wrong(c.left)) > 0 }

// load reads and compiles the rules. Those that cannot be evaluated are left out and named on standard error; it is an
// error only when there is no other.
func (c ruleChoice) load(std Surroundings) (chosenRules, error) {
	chosen, err := c.quietly(std)
	complainLeft("rule", rules.Wrong(chosen.left), std)
	return chosen, err
}

// complainLeft names on standard error what is left out.
func complainLeft(what string, left []rules.Left, std Surroundings) {
	for _, one := range left {
		fmt.Fprintf(std.Err, "handler: %s left out: %s: %s\n", what, notify.Clean(one.Place, false /* lines */), notify.Clean(one.Reason, false))
	}
}

func (c ruleChoice) quietly(std Surroundings) (chosenRules, error) {
	var library []*rules.Rule
	if !c.NoLibrary {
		var err error
		if library, err = rules.Library(); err != nil {
			return chosenRules{}, err
		}
	}
	own, err := c.own(std)
	if err != nil {
		return chosenRules{}, err
	}
	a := rules.Assemble(library, own)
	chosen := chosenRules{a.All, a.Set, a.Left}
	if len(a.All) == 0 {
		return chosen, fmt.Errorf("there is no rule to work with%s (hint: name a folder of Sigma rules with --rules)", leftOut(own))
	}
	return chosen, nil
}

// own reads the folder of the choice; config/rules need not exist, a folder that was named must.
func (c ruleChoice) own(std Surroundings) (rules.Folder, error) {
	if c.Rules != "" {
		return readRuleFolder(c.Rules)
	}
	config := app.ConfigFolder(settings.New(std.Env))
	if _, err := fs.Stat(config, "rules"); errors.Is(err, fs.ErrNotExist) {
		return rules.Folder{}, nil
	}
	return rules.Read(config, "rules")
}

// readRuleFolder reads a folder, or a single file, of rules; places are named with the folder's own name.
func readRuleFolder(name string) (rules.Folder, error) {
	path, err := filepath.Abs(name)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		return rules.Folder{}, fmt.Errorf("open rules: %w", err)
	}
	return rules.Read(os.DirFS(filepath.Dir(path)), filepath.Base(path))
}

// leftOut says what the folder held beside rules that can be evaluated.
func leftOut(folder rules.Folder) string {
	wrong := len(rules.Wrong(folder.Left))
	text := ""
	if n := len(folder.Left) - wrong; n > 0 {
		text += fmt.Sprintf("; %d are about other logs or retired", n)
	}
	if wrong > 0 {
		text += fmt.Sprintf("; %d cannot be evaluated", wrong)
	}
	return text
}

// named finds a rule by the id that we show, its Sigma id or its Sigma name.
func (c chosenRules) named(name string) *rules.Rule {
	i := slices.IndexFunc(c.all, func(r *rules.Rule) bool {
		return name != "" && (r.ID == name || strings.EqualFold(r.UUID, name) || r.Name == name)
	})
	if i < 0 {
		return nil
	}
	return c.all[i]
}

// shownID is the id under which others know the rule: the Sigma id as its author wrote it, unless the rule has one of
// our own (auditbell.id).
func shownID(r *rules.Rule) string {
	if strings.EqualFold(r.ID, r.UUID) {
		return r.UUID
	}
	return r.ID
}
