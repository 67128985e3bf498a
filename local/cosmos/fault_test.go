package cosmos_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
	"github.com/google/go-cmp/cmp"

	"github.com/auditbell/auditbell/infra"
	"github.com/auditbell/auditbell/local/cosmos"
)

// alerts is the container "alerts" of the project's own layout behind a transport.
func alerts(t testing.TB, s *cosmos.Server, endpoint string, transport policy.Transporter) *azcosmos.ContainerClient {
	t.Helper()
	layout, err := infra.ReadCosmos()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Provision(t.Context(), layout); err != nil {
		t.Fatal(err)
	}
	c, err := client(t, endpoint, accountKey, transport).NewContainer(layout.Database, "alerts")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var group = azcosmos.NewPartitionKeyString("g")

// create makes the item id and says how that ended: "ok", "EOF" or the status.
func create(ctx context.Context, c *azcosmos.ContainerClient, id string) string {
	_, err := c.CreateItem(ctx, group, []byte(`{"id":"`+id+`","pk":"g"}`), nil)
	return outcome(err)
}

func outcome(err error) string {
	var response *azcore.ResponseError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &response):
		return strconv.Itoa(response.StatusCode)
	case errors.Is(err, io.EOF), strings.Contains(err.Error(), "EOF"):
		return "EOF"
	}
	return err.Error()
}

