package host

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// command is how to start the handler: the same for every start, the port included.
type command struct {
	path string
	args []string
	dir  string
	env  []string
	port int
}

// command resolves host.json's description (HttpWorkerDescription.cs, WorkerDescription.cs).
func (a *app) command() (command, error) {
	d := a.custom.Description
	dir, _ := a.env.expand(d.WorkingDirectory)
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(a.root, dir)
	}
	path, err := a.executable()
	if err != nil {
		return command{}, err
	}
	c := command{path: path, dir: dir}
	for _, arg := range d.Arguments {
		expanded, _ := a.env.expand(arg)
		c.args = append(c.args, expanded)
	}
	if c.port, err = freePort(); err != nil {
		return command{}, err
	}
	// HttpWorkerProcess.cs sets these five; the names with HTTPWORKER are those of an older preview, still set.
	port, id := strconv.Itoa(c.port), newGUID()
	c.env = append(append([]string{}, a.env.list...),
		"FUNCTIONS_CUSTOMHANDLER_PORT="+port, "FUNCTIONS_HTTPWORKER_PORT="+port,
		"FUNCTIONS_CUSTOMHANDLER_WORKER_ID="+id, "FUNCTIONS_HTTPWORKER_ID="+id,
		"FUNCTIONS_APP_ROOT_PATH="+a.root)
	return c, nil
}

// executable is a file below the root if there is one by that name, else a command on PATH. A folder of that name is
// no file, so "handler" beside a folder handler/ means the command, and is usually not found.
func (a *app) executable() (string, error) {
	path, _ := a.env.expand(a.custom.Description.DefaultExecutablePath)
	if !filepath.IsAbs(path) {
		full := filepath.Join(a.root, filepath.FromSlash(path))
		if info, err := os.Stat(full); err == nil && info.Mode().IsRegular() {
			return full, nil
		}
	}
	found, err := exec.LookPath(path)
	if err != nil {
		return "", fmt.Errorf("find executable %s: no file in %s and no command: %w\nhint: no .exe is appended on Windows; set %scustomHandler__description__defaultExecutablePath",
			path, a.root, err, overridePrefix)
	}
	return found, nil
}

// process is one run of the handler.
type process struct {
	pid    int
	exited chan struct{} // closed once code is known and the last line is out
	code   int           // read through exitCode
	kill   func()

	mu       sync.Mutex
	lastErrs []string // the last Error lines, which the host attaches to a crash
	timedOut bool     // killed because an invocation exceeded functionTimeout
}

// launch starts the handler. One goroutine starts it and waits for it on one thread, because Linux ties "die with your
// parent" to the thread that forked, not to the process.
func launch(c command, log logger) (*process, error) {
	p := &process{exited: make(chan struct{})}
	cmd := exec.Command(c.path, c.args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	// The handler stays in the terminal's process group: a Ctrl-C reaches it as well, which is one more way not to be
	// left behind.
	cmd.SysProcAttr = dieWithParent()
	cmd.WaitDelay = time.Second // for a grandchild that keeps the pipes open
	stdout, stderr := log.console(p.keepError)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // the exit code says it all
		stdout.flush()
		stderr.flush()
		p.code = codeOf(cmd.ProcessState)
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", c.path, err)
	}
	p.pid = cmd.Process.Pid
	p.kill = func() { _ = cmd.Process.Kill() } // SIGKILL: the host never asks first
	return p, nil
}

// codeOf is as .NET counts: 128 plus the signal for a killed process.
func codeOf(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// exitCode is -1 for a process that would not die.
func (p *process) exitCode() int {
	select {
	case <-p.exited:
		return p.code
	default:
		return -1
	}
}

// keepError remembers the last three Error lines.
func (p *process) keepError(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastErrs = append(p.lastErrs, line)
	if len(p.lastErrs) > 3 {
		p.lastErrs = p.lastErrs[1:]
	}
}

// timeOut kills the process; its end will not count as a crash.
func (p *process) timeOut() {
	p.mu.Lock()
	p.timedOut = true
	p.mu.Unlock()
	p.kill()
}

func (p *process) wasTimedOut() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.timedOut
}

// crash describes an exit that the host counts.
func (p *process) crash() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := fmt.Errorf("handler exited with code %d", p.exitCode())
	if len(p.lastErrs) > 0 {
		err = errors.Join(err, errors.New(strings.Join(p.lastErrs, ",")))
	}
	return err
}

// newGUID is a random UUID, lower case with hyphens, as .NET prints one.
func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// random is so many bytes in lower-case hex.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
