// Package stack starts all of Azure that Auditbell needs, on one machine: Cosmos DB's protocol, the ends of Slack,
// Teams and mail, and the Functions host around the very files that would be published.
//
// `go run ./local` is a person's way in, tests use the package itself. It stages the handler, wires the parts by app
// settings alone, as Azure does, and takes everything down again.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/auditbell/auditbell/infra/stage/layout"
	"github.com/auditbell/auditbell/local/azure"
	"github.com/auditbell/auditbell/local/cosmos"
	"github.com/auditbell/auditbell/local/host"
	"github.com/auditbell/auditbell/local/inbox"
)

// Options choose addresses and where state is kept. The zero value starts on free ports with state in memory.
type Options struct {
	Source   string           // the repository's root; empty: the working directory
	Dist     string           // an app that is staged already; empty: stage into a temporary folder
	Listen   string           // of the Functions host; empty: a free port
	Inbox    string           // of the inbox page; empty: a free port
	Data     string           // folder that keeps state between runs; empty: nothing is kept
	Azure    *azure.Directory // what Azure answers lookups; nil: nothing is looked up
	Settings []string         // KEY=value, over the stack's own app settings
	Log      func(string)     // gets every line of the host and the handler; nil: dropped
	Report   func(string)     // gets what a person should know while waiting; nil: dropped
	Host     host.Options     // further options of the stand-in; Root, Listen, Env and Log are set here
}

// Stack is a running stack.
type Stack struct {
	Host     *host.Host
	Inbox    *inbox.Server
	Cosmos   *cosmos.Server
	Azure    *azure.Server // nil without Options.Azure
	InboxURL string

	host  host.Options // of Host
	mail  string       // address of the inbox's mail server
	azure string       // address of the stand-in for Azure's answers

	closers []func() error // in order of starting; closed in reverse
	once    sync.Once
	err     error
}

// Key is the account key of the stand-in: base64 of what it is.
const Key = "YXVkaXRiZWxsIGxvY2FsIHN0YW5kLWluLCBub3QgYSBzZWNyZXQ="

// signingSecret is what the inbox signs clicks with, as Slack would.
const signingSecret = "local-stand-in-not-a-secret"

// Start starts everything and waits until the handler answers.
func Start(ctx context.Context, o Options) (*Stack, error) {
	s := &Stack{}
	if err := s.start(ctx, o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context, o Options) error {
	report := o.Report
	if report == nil {
		report = func(string) {}
	}
	inboxListener, err := s.listen(ctx, o.Inbox, "the inbox page")
	if err != nil {
		return err
	}
	if err := s.startInbox(ctx, o, inboxListener); err != nil {
		return err
	}
	endpoint, err := s.startCosmos(ctx, o)
	if err != nil {
		return err
	}
	if err := s.startAzure(ctx, o); err != nil {
		return err
	}
	if o.Dist == "" {
		report("building the handler and laying out dist/ …")
		if o.Dist, err = s.stage(ctx, o.Source); err != nil {
			return err
		}
	}
	report("starting the Functions host …")
	return s.startHost(ctx, o, endpoint)
}

// listen takes the port first of all, so that a taken one is said before anything is built.
func (s *Stack) listen(ctx context.Context, address, what string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s for %s: %w\nhint: is another `go run ./local` running? stop it or choose another address", address, what, err)
	}
	s.closers = append(s.closers, l.Close)
	return l, nil
}

func (s *Stack) startInbox(ctx context.Context, o Options, l net.Listener) (err error) {
	if s.Inbox, err = inbox.Open(inbox.Options{Dir: below(o.Data, "inbox")}); err != nil {
		return err
	}
	s.closers = append(s.closers, s.Inbox.Close)
	s.InboxURL = "http://" + l.Addr().String()
	s.serve(l, s.Inbox)
	return s.startMail(ctx)
}

