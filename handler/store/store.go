// Package store keeps what must survive us: events, alerts and what was set aside, in Cosmos DB for NoSQL.
//
// It is the only package that knows azcosmos. Three rules govern it:
//   - Correctness rests on conditions that the write itself checks (create, If-Match, one TransactionalBatch per
//     decision). Reads are hints: azcosmos sends no session token, so a read may be old.
//   - A reply that was lost says nothing. Every operation can be repeated, and is resolved by reading again.
//   - Every call has a deadline, because azcosmos v1.5.0 retries a 403/3 for two minutes without one.
//
// Databases and containers are made by infra, never here: a managed identity may not create them.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// Containers of the database; infra/containers.json gives their keys, TTL and index (a test compares).
const (
	Database         = "auditbell"
	containerEvents  = "events"
	containerAlerts  = "alerts"
	containerRollups = "rollups"
)

// How long items are kept. TTL only collects garbage: it restarts with every write, so windows are fields.
const (
	keepEvents = 62 * 24 * time.Hour  // two monthly digests can be recomputed
	keepAlerts = 400 * 24 * time.Hour // a year of alerts beside a year of digests
	keepRung   = keepAlerts           // what points to an alert lives as long: a record that is found late must not ring twice
	keepSeen   = 8 * 24 * time.Hour   // beyond Event Grid's 24 hours and Event Hubs' 7 days of redelivery
	keepParked = 90 * 24 * time.Hour  // as far back as Azure can be asked, and reconciliation and replays reach
)

// Options say where the account is and how to speak to it.
type Options struct {
	Endpoint   string                 // https://ACCOUNT.documents.azure.com:443/
	Key        string                 // account key; empty: Credential
	Credential azcore.TokenCredential // managed identity in Azure
	Database   string                 // empty: Database
	Transport  policy.Transporter     // tests and local runs in one process; nil: azcosmos' own HTTP client
	Logger     *slog.Logger           // retries and rebuilt clients; nil: slog.Default()
	Now        func() time.Time       // nil: time.Now
	// Jitter draws the random part of a pause between two attempts, below limit; nil: evenly spread. Several instances
	// must not come back together.
	Jitter func(limit time.Duration) time.Duration
}

// Store is safe for concurrent use.
type Store struct {
	clients *provider
	log     *slog.Logger
	now     func() time.Time
	jitter  func(limit time.Duration) time.Duration

	habitsSince atomic.Pointer[time.Time] // nil: not read yet
	windows     queues
	takes       queues // by group
	leased      leasedAlerts
}

// Open returns a Store. It does not call the account: a start must not depend on the network.
func Open(o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = rand.N[time.Duration]
	}
	if o.Database == "" {
		o.Database = Database
	}
	clients := &provider{options: o, clock: &clock{local: o.Now}}
	if _, err := clients.current(); err != nil {
		return nil, err
	}
	return &Store{clients: clients, log: o.Logger, now: clients.clock.now, jitter: o.Jitter}, nil
}

// Now is the account's time. Leases and windows are compared by several instances, whose own clocks may differ by
// minutes; the account's is the one that they share.
func (s *Store) Now() time.Time { return s.now() }

// Check reads one item that need not exist, which proves address, permission and containers. The error says what to
// do about it.
func (s *Store) Check(ctx context.Context) error {
	var errs []error
	for _, container := range []string{containerEvents, containerAlerts, containerRollups} {
		_, err := s.read(ctx, itemRef{container, "check", "check"}, nil)
		if err != nil && !errors.Is(err, errNotFound) {
			errs = append(errs, fmt.Errorf("read container %s: %w", container, explain(err)))
		}
	}
	return errors.Join(errs...)
}
