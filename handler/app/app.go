// Package app wires the product: it reads the settings, opens stores, clients and destinations once, and hands each
// function what it needs. It decides nothing about an event.
package app

import (
	"context"
	"crypto/x509"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/canary"
	"github.com/auditbell/auditbell/handler/clicks"
	"github.com/auditbell/auditbell/handler/digest/publish"
	"github.com/auditbell/auditbell/handler/entra"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/lookup"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/email"
	"github.com/auditbell/auditbell/handler/otlp"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/poll"
	"github.com/auditbell/auditbell/handler/reconcile"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/store"
)

// App is everything wired together: clients made once, passed down.
type App struct {
	Store        *store.Store
	Pipeline     *pipeline.Pipeline
	Destinations map[string]notify.Destination
	LeftOut      []rules.Left       // rules that are not evaluated, and why
	Unexcepted   []rules.Left       // exceptions that do not apply, because something is wrong with them
	Warnings     []settings.Problem // about settings that work and may not be meant
	Rules        []*rules.Rule
	Exceptions   *exception.Book
	Lookups      *lookup.Set     // nil: off
	Webhook      *entra.Verifier // nil: the function key alone guards actiongroup-alert
	Reconcile    *reconcile.Job
	Poll         *poll.Poller
	Digests      *publish.Publisher
	Canary       *canary.Sender
	Hub          bool          // records come by an event hub
	HubKeeps     time.Duration // for how long it holds what is not taken; zero: not known
	Log          *slog.Logger
	Now          func() time.Time

	clicks *clicks.Handler
}

// World is what an app is opened in.
type World struct {
	Settings *settings.Set
	Config   fs.FS
	Log      *slog.Logger
	Now      func() time.Time
	Tool     string // name and version of the program, for digests

	// How the process reaches what is outside of it. The zero values are the real ones.
	Web    http.RoundTripper                       // channels, lookups, the Activity Log, identity providers
	Mail   email.Way                               // what it does not reach over Web
	Cosmos policy.Transporter                      // the account
	Jitter func(limit time.Duration) time.Duration // store.Options
}

// NewWorld is the world of a process: its environment, the configuration folder that this names, the machine's clock, and
// the program's version. A nil log discards.
func NewWorld(env func(string) (string, bool), version string, log *slog.Logger) World {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := settings.New(env)
	return World{Settings: s, Config: ConfigFolder(s), Log: log, Now: time.Now, Tool: "auditbell " + version}
}

// Open wires the app. The error lists everything that is wrong; the app is then good for what needs no store.
func Open(w World) (*App, error) {
	if w.Web == nil {
		w.Web = http.DefaultTransport
	}
	s, client := w.Settings, notify.NewClient(w.Web)
	a := &App{Log: w.Log, Now: w.Now}
	a.Destinations = OpenDestinations(s, client, w.Mail)
	options := ReadStore(s)
	options.Logger, options.Now, options.Transport, options.Jitter = w.Log, w.Now, w.Cosmos, w.Jitter
	readSchedules(s)
	a.Hub, a.HubKeeps = readEventHub(s)
	otlp.Read(s) // what is wrong with it is among the warnings; serve is what sends
	loaded := readRules(s, w.Config)
	a.Rules, a.LeftOut = loaded.All, loaded.Left
	config := s.ReadConfig(w.Config, ConfigNames(known(loaded)))
	everywhere := Names(a.Destinations)
	openNamed(s, config, a.Destinations)
	members := members(a.Destinations)
	judge := &pipeline.Judge{
		Rules: loaded.Set, LeftOut: rules.Wrong(loaded.Left), Routes: config.Routes, Quiet: config.Quiet, Maintenance: config.Maintenance, Changes: config.Changes, Everywhere: everywhere, Members: members,
	}
	composer := &pipeline.Composer{Enrich: ReadEnrich(s), Texts: readTexts(s, config.Texts)}
	a.Pipeline = pipeline.Offline(judge, composer, w.Now)
	channels := readChannels(s, a.Destinations)
	looking := lookup.Read(s, client)
	var secret settings.Secret
	secret, composer.Acting = clicks.Read(s)
	judge.Canary = canary.Read(s, composer.Acting.Zone)
	a.Webhook = entra.Open(s, client, w.Now)
	reconciler := reconcile.Read(s, w.Web)
	a.Digests = publish.Read(s, config.Digests, client)
	a.Digests.Masthead, a.Digests.Names = config.Report, s.ReadNames(w.Config)
	a.Digests.Config = s.HashConfig(w.Config)
	var exceptions []exception.Exception
	exceptions, a.Unexcepted = ReadExceptions(w.Config, known(loaded), w.Now())
	judge.Unexcepted = a.Unexcepted
	reconciler.Records = loaded.Set.ReadsRecord() || exception.ReadsRecord(exceptions)
	a.Reconcile = &reconcile.Job{Reconciler: reconciler}
	a.Warnings = s.Warnings()
	for _, warning := range a.Warnings {
		a.Log.Warn("a setting deserves a look", "warning", warning)
	}
	if err := s.Err(); err != nil {
		return a, err
	}
	var err error
	if a.Store, err = store.Open(options); err != nil {
		return a, err
	}
	a.Exceptions = exception.NewBook(exceptions, a.Store, a.Store.Now)
	if a.Lookups, err = lookup.Open(looking, a.Store, a.Store.Now, w.Log); err != nil {
		return a, err
	}
	if a.Lookups == nil || !a.Lookups.Reads() {
		judge.Unasked = lookup.IsReadable
	}
	judge.Unreadable = lookup.IsUnreadable
	judge.Exceptions, composer.Acting.Expect = a.Exceptions, true
	if a.Lookups != nil { // an interface that holds a nil pointer would not be nil
		judge.Lookups = a.Lookups
	}
	a.Pipeline = Wire(a.Store, judge, composer, channels)
	a.connect(w.Tool, secret)
	return a, nil
}

