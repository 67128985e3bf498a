package cli

// Stories: what happens when the host calls, by the scripts in testdata/stories/*.txtar. Each runs the handler's own server, the
// store on the Cosmos stand-in and the channels on the inbox, over real HTTP. `go test ./handler/cli -update` rewrites what
// the stories expect; read the diff before committing it.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/entra/entratest"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/settings"
	standin "github.com/auditbell/auditbell/local/azure"
	"github.com/auditbell/auditbell/local/cosmos"
	"github.com/auditbell/auditbell/local/inbox"
)

var update = flag.Bool("update", false, "rewrite what the stories expect")

func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/stories",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			s, err := openStory(env)
			env.Values["story"] = s
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"invoke":   command((*story).invoke),
			"messages": command((*story).messages),
			"alerts":   command((*story).alerts),
			"check":    command((*story).check),
			"fail":     command((*story).fail),
			"cosmos":   command((*story).cosmosFault),
			"clock":    command((*story).advance),
			"setting":  command((*story).setting),
			"config":   command((*story).configFile),
			"burst":    command((*story).burst),
			"tally":    command((*story).tally),
			"hours":    command((*story).hours),
			"down":     command((*story).down),
			"up":       command((*story).up),
			"click":    command((*story).click),
			"shown":    command((*story).shown),
			"show":     command((*story).show),
			"said":     command((*story).said),
			"restart":  command((*story).restart),

			"azure":      command((*story).azureStandIn),
			"azure-fail": command((*story).failAzure),
			"azure-log":  command((*story).logAzure),
			"asked":      command((*story).asked),
			"reads":      command((*story).reads),

			"exceptions": command((*story).exceptions),
			"tenant":     command((*story).authority),
			"call":       command((*story).call),
			"refusals":   command((*story).refusals),
			"run":        command((*story).run),
			"channels":   command((*story).channels),
			"replay":     command((*story).replay),

			"act":    command((*story).act),
			"texts":  command((*story).texts),
			"follow": command((*story).follow),
			"undo":   command((*story).undo),

			"everywhere": command((*story).everywhere),
		},
	})
}

// story is the stage of one story.
type story struct {
	server *httptest.Server // the handler's, opened at the first invocation, so that settings may come before
	cosmos *cosmos.Server
	inbox  *inbox.Server
	ends   string // where the inbox listens
	env    map[string]string
	config fs.FS
	tenant *entratest.Authority // where action groups get their tokens; opened by `tenant`
	azure  *standin.Server      // what lookups ask; opened by `azure`

	request   []byte     // the last click, as slack-action was called with it
	clickedIn slackShown // the message as it was then
	clock     atomic.Int64
	log       bytes.Buffer
}

var storyBegins = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func (s *story) now() time.Time { return storyBegins.Add(time.Duration(s.clock.Load())) }

func openStory(env *testscript.Env) (*story, error) {
	s := &story{config: fstest.MapFS{"auditbell.yaml": {Data: []byte("routes:\n  - to: [\"*\"]\n")}}} // each alert by itself
	ctx := context.Background()                                                                       // until the story is over; see Defer
	var err error
	if s.cosmos, err = cosmos.OpenDeployed(ctx, cosmos.Options{Now: s.now}); err != nil {
		return nil, err
	}
	if s.inbox, err = inbox.Open(inbox.Options{Now: s.now}); err != nil {
		return nil, err
	}
	account, ends := httptest.NewServer(s.cosmos), httptest.NewServer(s.inbox)
	s.ends = ends.URL
	env.Defer(func() {
		if s.server != nil {
			s.server.Close()
		}
		if s.tenant != nil {
			s.tenant.Close()
		}
		account.Close()
		ends.Close()
		_ = s.inbox.Close()
		_ = s.cosmos.Close()
	})
	s.env = map[string]string{
		"COSMOS_ENDPOINT": account.URL + "/", "COSMOS_KEY": "a2V5", "DELIVER_SCHEDULE": "*/30 * * * * *",
		"SLACK_BOT_TOKEN": "xoxb-story", "SLACK_CHANNEL": "security", "SLACK_API_URL": ends.URL + "/slack/api/",
		"TEAMS_WORKFLOW_URL": ends.URL + "/teams/workflow/security?sig=story-secret",
		"CANARY_AT":          "off", // or a story in which a day passes would say that the test was not sent
	}
	return s, nil
}

