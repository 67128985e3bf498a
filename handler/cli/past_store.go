package cli

import (
	"errors"
	"time"

	"github.com/auditbell/auditbell/handler/source"
)

// openPastStore reads what the functions recorded, hour by hour: 62 days, with properties cut to what counts.
func openPastStore(p *pastFlags, std Surroundings, f *source.Filter, now time.Time) (past, error) {
	if err := p.noFiles(); err != nil {
		return past{}, err
	}
	kept, err := openStore(std)
	if err != nil {
		return past{}, err
	}
	if kept == nil {
		return past{}, errors.New("open store: no settings name one (hint: set COSMOS_ENDPOINT)")
	}
	var notes []string
	if f.Window.From.IsZero() {
		f.Window.From = now.Add(-usualPast)
		notes = append(notes, "the last 24h (hint: --since 7d)")
	}
	if f.Window.To.IsZero() {
		f.Window.To = now
	}
	return past{Finder: source.Hours{Hour: kept.Hour}, notes: notes}, nil
}
