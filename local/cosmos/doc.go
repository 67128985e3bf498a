// Package cosmos stands in for Azure Cosmos DB (API for NoSQL) on one machine: it speaks the REST protocol that
// azcosmos v1.5.0 speaks and keeps items in SQLite, in memory or in one file that survives kill -9.
//
// It is for tests and for `go run ./local`, where no Azure account is at hand. A [Server] is an http.Handler for a
// loopback port and, without any port, an azcore policy.Transporter for azcosmos.ClientOptions.Transport; either way
// the real SDK code runs. A clock and faults ([Server.Inject]) can be put in from outside.
//
// It is not Cosmos DB and must never hold anything that matters. There is one physical partition, one region, no
// throughput limit, no stored procedure, trigger or user-defined function, no vector or full-text search, and no
// authorization beyond "the key matches". What it does do, it does as Microsoft documents it; a query, a path or an
// option that it does not fully understand is refused with 400 and never answered wrongly. The behaviours it
// promises are the table in package cosmostest, which also runs against a real account.
//
// Three rules govern the code:
//
//  1. One goroutine writes. It takes what is waiting, applies it in one SQLite transaction and answers after the
//     commit, so what a client was told is on disk, and a condition is never checked against a state that changes
//     before the write.
//  2. A number is an IEEE 754 double and an unknown property is undefined, as in the service, so that code which
//     relies on more than that fails here first.
//  3. Request charges follow the published formula (see charge.go); they are estimates, not bills.
package cosmos
