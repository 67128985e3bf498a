package rules

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"
)

// Folder is what a folder of rules held.
type Folder struct {
	Rules []*Rule // what can be evaluated: rules, correlations and filters
	Left  []Left  // what is not, in the order of files and lines
}

// Left is a rule that is not evaluated, and why. One bad rule is one bad rule: the others work.
type Left struct {
	Place  string `json:"place"` // "rules/x.yml:3", with the column where it is known
	ID     string `json:"rule,omitempty"`
	Title  string `json:"title,omitempty"`
	Why    Why    `json:"why"`
	Reason string `json:"reason"` // one sentence for people
}

// Why a rule is left out.
type Why string

// The reasons.
const (
	OtherSource Why = "other_source" // it is about another log
	Misspelt    Why = "misspelt"     // its log source is nearly ours: probably meant for the Activity Log
	Retired     Why = "retired"      // its author calls it deprecated or unsupported
	Broken      Why = "broken"       // it cannot be read, or not be evaluated as it is written
)

// Wrong reports whether a person should act: what is meant for the Activity Log does not work.
func (l Left) Wrong() bool { return l.Why == Misspelt || l.Why == Broken }

// Wrong are the parts of what was left out that a person should correct.
func Wrong(left []Left) []Left {
	return slices.DeleteFunc(slices.Clone(left), func(l Left) bool { return !l.Wrong() })
}

// PlaceholderFile holds the values of placeholders, beside the rules: a mapping of names to lists.
const PlaceholderFile = "placeholders.yaml"

// Load reads every .yml and .yaml file under root. A problem in any file is an error, with all problems of all files
// joined (each a *Problem, in the order of files and lines). It still returns the rules without problems, so that a
// tool can go on with them.
func Load(fsys fs.FS, root string) ([]*Rule, error) {
	folder, problems, err := read(fsys, root)
	if err != nil {
		return nil, err
	}
	return folder.Rules, joined(problems)
}

// Read is Load for callers that go on without what cannot be evaluated: the error is about the folder alone.
func Read(fsys fs.FS, root string) (Folder, error) {
	folder, _, err := read(fsys, root)
	return folder, err
}

// Assembly is a set of rules that is ready to match, and what could not become part of it.
type Assembly struct {
	Set  *Set
	All  []*Rule // the set's rules, and those that are switched off
	Left []Left
}

// Assemble compiles base with an operator's folder, whose rules replace those of base by id. What cannot be used is left
// out by name; everything else works.
func Assemble(base []*Rule, own Folder) Assembly {
	a := Assembly{All: Replace(base, own.Rules), Left: slices.Clone(own.Left)}
	set, err := Compile(a.All)
	a.Set = set
	for _, p := range Problems(err) {
		left := Left{Place: p.Place(), Why: Broken, Reason: p.Reason}
		if i := slices.IndexFunc(a.All, func(r *Rule) bool { return r.File == p.File && r.Line <= p.Line && set.Rule(r.ID) != r && !r.Off() }); i >= 0 {
			left.ID, left.Title = a.All[i].ID, a.All[i].Title
			if a.All[i].Filter == nil {
				a.All = slices.Delete(a.All, i, i+1)
			}
		}
		a.Left = append(a.Left, left)
	}
	return a
}

func read(fsys fs.FS, root string) (Folder, []error, error) {
	l := loader{fsys: fsys, root: root, others: make(map[string]Left)}
	if err := l.readPlaceholders(); err != nil {
		return Folder{}, nil, err
	}
	if err := fs.WalkDir(fsys, root, l.visit); err != nil {
		return Folder{}, nil, fmt.Errorf("read rules: %w", err)
	}
	l.finish()
	return l.folder, l.errs, nil
}

// Library returns the embedded rules, which are read once and shared: rules are not changed after they were read. An error
// means that the build was not tested.
func Library() ([]*Rule, error) {
	all, err := embeddedRules()
	return slices.Clone(all), err
}

var embeddedRules = sync.OnceValues(readLibrary)

func readLibrary() ([]*Rule, error) {
	l := loader{others: make(map[string]Left)}
	readAhead(libraryAhead, func(f yamlFile) {
		for _, doc := range f.docs {
			l.document(f.name, doc)
		}
	})
	l.finish()
	for _, r := range l.folder.Rules {
		r.embedded = true
	}
	return l.folder.Rules, joined(l.errs)
}

func joined(problems []error) error {
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("load rules:\n%w", err)
	}
	return nil
}

// loader gathers one folder.
type loader struct {
	fsys         fs.FS
	root         string
	folder       Folder
	others       map[string]Left // names and ids of what was left out, which correlations may refer to
	placeholders map[string][]string
	errs         []error
}

// readPlaceholders reads the values of placeholders, if the folder has any.
func (l *loader) readPlaceholders() error {
	file := path.Join(l.root, PlaceholderFile)
	data, err := fs.ReadFile(l.fsys, file)
	if errors.Is(err, fs.ErrNotExist) || err != nil && !isFolder(l.fsys, l.root) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read rules: %w", err)
	}
	l.placeholders = make(map[string][]string)
	docs, err := documents(data)
	p := problems{file: file}
	if err != nil {
		line, column, reason := yamlPlace(err)
		p.list = append(p.list, &Problem{file, line, column, "not YAML: " + reason})
	}
	for _, doc := range docs {
		for _, m := range p.members(doc) {
			l.placeholders[m.key] = p.texts(m.value)
		}
	}
	l.broken(Left{}, p.list)
	return nil
}

