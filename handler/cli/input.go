package cli

import (
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/source"
)

// input is one source of bytes for a command: a file, or standard input.
type input struct {
	name string // as the operator named it; "-" for standard input
	open func() (io.ReadCloser, error)
	// regular: it can be opened at any time, and reading it does not wait for what writes it
	regular bool
}

// inputs expands a command's FILE arguments: none, or "-", is standard input; a folder is every file below it with one of
// extensions, in order of name, which is how a storage export lies (…/h=HH/m=00/PT1H.json); a pattern with ** or * that
// the shell left alone is expanded here. Below a folder, files are left out whose names say that they are of hours outside
// of w.
func inputs(args []string, std Surroundings, w source.Window) iter.Seq2[input, error] {
	return func(yield func(input, error) bool) {
		if len(args) == 0 {
			args = []string{"-"}
		}
		for _, arg := range args {
			if arg == "-" {
				if !yield(input{name: "-", open: func() (io.ReadCloser, error) { return io.NopCloser(std.In), nil }}, nil) {
					return
				}
				continue
			}
			if !expand(arg, w, yield) {
				return
			}
		}
	}
}

// expand yields the files that arg stands for; false when the consumer has had enough. When there are none, it yields
// an error: a report on nothing must not look like a report on a quiet month.
func expand(arg string, w source.Window, yield func(input, error) bool) bool {
	files := []string{arg}
	pattern := ""
	if at := strings.Index(arg, "**"); at >= 0 {
		files[0], pattern = filepath.Clean(arg[:at]+"."), strings.TrimLeft(arg[at+2:], `/\`)
	} else if strings.ContainsAny(arg, "*?[") {
		files, _ = filepath.Glob(arg) // a pattern that is none matches nothing
	}
	found := 0
	for _, root := range files {
		more, err := walkInput(root, pattern, w, func(path string, d fs.DirEntry) bool {
			found++
			return yield(file(path, d.Type().IsRegular()), nil)
		})
		if err != nil {
			found++
			more = yield(input{name: root}, &fs.PathError{Op: "open", Path: root, Err: err})
		}
		if !more {
			return false
		}
	}
	if found == 0 {
		return yield(input{name: arg}, &fs.PathError{Op: "open", Path: arg, Err: errors.New("no " + strings.Join(extensions, ", ") + " file there" + within(w))})
	}
	return true
}

// walkInput calls visit with the wanted files below root, or with root itself when it is a file.
func walkInput(root, pattern string, w source.Window, visit func(path string, d fs.DirEntry) bool) (more bool, err error) {
	if info, err := os.Stat(root); err == nil && info.IsDir() {
		root += string(filepath.Separator) // root may be a link to a folder
	}
	more = true
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && !w.MayHold(filepath.ToSlash(path)+"/") {
			return fs.SkipDir
		}
		if !d.IsDir() && (path == root || wanted(filepath.Base(path), pattern)) {
			if more = visit(path, d); !more {
				return fs.SkipAll
			}
		}
		return nil
	})
	if at := new(fs.PathError); errors.As(err, &at) {
		err = at.Err
	}
	return more, err
}

// within says in an error that files were looked for by their hours.
func within(w source.Window) string {
	if w == (source.Window{}) {
		return ""
	}
	return " whose name may be of the period"
}

// extensions are those of files that a folder stands for.
var extensions = []string{".json", ".jsonl", ".ndjson", ".csv", ".gz", ".zip"}

func wanted(name, pattern string) bool {
	if pattern != "" {
		ok, err := filepath.Match(pattern, name)
		return err == nil && ok
	}
	return slices.Contains(extensions, strings.ToLower(filepath.Ext(name)))
}

func file(path string, regular bool) input {
	return input{path, func() (io.ReadCloser, error) { return os.Open(path) }, regular} //nolint:gosec // the operator named it
}
