package host

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// app is what the host reads from a staged folder.
type app struct {
	root            string
	env             environment
	custom          customHandler
	functions       []*function
	broken          map[string]string // function name → why it was left out; the others run
	functionTimeout time.Duration     // 0: unlimited
	readyTimeout    time.Duration
	routePrefix     string
	hubBatch        int // messages of a batch of Event Hubs at most
	atOnce          int // HTTP requests that are worked on at once, all functions together; 0 and -1: no bound (HttpOptions.cs)
	outstanding     int // of these and those that wait, at most; 0 and -1: no bound, as in every plan but Consumption on Windows
}

// customHandler is host.json's section of that name, as far as an envelope-mode app uses it.
type customHandler struct {
	Description struct {
		DefaultExecutablePath string
		WorkingDirectory      string
		Arguments             []string
	}
	InitializationTimeout       string
	EnableForwardingHTTPRequest bool `json:"enableForwardingHttpRequest"`
	EnableProxyingHTTPRequest   bool `json:"enableProxyingHttpRequest"`
	HTTP                        json.RawMessage
	Port                        json.RawMessage
}

// function is one folder with a function.json.
type function struct {
	name     string
	bindings []binding
	trigger  binding
	retry    *retryPolicy
}

// binding has the properties of every kind; the kind says which of them count.
type binding struct {
	Type, Name, Direction, DataType string
	Cardinality                     string   // eventGridTrigger, eventHubTrigger
	AuthLevel, Route                string   // httpTrigger
	Methods                         []string // httpTrigger
	Schedule                        string   // timerTrigger
	UseMonitor                      *bool    // timerTrigger
	RunOnStartup                    bool     // timerTrigger
}

// many says that a batch comes as one invocation. The host takes any case.
func (b binding) many() bool { return strings.EqualFold(b.Cardinality, "many") }

// readApp reads host.json and every immediate subfolder's function.json (HostFunctionMetadataProvider.cs). A function
// that is wrong is left out and named in the log; an app that is wrong is an error.
func readApp(o Options, log logger) (*app, error) {
	a := &app{root: o.Root, env: newEnvironment(o.Env), broken: map[string]string{}}
	if err := a.readHostJSON(); err != nil {
		return nil, fmt.Errorf("read host.json: %w", err)
	}
	if o.FunctionTimeout != 0 {
		a.functionTimeout = o.FunctionTimeout
	}
	if o.ReadyTimeout != 0 {
		a.readyTimeout = o.ReadyTimeout
	}
	paths, err := filepath.Glob(filepath.Join(a.root, "*", "function.json"))
	if err != nil {
		return nil, fmt.Errorf("list functions: %w", err)
	}
	for _, path := range paths {
		name := filepath.Base(filepath.Dir(path))
		f, err := a.readFunction(name, path)
		if err != nil {
			a.broken[name] = err.Error()
			log.printf(Error, CategoryHost, "the function %s is left out: %v", name, err)
			continue
		}
		a.functions = append(a.functions, f)
	}
	if len(a.functions) == 0 {
		return nil, fmt.Errorf("list functions: none in %s can run\nhint: the folder must be staged, with <name>/function.json directly below it", a.root)
	}
	return a, nil
}

func (a *app) readHostJSON() error {
	data, err := os.ReadFile(filepath.Join(a.root, "host.json"))
	if err != nil {
		return err
	}
	// Environment variables may replace any value, so the file is a tree first and typed afterwards.
	var tree map[string]any
	if err := json.Unmarshal(data, &tree); err != nil {
		return err
	}
	a.env.override(tree)
	merged, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	var h struct {
		Version         string
		FunctionTimeout string
		CustomHandler   customHandler
		Extensions      struct {
			HTTP struct {
				RoutePrefix            *string
				MaxConcurrentRequests  int
				MaxOutstandingRequests int
			}
			EventHubs struct{ MaxEventBatchSize int }
		}
	}
	if err := json.Unmarshal(merged, &h); err != nil {
		return err
	}
	if h.Version != "2.0" {
		return fmt.Errorf("version is %q, must be 2.0", h.Version)
	}
	// Defaults: "api" (HttpOptions), 5 minutes (Consumption; other plans have 30, but whoever relies on more than 5
	// should say so in host.json), 30 seconds (WorkerConstants.WorkerInitTimeoutSeconds).
	a.hubBatch = cmp.Or(h.Extensions.EventHubs.MaxEventBatchSize, 100) // EventHubOptions.cs
	a.atOnce, a.outstanding = h.Extensions.HTTP.MaxConcurrentRequests, h.Extensions.HTTP.MaxOutstandingRequests
	a.routePrefix = "api"
	if h.Extensions.HTTP.RoutePrefix != nil {
		a.routePrefix = strings.Trim(*h.Extensions.HTTP.RoutePrefix, "/")
	}
	if a.functionTimeout, err = timeSpan(h.FunctionTimeout, 5*time.Minute); err != nil {
		return fmt.Errorf("functionTimeout: %w", err)
	}
	if a.readyTimeout, err = timeSpan(h.CustomHandler.InitializationTimeout, 30*time.Second); err != nil {
		return fmt.Errorf("initializationTimeout: %w", err)
	}
	a.custom = h.CustomHandler
	return a.custom.check()
}

