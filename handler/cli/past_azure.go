package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/azure"
	"github.com/auditbell/auditbell/handler/source"
)

// azureFlags say where in Azure to ask.
type azureFlags struct {
	ManagementGroup []string `help:"With --source activity-log: every subscription below this management group." placeholder:"NAME"`
	Workspace       string   `help:"With --source log-analytics: id of the workspace." placeholder:"ID"`
	Cloud           string   `enum:"public,government,china" default:"public" help:"With a source in Azure: public, government or china."`
}

// usualPast is how far sources in Azure are asked back when nobody says: all there is would be a long wait.
const usualPast = day

func openPastActivityLog(p *pastFlags, _ Surroundings, f *source.Filter, now time.Time) (past, error) {
	if len(p.Subscription) == 0 && len(p.ManagementGroup) == 0 {
		return past{}, misuse("--source activity-log asks subscriptions (hint: --subscription ID or --management-group NAME)")
	}
	if err := p.noFiles(); err != nil {
		return past{}, err
	}
	var notes []string
	if f.Window.From.IsZero() {
		f.Window.From = now.Add(-usualPast)
		notes = append(notes, "the last 24h (hint: --since 7d)")
	}
	if oldest := now.Add(-source.Retention); f.Window.From.Before(oldest) {
		f.Window.From = oldest
		notes = append(notes, "the Activity Log keeps 90 days; what is older is in exports and workspaces only")
	}
	place := azure.PlaceOf(p.Cloud)
	rest, err := place.AskAs(place.Resources)
	if err != nil {
		return past{}, err
	}
	log := source.ActivityLog{REST: rest, Subscriptions: p.Subscription, Groups: p.ManagementGroup}
	if len(p.ManagementGroup) > 0 && len(p.Subscription) > 0 {
		log.Subscriptions = nil // both: only these among the group's
	}
	if there, here := log.Pushed(*f); len(here) > 0 {
		notes = append(notes, fmt.Sprintf("Azure filters by %s; %s is filtered here, of all that it sends", strings.Join(there, ", "), strings.Join(here, ", ")))
	}
	return past{Finder: log, notes: notes}, nil
}

func openPastLogAnalytics(p *pastFlags, _ Surroundings, f *source.Filter, now time.Time) (past, error) {
	if p.Workspace == "" {
		return past{}, misuse("--source log-analytics asks a workspace (hint: --workspace ID; terraform output shows it)")
	}
	if err := p.noFiles(); err != nil {
		return past{}, err
	}
	var notes []string
	if f.Window.From.IsZero() {
		f.Window.From = now.Add(-usualPast)
		notes = append(notes, "the last 24h (hint: --since 7d)")
	}
	if f.Window.To.IsZero() {
		f.Window.To = now
	}
	place := azure.PlaceOf(p.Cloud)
	rest, err := place.AskAs(place.Logs)
	return past{Finder: source.LogAnalytics{REST: rest, Workspace: p.Workspace}, notes: notes}, err
}

// noFiles refuses files where they would be ignored.
func (p *pastFlags) noFiles() error {
	if len(p.Files) > 0 {
		return misuse("%s is a file, and --source %s reads none", p.Files[0], p.Source)
	}
	return nil
}
