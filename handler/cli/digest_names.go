package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/lookup"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// naming is what a digest calls ids, and what stands on it.
type naming struct {
	names    digest.Names
	masthead digest.Masthead
	lookups  *lookup.Set // nil: Azure is not asked
}

// readNaming reads --names and the configuration, before anything is counted.
func readNaming(path string, std Surroundings) (*naming, error) {
	set := settings.New(std.Env)
	folder := app.ConfigFolder(set)
	config, more := set.ReadConfig(folder, configNames(std)), set.ReadNames(folder)
	n := &naming{digest.Names{}, digest.Masthead(config.Report), nil}
	if path != "" {
		own, err := readNames(path)
		if err != nil {
			return nil, err
		}
		maps.Copy(n.names, own)
	}
	n.names.Add(more)
	looking := lookup.Read(set, notify.NewClient(http.DefaultTransport))
	for _, warning := range set.Warnings() {
		fmt.Fprintf(std.Err, "warning: %v\n", warning)
	}
	if err := set.Err(); err != nil {
		return nil, err
	}
	var err error
	n.lookups, err = lookup.Open(looking, nil, time.Now, slog.New(slog.DiscardHandler))
	return n, err
}

// readNames reads a file of names. With anything wrong in it no digest is made: it would be evidence with a name that was not
// meant.
func readNames(path string) (map[string]string, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator named it
	if err != nil {
		return nil, fmt.Errorf("read --names: %w", err)
	}
	names, problems := settings.ParseNames(path, text)
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = p
	}
	return names, errors.Join(errs...)
}

// ask asks Azure about ids that have no name, where LOOKUPS says so. A digest does without what it does not get.
func (n *naming) ask(ctx context.Context, r *digest.Report, std Surroundings) {
	if n.lookups == nil {
		return
	}
	ids := r.Nameless()
	found, err := n.lookups.NamesOf(ctx, ids.Subscriptions, ids.Principals)
	if r.AddNames(found); err != nil {
		fmt.Fprintf(std.Err, "note: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}
