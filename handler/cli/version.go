package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionCmd says what was built, from what, with what: the first question of every problem report.
type versionCmd struct{}

func (versionCmd) run(_ context.Context, std Surroundings) error {
	_, err := fmt.Fprintf(std.Out, "version %s\ncommit  %s\ngo      %s %s/%s\n", std.Version, commit(std), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// commit is what the linker was given, else what the go command recorded.
func commit(std Surroundings) string {
	if std.Commit != "" {
		return std.Commit
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "not recorded"
	}
	revision, changed := "not recorded", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = " and changes on top of it"
		}
	}
	return revision + changed
}