// startMail takes mail on a free port. It ends with the inbox.
func (s *Stack) startMail(ctx context.Context) error {
	l, err := s.listen(ctx, "", "mail")
	if err != nil {
		return err
	}
	s.mail = l.Addr().String()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Inbox.ServeSMTP(ctx, l) // ends with Close
	}()
	s.closers = append(s.closers, func() error { // runs before the inbox is closed by its own closer
		err := s.Inbox.Close()
		<-done
		return err
	})
	return nil
}

func (s *Stack) startCosmos(ctx context.Context, o Options) (endpoint string, err error) {
	if s.Cosmos, err = cosmos.OpenDeployed(ctx, cosmos.Options{Dir: below(o.Data, "cosmos"), Key: Key}); err != nil {
		return "", err
	}
	s.closers = append(s.closers, s.Cosmos.Close)
	l, err := s.listen(ctx, "", "cosmos")
	if err != nil {
		return "", err
	}
	s.serve(l, s.Cosmos)
	return "http://" + l.Addr().String() + "/", nil
}

func (s *Stack) startAzure(ctx context.Context, o Options) error {
	if o.Azure == nil {
		return nil
	}
	l, err := s.listen(ctx, "", "what is looked up in Azure")
	if err != nil {
		return err
	}
	s.Azure, s.azure = azure.New(*o.Azure, time.Now), "http://"+l.Addr().String()
	s.serve(l, s.Azure)
	return nil
}

// lookups are the settings of what is looked up. The name service is not asked: nothing leaves the machine.
func (s *Stack) lookups() []string {
	if s.Azure == nil {
		return []string{"LOOKUPS=off", "ARM_ENDPOINT=", "GRAPH_ENDPOINT="}
	}
	return []string{"LOOKUPS=role,resource,principal,caller,place,changes,health,history", "ARM_ENDPOINT=" + s.azure, "GRAPH_ENDPOINT=" + s.azure + "/v1.0"}
}

func (s *Stack) serve(l net.Listener, handler http.Handler) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // ends with Close
	}()
	s.closers = append(s.closers, func() error {
		err := server.Close()
		<-done
		return err
	})
}

// stage lays out what would be published, with the executable built for this machine.
func (s *Stack) stage(ctx context.Context, source string) (dist string, err error) {
	folder, err := os.MkdirTemp("", "auditbell-")
	if err != nil {
		return "", err
	}
	s.closers = append(s.closers, func() error { return os.RemoveAll(folder) })
	dist = filepath.Join(folder, "dist")
	return dist, Stage(ctx, source, dist)
}

// Stage lays dist out for this machine's platform.
func Stage(ctx context.Context, source, dist string) error {
	if err := layout.Build(ctx, layout.Options{Source: source, Out: dist, GOOS: runtime.GOOS, GOARCH: runtime.GOARCH, Report: io.Discard}); err != nil {
		return err
	}
	shown := filepath.Join(dist, shownConfig)
	if err := os.RemoveAll(shown); err != nil {
		return err
	}
	if err := os.CopyFS(shown, os.DirFS(filepath.Join(dist, "config"))); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(shown, "auditbell.yaml"), []byte("routes:\n  - to: [\"*\"]\n"), 0o600)
}

// shownConfig is the staged config folder with routes that gather nothing: what is demonstrated is to be seen at once, and not in
// the next day's summary.
const shownConfig = "config-shown"

func (s *Stack) startHost(ctx context.Context, o Options, endpoint string) (err error) {
	options := o.Host
	options.Root, options.Listen = o.Dist, o.Listen
	if options.Listen == "" {
		options.Listen = "127.0.0.1:0"
	}
	options.Env = slices.Concat(os.Environ(), s.settings(endpoint, o.Data), s.lookups(), o.Settings)
	options.TimerStatus, options.RestartHost = below(o.Data, "timers"), true
	if options.Hubs == nil {
		options.Hubs = &host.Hubs{}
	}
	if o.Log != nil {
		options.Log = func(l host.Line) { o.Log(l.String()) }
	}
	s.host = options
	if s.Host, err = s.instance(ctx); err != nil {
		return err
	}
	s.Inbox.Connect(inbox.App{URL: s.Host.URL() + "/api/slack-action", SigningSecret: signingSecret, API: s.InboxURL})
	return nil
}

