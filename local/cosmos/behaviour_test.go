package cosmos_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"github.com/auditbell/auditbell/local/cosmos"
	"github.com/auditbell/auditbell/local/cosmos/cosmostest"
)

const (
	accountKey = "dGhlIGFjY291bnQga2V5IG9mIHRoZSBzdGFuZC1pbg=="
	anotherKey = "YW5vdGhlciBrZXksIG5vdCB0aGUgYWNjb3VudCdz"
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// open starts a server that is closed with the test.
func open(t testing.TB, o cosmos.Options) *cosmos.Server {
	t.Helper()
	s, err := cosmos.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// client is azcosmos against a transport. Retries are off so that a case sees the first answer.
func client(t testing.TB, endpoint, key string, transport policy.Transporter) *azcosmos.Client {
	t.Helper()
	cred, err := azcosmos.NewKeyCredential(key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := azcosmos.NewClientWithKey(endpoint, cred, options(transport))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func options(transport policy.Transporter) *azcosmos.ClientOptions {
	return &azcosmos.ClientOptions{ClientOptions: policy.ClientOptions{
		Transport: transport, Retry: policy.RetryOptions{MaxRetries: -1},
	}}
}

// token is a Microsoft Entra credential that needs no tenant.
type token struct{}

func (token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "a.b.c", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func account(t *testing.T, endpoint string, transport policy.Transporter, c *clock) cosmostest.Account {
	t.Helper()
	entra, err := azcosmos.NewClient(endpoint, token{}, options(transport))
	if err != nil {
		t.Fatal(err)
	}
	return cosmostest.Account{
		Client:   client(t, endpoint, accountKey, transport),
		WrongKey: client(t, endpoint, anotherKey, transport),
		Entra:    entra,
		Advance:  c.Advance,
	}
}

// The whole table, in process and in memory.
func TestBehaviourInProcess(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := open(t, cosmos.Options{Now: c.Now, Key: accountKey})
	cosmostest.Run(t, account(t, "http://cosmos.local/", s, c))
}

// The whole table again, through a socket and with a file, which is how `go run ./local` uses the server.
func TestBehaviourOverLoopback(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := open(t, cosmos.Options{Now: c.Now, Key: accountKey, Dir: quickFolder(t)})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	cosmostest.Run(t, account(t, server.URL, http.DefaultClient, c))
}

// The table against a real account, which tests the stand-in's promises themselves. COSMOS_ENDPOINT names the
// account; COSMOS_KEY is its key, else the identity of the environment is used.
func TestBehaviourOfAccount(t *testing.T) {
	endpoint := os.Getenv("COSMOS_ENDPOINT")
	if endpoint == "" {
		t.Skip("set COSMOS_ENDPOINT (and COSMOS_KEY, or sign in) to run the table in a throw-away database of a real account")
	}
	if key := os.Getenv("COSMOS_KEY"); key != "" {
		cosmostest.Run(t, cosmostest.Account{
			Client:   client(t, endpoint, key, nil),
			WrongKey: client(t, endpoint, anotherKey, nil),
		})
		return
	}
	cred, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		t.Fatal(err)
	}
	entra, err := azcosmos.NewClient(endpoint, cred, options(nil))
	if err != nil {
		t.Fatal(err)
	}
	cosmostest.Run(t, cosmostest.Account{Client: entra, Entra: entra})
}