// command adapts a story's method; what it returns becomes the script's stdout, and an error the story's failure.
func command(run func(*story, *testscript.TestScript, []string) (string, error)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		out, err := run(ts.Value("story").(*story), ts, args)
		if neg != (err != nil) {
			ts.Fatalf("%v: %v", args, err)
		}
		fmt.Fprint(ts.Stdout(), derived.ReplaceAllString(out, "$1…"))
	}
}

// derived are ids made from a record's parts: the stories are about what happens, not about how ids are made.
var derived = regexp.MustCompile(`(alert-|event )[0-9a-z]{26,32}`)

func (s *story) open() string {
	if s.server == nil {
		w := app.World{
			Settings: settings.New(func(name string) (string, bool) { v, ok := s.env[name]; return v, ok }),
			Config:   s.config, Log: slog.New(slog.NewTextHandler(&s.log, nil)), Now: s.now,
		}
		lazy := app.NewLazy(func() app.World { return w }, w.Log)
		s.server = httptest.NewServer(app.NewServer(lazy, w.Log).Handler())
	}
	return s.server.URL
}

// invoke FUNCTION [FILE] [×N] calls a function as the host does, N times at once, and prints the answers, each once
// with how often it came.
func (s *story) invoke(ts *testscript.TestScript, args []string) (string, error) {
	function, body := args[0], []byte("{}")
	times := 1
	for _, arg := range args[1:] {
		if n, ok := strings.CutPrefix(arg, "×"); ok {
			var err error
			if times, err = strconv.Atoi(n); err != nil {
				return "", err
			}
			continue
		}
		body = []byte(ts.ReadFile(arg))
	}
	envelope := envelopeFor(function, body)
	address := s.open() + "/" + function
	answers := make([]string, times)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = post(address, envelope) })
	}
	wg.Wait()
	counts := map[string]int{}
	var order []string
	for _, a := range answers {
		if counts[a]++; counts[a] == 1 {
			order = append(order, a)
		}
	}
	var out strings.Builder
	for _, a := range order {
		fmt.Fprintf(&out, "%d× %s\n", counts[a], a)
	}
	return out.String(), nil
}

// envelopeFor wraps a payload as the host does (functions: value types by trigger): Event Grid with cardinality many
// is a string of JSON, an HTTP body a string in the request object.
func envelopeFor(function string, body []byte) []byte {
	var data any = map[string]any{"timer": map[string]any{"IsPastDue": false, "ScheduleStatus": nil}}
	switch function {
	case "eventgrid-activity":
		data = map[string]any{"events": string(body)}
	case "eventhub-activity":
		data = map[string]any{"records": string(body)}
	case "actiongroup-alert":
		data = map[string]any{"req": map[string]any{
			"Method": "POST", "Url": "https://app.azurewebsites.net/api/actiongroup-alert",
			"Headers": map[string][]string{"Content-Type": {"application/json"}}, "Body": string(body),
		}}
	}
	envelope, err := json.Marshal(map[string]any{"Data": data, "Metadata": map[string]any{"sys": map[string]any{"MethodName": function}}})
	if err != nil {
		panic(err) // a map of strings always marshals
	}
	return envelope
}

