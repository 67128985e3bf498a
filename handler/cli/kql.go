package cli

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/auditbell/auditbell/infra"
)

type kqlCmd struct {
	Name   string `arg:"" optional:"" help:"Which query to print: the audits have one each. Without a name, all are listed."`
	Format string `enum:"auto,table,json" default:"auto" help:"Of the list: auto, table or json."`
}

// run prints a query as it stands in infra/queries, to paste into Log Analytics or to pipe into az.
func (c *kqlCmd) run(_ context.Context, std Surroundings) error {
	all, err := infra.ReadQueries()
	if err != nil {
		return err
	}
	if c.Name == "" && asJSON(c.Format, std) {
		return writeJSON(std.Out, all)
	}
	if c.Name == "" {
		w := tabwriter.NewWriter(std.Out, 0, 0, 2, ' ', 0)
		for _, q := range all {
			fmt.Fprintf(w, "%s\t%s\n", q.Name, q.Title)
		}
		return w.Flush()
	}
	for _, q := range all {
		if q.Name == c.Name {
			_, err := io.WriteString(std.Out, q.Text)
			return err
		}
	}
	return misuse("there is no query %q (hint: run `handler kql` for their names)", c.Name)
}