// there reports whether the item exists.
func there(t *testing.T, c *azcosmos.ContainerClient, id string) bool {
	t.Helper()
	_, err := c.ReadItem(t.Context(), group, id, nil)
	var response *azcore.ResponseError
	if errors.As(err, &response) && response.StatusCode == http.StatusNotFound {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	return true
}

var faultCases = []struct {
	name, why string
	fault     cosmos.Fault
	outcome   string
	committed bool
}{
	{
		name: "status instead of the work", why: "throttling leaves nothing behind",
		fault: cosmos.Fault{Method: http.MethodPost, Status: 429, RetryAfter: 50 * time.Millisecond}, outcome: "429",
	},
	{
		name: "449", why: "azcosmos does not retry it, the store has to",
		fault: cosmos.Fault{Method: http.MethodPost, Status: 449}, outcome: "449",
	},
	{
		name: "503 with a path", why: "faults can be aimed at one container",
		fault: cosmos.Fault{PathContains: "/colls/alerts/docs", Method: http.MethodPost, Status: 503}, outcome: "503",
	},
	{
		name: "another path", why: "and miss the others",
		fault: cosmos.Fault{PathContains: "/colls/events/docs", Status: 503}, outcome: "ok", committed: true,
	},
	{
		name: "by any property of the request", why: "batches are told by a header",
		fault: cosmos.Fault{
			Match:  func(r *http.Request) bool { return r.Header.Get("x-ms-cosmos-is-batch-request") != "" },
			Status: 503,
		}, outcome: "ok", committed: true,
	},
	{
		name: "connection breaks before", why: "nothing was done, and the client cannot know",
		fault: cosmos.Fault{Method: http.MethodPost, Before: true}, outcome: "EOF",
	},
	{
		name: "connection breaks after the commit", why: "it was done, and the client cannot know",
		fault: cosmos.Fault{Method: http.MethodPost, After: true}, outcome: "EOF", committed: true,
	},
	{
		name: "timeout status after the commit", why: "408 is as ambiguous",
		fault: cosmos.Fault{Method: http.MethodPost, After: true, Status: 408}, outcome: "408", committed: true,
	},
	{
		name: "disk full", why: "a write that cannot be kept is not kept",
		fault: cosmos.Fault{DiskFull: true}, outcome: "503",
	},
	{
		name: "disk full, as 507", why: "the status is the test's choice",
		fault: cosmos.Fault{DiskFull: true, Status: 507}, outcome: "507",
	},
}

func TestFaultsInProcess(t *testing.T) {
	t.Parallel()
	s := open(t, cosmos.Options{})
	testFaults(t, s, alerts(t, s, "http://cosmos.local/", s))
}

func TestFaultsOverLoopback(t *testing.T) {
	t.Parallel()
	s := open(t, cosmos.Options{})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	testFaults(t, s, alerts(t, s, server.URL, http.DefaultClient))
}

func testFaults(t *testing.T, s *cosmos.Server, c *azcosmos.ContainerClient) {
	if got := create(t.Context(), c, "warm-up"); got != "ok" { // the account is read before any fault
		t.Fatal(got)
	}
	for _, f := range faultCases {
		t.Run(f.name, func(t *testing.T) {
			id := strings.NewReplacer(" ", "-", ",", "").Replace(f.name)
			remove := s.Inject(f.fault)
			if got := create(t.Context(), c, id); got != f.outcome {
				t.Errorf("got %s, want %s: %s", got, f.outcome, f.why)
			}
			remove()
			if got := there(t, c, id); got != f.committed {
				t.Errorf("item there: %v, want %v: %s", got, f.committed, f.why)
			}
			want := "ok"
			if f.committed {
				want = "409"
			}
			if got := create(t.Context(), c, id); got != want {
				t.Errorf("afterwards: got %s, want %s", got, want)
			}
		})
	}
}

func TestFaultCountsDown(t *testing.T) {
	t.Parallel()
	s := open(t, cosmos.Options{})
	c := alerts(t, s, "http://cosmos.local/", s)
	create(t.Context(), c, "warm-up")
	s.Inject(cosmos.Fault{Method: http.MethodPost, Status: 503, Count: 2})
	s.Inject(cosmos.Fault{Method: http.MethodPost, Status: 449, Count: 1})
	var got []string
	for range 4 {
		got = append(got, create(t.Context(), c, "a")[:2])
	}
	// The older fault goes first, each as often as it says, then all is well.
	if want := "50 50 44 ok"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestFaultsHitConcurrentRequestsExactlyAsOften(t *testing.T) {
	t.Parallel()
	s := open(t, cosmos.Options{})
	c := alerts(t, s, "http://cosmos.local/", s)
	create(t.Context(), c, "warm-up")
	s.Inject(cosmos.Fault{Method: http.MethodPost, Status: 503, Count: 10})
	var wg sync.WaitGroup
	outcomes := make([]string, 64)
	for i := range outcomes {
		wg.Go(func() { outcomes[i] = create(t.Context(), c, "a") })
	}
	wg.Wait()
	count := map[string]int{}
	for _, o := range outcomes {
		count[o]++
	}
	want := map[string]int{"503": 10, "409": 53, "ok": 1}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDelayEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	s := open(t, cosmos.Options{})
	c := alerts(t, s, "http://cosmos.local/", s)
	create(t.Context(), c, "warm-up")
	s.Inject(cosmos.Fault{Method: http.MethodPost, Delay: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.CreateItem(ctx, group, []byte(`{"id":"slow","pk":"g"}`), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	s.ClearFaults()
	if there(t, c, "slow") {
		t.Error("the delayed create was done although its caller had given up")
	}
}

// Defects of azcosmos v1.5.0 and azcore v1.23.0 in what they retry, which the store has to make up for.
func TestRetriesOfTheSDK(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		why    string
		fault  cosmos.Fault
		method string
		want   int
	}{
		{"429 on a write: azcore's three retries", cosmos.Fault{Status: 429, RetryAfter: time.Millisecond}, http.MethodPost, 4},
		{"449 is not retried", cosmos.Fault{Status: 449}, http.MethodPost, 1},
		{"410 is not retried", cosmos.Fault{Status: 410}, http.MethodPost, 1},
		{"503 on a write is not retried", cosmos.Fault{Status: 503}, http.MethodPost, 1},
		{"a lost answer to a write is not retried", cosmos.Fault{After: true}, http.MethodPost, 1},
		{"500 on a read is retried once", cosmos.Fault{Status: 500}, http.MethodGet, 2},
	} {
		s := open(t, cosmos.Options{})
		c := alerts(t, s, "http://cosmos.local/", s)
		create(t.Context(), c, "warm-up")
		attempts := 0
		r.fault.Match = func(req *http.Request) bool {
			hit := req.Method == r.method && strings.Contains(req.URL.Path, "/docs")
			if hit {
				attempts++
			}
			return hit
		}
		s.Inject(r.fault)
		standard := standardRetries(t, s)
		if r.method == http.MethodGet {
			_, _ = standard.ReadItem(t.Context(), group, "warm-up", nil)
		} else {
			create(t.Context(), standard, "a")
		}
		if attempts != r.want {
			t.Errorf("%s: got %d attempts, want %d", r.why, attempts, r.want)
		}
	}
}

// standardRetries is the container through a client with azcore's own retry settings.
func standardRetries(t *testing.T, s *cosmos.Server) *azcosmos.ContainerClient {
	t.Helper()
	cred, err := azcosmos.NewKeyCredential(accountKey)
	if err != nil {
		t.Fatal(err)
	}
	client, err := azcosmos.NewClientWithKey("http://cosmos.local/", cred, &azcosmos.ClientOptions{
		ClientOptions: policy.ClientOptions{Transport: s},
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.NewContainer("auditbell", "alerts")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The five-minute poison of v1.5.0: a client whose first account read failed keeps failing with the stored error,
// although the account is fine again; a new client works at once.
func TestClientStaysPoisoned(t *testing.T) {
	t.Parallel()
	s := open(t, cosmos.Options{})
	alerts(t, s, "http://cosmos.local/", s)
	s.Inject(cosmos.Fault{Match: func(r *http.Request) bool { return r.URL.Path == "/" }, Status: 403})
	poisoned := standardRetries(t, s)
	if got := create(t.Context(), poisoned, "a"); got == "ok" {
		t.Fatal("the account could not be read and yet the create went through")
	}
	s.ClearFaults()
	if got := create(t.Context(), poisoned, "a"); got == "ok" {
		t.Error("the client recovered by itself: the store's client provider can be simplified")
	}
	if got := create(t.Context(), standardRetries(t, s), "a"); got != "ok" {
		t.Errorf("a new client: got %s, want ok", got)
	}
}
