package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auditbell/auditbell/local/cosmos"
	"github.com/auditbell/auditbell/local/inbox"
)

// ground is a store, channels, and a folder for what is replayed.
type ground struct {
	t     *testing.T
	env   map[string]string
	inbox *inbox.Server
	dir   string

	mu     sync.Mutex
	before func(*http.Request) // what happens before a request reaches a channel

	ahead atomic.Int64 // nanoseconds by which the store's clock is ahead of this machine's
}

func newGround(t *testing.T) *ground {
	t.Helper()
	g := &ground{t: t, dir: t.TempDir()}
	account, err := cosmos.OpenDeployed(t.Context(), cosmos.Options{Now: func() time.Time { return time.Now().Add(time.Duration(g.ahead.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	if g.inbox, err = inbox.Open(inbox.Options{}); err != nil {
		t.Fatal(err)
	}
	kept, ends := httptest.NewServer(account), httptest.NewServer(http.HandlerFunc(g.channel))
	t.Cleanup(func() {
		kept.Close()
		ends.Close()
		_ = g.inbox.Close()
		_ = account.Close()
	})
	g.env = map[string]string{
		"COSMOS_ENDPOINT": kept.URL + "/", "COSMOS_KEY": "a2V5", "DELIVER_SCHEDULE": "*/30 * * * * *", "CONFIG_DIR": eachByItself(t),
		"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_CHANNEL": "security", "SLACK_API_URL": ends.URL + "/slack/api/",
	}
	return g
}

func (g *ground) channel(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	before := g.before
	g.mu.Unlock()
	if before != nil {
		before(r)
	}
	g.inbox.ServeHTTP(w, r)
}

// export writes n deletions by ada, each in a resource group and so an alert of its own, as `az` lists them.
func (g *ground) export(n int) string {
	var text strings.Builder
	for i := range n {
		id := fmt.Sprintf("/subscriptions/6c64f977-6931-4378-9b16-725ae163bcf0/resourceGroups/rg-%d/providers/Microsoft.Network/networkSecurityGroups/nsg-%03d", i, i)
		fmt.Fprintf(&text, `{"caller":"ada@contoso.example","correlationId":"x%d","eventDataId":"e%d","category":{"value":"Administrative"},"level":"Informational","resourceGroupName":"rg-%d","resourceId":%q,`+
			`"operationName":{"value":"Microsoft.Network/networkSecurityGroups/delete"},"properties":{},"status":{"value":"Succeeded"},"eventTimestamp":"2026-10-01T10:%02d:%02dZ","subscriptionId":"6c64f977-6931-4378-9b16-725ae163bcf0"}`+"\n",
			i, i, i, id, i/60, i%60)
	}
	name := filepath.Join(g.dir, "export.jsonl")
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		g.t.Fatal(err)
	}
	const rule = "title: Gone\nlogsource: {product: azure, service: activitylogs}\ndetection:\n  s: {operation: microsoft.network/networksecuritygroups/delete}\n  condition: s\nlevel: medium\nauditbell: {id: gone}\n"
	if err := os.WriteFile(filepath.Join(g.dir, "gone.yml"), []byte(rule), 0o600); err != nil {
		g.t.Fatal(err)
	}
	return name
}

// replay runs the command and returns what it says as JSON.
func (g *ground) replay(ctx context.Context, args ...string) (replayed, string, int) {
	g.t.Helper()
	var out, errs bytes.Buffer
	code := Run(ctx, append([]string{"replay", "--send", "--yes", "--format", "json", "--no-library", "--rules", filepath.Join(g.dir, "gone.yml")}, args...), Surroundings{
		In: strings.NewReader(""), Out: &out, Err: &errs,
		Env: func(name string) (string, bool) { v, ok := g.env[name]; return v, ok },
	})
	var said replayed
	if err := json.Unmarshal(out.Bytes(), &said); err != nil {
		g.t.Fatalf("the command printed no JSON: %v\n%s\n%s", err, &out, &errs)
	}
	return said, errs.String(), code
}

// posts counts the first messages by the security group that they name, and those that are not marked.
func (g *ground) posts() (byName map[string]int, summed, unmarked int) {
	byName = map[string]int{}
	for _, m := range g.inbox.Messages() {
		if m.Kind != "post" {
			continue
		}
		if !strings.Contains(m.Text, "replayed on ") || !strings.Contains(m.Text, "happened at 2026-10-01 10:") {
			unmarked++
		}
		if _, rest, ok := strings.Cut(m.Text, "Alert storm: "); ok {
			n := 0
			if _, err := fmt.Sscan(rest, &n); err == nil {
				summed += n
			}
		} else if at := strings.Index(m.Text, "nsg-"); at >= 0 {
			byName[m.Text[at:at+len("nsg-000")]]++
		}
	}
	return byName, summed, unmarked
}

// TestABackfillIsNoFlood sends 200 alerts, of which a channel takes 60 at once: the others are summed up, and each is
// sent exactly once, one by one or in the summary.
func TestABackfillIsNoFlood(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	said, errs, code := g.replay(t.Context(), g.export(200))
	if code != exitDone || said.Sent == nil || said.Sent.Opened != 200 || said.Sent.Recorded != 200 {
		t.Fatalf("exit %d, sent %+v: %s", code, said.Sent, errs)
	}
	byName, summed, unmarked := g.posts()
	if unmarked > 0 {
		t.Errorf("%d messages do not say that they are late", unmarked)
	}
	if len(byName)+summed != 200 || said.Sent.Folded != summed || len(g.inbox.Messages()) > 61 {
		t.Errorf("%d alerts sent one by one and %d summed up (%d said), in %d messages, want 200 in 61 at most", len(byName), summed, said.Sent.Folded, len(g.inbox.Messages()))
	}
}

// TestABackfillIsResumed interrupts one at its fifth message, of more than go out in one round, and runs it again:
// everything is sent, nothing twice.
func TestABackfillIsResumed(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	const all = 64 // a channel takes 60 at once
	file := g.export(all)
	ctx, interrupt := context.WithCancel(t.Context())
	posted := 0
	g.before = func(*http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if posted++; posted == 5 {
			interrupt()
		}
	}
	_, errs, code := g.replay(ctx, file)
	if code != exitNo || !strings.Contains(errs, "run the same again") {
		t.Errorf("an interrupted backfill exits %d and says %q", code, errs)
	}
	byName, _, _ := g.posts()
	if before := len(byName); before == 0 || before == all {
		t.Fatalf("%d of %d alerts were sent when it was interrupted: the test proves nothing", before, all)
	}
	g.ahead.Store(int64(5 * time.Minute)) // the leases of the first run are over, and the channel takes messages again
	said, errs, code := g.replay(t.Context(), file)
	byName, _, _ = g.posts()
	repeated := 0
	for _, n := range byName {
		repeated += n - 1
	}
	if code != exitDone || len(byName) != all || repeated != 0 || said.Sent.Recorded != 0 {
		t.Errorf("run again: exit %d, %d of %d alerts sent, %d twice, %d recorded again: %s", code, len(byName), all, repeated, said.Sent.Recorded, errs)
	}
}

// TestABackfillSaysWhatItCouldNotTell has a channel that refuses for good, and one that a quiet time holds back.
func TestABackfillSaysWhatItCouldNotTell(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.env["SLACK_BOT_TOKEN"] = "not-a-bot-token"
	said, errs, code := g.replay(t.Context(), g.export(2))
	if code != exitNo || said.Sent.Stuck != 2 || said.Sent.Messages != 0 {
		t.Errorf("with a revoked token: exit %d, %+v: %s", code, said.Sent, errs)
	}

	g = newGround(t)
	const always = "maintenance: [{name: rebuild, from: 2020-01-01T00:00:00Z, to: 2199-01-01T00:00:00Z}]\nroutes: [{to: [slack]}]\n"
	if err := os.WriteFile(filepath.Join(g.env["CONFIG_DIR"], "auditbell.yaml"), []byte(always), 0o600); err != nil {
		t.Fatal(err)
	}
	said, errs, code = g.replay(t.Context(), g.export(2))
	if code != exitDone || said.Held != 2 || len(said.Sent.Left) != 1 || said.Sent.Left[0].Alerts != 2 || said.Sent.Left[0].Held != "rebuild" {
		t.Errorf("in a quiet time: exit %d, held %d, left %+v: %s", code, said.Held, said.Sent.Left, errs)
	}
}

// TestASendIsAskedFor puts the question and takes only a yes for one.
func TestASendIsAskedFor(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"y\n": true, "YES\n": true, "\n": false, "no\n": false, "": false, "yesterday\n": false} {
		var asked bytes.Buffer
		std := Surroundings{In: strings.NewReader(answer), Err: &asked}
		got, err := ask(t.Context(), std, "Send 3 alerts now? [y/N] ")
		if err != nil || got != want || asked.String() != "Send 3 alerts now? [y/N] " {
			t.Errorf("answered %q: %v, %v, want %v", answer, got, err, want)
		}
	}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	std := Surroundings{In: forever{t.Context().Done()}, Err: &bytes.Buffer{}}
	if ok, err := ask(ctx, std, "?"); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v, %v", ok, err)
	}
}

// forever is a terminal at which no key is pressed, until the test is over.
type forever struct{ over <-chan struct{} }

func (f forever) Read([]byte) (int, error) {
	<-f.over
	return 0, errors.New("closed")
}
