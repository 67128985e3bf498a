package cli

// The command line, by the scripts in testdata/cli/*.txtar: each script runs the program itself, as a process of its own, in a
// folder of its own. `go test ./handler/cli -update` rewrites what the scripts expect; read the diff before committing it.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // a third of these tests' time was garbage collection, and memory is not what they are about
	testscript.Main(m, map[string]func(){"handler": program})
}

func TestCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/cli",
		UpdateScripts: *update,
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "columns": columns},
	})
}

// exits CODE PROGRAM ARG… runs a program that must end with the code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if ended := new(exec.ExitError); errors.As(err, &ended) {
		got = ended.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%v exits %d, want %d", args[1:], got, want)
	}
}

// columns FILE… prints what the last command printed, its columns one blank apart, without blanks at the ends of lines.
func columns(ts *testscript.TestScript, _ bool, _ []string) {
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		fmt.Fprintln(ts.Stdout(), strings.Join(strings.Fields(line), " "))
	}
}

// program is what package main does.
func program() {
	os.Exit(Run(context.Background(), os.Args[1:], Surroundings{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.LookupEnv, Version: "dev"}))
}
