package host

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clock is a time that a test moves on.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// pass moves the time on for everything that reads the hubs.
func (c *clock) pass(h *Hubs, d time.Duration) {
	c.mu.Lock()
	c.at = c.at.Add(d)
	c.mu.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.of("f") // which makes what is to be woken
	h.wake()
}

const oneHub = `{"bindings":[{"type":"eventHubTrigger","name":"m"}],"retry":{"strategy":"fixedDelay","maxRetryCount":1,"delayInterval":"00:00:00"}}`

// TestAKilledHostLosesItsPartitions has two hosts share a hub of one partition. The first has read one message, failed the second
// one with its retry, and is killed within the third: the other host goes on with the third one when the lease has ended.
func TestAKilledHostLosesItsPartitions(t *testing.T) {
	t.Parallel()
	time0 := &clock{at: time.Unix(1_790_000_000, 0)}
	hubs := &Hubs{Partitions: 1, now: time0.now}
	third := make(chan struct{})
	one := strings.Replace(minimalHostJSON, `"2.0",`, `"2.0","extensions":{"eventHubs":{"maxEventBatchSize":1}},`, 1)
	start := func(reply func(seen) reply) *rig {
		o := Options{Hubs: hubs, Root: t.TempDir()}
		writeFile(t, filepath.Join(o.Root, "host.json"), one)
		r := newRig(t, map[string]string{"hub": oneHub}, o, reply)
		r.waitReady()
		return r
	}
	first := start(func(s seen) reply {
		switch {
		case strings.Contains(s.Body, "second"):
			return reply{Status: 500, Type: "application/json", Body: "{}"}
		case strings.Contains(s.Body, "third"):
			close(third)
			return reply{Hang: true}
		}
		return ok
	})
	s := hubs.put("hub", []string{"first", "second", "third", "fourth"})
	<-third
	second := start(nil)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if n := second.count(); n != 0 {
		t.Errorf("the other host has read %d messages before the lease ended", n)
	}
	time0.pass(hubs, hubs.lease())
	<-s.done
	if s.err == nil {
		t.Error("the second message failed with its retry, and nothing says so")
	}
	if diff := cmp.Diff([]string{"third", "fourth"}, second.messages("m")); diff != "" {
		t.Errorf("what the other host read (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"first", "second", "second", "third"}, first.messages("m")); diff != "" {
		t.Errorf("what the killed host read (-want +got):\n%s", diff)
	}
}

// messages are the trigger values of all invocations.
func (r *rig) messages(name string) (all []string) {
	for n := range r.count() {
		all = append(all, strings.Trim(string(r.envelope(n).Data[name]), `"\`))
	}
	return all
}

func TestHostsShareAHub(t *testing.T) {
	t.Parallel()
	now := &clock{at: time.Unix(1_790_000_000, 0)}
	hubs := &Hubs{now: now.now}
	owners := func() string {
		var all []string
		for _, p := range hubs.by["f"].partitions {
			all = append(all, p.owner)
		}
		return strings.Join(all, " ")
	}
	for _, c := range []struct {
		host string
		pass time.Duration
		want string
	}{
		{"a", 0, "a a a a"},
		{"b", 0, "b a a a"},
		{"b", 0, "b b a a"},
		{"b", 0, "b b a a"}, // neither has more than its part
		{"c", 0, "c b a a"},
		{"a", hubs.lease() / 2, "c b a a"},             // only a is heard of from now on
		{"a", hubs.lease()/2 + time.Second, "a a a a"}, // the others are not, for a lease
	} {
		now.pass(hubs, c.pass)
		hubs.claim("f", c.host)
		if got := owners(); got != c.want {
			t.Errorf("%+v: the partitions are those of %s", c, got)
		}
	}

	s := hubs.put("f", []string{"1", "2", "3"})
	hubs.advance(reading{"f", 0, "b"}, 2, nil) // it was b's when b began to read
	if batch, _ := hubs.read(reading{"f", 0, "a"}, 2); fmt.Sprint(batch) != "[1 2]" {
		t.Errorf("a reads %v, want what b did not finish", batch)
	}
	if batch, _ := hubs.read(reading{"f", 0, "b"}, 2); batch != nil {
		t.Errorf("b reads %v of a partition that is a's", batch)
	}
	hubs.advance(reading{"f", 0, "a"}, 2, errors.New("the first batch failed"))
	select {
	case <-s.done:
		t.Error("the third message was not read")
	default:
	}
	hubs.advance(reading{"f", 0, "a"}, 1, nil)
	<-s.done
	if s.err == nil {
		t.Error("a batch failed, and nothing says so")
	}
	if empty := hubs.put("f", nil); empty.err != nil {
		t.Error(empty.err)
	} else {
		<-empty.done
	}
}