func post(address string, body []byte) string {
	response, err := http.Post(address, "application/json; charset=utf-8", bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", response.StatusCode, withoutCharge(answer))
}

// withoutCharge takes the RU out of an answer: it depends on which of several copies came first.
func withoutCharge(answer []byte) string {
	var v struct {
		Outputs map[string]struct {
			Body map[string]any
		}
	}
	if json.Unmarshal(answer, &v) == nil && v.Outputs["res"].Body["ru"] != nil {
		delete(v.Outputs["res"].Body, "ru")
		text, _ := json.Marshal(v.Outputs["res"].Body)
		return string(text)
	}
	return strings.TrimSpace(string(answer))
}

// messages [sorted] prints what the channels have, one line each: destination, kind, and the first line of the text; in
// order of arrival, or sorted where several arrive at once.
func (s *story) messages(_ *testscript.TestScript, args []string) (string, error) {
	var lines []string
	for _, m := range s.inbox.Messages() {
		first, _, _ := strings.Cut(m.Text, "\n")
		lines = append(lines, fmt.Sprintf("%s %s: %s\n", m.Destination, m.Kind, first))
	}
	if len(lines) == 0 {
		return "nothing\n", nil
	}
	if len(args) > 0 {
		slices.Sort(lines)
	}
	return strings.Join(sorted(lines), ""), nil
}

// sorted orders lines by destination, keeping the order within one: destinations are notified at the same time.
func sorted(lines []string) []string {
	var out []string
	for _, destination := range []string{"slack", "teams", "webhook", "email"} {
		for _, l := range lines {
			if strings.HasPrefix(l, destination) {
				out = append(out, l)
			}
		}
	}
	return out
}

// alerts prints every alert in the store that owes a delivery or has one parked.
func (s *story) alerts(*testscript.TestScript, []string) (string, error) {
	a, err := app.Open(app.World{
		Settings: settings.New(func(name string) (string, bool) { v, ok := s.env[name]; return v, ok }),
		Config:   s.config, Log: slog.New(slog.DiscardHandler), Now: s.now,
	})
	if err != nil {
		return "", err
	}
	due, err := a.Store.Due(context.Background(), 100)
	if err != nil {
		return "", err
	}
	stuck, err := a.Store.Stuck(context.Background(), 100)
	return fmt.Sprintf("%d due, %d stuck\n", len(due), len(stuck)), err
}

// check runs `handler check` and prints all but the number of rules, which grows, and that lookups are off.
func (s *story) check(*testscript.TestScript, []string) (string, error) {
	var out, errs bytes.Buffer
	code := Run(context.Background(), []string{"check", "--format", "table"}, Surroundings{
		In: strings.NewReader(""), Out: &out, Err: &errs,
		Env: func(name string) (string, bool) { v, ok := s.env[name]; return v, ok },
	})
	var kept []string
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "ok     rules") && !strings.HasPrefix(line, "ok     routes") && !strings.HasPrefix(line, "ok     lookups") {
			kept = append(kept, line)
		}
	}
	return fmt.Sprintf("%s%sexit %d\n", strings.Join(kept, ""), errs.String(), code), nil
}

// fail DESTINATION STATUS COUNT makes the next requests to a channel fail.
func (s *story) fail(_ *testscript.TestScript, args []string) (string, error) {
	f := inbox.Fault{Destination: args[0]}
	if n, err := strconv.Atoi(args[1]); err == nil {
		f.Status.Status = n
	} else {
		f.Status.Mode = args[1]
	}
	var err error
	f.Count, err = strconv.Atoi(args[2])
	if err != nil {
		return "", err
	}
	if len(args) > 3 {
		if f.RetryAfter, err = strconv.Atoi(args[3]); err != nil {
			return "", err
		}
	}
	return "", s.inbox.Fail(f)
}

// down DURATION lets the timer tick every ten minutes while time passes.
func (s *story) down(_ *testscript.TestScript, args []string) (string, error) {
	d, err := time.ParseDuration(args[0])
	for end := s.now().Add(d); err == nil && s.now().Before(end); s.clock.Add(int64(10 * time.Minute)) {
		if answer := post(s.open()+"/deliver", envelopeFor("deliver", nil)); !strings.HasPrefix(answer, "200 ") {
			return "", errors.New(answer)
		}
	}
	return "", err
}

// up ends every failure of the channels.
func (s *story) up(*testscript.TestScript, []string) (string, error) {
	r := httptest.NewRequest(http.MethodDelete, "http://127.0.0.1/api/faults", nil)
	w := httptest.NewRecorder()
	s.inbox.ServeHTTP(w, r)
	if w.Code/100 != 2 {
		return "", errors.New(w.Body.String())
	}
	return "", nil
}

// cosmosFault down|up takes the account away and brings it back.
func (s *story) cosmosFault(_ *testscript.TestScript, args []string) (string, error) {
	s.cosmos.ClearFaults()
	if args[0] == "down" {
		s.cosmos.Inject(cosmos.Fault{Status: http.StatusServiceUnavailable})
	}
	return "", nil
}

// configFile FILE is what the operator's auditbell.yaml says, from before the first invocation.
func (s *story) configFile(ts *testscript.TestScript, args []string) (string, error) {
	files, ok := s.config.(fstest.MapFS)
	if !ok {
		files = fstest.MapFS{}
	}
	name, file := "auditbell.yaml", args[len(args)-1]
	if args[0] == exception.File || strings.HasPrefix(args[0], "rules/") {
		name = args[0]
	}
	files[name] = &fstest.MapFile{Data: []byte(ts.ReadFile(file))}
	s.config = files
	return "", nil
}

