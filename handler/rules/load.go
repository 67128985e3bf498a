package rules

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Folder is what a folder of rules held.
type Folder struct {
	Rules []*Rule
	// Skipped are the rules for other log sources, "file:line"; a folder may hold any product's.
	Skipped []string
}

// Load reads every .yml and .yaml file under root. A problem in any file fails the call, with all problems of all
// files joined (each a *Problem, in the order of files and lines): half of a rule set must not run unnoticed. Rules for
// other log sources are left out; Read counts them.
func Load(fsys fs.FS, root string) ([]*Rule, error) {
	folder, err := Read(fsys, root)
	return folder.Rules, err
}

// Read is Load with what it left out. With an error it still returns the rules without problems, so that a tool can go
// on checking them.
func Read(fsys fs.FS, root string) (Folder, error) {
	l := loader{fsys: fsys, root: root, others: make(map[string]bool)}
	if err := fs.WalkDir(fsys, root, l.visit); err != nil {
		return Folder{}, fmt.Errorf("read rules: %w", err)
	}
	l.finish()
	if err := errors.Join(l.errs...); err != nil {
		return l.folder, fmt.Errorf("load rules:\n%w", err)
	}
	return l.folder, nil
}

//go:embed library/*.yml
var library embed.FS

// Library returns the embedded rules. An error means that the build was not tested.
func Library() ([]*Rule, error) {
	all, err := Load(library, "library")
	for _, r := range all {
		r.embedded = true
	}
	return all, err
}

// loader gathers one folder.
type loader struct {
	fsys   fs.FS
	root   string
	folder Folder
	others map[string]bool // names and ids of skipped rules, which correlations may refer to
	errs   []error
}

// visit takes rule files; everything else in the folder (licences, notes, hidden folders) is none of ours.
func (l *loader) visit(file string, d fs.DirEntry, err error) error {
	switch {
	case err != nil:
		return err
	case d.IsDir() && file != l.root && strings.HasPrefix(d.Name(), "."):
		return fs.SkipDir
	case d.IsDir() || !slices.Contains([]string{".yml", ".yaml"}, path.Ext(file)):
		return nil
	}
	const largest = 1 << 20
	if info, err := d.Info(); err == nil && info.Size() > largest {
		l.errs = append(l.errs, &Problem{file, 1, fmt.Sprintf("the file is larger than %d bytes", largest)})
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
// it is a problem.
func (l *loader) file(file string, data []byte) {
	docs, err := documents(data)
	if err != nil {
		line, reason := yamlPlace(err)
		l.errs = append(l.errs, &Problem{file, line, "not YAML: " + reason})
		return
	}
	for _, doc := range docs {
		p := problems{file: file}
		one := p.parseRule(doc, file)
		switch {
		case one.skipped:
			l.folder.Skipped = append(l.folder.Skipped, position("", file, one.rule.Line))
			l.others[one.rule.UUID], l.others[one.rule.Name] = true, true
		case len(p.list) > 0:
			l.errs = append(l.errs, p.list...)
		default:
			l.folder.Rules = append(l.folder.Rules, one.rule)
		}
	}
}

// finish checks what only the whole folder shows: correlations over rules that were left out, and ids that stand twice.
func (l *loader) finish() {
	l.folder.Rules = slices.DeleteFunc(l.folder.Rules, func(r *Rule) bool {
		if r.Correlation == nil || !slices.ContainsFunc(r.Correlation.Rules, func(name string) bool { return name != "" && l.others[name] }) {
			return false
		}
		l.folder.Skipped = append(l.folder.Skipped, r.Where())
		return true
	})
	first := make(map[string]*Rule)
	for _, r := range l.folder.Rules {
		if other, ok := first[r.ID]; ok {
			l.errs = append(l.errs, &Problem{r.File, r.Line, fmt.Sprintf("rule id %q is taken by %s", r.ID, other.Where())})
			continue
		}
		first[r.ID] = r
	}
	slices.SortStableFunc(l.folder.Rules, func(a, b *Rule) int { return cmp.Compare(a.File, b.File) })
}
