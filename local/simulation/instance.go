package simulation

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing/fstest"
	"time"
	"unicode"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/notify/email"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/turns"
)

// instance is one process of the program: what it holds in memory is lost when it is killed.
type instance struct {
	sim    *simulation
	name   string
	ahead  time.Duration // of its own clock
	server http.Handler
	dead   atomic.Bool
	calls  map[string]*invocation // in progress; the root goroutine's
}

// invocation is one call of the Functions host.
type invocation struct {
	id, function string
	body         []byte
	instance     *instance
	done         func(result)
}

// result is what the host learns of an invocation.
type result struct {
	status int // 0: the process died, or the connection broke
	body   string
}

func (r result) ok() bool { return r.status >= 200 && r.status <= 299 }

// open wires a new process, as the program's main does, on the services of this world.
func (s *simulation) open(name string, ahead time.Duration) *instance {
	i := &instance{sim: s, name: name, ahead: ahead, calls: map[string]*invocation{}}
	log := slog.New(slog.DiscardHandler)
	server := app.NewServer(app.NewLazy(func() app.World {
		return app.World{
			Settings: settings.New(s.env), Config: s.config, Log: log, Tool: "simulation",
			Now: func() time.Time { return time.Now().Add(ahead) },
			Web: &web{i}, Mail: email.Way{Identity: identity{}, Dial: i.dial}, Cosmos: &database{i},
			Jitter: func(limit time.Duration) time.Duration { return s.jitter(name, limit) },
		}
	}, log), log)
	i.server = server.Handler()
	return i
}

// jitter is the random part of a pause. It follows from the seed and the time, so that the order in which goroutines ask
// does not matter.
func (s *simulation) jitter(name string, limit time.Duration) time.Duration {
	return time.Duration(digest(s.plan.Seed, name, time.Now().String()) % uint64(max(limit, 1)))
}

// invoke calls the process as the Functions host does. done is called once, by the root goroutine.
func (s *simulation) invoke(i *instance, function string, body []byte, done func(result)) {
	s.invocations++
	in := &invocation{id: fmt.Sprintf("%s-%05d", i.name, s.invocations), function: function, body: body, instance: i, done: done}
	i.calls[in.id] = in
	s.scheduler.running++
	s.trace.line("%s  host        %s is called (%s)", i.name, function, in.id)
	go in.run()
}

// run is the goroutine of an invocation.
func (in *invocation) run() {
	s := in.instance.sim
	r := httptest.NewRequest(http.MethodPost, "/"+in.function, bytes.NewReader(in.body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Azure-Functions-InvocationId", in.id)
	w := httptest.NewRecorder()
	mine := &routine{scheduler: s.scheduler, of: in.instance, past: digest(0, in.id)}
	mine.Take()
	r = r.WithContext(turns.With(r.Context(), mine))
	in.instance.server.ServeHTTP(w, r)
	out := result{w.Code, w.Body.String()}
	what := fmt.Sprintf("%s of %s is %d", in.id, in.function, w.Code)
	v, err := s.scheduler.call(r.Context(), &step{instance: in.instance, phase: answer, what: what}, "")
	if err != nil {
		return // killed
	}
	switch v.fault {
	case late:
		time.Sleep(v.wait)
	case refused:
		out.status = v.status // the host stopped waiting
	case broken, lost:
		out = result{}
	}
	s.settled(in, out)
}

// settled hands a result to the root goroutine.
func (s *simulation) settled(in *invocation, r result) {
	s.mu.Lock()
	s.results = append(s.results, settledCall{in, r})
	s.mu.Unlock()
	select {
	case s.scheduler.arrived <- struct{}{}:
	default:
	}
}

type settledCall struct {
	in *invocation
	r  result
}

// kill ends a process: none of its goroutines does anything more, and the host learns that its calls failed.
func (s *simulation) kill(i *instance) {
	if i.dead.Swap(true) {
		return
	}
	s.trace.line("%s  is killed", i.name)
	s.disturbed()
	s.scheduler.forget(i)
	s.restart(i)
	for _, in := range sorted(i.calls) {
		delete(i.calls, in.id)
		s.scheduler.running--
		in.done(result{})
	}
	s.schedule()
}

// settings are the app settings of every process. The addresses exist in this world only.
func settingsOf(p *Plan) map[string]string {
	m := map[string]string{
		"COSMOS_ENDPOINT": "https://cosmos.invalid/", "COSMOS_KEY": accountKey,
		"SLACK_BOT_TOKEN": "xoxb-simulation", "SLACK_CHANNEL": "C0SECURITY", "SLACK_API_URL": "https://slack.invalid/api/", "WEBHOOK_SECRET": "simulation, not a secret",
		"MAIL_FROM": "bell@contoso.example", "SMTP_ADDRESS": "127.0.0.1:25", "ACS_ENDPOINT": "https://acs.invalid", // no TLS within one machine
		"DELIVER_SCHEDULE": "*/30 * * * * *", "CANARY_AT": "off", "LOOKUPS": "role,principal",
		"ARM_ENDPOINT": "http://127.0.0.1:1", "GRAPH_ENDPOINT": "http://127.0.0.1:1/v1.0",
		"EVENT_HUB_CONNECTION__fullyQualifiedNamespace": "simulation",
		"SLACK_SIGNING_SECRET":                          signingSecret,
	}
	maps.Copy(m, p.Settings)
	for _, channel := range p.Channels {
		switch address, mails := strings.CutPrefix(channel, mailbox("")); {
		case channel == "teams":
			m["TEAMS_WORKFLOW_URL"] = "https://teams.invalid/workflow"
		case channel == "webhook":
			m["WEBHOOK_URL"] = "https://webhook.invalid/alerts"
		case mails:
			m["MAIL_TO"] += address + ","
		}
	}
	return m
}

const (
	accountKey    = "c2ltdWxhdGlvbiwgbm90IGEgc2VjcmV0LCBub3QgYW4gYWNjb3VudA=="
	signingSecret = "simulation"
)

// configOf is the folder that the operator publishes.
func configOf(p *Plan) fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range p.Config {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

// readAll reads a body, of which the size is known as a rule.
func readAll(body io.ReadCloser, size int64) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	defer func() { _ = body.Close() }()
	if size < 0 {
		return io.ReadAll(body)
	}
	all := make([]byte, size)
	_, err := io.ReadFull(body, all)
	return all, err
}

// plain is text as a reader compares it: lower case, single blanks.
func plain(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	blank := false
	for _, r := range text {
		if unicode.IsSpace(r) {
			blank = b.Len() > 0
			continue
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
