package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/serve"
	"github.com/auditbell/auditbell/handler/settings"
)

type settingsCmd struct {
	Format string `enum:"auto,table,json,example" default:"auto" help:"auto, table, json, or example (local.settings.json.example)."`
}

func (c *settingsCmd) run(_ context.Context, std Surroundings) error {
	defs := Declared()
	switch {
	case c.Format == "example":
		return WriteExample(std.Out, defs)
	case asJSON(c.Format, std):
		return writeJSON(std.Out, defs)
	}
	w := tabwriter.NewWriter(std.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tDEFAULT\tMEANING")
	for _, d := range defs {
		fmt.Fprintf(w, "%s\t%s\t%s\n", d.Name, cmp.Or(d.Default, mark(d)), d.Doc)
	}
	return w.Flush()
}

func mark(d settings.Def) string {
	if d.Required {
		return "(required)"
	}
	return ""
}

// Declared opens the app without any setting: whatever reads a setting thereby declares it.
func Declared() []settings.Def {
	w := newWorld(Surroundings{Env: func(string) (string, bool) { return "", false }})
	_, _ = app.Open(w) // what is wrong is not the question here
	serve.LogLevel(w.Settings)
	return w.Settings.Declared()
}

// WriteExample writes local.settings.json.example: what `func start` needs, and every setting of ours with an example
// or its default.
func WriteExample(w io.Writer, defs []settings.Def) error {
	values := map[string]string{"FUNCTIONS_WORKER_RUNTIME": "custom", "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
	for _, d := range defs {
		values[d.Name] = cmp.Or(d.Example, d.Default)
	}
	return writeJSON(w, map[string]any{"IsEncrypted": false, "Values": values})
}

func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
