// Package cost computes the tables of docs/cost.md: quantities from the module's defaults and from what tests measured,
// times the prices of one table. A test compares the page with it, so that no number of the page contradicts another.
//
// It is not a price list: prices are list prices in US dollars, written down from memory and not verified.
package cost

import (
	"fmt"
	"math"
	"strings"
)

// Prices are list prices in US dollars; quantities that are free each month stand beside them.
var Prices = struct {
	GBSecond, MillionRuns             float64 // Functions, Flex Consumption
	FreeGBSeconds, FreeRuns           float64
	MillionOperations, FreeOperations float64 // Event Grid
	MillionRU, CosmosGB               float64 // Cosmos DB, serverless
	AutoscaleHour                     float64 // Cosmos DB, autoscale: 100 RU/s for an hour
	LogGB                             float64 // Log Analytics and Application Insights
	StorageGB                         float64 // GRS, hot
	AlertEvery5, AlertEvery15         float64 // log query alerts, by how often they ask
	MetricAlert                       float64
	ThroughputUnitHour                float64 // Event Hubs, Standard
	EndpointHour                      float64 // a private endpoint
	ReadyGBSecond                     float64 // Functions, Flex Consumption: an instance that is always ready
	Mail                              float64 // Communication Services
}{
	GBSecond: 0.000026, MillionRuns: 0.40, FreeGBSeconds: 100_000, FreeRuns: 250_000,
	MillionOperations: 0.60, FreeOperations: 100_000, MillionRU: 0.25, CosmosGB: 0.25, AutoscaleHour: 0.012,
	LogGB: 2.30, StorageGB: 0.046, AlertEvery5: 1.50, AlertEvery15: 0.50, MetricAlert: 0.10,
	ThroughputUnitHour: 0.03, EndpointHour: 0.01, ReadyGBSecond: 0.000004, Mail: 0.00025,
}

// Measured and assumed, each with where it is from.
const (
	month          = 30 * 24 * 3600       // seconds
	ruPerEvent     = 13                   // what the store is held to, all in (bench-rollup: 7.4 to store, 1 to roll up, alerts and deletion)
	ruRollups      = 370_000              // the floor of 744 runs (make bench-rollup)
	ruSubscription = 744 * (44 + 27 + 22) // reconciliation, an hour at a time (handler/reconcile)
	memoryGB       = 0.5                  // instance_memory_mb
	storedDays     = 62                   // TTL of events (infra/containers.json)
	storedBytes    = 4 << 10              // assumed: an event with its index
	exportBytes    = 1500                 // assumed: an event in the exported log
	exportDays     = 730 + 365            // audit_retention_days, and soft delete, which keeps what retention deleted
	logBytesRun    = 2500                 // assumed: a request and its lines
	logBytesEvent  = 500                  // assumed: an event's lines
	rowBytes       = 1000                 // assumed: a row of an access log
	cosmosRequests = 2.5                  // a request to the store, by event (bench-rollup: 156,513 requests for rollups of a million beside the writes)
	exportAppends  = 8 * 12 * 24 * 30     // appends of a diagnostic setting: eight categories, every five minutes
	alertsEvery5   = 3                    // infra/watch.tf
	alertsEvery15  = 4                    // infra/watch.tf, infra/evidence.tf: every 15 minutes or less often
	peak           = 4                    // assumed: how far the busiest hour is above the mean, which autoscale bills
)

// Size is an installation.
type Size struct {
	Name                  string
	Subscriptions, Events float64 // events a month
	Batch                 float64 // events in a delivery, on the mean
	Autoscale             bool
}

// Sizes are the columns of the page.
var Sizes = []Size{
	{Name: "Small", Subscriptions: 1, Events: 150_000, Batch: 2},
	{Name: "Medium", Subscriptions: 20, Events: 3_000_000, Batch: 10},
	{Name: "Large", Subscriptions: 200, Events: 30_000_000, Batch: 10, Autoscale: true},
}

// Line is a row of the page.
type Line struct {
	Name string
	Cost func(Size) float64
}