// burst N [from M] delivers N events of one actor, in resource groups M, M+1, … so that each is an alert.
func (s *story) burst(_ *testscript.TestScript, args []string) (string, error) {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return "", err
	}
	from := 0
	if len(args) == 3 {
		if from, err = strconv.Atoi(args[2]); err != nil {
			return "", err
		}
	}
	var events []string
	for i := from; i < from+n; i++ {
		uri := fmt.Sprintf("/subscriptions/5f1c0a52-7c1e-4b7d-9a41-2d6a8c3e9b10/resourceGroups/rg-%d/providers/Microsoft.Authorization/policyAssignments/pa-%04d", i, i)
		events = append(events, fmt.Sprintf(`{"id":"e-%d","subject":%q,"eventType":"Microsoft.Resources.ResourceWriteSuccess","eventTime":"2026-11-22T11:59:00Z","topic":"/subscriptions/x",
			"data":{"claims":{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":"rob@contoso.example"},"correlationId":"c-%d","resourceUri":%q,"operationName":"Microsoft.Authorization/policyAssignments/write"}}`, i, uri, i, uri))
	}
	answer := post(s.open()+"/eventgrid-activity", envelopeFor("eventgrid-activity", []byte("["+strings.Join(events, ",")+"]")))
	if !strings.HasPrefix(answer, "200 ") {
		return "", errors.New(answer)
	}
	return "", nil
}

// hours N COUNT lets N hours pass in each of which COUNT records come in that no rule watches.
func (s *story) hours(_ *testscript.TestScript, args []string) (string, error) {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return "", err
	}
	count, err := strconv.Atoi(args[1])
	if err != nil {
		return "", err
	}
	for h := range n {
		var events []string
		for i := range count {
			events = append(events, fmt.Sprintf(`{"id":"h-%d-%d","subject":"/subscriptions/x/resourceGroups/rg","eventType":"Microsoft.Resources.ResourceWriteSuccess","eventTime":%q,"topic":"/subscriptions/x",
				"data":{"correlationId":"c-%d-%d","resourceUri":"/subscriptions/x/resourceGroups/rg","operationName":"Microsoft.Resources/tags/write"}}`, h, i, s.now().Format(time.RFC3339), h, i))
		}
		answer := post(s.open()+"/eventgrid-activity", envelopeFor("eventgrid-activity", []byte("["+strings.Join(events, ",")+"]")))
		if !strings.HasPrefix(answer, "200 ") {
			return "", errors.New(answer)
		}
		s.clock.Add(int64(time.Hour))
	}
	return "", nil
}

// tally prints for each destination how many alerts are shown, how many a summary counts, and in how many messages.
func (s *story) tally(*testscript.TestScript, []string) (string, error) {
	var out strings.Builder
	for _, destination := range []string{inbox.Slack, inbox.Teams} {
		shown, messages, counted := map[string]bool{}, 0, 0
		for _, m := range s.inbox.Messages() {
			if m.Destination != destination {
				continue
			}
			messages++
			var n int
			if at := strings.Index(m.Text, "Alert storm: "); at >= 0 {
				if _, err := fmt.Sscanf(m.Text[at:], "Alert storm: %d alerts", &n); err != nil {
					return "", err
				}
				counted = max(counted, n)
			} else if at := strings.Index(m.Text, "pa-"); at >= 0 {
				shown[m.Text[at:at+7]] = true
			}
		}
		fmt.Fprintf(&out, "%s: %d shown + %d counted = %d, in %d messages\n", destination, len(shown), counted, len(shown)+counted, messages)
	}
	return out.String(), nil
}

// advance moves the clock.
func (s *story) advance(_ *testscript.TestScript, args []string) (string, error) {
	d, err := time.ParseDuration(args[0])
	s.clock.Add(int64(d))
	return "", err
}

// setting NAME=VALUE sets or, without a value, removes an app setting before the first invocation.
func (s *story) setting(_ *testscript.TestScript, args []string) (string, error) {
	name, value, ok := strings.Cut(args[0], "=")
	if !ok {
		delete(s.env, name)
		return "", nil
	}
	s.env[name] = value
	return "", nil
}
