package app

import (
	"io/fs"
	"slices"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/auditbell/auditbell/handler/azure"
	"github.com/auditbell/auditbell/handler/enrich"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/geo"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/store"
)

// ReadStore reads where the store is, and with which credential it is opened.
func ReadStore(s *settings.Set) store.Options {
	o := store.Options{
		Endpoint: s.URL(settings.Def{
			Name: "COSMOS_ENDPOINT", Required: true, Example: "https://ACCOUNT.documents.azure.com:443/",
			Doc: "Address of the Cosmos DB for NoSQL account.", Hint: "terraform output cosmos_endpoint",
		}),
		Key: s.Secret(settings.Def{
			Name: "COSMOS_KEY",
			Doc:  "Account key, for local runs only; in Azure leave it unset and the identity is used.",
		}).Reveal(),
		Database: s.Text(settings.Def{Name: "COSMOS_DATABASE", Default: store.Database, Doc: "Name of the database."}),
	}
	azure.ClientID(s)
	if o.Key == "" {
		o.Credential = azure.Credential(s)
	}
	return o
}

// readEventHub declares what the host resolves for eventhub-activity; we never connect to the hub ourselves. Without a
// hub the function is switched off by AzureWebJobs.eventhub-activity.Disabled=true. keeps is for how long the hub holds what
// is not taken from it, zero: not known.
func readEventHub(s *settings.Set) (hub bool, keeps time.Duration) {
	s.Text(settings.Def{
		Name: "EVENT_HUB_NAME", Default: "insights-activity-logs",
		Doc: "Event hub that the subscription's diagnostic setting exports to.",
	})
	s.Text(settings.Def{Name: "EVENT_HUB_CONSUMER_GROUP", Default: "$Default", Doc: "Consumer group that is ours alone."})
	keeps = s.Duration(settings.Def{
		Name: "EVENT_HUB_RETENTION", Default: "0s", Doc: "For how long the event hub keeps what is not taken from it, as check says it; Terraform sets it. 0s: not known.",
	})
	namespace := s.Text(settings.Def{
		Name: "EVENT_HUB_CONNECTION__fullyQualifiedNamespace", Example: "NAMESPACE.servicebus.windows.net",
		Doc: "Namespace of the event hub; the app's identity reads it.",
	})
	return namespace != "", keeps
}

// readSchedules checks what the host expands in function.json: with a schedule that it cannot read, the host leaves
// the function out and only its own log says so.
func readSchedules(s *settings.Set) {
	parser := cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	for _, d := range []settings.Def{
		{Name: "ROLLUP_SCHEDULE", Example: "0 5 * * * *", Doc: "When closed hours are rolled up for the digests: NCRONTAB, six fields."},
		{Name: "RECONCILE_SCHEDULE", Example: "0 35 * * * *", Doc: "When closed hours are compared with what Azure lists: NCRONTAB, six fields."},
		{Name: "TENANT_SCHEDULE", Example: "0 */5 * * * *", Doc: "How often the Activity Logs of tenant and management groups in SCOPES are read: NCRONTAB, six fields."},
		{Name: "DIGEST_SCHEDULE", Example: "0 20 * * * *", Doc: "When it is looked whether a digest is due: NCRONTAB, six fields."},
		{Name: "CANARY_SCHEDULE", Example: "0 */10 * * * *", Doc: "When it is looked whether the daily test is due: NCRONTAB, six fields."},
		{
			Name: "DELIVER_SCHEDULE", Required: true, Example: "*/30 * * * * *",
			Doc: "When deliveries are brought up to date: NCRONTAB, six fields.", Hint: `"*/30 * * * * *" is every 30 seconds`,
		},
	} {
		if text := s.Text(d); text != "" {
			if _, err := parser.Parse(text); err != nil {
				s.Report(settings.Problem{Name: d.Name, Reason: "is not NCRONTAB with six fields", Hint: d.Hint})
			}
		}
	}
}

// readRules compiles the library and the operator's own rules, which may replace library rules by id.
// One that cannot be used is left out; see Assembly.Left.
func readRules(s *settings.Set, config fs.FS) rules.Assembly {
	library, err := rules.Library()
	if err != nil {
		s.Report(settings.Problem{Name: "rules library", Reason: err.Error()})
	}
	var own rules.Folder
	if _, err := fs.Stat(config, "rules"); err == nil {
		if own, err = rules.Read(config, "rules"); err != nil {
			s.Report(settings.Problem{Name: "config/rules", Reason: err.Error()})
		}
	}
	all := rules.Assemble(library, own)
	all.Set.Lateness = s.Duration(settings.Def{
		Name: "CORRELATION_LATENESS", Default: "1h",
		Doc: "How late an event may come, after the newest of its group, and still be counted by correlation rules.",
	})
	return all
}

// known are the rules that files may name: those that are left out too, or one bad rule would make every route and
// exception wrong that names it.
func known(a rules.Assembly) []*rules.Rule {
	all := slices.Clone(a.All)
	for _, left := range a.Left {
		if left.ID != "" {
			all = append(all, &rules.Rule{ID: left.ID, Title: left.Title})
		}
	}
	return all
}

// readChannels reads how alerts are sent.
func readChannels(s *settings.Set, destinations map[string]notify.Destination) pipeline.Channels {
	return pipeline.Channels{Destinations: destinations, Lease: s.Duration(settings.Def{
		Name: "DELIVERY_LEASE", Default: "45s",
		Doc: "How long one instance may take to deliver an alert before another one tries.",
	})}
}

// readTexts parses the operator's templates.
func readTexts(s *settings.Set, from settings.Texts) *pipeline.Texts {
	texts, problems := pipeline.ParseTexts(from)
	for _, p := range problems {
		s.Report(p)
	}
	return texts
}

// ReadExceptions reads config/exceptions.yaml. What is wrong with one exception leaves that one out.
func ReadExceptions(config fs.FS, all []*rules.Rule, now time.Time) ([]exception.Exception, []rules.Left) {
	return exception.Read(config, knownRule(all), now)
}

// knownRule knows the rules that there are. Those of Azure Monitor are the operator's own and stand in Azure.
func knownRule(all []*rules.Rule) func(string) bool {
	known := make(map[string]bool, len(all))
	for _, r := range all {
		known[r.ID] = true
	}
	return func(id string) bool { return known[id] || pipeline.IsAzureRule(id) }
}

// ReadEnrich reads what enrichment takes from settings.
func ReadEnrich(s *settings.Set) enrich.Options {
	o := enrich.Options{Portal: s.URL(azure.Portal)}
	if db, err := OpenGeo(s); err == nil && db != nil {
		o.Whereabouts = db.Where
	}
	return o
}

// OpenGeo opens the operator's own database of addresses, nil when there is none. One that cannot be read is no reason
// to have no alerts; `handler check` says so.
func OpenGeo(s *settings.Set) (*geo.DB, error) {
	path := s.Text(settings.Def{
		Name: "GEOIP_DATABASE",
		Doc:  "Path of a MaxMind database (.mmdb) that you supply, relative to the published root: callers' addresses are shown with country, city or network.",
	})
	if path == "" {
		return nil, nil
	}
	return geo.Open(path)
}
