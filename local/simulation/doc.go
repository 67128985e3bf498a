// Package simulation runs the program's own code through weeks of simulated time, with faults at every step and an
// adversary, and lets package oracle judge what each reader saw.
//
// Everything runs in one process inside a testing/synctest bubble: the wiring that the program opens, the bytes that the
// Functions host sends, the store through azcosmos on the Cosmos DB stand-in, every notify client through one
// http.RoundTripper. There is no socket and no real clock, and no copy of a decision of the program's.
//
// A seed decides everything. A plan (plan.go) is drawn from it: what happens in Azure, through which feed it is
// delivered, when which service misbehaves. Then the plan is carried out (run.go): each call that leaves an instance is a
// step (scheduler.go), at which the instance waits until the seed's second source picks who goes on and what becomes of the
// call. The same seed makes the same trace.
//
// Not simulated: the Functions host itself, message formats that a service would refuse, and time spent computing.
package simulation
