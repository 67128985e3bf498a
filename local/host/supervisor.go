package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	pollInterval  = 25 * time.Millisecond // WorkerReadyCheckPollingIntervalMilliseconds
	maxStrikes    = 3                     // the third error shuts the host down
	strikesExpire = 30 * time.Minute      // an error this long after the previous one starts the count anew
	killWait      = time.Second           // how long the host waits for a killed process
)

// exit codes with a meaning of their own (WorkerConstants.cs).
const (
	exitSuccess = 0
	exitRestart = 200
)

// supervisor keeps one handler process up, by the rules of HttpFunctionInvocationDispatcher.cs and WorkerProcess.cs.
type supervisor struct {
	command      command
	readyTimeout time.Duration
	restartHost  bool
	log          logger
	probe        *http.Client

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each change below
	state   string
	current *process // while starting or running
	reason  error    // why there will be no process any more
	strikes []time.Time
}

// States, as /admin/host/status names them. The real host says Running as soon as it listens; here it means that the
// handler answers, which is what somebody waiting for it wants to know.
const (
	stateStarting = "Starting"
	stateRunning  = "Running"
	stateError    = "Error"
)

// Why no handler will answer any more.
var errHandlerDone = errors.New("handler exited with code 0: the host neither restarts it nor reports an error")

func newSupervisor(c command, readyTimeout time.Duration, restartHost bool, log logger) *supervisor {
	return &supervisor{
		command: c, readyTimeout: readyTimeout, restartHost: restartHost, log: log,
		// A probe follows the client's timeout in the real host too, so that a handler which accepts and does not
		// answer blocks the start.
		probe:   &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		changed: make(chan struct{}), state: stateStarting,
	}
}

// run starts the handler again and again until ctx ends (nil) or the host gives up (why).
func (s *supervisor) run(ctx context.Context) error {
	for {
		p, err := s.once(ctx)
		switch {
		case ctx.Err() != nil:
			s.set(stateError, nil, errors.New("the host has stopped"))
			return nil
		case err != nil:
			if err := s.strike(err); err != nil {
				s.set(stateError, nil, err)
				return err
			}
		case p.wasTimedOut(): // RestartWorkerWithInvocationIdAsync goes past the count
			s.log.printf(Error, CategoryHost, "handler killed at functionTimeout, with all its invocations; restarting it")
		case p.exitCode() == exitSuccess:
			s.log.printf(Error, CategoryHost, "%v", errHandlerDone)
			s.set(stateError, nil, errHandlerDone)
			<-ctx.Done()
			return nil
		case p.exitCode() == exitRestart:
			s.log.printf(Information, CategoryHost, "handler asked to be restarted (exit code %d)", exitRestart)
		default:
			if err := s.strike(p.crash()); err != nil {
				s.set(stateError, nil, err)
				return err
			}
		}
	}
}

// once runs the handler to its end. An error means that it never got ready.
func (s *supervisor) once(ctx context.Context) (*process, error) {
	p, err := launch(s.command, s.log)
	if err != nil {
		return nil, err
	}
	s.set(stateStarting, p, nil)
	s.log.printf(Information, CategoryHost, "started %s (process %d, port %d)", s.command.path, p.pid, s.command.port)
	answers, err := s.awaitReady(ctx, p)
	if answers {
		s.set(stateRunning, p, nil)
		s.log.printf(Information, CategoryHost, "handler is ready")
		select {
		case <-p.exited:
		case <-ctx.Done():
		}
	}
	s.end(p)
	s.set(stateStarting, nil, nil)
	return p, err
}

// end makes sure the process is gone.
func (s *supervisor) end(p *process) {
	p.kill()
	select {
	case <-p.exited:
	case <-time.After(killWait + time.Second): // the second is exec's WaitDelay
		s.log.printf(Warning, CategoryHost, "handler process %d has not exited %s after being killed", p.pid, killWait)
	}
}

// awaitReady polls GET / until any answer comes; only a connection that cannot be made means "not yet". A process that
// exits meanwhile is neither ready nor an error: its exit code decides.
func (s *supervisor) awaitReady(ctx context.Context, p *process) (answers bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.readyTimeout)
	defer cancel()
	for {
		err := s.ping(ctx)
		if ctx.Err() == nil && !isDial(err) {
			return true, nil
		}
		select {
		case <-p.exited:
			return false, nil
		case <-ctx.Done():
			return false, fmt.Errorf("handler not ready within %s: %w\nhint: answer GET / on 127.0.0.1:$FUNCTIONS_CUSTOMHANDLER_PORT before anything else", s.readyTimeout, err)
		case <-time.After(pollInterval):
		}
	}
}

func isDial(err error) bool {
	socket := new(net.OpError)
	return errors.As(err, &socket) && socket.Op == "dial"
}

// ping is the probe the host sends while starting and whenever the platform asks for its health.
func (s *supervisor) ping(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url(""), nil)
	if err != nil {
		return err
	}
	answer, err := s.probe.Do(r)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

func (s *supervisor) url(path string) string {
	return "http://127.0.0.1:" + strconv.Itoa(s.command.port) + "/" + path
}

// strike counts an error and returns one when it was the last the host puts up with.
func (s *supervisor) strike(err error) error {
	now := time.Now()
	s.log.printf(Error, CategoryHost, "%v", err)
	if n := len(s.strikes); n > 0 && now.Sub(s.strikes[n-1]) > strikesExpire {
		s.strikes = nil
	}
	s.strikes = append(s.strikes, now)
	if len(s.strikes) < maxStrikes {
		return nil
	}
	if s.restartHost {
		s.log.printf(Error, CategoryHost, "exceeded handler restarts; the host stops and the platform starts a new one")
		s.strikes = nil
		return nil
	}
	return fmt.Errorf("exceeded handler restarts, the host stops: %w", err)
}

func (s *supervisor) set(state string, p *process, reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.current, s.reason = state, p, reason
	close(s.changed)
	s.changed = make(chan struct{})
}

// timeOut kills the process for one invocation's sake; all others in it fail too. The state changes first, so that the
// next invocation waits for the new process.
func (s *supervisor) timeOut(p *process) {
	if _, current, _, _ := s.snapshot(); current == p {
		s.set(stateStarting, p, nil)
	}
	p.timeOut()
}

// snapshot returns the state, the running process (nil while none answers), what to wait on for a change, and why there
// is no process.
func (s *supervisor) snapshot() (state string, p *process, changed <-chan struct{}, reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, s.current, s.changed, s.reason
}

func (s *supervisor) pid() int {
	if _, p, _, _ := s.snapshot(); p != nil {
		return p.pid
	}
	return 0
}

// ready returns the process that answers, waiting for it as long as the real host does: (3+1) ready timeouts
// (WorkerFunctionInvoker.cs, which then stops the host).
func (s *supervisor) ready(ctx context.Context) (*process, error) {
	var limit <-chan time.Time // made when there is something to wait for
	for {
		state, p, changed, reason := s.snapshot()
		switch {
		case reason != nil:
			return nil, fmt.Errorf("reach handler: %w", reason)
		case state == stateRunning:
			return p, nil
		case limit == nil:
			limit = time.After((maxStrikes + 1) * s.readyTimeout)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for handler: %w", ctx.Err())
		case <-limit:
			return nil, fmt.Errorf("wait for handler: not ready within %s", (maxStrikes+1)*s.readyTimeout)
		}
	}
}