func isFolder(fsys fs.FS, name string) bool {
	info, err := fs.Stat(fsys, name)
	return err == nil && info.IsDir()
}

// visit takes rule files; everything else in the folder (licences, notes, hidden folders) is none of ours.
func (l *loader) visit(file string, d fs.DirEntry, err error) error {
	switch {
	case err != nil:
		return err
	case d.IsDir() && file != l.root && strings.HasPrefix(d.Name(), "."):
		return fs.SkipDir
	case d.IsDir() || !slices.Contains([]string{".yml", ".yaml"}, path.Ext(file)) || file == path.Join(l.root, PlaceholderFile):
		return nil
	}
	const largest = 1 << 20
	if info, err := d.Info(); err == nil && info.Size() > largest {
		l.broken(Left{}, []error{&Problem{file, 1, 0, fmt.Sprintf("the file is larger than %d bytes", largest)}})
		return nil
	}
	data, err := fs.ReadFile(l.fsys, file)
	if err != nil {
		return err
	}
	l.file(file, data)
	return nil
}

// file reads one file's documents. A file that is not YAML at all may still be another product's; nobody can tell, so
// it is a problem. The documents before the place where it stops being YAML are read.
func (l *loader) file(file string, data []byte) {
	docs, err := documents(data)
	for _, doc := range docs {
		l.document(file, doc)
	}
	if err != nil {
		line, column, reason := yamlPlace(err)
		l.broken(Left{}, []error{&Problem{file, line, column, "not YAML: " + reason}})
	}
}

func (l *loader) document(file string, doc *yaml.Node) {
	p := problems{file: file, placeholders: l.placeholders}
	one := p.parseRule(doc, file)
	left := Left{Place: position("", file, one.rule.Line), ID: one.rule.ID, Title: one.rule.Title, Why: one.left, Reason: one.reason}
	switch {
	case one.left == Misspelt:
		l.broken(left, []error{&Problem{file, one.line, 0, one.reason}})
		l.leave(one.rule, left)
	case one.left != "":
		l.folder.Left = append(l.folder.Left, left)
		l.leave(one.rule, left)
	case len(p.list) > 0:
		left.Why, left.Reason = Broken, "it has problems"
		l.broken(left, p.list)
		l.leave(one.rule, left)
	default:
		l.folder.Rules = append(l.folder.Rules, one.rule)
	}
}

// leave remembers the names of a rule that is left out.
func (l *loader) leave(r *Rule, left Left) {
	for _, name := range []string{r.UUID, r.Name, r.ID} {
		if name != "" {
			l.others[strings.ToLower(name)] = left
		}
	}
}

// broken leaves out what has problems, one entry for each.
func (l *loader) broken(left Left, list []error) {
	l.errs = append(l.errs, list...)
	for _, err := range list {
		one := left
		if p := new(Problem); errors.As(err, &p) {
			one.Place, one.Reason = p.Place(), p.Reason
		}
		one.Why = cmp.Or(one.Why, Broken)
		l.folder.Left = append(l.folder.Left, one)
	}
}

// finish checks what only the whole folder shows: correlations over rules that were left out, and ids that stand twice.
func (l *loader) finish() {
	for changed := true; changed; { // correlations of correlations
		before := len(l.folder.Rules)
		l.folder.Rules = slices.DeleteFunc(l.folder.Rules, l.leftWith)
		changed = len(l.folder.Rules) < before
	}
	first := make(map[string]*Rule)
	l.folder.Rules = slices.DeleteFunc(l.folder.Rules, func(r *Rule) bool {
		if other, ok := first[r.ID]; ok {
			l.broken(Left{ID: r.ID, Title: r.Title}, []error{&Problem{r.File, r.Line, 0, fmt.Sprintf("rule id %q is taken by %s", r.ID, other.Where())}})
			return true
		}
		first[r.ID] = r
		return false
	})
	slices.SortStableFunc(l.folder.Rules, func(a, b *Rule) int { return cmp.Compare(a.File, b.File) })
}

// leftWith leaves a correlation out when a rule that it counts is left out, and says which.
func (l *loader) leftWith(r *Rule) bool {
	if r.Correlation == nil {
		return false
	}
	for _, name := range r.Correlation.Rules {
		other, ok := l.others[strings.ToLower(name)]
		if !ok {
			continue
		}
		left := Left{r.Where(), r.ID, r.Title, other.Why, fmt.Sprintf("it counts rule %q, which is left out: %s", name, other.Reason)}
		l.folder.Left = append(l.folder.Left, left)
		l.leave(r, left)
		if left.Wrong() {
			l.errs = append(l.errs, &Problem{r.File, r.Line, 0, left.Reason})
		}
		return true
	}
	return false
}
