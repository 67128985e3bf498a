package cli

// What stories need to show routes and staged rules.

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/auditbell/auditbell/local/inbox"
)

// run ARG… runs a command with the story's settings and prints what it says, its columns one blank apart. Rules of the
// config folder are not the story's: only commands about the library and the store make sense here.
func (s *story) run(_ *testscript.TestScript, args []string) (string, error) {
	var out, errs bytes.Buffer
	code := Run(context.Background(), args, Surroundings{
		In: strings.NewReader(""), Out: &out, Err: &errs,
		Env: func(name string) (string, bool) { v, ok := s.env[name]; return v, ok },
	})
	var lines strings.Builder
	for line := range strings.Lines(out.String()) {
		fmt.Fprintln(&lines, strings.Join(strings.Fields(line), " "))
	}
	fmt.Fprintf(&lines, "%sexit %d\n", errs.String(), code)
	return lines.String(), nil
}

// channels prints which Slack channels received what.
func (s *story) channels(*testscript.TestScript, []string) (string, error) {
	var lines []string
	for _, m := range s.inbox.Messages() {
		if m.Destination == inbox.Slack {
			first, _, _ := strings.Cut(m.Text, "\n")
			lines = append(lines, fmt.Sprintf("slack %s %s: %s\n", m.Channel, m.Kind, first))
		}
	}
	slices.Sort(lines) // channels are notified at the same time
	return strings.Join(lines, ""), nil
}
