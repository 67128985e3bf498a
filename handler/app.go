package main

import (
	"context"
	"crypto/x509"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/robfig/cron/v3"

	"github.com/auditbell/auditbell/handler/entra"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/lookup"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/reconcile"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/store"
)

// app is everything wired together: clients made once, passed down.
type app struct {
	digests      *digests
	reconciler   *reconcile.Reconciler
	store        *store.Store
	pipeline     *pipeline.Pipeline
	destinations map[string]notify.Destination
	rules        []*rules.Rule
	exceptions   *exception.Book
	lookups      *lookup.Set     // nil: off
	slackSecret  settings.Secret // empty: clicks are not answered
	webhook      *entra.Verifier // nil: the function key alone guards actiongroup-alert
	log          *slog.Logger
	now          func() time.Time
}

// world is what an app is opened in.
type world struct {
	settings *settings.Set
	config   fs.FS
	log      *slog.Logger
	now      func() time.Time
}

// newWorld is the world of a command: its environment, and a log unless it is nil.
func newWorld(std stdio, log *slog.Logger) world {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := settings.New(std.env)
	return world{settings: s, config: configFolder(s), log: log, now: time.Now}
}

// openApp wires the app. The error lists everything that is wrong; the app is then good for what needs no store.
func openApp(w world) (*app, error) {
	s := w.settings
	a := &app{log: w.log, now: w.now}
	a.destinations = openDestinations(s, notify.NewClient(http.DefaultTransport))
	options := readStore(s)
	options.Logger, options.Now = w.log, w.now
	readSchedules(s)
	readEventHub(s)
	set, all := readRules(s, w.config)
	a.rules = all
	config := s.ReadConfig(w.config, configNames(all))
	everywhere := names(a.destinations)
	openNamed(s, config, a.destinations)
	judge := &pipeline.Judge{
		Rules: set, Routes: config.Routes, Quiet: config.Quiet, Maintenance: config.Maintenance, Changes: config.Changes, Everywhere: everywhere,
	}
	composer := &pipeline.Composer{Enrich: readEnrich(s), Texts: readTexts(s, config.Texts)}
	a.pipeline = pipeline.Offline(judge, composer, w.now)
	channels := readChannels(s, a.destinations)
	looking := readLookups(s)
	a.slackSecret, composer.Acting = readActing(s)
	judge.Canary = readCanary(s, composer.Acting.Zone)
	a.webhook = entra.Open(s, notify.NewClient(http.DefaultTransport), w.now)
	a.reconciler = readReconciler(s)
	a.digests = readDigests(s, config.Digests, notify.NewClient(http.DefaultTransport))
	exceptions := readExceptions(s, w.config, a.rules, w.now())
	if err := s.Err(); err != nil {
		return a, err
	}
	var err error
	if a.store, err = store.Open(options); err != nil {
		return a, err
	}
	a.exceptions = exception.NewBook(exceptions, a.store, a.store.Now)
	judge.Exceptions, composer.Acting.Expect = a.exceptions, true
	if a.lookups, err = openLookups(looking, a.store, w.log); err != nil {
		return a, err
	}
	if a.lookups != nil { // an interface that holds a nil pointer would not be nil
		judge.Lookups = a.lookups
	}
	a.pipeline = pipeline.New(a.store, judge, composer, channels)
	a.reconciler.Store = a.store
	return a, nil
}

// readChannels reads how alerts are delivered.
func readChannels(s *settings.Set, destinations map[string]notify.Destination) pipeline.Channels {
	return pipeline.Channels{Destinations: destinations, Lease: s.Duration(settings.Def{
		Name: "DELIVERY_LEASE", Default: "30s",
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

// warm does in the background what the first event would otherwise wait for: the certificate pool (about 10 ms), the
// account's properties, the identity's token, and the keys that tokens of the secure webhook are verified with.
func (a *app) warm(ctx context.Context) {
	_, _ = x509.SystemCertPool() // cached by the runtime; an error shows at the first call
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := a.store.Check(ctx); err != nil {
		a.log.Warn("the store does not answer yet", "error", err)
	}
	if a.webhook == nil {
		return
	}
	if _, err := a.webhook.Check(ctx); err != nil {
		a.log.Warn("the tenant's keys are not there yet", "error", err)
	}
}

func readStore(s *settings.Set) store.Options {
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
	clientID := s.Text(settings.Def{Name: "AZURE_CLIENT_ID", Doc: "Client id of the user-assigned identity to use, when there is one."})
	if o.Key == "" {
		o.Credential = credential(s, clientID)
	}
	return o
}

// credential is the managed identity in Azure, which App Service announces by IDENTITY_ENDPOINT, and the developer's
// own sign-in elsewhere. Making it calls nothing.
func credential(s *settings.Set, clientID string) azcore.TokenCredential {
	var c azcore.TokenCredential
	var err error
	if _, inAzure := os.LookupEnv("IDENTITY_ENDPOINT"); inAzure {
		options := &azidentity.ManagedIdentityCredentialOptions{}
		if clientID != "" {
			options.ID = azidentity.ClientID(clientID)
		}
		c, err = azidentity.NewManagedIdentityCredential(options)
	} else {
		c, err = azidentity.NewDefaultAzureCredential(nil)
	}
	if err != nil {
		s.Report(settings.Problem{Name: "identity", Reason: err.Error(), Hint: "switch on the app's managed identity, or sign in with az login"})
	}
	return c
}

// readEventHub declares what the host resolves for eventhub-activity; we never connect to the hub ourselves. Without a
// hub the function is switched off by AzureWebJobs.eventhub-activity.Disabled=true.
func readEventHub(s *settings.Set) {
	s.Text(settings.Def{
		Name: "EVENT_HUB_NAME", Default: "insights-activity-logs",
		Doc: "Event hub that the subscription's diagnostic setting exports to.",
	})
	s.Text(settings.Def{Name: "EVENT_HUB_CONSUMER_GROUP", Default: "$Default", Doc: "Consumer group that is ours alone."})
	s.Text(settings.Def{
		Name: "EVENT_HUB_CONNECTION__fullyQualifiedNamespace", Example: "NAMESPACE.servicebus.windows.net",
		Doc: "Namespace of the event hub; the app's identity reads it.",
	})
}

// readSchedules checks what the host expands in function.json: with a schedule that it cannot read, the host leaves
// the function out and only its own log says so.
func readSchedules(s *settings.Set) {
	parser := cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	for _, d := range []settings.Def{
		{Name: "ROLLUP_SCHEDULE", Example: "0 5 * * * *", Doc: "When closed hours are rolled up for the digests: NCRONTAB, six fields."},
		{Name: "RECONCILE_SCHEDULE", Example: "0 35 * * * *", Doc: "When closed hours are compared with what Azure lists: NCRONTAB, six fields."},
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
func readRules(s *settings.Set, config fs.FS) (*rules.Set, []*rules.Rule) {
	all, err := rules.Library()
	if err != nil {
		s.Report(settings.Problem{Name: "rules library", Reason: err.Error()})
	}
	if _, err := fs.Stat(config, "rules"); err == nil {
		own, err := rules.Load(config, "rules")
		if err != nil {
			s.Report(settings.Problem{Name: "config/rules", Reason: err.Error(), Hint: "mend or remove the rule; none of the folder's is used until then"})
		}
		all = rules.Replace(all, own)
	}
	set, err := rules.Compile(all)
	if err != nil {
		s.Report(settings.Problem{Name: "rules", Reason: err.Error()})
	}
	return set, all
}
