package cli

// What stories need to show a backfill.

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
)

// replay ARG… runs `handler replay` with the story's settings; files are the story's. It prints what the command says,
// and its exit code.
func (s *story) replay(ts *testscript.TestScript, args []string) (string, error) {
	call := []string{"replay"}
	for _, arg := range args {
		if _, err := os.Stat(ts.MkAbs(arg)); err == nil {
			arg = ts.MkAbs(arg)
		}
		call = append(call, arg)
	}
	var out, errs bytes.Buffer
	code := Run(context.Background(), call, Surroundings{
		In: &bytes.Buffer{}, Out: &out, Err: &errs,
		Env: func(name string) (string, bool) {
			if v, ok := s.env[name]; ok {
				return v, true
			}
			if name == "CONFIG_DIR" {
				return ts.MkAbs("config"), true
			}
			return "", false
		},
	})
	return fmt.Sprintf("%s%sexit %d\n", &out, &errs, code), nil
}