// check refuses what the stand-in would have to pretend.
func (c customHandler) check() error {
	switch {
	case c.Description.DefaultExecutablePath == "":
		return errors.New("customHandler.description.defaultExecutablePath is missing")
	case c.EnableForwardingHTTPRequest || c.EnableProxyingHTTPRequest:
		return errors.New("the stand-in speaks envelopes only, not enableForwardingHttpRequest or enableProxyingHttpRequest")
	case c.HTTP != nil:
		return errors.New("customHandler.http excludes function.json files (HttpWorkerFunctionProvider.cs)")
	case c.Port != nil:
		return errors.New("customHandler.port: leave the port to the host")
	}
	return nil
}

// functionName is what Utility.cs accepts.
var functionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,127}$`)

// triggers the stand-in can fire.
var triggers = map[string]bool{"eventGridTrigger": true, "httpTrigger": true, "timerTrigger": true, "eventHubTrigger": true}

func (a *app) readFunction(name, path string) (*function, error) {
	if !functionName.MatchString(name) || strings.EqualFold(name, "host") {
		return nil, fmt.Errorf("%q is not a valid function name", name)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var spec struct {
		Bindings []binding
		Retry    *retryPolicy
	}
	if err := json.Unmarshal(data, &spec); err != nil {
		return nil, err
	}
	f := &function{name: name, bindings: spec.Bindings, retry: spec.Retry}
	if f.trigger, err = triggerOf(spec.Bindings); err != nil {
		return nil, err
	}
	if err := spec.Retry.check(f.trigger.Type); err != nil {
		return nil, err
	}
	if f.trigger.Type == "httpTrigger" { // its address is the route, by default the function's name
		if f.trigger.Route == "" {
			f.trigger.Route = name
		}
		err = checkRoute(f.trigger.Route)
	}
	return f, err
}

// triggerOf holds the bindings to the host's rules and returns the one trigger.
func triggerOf(bindings []binding) (trigger binding, err error) {
	if len(bindings) == 0 {
		return trigger, errors.New("at least one binding must be declared")
	}
	seen := map[string]bool{}
	for _, b := range bindings {
		// Names become parameters of a generated method, which ignores case when binding.
		if b.Name == "" || seen[strings.ToLower(b.Name)] {
			return trigger, fmt.Errorf("binding %q of type %q needs a name of its own", b.Name, b.Type)
		}
		seen[strings.ToLower(b.Name)] = true
		if !strings.HasSuffix(b.Type, "Trigger") {
			continue
		}
		if trigger.Type != "" {
			return trigger, errors.New("more than one trigger")
		}
		if !triggers[b.Type] {
			return trigger, fmt.Errorf("the stand-in has no %s", b.Type)
		}
		trigger = b
	}
	if trigger.Type == "" {
		return trigger, errors.New("no trigger")
	}
	return trigger, nil
}

// byName finds a function; names are compared exactly where the real host keeps them in a plain dictionary.
func (a *app) byName(name string) *function {
	for _, f := range a.functions {
		if f.name == name {
			return f
		}
	}
	return nil
}

// timeSpan reads .NET's [d.]hh:mm:ss; "-1" is no limit, which comes back as 0.
func timeSpan(s string, absent time.Duration) (time.Duration, error) {
	switch s {
	case "":
		return absent, nil
	case "-1":
		return 0, nil
	}
	days := 0
	rest := s
	if d, after, found := strings.Cut(s, "."); found && !strings.Contains(d, ":") {
		if _, err := fmt.Sscanf(d, "%d", &days); err != nil {
			return 0, fmt.Errorf("%q is no time span", s)
		}
		rest = after
	}
	t, err := time.Parse("15:04:05", rest)
	if err != nil {
		return 0, fmt.Errorf("%q is no time span like 00:05:00", s)
	}
	of := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
	return time.Duration(days)*24*time.Hour + of, nil
}
