package stack_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/auditbell/auditbell/local/inbox"
	"github.com/auditbell/auditbell/local/stack"
)

// BenchmarkColdStart is the time from exec to the first answered request, beside the smallest Go program that answers
// one. The handler has all its settings, so that what it does in the background is part of the race.
func BenchmarkColdStart(b *testing.B) {
	empty := filepath.Join(b.TempDir(), "empty")
	if out, err := exec.Command("go", "build", "-ldflags", "-s -w", "-o", empty, "./testdata/empty").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for _, program := range []struct{ name, path string }{{"empty", empty}, {"handler", filepath.Join(dist, "bin", "handler")}} {
		b.Run(program.name, func(b *testing.B) {
			for b.Loop() {
				coldStart(b, program.path)
			}
		})
	}
}

func coldStart(b *testing.B, path string) {
	b.StopTimer()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	cmd := exec.Command(path)
	cmd.Dir = dist
	cmd.Env = append(os.Environ(), "FUNCTIONS_CUSTOMHANDLER_PORT="+port, "COSMOS_ENDPOINT=http://127.0.0.1:1/", "COSMOS_KEY=a2V5",
		"SLACK_BOT_TOKEN=xoxb-x", "SLACK_CHANNEL=c", "DELIVER_SCHEDULE=0 0 0 * * *")
	b.StartTimer()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	for {
		response, err := http.Get("http://127.0.0.1:" + port + "/")
		if err == nil {
			_ = response.Body.Close()
			break
		}
	}
	b.StopTimer()
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // killed, as meant
	b.StartTimer()
}

// BenchmarkEventToMessages is one event through everything on this machine: host, handler, store, two channels.
func BenchmarkEventToMessages(b *testing.B) {
	s, err := stack.Start(b.Context(), stack.Options{Dist: dist})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	var slowest time.Duration
	n := 0
	for b.Loop() {
		began := time.Now()
		if _, err := deliver(b.Context(), s, event(n)); err != nil {
			b.Fatal(err)
		}
		slowest = max(slowest, time.Since(began))
		n++
	}
	if got := count(s.Inbox.Messages(), inbox.Slack); got != n {
		b.Errorf("%d events, %d Slack messages", n, got)
	}
	b.ReportMetric(float64(slowest.Microseconds())/1000, "slowest-ms")
	b.ReportMetric(float64(n), "alerts")
}
