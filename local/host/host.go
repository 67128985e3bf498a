// Package host stands in for the Azure Functions host on a developer's machine and in tests: it runs a staged folder
// (dist/) exactly as published, starts and supervises its handler, and turns deliveries, requests and clock ticks into
// invocations byte for byte as the real host does.
//
// The real host needs .NET and an Azure account's storage; this needs Go. Its behaviour was read from
// Azure/azure-functions-host 4.1037 (newer files where named), the Event Grid, timer and HTTP extensions, and the page
// "Azure Functions custom handlers" of 2025-11-12. Where the real host only hurts later, it is stricter, and says so
// in the log: a null or empty answer fails at once instead of hanging until functionTimeout.
//
// It is not for production, has no scale-out, no storage, no other triggers than Auditbell's (Event Grid, HTTP, timer,
// Event Hubs), and knows nothing of what an event means.
package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Version is what the stand-in claims to be, in headers and in /admin/host/status.
const Version = "4.1052.200.0"

// Options say which app to run, and how far to stray from the real host's defaults. Only Root is required.
type Options struct {
	Root   string // a staged folder: host.json, <name>/function.json, the executable
	Listen string // empty: 127.0.0.1:7071, as Core Tools; port 0 picks one

	// Env is the host's environment, KEY=value: the app settings and everything else. The handler inherits all of
	// it. A later entry wins. nil: os.Environ().
	Env []string

	Log func(Line) // gets every line, one at a time; nil: dropped

	// TimerStatus is a folder that keeps when each timer last ran, as the real host's blob container does, so that a
	// tick missed while nothing ran is seen at the next start. Empty: memory only.
	TimerStatus string
	// NoTimers leaves timers to POST /admin/functions/<name>, for tests that must not be raced by a clock.
	NoTimers bool

	FunctionTimeout time.Duration // overrides host.json
	ReadyTimeout    time.Duration // overrides host.json's initializationTimeout, 30 s by default
	// FunctionKey, when set, must come as ?code= or x-functions-key to HTTP functions that are not anonymous. Empty:
	// no key is needed, as with `func start`.
	FunctionKey string
	// ContentLength sends invocations with a length, as under Core Tools, instead of chunked, as in Azure.
	ContentLength bool
	// RestartHost does what Azure's platform does once the host has given up on a crashing handler: it starts a new
	// one. Without it the third crash ends Wait, as it ends `func start`.
	RestartHost bool
	// Hubs are the event hubs that are read, which several hosts may share. nil: of this host alone.
	Hubs *Hubs
}

// Host is a running stand-in.
type Host struct {
	options Options
	app     *app
	log     logger
	handler *supervisor
	client  *http.Client
	timers  map[string]*timer
	hubs    *Hubs
	id      string // among the readers of hubs
	server  *http.Server
	addr    net.Addr
	started time.Time

	places      chan struct{} // of HTTP requests that are worked on
	outstanding atomic.Int64  // of these and those that wait

	stop    context.CancelFunc
	ctx     context.Context // the host's life; outlives any request
	work    work            // every goroutine, request and background run
	stopped chan struct{}   // closed when all of it has ended
	err     error           // why it ended by itself; read after stopped
}

// Start reads the app, starts its handler and listens. It returns before the handler is ready, as the real host does:
// deliveries wait for it. The host runs until ctx ends, Close is called, or the handler cannot be kept up.
func Start(ctx context.Context, options Options) (*Host, error) {
	if options.Listen == "" {
		options.Listen = "127.0.0.1:7071"
	}
	root, err := filepath.Abs(options.Root)
	if err != nil {
		return nil, fmt.Errorf("resolve root %s: %w", options.Root, err)
	}
	options.Root = root
	h := &Host{options: options, log: newLogger(options.Log), stopped: make(chan struct{}), started: time.Now(), hubs: options.Hubs, id: newGUID()}
	if h.hubs == nil {
		h.hubs = &Hubs{}
	}
	if h.app, err = readApp(options, h.log); err != nil {
		return nil, err
	}
	h.places = make(chan struct{}, max(h.app.atOnce, 0))
	if h.timers, err = newTimers(h.app, options.TimerStatus); err != nil {
		return nil, err
	}
	command, err := h.app.command()
	if err != nil {
		return nil, err
	}
	listener, err := bind(ctx, options.Listen)
	if err != nil {
		return nil, err
	}
	h.addr = listener.Addr()
	h.client = newClient()
	h.handler = newSupervisor(command, h.app.readyTimeout, options.RestartHost, h.log)
	h.ctx, h.stop = context.WithCancel(ctx)
	h.run(listener)
	return h, nil
}

// bind turns the one mistake everybody makes into a sentence.
func bind(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if isTaken(err) {
		return nil, fmt.Errorf("listen %s: already in use\nhint: another host runs there (func start, go run ./local); stop it or choose another address", address)
	}
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", address, err)
	}
	return l, nil
}

// isTaken knows EADDRINUSE and its Windows name, WSAEADDRINUSE (10048), which the syscall package has not.
func isTaken(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.Errno(10048))
}

// run starts the goroutines and ends them together.
func (h *Host) run(listener net.Listener) {
	h.server = &http.Server{Handler: h.routes(), ReadHeaderTimeout: 10 * time.Second}
	h.work.run(func() { _ = h.server.Serve(listener) })
	h.work.run(func() {
		h.err = h.handler.run(h.ctx)
		h.stop()
	})
	if !h.options.NoTimers {
		for _, t := range h.timers {
			h.work.run(func() { t.loop(h.ctx, h.invokeTimer) })
		}
	}
	for _, f := range h.app.functions {
		if f.trigger.Type == "eventHubTrigger" {
			h.work.run(func() { h.listen(f) })
		}
	}
	go func() {
		<-h.ctx.Done()
		_ = h.server.Close() // at once, as the real host's SIGKILL gives no grace either
		h.work.end()
		h.client.CloseIdleConnections()
		close(h.stopped)
	}()
}

// Close kills the handler, frees the port and waits until nothing of the host is left.
func (h *Host) Close() error {
	h.stop()
	return h.Wait()
}

// Wait returns when the host has ended: nil if it was told to, else what it died of.
func (h *Host) Wait() error {
	<-h.stopped
	return h.err
}

// Ready returns when the handler has answered its first probe, or with the reason why it never will.
func (h *Host) Ready(ctx context.Context) error {
	_, err := h.handler.ready(ctx)
	return err
}

// URL is the host's base address, http://127.0.0.1:7071.
func (h *Host) URL() string { return "http://" + h.addr.String() }

// HandlerPID is the running handler's process id; 0 while there is none.
func (h *Host) HandlerPID() int { return h.handler.pid() }

// work counts what is under way and takes no more once it is to end. sync.WaitGroup alone does not allow adding while
// somebody waits.
type work struct {
	mu    sync.Mutex
	ended bool
	group sync.WaitGroup
}

// begin reports whether the work may start; whoever got true calls group.Done.
func (w *work) begin() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.group.Add(1)
	}
	return !w.ended
}

// run does it in a goroutine of its own, or not at all.
func (w *work) run(f func()) {
	if !w.begin() {
		return
	}
	go func() {
		defer w.group.Done()
		f()
	}()
}

// end waits for all of it.
func (w *work) end() {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.group.Wait()
}