// connect gives the functions the store and the pipeline.
func (a *App) connect(tool string, secret settings.Secret) {
	p := a.Pipeline
	a.clicks = &clicks.Handler{Secret: secret, Now: p.Now, Act: p.Act}
	a.clicks.Answer, _ = a.Destinations["slack"].(notify.Answerer)
	a.Canary = &canary.Sender{Canary: p.Canary, Store: a.Store, Now: p.Now, Handle: p.Handle}
	reconciler := a.Reconcile.Reconciler
	reconciler.Store = a.Store
	d := a.Digests
	d.Tool, d.Destinations, d.Ends, d.Now, d.MailAlerts = tool, a.Destinations, p.Ends, a.Now, p
	if a.Lookups != nil {
		d.NamesOf = a.Lookups.NamesOf
	}
	d.Rollups = &publish.Rollups{Store: a.Store, Now: a.Now, Log: d.TransparencyLog(), RuleSet: publish.RuleSet(a.Rules)}
	if d.Rollups.Log != nil {
		d.Rollups.Log.Alerts = p
	}
	d.Record = &publish.Record{
		Store: a.Store, Exceptions: a.Exceptions, Reconciler: reconciler, Rules: a.Rules, Set: p.Rules, Now: a.Now,
		Headline: func(one alert.Alert) string { return p.Message(one).Headline },
	}
	a.Poll = &poll.Poller{Log: reconciler.Log, Scopes: poll.Polled(reconciler.Scopes), Store: a.Store, Pipeline: p, Now: p.Now}
	a.Reconcile = &reconcile.Job{Reconciler: reconciler, Pipeline: p, RollUp: d.Rollups.Old, Now: p.Now}
}

// warm does in the background what the first event would otherwise wait for: the certificate pool (about 10 ms), the
// account's properties, the identity's token, and the keys that tokens of the secure webhook are verified with.
func (a *App) warm(ctx context.Context) {
	_, _ = x509.SystemCertPool() // cached by the runtime; an error shows at the first call
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := a.Store.Check(ctx); err != nil {
		a.Log.Warn("the store does not answer yet", "error", err)
	}
	if a.Webhook == nil {
		return
	}
	if _, err := a.Webhook.Check(ctx); err != nil {
		a.Log.Warn("the tenant's keys are not there yet", "error", err)
	}
}

// ConfigFolder is the folder of config/ that settings name.
func ConfigFolder(s *settings.Set) fs.FS {
	return os.DirFS(s.Text(settings.Def{
		Name: "CONFIG_DIR", Default: "config",
		Doc: "Folder with auditbell.yaml and rules/, relative to the published root.",
	}))
}