func (s *Stack) instance(ctx context.Context) (*host.Host, error) {
	h, err := host.Start(ctx, s.host)
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, h.Close)
	return h, h.Ready(ctx)
}

// Another starts one more instance of the app, on a free port, over the same store, hubs and ends. Close ends it.
func (s *Stack) Another(ctx context.Context) (*host.Host, error) {
	s.host.Listen, s.host.TimerStatus = "127.0.0.1:0", ""
	return s.instance(ctx)
}

// settings are the app settings that infra would write, with this machine's addresses. Emptied ones keep a
// developer's own environment out.
func (s *Stack) settings(endpoint, data string) []string {
	executable := layout.Executable
	if runtime.GOOS == "windows" { // the host appends no .exe; Azure runs Linux, so host.json does not name it
		executable += ".exe"
	}
	return []string{
		"FUNCTIONS_WORKER_RUNTIME=custom",
		"AzureFunctionsJobHost__customHandler__description__defaultExecutablePath=" + executable,
		"COSMOS_ENDPOINT=" + endpoint, "COSMOS_KEY=" + Key, "COSMOS_DATABASE=",
		"SLACK_BOT_TOKEN=xoxb-local-stand-in", "SLACK_CHANNEL=security", "SLACK_API_URL=" + s.InboxURL + "/slack/api/", "SLACK_WEBHOOK_URL=",
		"SLACK_SIGNING_SECRET=" + signingSecret, "EXPECTED_FOR=", "TIME_ZONE=",
		"TEAMS_WORKFLOW_URL=" + s.InboxURL + "/teams/workflow/security",
		"WEBHOOK_URL=", "WEBHOOK_SECRET=",
		"MAIL_PROVIDER=smtp", "MAIL_FROM=auditbell@contoso.example", "MAIL_TO=", "SMTP_ADDRESS=" + s.mail, "SMTP_USER=", "SMTP_PASSWORD=",
		// Once a year: POST /admin/functions/digest runs it, and no report comes into a demonstration by itself.
		"ROLLUP_SCHEDULE=0 0 3 1 1 *", "DIGEST_SCHEDULE=0 0 4 1 1 *", "DIGEST_ARCHIVE=" + below(data, "archive"),
		// Tests count messages, and one that comes once a day would come into one of them.
		"CANARY_SCHEDULE=0 0 5 1 1 *", "CANARY_AT=off",
		"RECONCILE_SCHEDULE=0 0 6 1 1 *", "RECONCILE_SUBSCRIPTIONS=", // there is no Azure to compare with
		"TENANT_SCHEDULE=0 0 7 1 1 *",
		"DELIVER_SCHEDULE=*/5 * * * * *", "DELIVERY_LEASE=", "LOG_LEVEL=", "CONFIG_DIR=" + shownConfig, "PORTAL_URL=",
		"EVENT_HUB_NAME=insights-activity-logs", "EVENT_HUB_CONSUMER_GROUP=$Default", "EVENT_HUB_CONNECTION__fullyQualifiedNamespace=local", "AZURE_CLIENT_ID=",
	}
}

// Close takes everything down, the handler first. It may be called more than once.
func (s *Stack) Close() error {
	s.once.Do(func() {
		for _, closer := range slices.Backward(s.closers) {
			if err := closer(); err != nil && !errors.Is(err, net.ErrClosed) {
				s.err = errors.Join(s.err, err)
			}
		}
	})
	return s.err
}

// below is a folder under data, or nothing when nothing is to be kept.
func below(data, name string) string {
	if data == "" {
		return ""
	}
	return filepath.Join(data, strings.ToLower(name))
}
