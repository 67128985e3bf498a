package main

import (
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// input is one source of bytes for a command: a file, or standard input.
type input struct {
	name string // as the operator named it; "-" for standard input
	open func() (io.ReadCloser, error)
}

// inputs expands a command's FILE arguments: none, or "-", is standard input; a folder is every .json, .jsonl and .gz
// file below it in order of name, which is how a storage export lies (…/h=HH/m=00/PT1H.json); a pattern with ** or *
// that the shell left alone is expanded here.
func inputs(args []string, std stdio) iter.Seq2[input, error] {
	return func(yield func(input, error) bool) {
		if len(args) == 0 {
			args = []string{"-"}
		}
		for _, arg := range args {
			if arg == "-" {
				if !yield(input{"-", func() (io.ReadCloser, error) { return io.NopCloser(std.in), nil }}, nil) {
					return
				}
				continue
			}
			if !expand(arg, yield) {
				return
			}
		}
	}
}

// expand yields the files that arg stands for; false when the consumer has had enough.
func expand(arg string, yield func(input, error) bool) bool {
	root, pattern := arg, ""
	if at := strings.Index(arg, "**"); at >= 0 {
		root, pattern = filepath.Clean(arg[:at]+"."), strings.TrimLeft(arg[at+2:], `/\`)
	} else if strings.ContainsAny(arg, "*?[") {
		return glob(arg, yield)
	}
	more := true
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() || path != root && !wanted(filepath.Base(path), pattern) {
			return nil
		}
		if more = yield(file(path), nil); !more {
			return fs.SkipAll
		}
		return nil
	})
	if err != nil {
		return yield(input{name: arg}, fmt.Errorf("open %s: %w", arg, err))
	}
	return more
}

func wanted(name, pattern string) bool {
	if pattern != "" {
		ok, err := filepath.Match(pattern, name)
		return err == nil && ok
	}
	switch filepath.Ext(name) {
	case ".json", ".jsonl", ".ndjson", ".gz":
		return true
	}
	return false
}

func glob(pattern string, yield func(input, error) bool) bool {
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		return yield(input{name: pattern}, fmt.Errorf("open %s: no such file", pattern))
	}
	for _, path := range paths {
		if !yield(file(path), nil) {
			return false
		}
	}
	return true
}

func file(path string) input {
	return input{path, func() (io.ReadCloser, error) { return os.Open(path) }} //nolint:gosec // the operator named it
}
