package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/auditbell/auditbell/handler/source"
)

// azureFlags say where in Azure to ask.
type azureFlags struct {
	ManagementGroup []string `help:"With --source activity-log: every subscription below this management group." placeholder:"NAME"`
	Workspace       string   `help:"With --source log-analytics: id of the workspace." placeholder:"ID"`
	Cloud           string   `enum:"public,government,china" default:"public" help:"With a source in Azure: public, government or china."`
}

// place is a cloud's endpoints. Those of Log Analytics are in "Azure Monitor Log Analytics API endpoints" per cloud.
type azurePlace struct {
	cloud.Configuration
	resources, logs string
}

func placeOf(name string) azurePlace {
	switch name {
	case "government":
		return azurePlace{cloud.AzureGovernment, "https://management.usgovcloudapi.net", "https://api.loganalytics.us"}
	case "china":
		return azurePlace{cloud.AzureChina, "https://management.chinacloudapi.cn", "https://api.loganalytics.azure.cn"}
	}
	return azurePlace{cloud.AzurePublic, "https://management.azure.com", "https://api.loganalytics.azure.com"}
}

// askAs makes a REST client that signs in as whoever runs the command: az login, environment or managed identity.
func (p azurePlace) askAs(endpoint string) (source.REST, error) {
	credential, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: azcore.ClientOptions{Cloud: p.Configuration}})
	if err != nil {
		return source.REST{}, fmt.Errorf("sign in to Azure: %w", err)
	}
	token := func(ctx context.Context) (string, error) { // azidentity keeps it until it ends
		t, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{endpoint + "/.default"}})
		if err != nil {
			return "", fmt.Errorf("sign in to Azure (hint: az login): %w", err)
		}
		return t.Token, nil
	}
	return source.REST{Client: &http.Client{Timeout: 2 * time.Minute}, Endpoint: endpoint, Token: token}, nil
}

// usualPast is how far sources in Azure are asked back when nobody says: all there is would be a long wait.
const usualPast = day

func openPastActivityLog(p *pastFlags, _ stdio, f *source.Filter, now time.Time) (past, error) {
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
	place := placeOf(p.Cloud)
	rest, err := place.askAs(place.resources)
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

func openPastLogAnalytics(p *pastFlags, _ stdio, f *source.Filter, now time.Time) (past, error) {
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
	place := placeOf(p.Cloud)
	rest, err := place.askAs(place.logs)
	return past{Finder: source.LogAnalytics{REST: rest, Workspace: p.Workspace}, notes: notes}, err
}

// noFiles refuses files where they would be ignored.
func (p *pastFlags) noFiles() error {
	if len(p.Files) > 0 {
		return misuse("%s is a file, and --source %s reads none", p.Files[0], p.Source)
	}
	return nil
}