// Lines are what an installation with the module's defaults pays for.
var Lines = []Line{
	{"Functions, Flex Consumption", functions},
	{"Event Grid", eventGrid},
	{"Cosmos DB, requests (autoscale: throughput)", cosmosRequestsCost},
	{"Cosmos DB, storage", func(s Size) float64 { return s.Events * storedDays / 30 * storedBytes / 1e9 * Prices.CosmosGB }},
	{"Application Insights", func(s Size) float64 { return (Runs(s)*logBytesRun + s.Events*logBytesEvent) / 1e9 * Prices.LogGB }},
	{"Access logs of Cosmos DB (`evidence_access_logs`)", func(s Size) float64 { return s.Events * cosmosRequests * rowBytes / 1e9 * Prices.LogGB }},
	{"Access logs of storage (`evidence_access_logs`)", func(s Size) float64 { return s.Subscriptions * exportAppends * rowBytes / 1e9 * Prices.LogGB }},
	{"Storage, GRS: the exported Activity Log", func(s Size) float64 { return s.Events * exportDays / 30 * exportBytes / 1e9 * Prices.StorageGB }},
	{"Log query alerts", func(Size) float64 { return alertsEvery5*Prices.AlertEvery5 + alertsEvery15*Prices.AlertEvery15 }},
	{"Metric alerts", func(s Size) float64 { return s.Subscriptions * Prices.MetricAlert }},
}

// every is how many seconds lie between two runs of a timer, by the module's default schedules.
var every = map[string]float64{"deliver": 30, "canary": 600, "tenant": 300, "rollup": 3600, "reconcile": 3600, "digest": 3600}

// timers are their runs in a month.
func timers() (runs float64) {
	for _, seconds := range every {
		runs += month / seconds
	}
	return runs
}

// Runs are invocations a month; each is billed as a second or more.
func Runs(s Size) float64 { return timers() + s.Events/s.Batch }

func functions(s Size) float64 {
	runs := Runs(s)
	return over(runs*memoryGB, Prices.FreeGBSeconds)*Prices.GBSecond + over(runs, Prices.FreeRuns)/1e6*Prices.MillionRuns
}

// eventGrid counts an operation for each event that comes in and one for each that is delivered.
func eventGrid(s Size) float64 {
	return over(2*s.Events, Prices.FreeOperations) / 1e6 * Prices.MillionOperations
}

// RU are request units a month.
func RU(s Size) float64 { return s.Events*ruPerEvent + ruRollups + s.Subscriptions*ruSubscription }

func cosmosRequestsCost(s Size) float64 {
	if s.Autoscale {
		return Autoscale(s)
	}
	return Serverless(s)
}

// Serverless is what the requests cost on a serverless account.
func Serverless(s Size) float64 { return RU(s) / 1e6 * Prices.MillionRU }

// Autoscale is what they cost with autoscale: three containers, each of which bills a tenth of its limit of 1,000 RU/s at
// least, and the busiest of an hour otherwise.
func Autoscale(s Size) float64 {
	perSecond := max(RU(s)/month*peak, 100) + 2*100
	return perSecond / 100 * Prices.AutoscaleHour * month / 3600
}

func over(n, free float64) float64 { return max(n-free, 0) }

// Total is the sum of the lines.
func Total(s Size) float64 {
	sum := 0.0
	for _, l := range Lines {
		sum += l.Cost(s)
	}
	return sum
}

// Table is the page's table.
func Table() string {
	var text strings.Builder
	heading(&text, "US dollars a month")
	for _, l := range Lines {
		row(&text, l.Name, l.Cost)
	}
	row(&text, "**All**", Total)
	return text.String()
}

func row(text *strings.Builder, name string, cost func(Size) float64) {
	fmt.Fprintf(text, "| %s |", name)
	for _, s := range Sizes {
		fmt.Fprintf(text, " %s |", amount(cost(s)))
	}
	text.WriteString("\n")
}

// amount is rounded to what the assumptions can bear.
func amount(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	}
	digits := math.Pow(10, math.Floor(math.Log10(v))-1)
	return fmt.Sprintf("%.0f", math.Round(v/digits)*digits)
}
