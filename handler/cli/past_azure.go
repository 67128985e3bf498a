package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/azure"
	"github.com/auditbell/auditbell/handler/source"
)

// azureFlags say where in Azure to ask.
type azureFlags struct {
	Tenant          bool     `help:"With --source activity-log: the tenant's own log, where elevateAccess is."`
	ManagementGroup []string `help:"With --source activity-log: this management group's own log." placeholder:"NAME"`
	Below           []string `help:"With --source activity-log: every subscription below this management group." placeholder:"NAME"`
	Workspace       string   `help:"With --source log-analytics: id of the workspace." placeholder:"ID"`
	Cloud           string   `enum:"public,government,china" default:"public" help:"With a source in Azure: public, government or china."`
}

// places are the scopes that the flags and a list of subscriptions name.
func (f *azureFlags) places(subscriptions []string) ([]activity.Scope, error) {
	names := slices.Clone(subscriptions)
	if f.Tenant {
		names = append(names, string(activity.TenantScope))
	}
	for _, group := range f.ManagementGroup {
		names = append(names, "managementGroups/"+group)
	}
	if len(names) == 0 && len(f.Below) == 0 {
		return nil, misuse("--source activity-log asks scopes (hint: --subscription ID, --tenant, --management-group NAME for its own log, --below NAME for the subscriptions below it)")
	}
	return scopes(names)
}

// scopes reads scopes as an operator names them.
func scopes(names []string) ([]activity.Scope, error) {
	var all []activity.Scope
	for _, name := range names {
		scope, err := activity.ParseScope(name)
		if err != nil {
			return nil, misuse("%v", err)
		}
		all = append(all, scope)
	}
	return all, nil
}

// usualPast is how far sources in Azure are asked back by default: all there is would be a long wait.
const usualPast = day

func openPastActivityLog(p *pastFlags, _ Surroundings, f *source.Filter, now time.Time) (past, error) {
	places, err := p.places(p.Subscription)
	if err != nil {
		return past{}, err
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
	log := source.ActivityLog{REST: rest, Scopes: places, Below: p.Below}
	if len(p.Below) > 0 && len(p.Subscription) > 0 { // both: only these among the group's
		log.Scopes = slices.DeleteFunc(log.Scopes, func(s activity.Scope) bool { return s.Kind() == activity.SubscriptionKind })
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
