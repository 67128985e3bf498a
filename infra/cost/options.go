package cost

import (
	"fmt"
	"strings"
)

// options are what the module's inputs add, each in dollars a month for the sizes of the page. A cost that no size changes is
// the same in every column.
var options = []Line{
	{"`event_hub`, Standard, one unit", func(Size) float64 { return Prices.ThroughputUnitHour * month / 3600 }},
	{"`network`, five private endpoints (traffic is extra)", func(Size) float64 { return 5 * Prices.EndpointHour * month / 3600 }},
	{"`always_ready`, one instance of 512 MB that is idle", func(Size) float64 { return memoryGB * month * Prices.ReadyGBSecond }},
	{"`email`, a thousand mails", func(Size) float64 { return 1000 * Prices.Mail }},
	{"`secret_delete_query_alert_enabled`", func(Size) float64 { return Prices.AlertEvery5 }},
	{"`second_region`: the exported log and its access logs once more", secondRegion},
	{"`second_region` with autoscale: the store's read region", func(s Size) float64 {
		if !s.Autoscale {
			return 0
		}
		return Autoscale(s) + s.Events*storedDays/30*storedBytes/1e9*Prices.CosmosGB
	}},
}

// secondRegion is a copy without one of its own: half of what GRS costs.
func secondRegion(s Size) float64 {
	return s.Events*exportDays/30*exportBytes/1e9*Prices.StorageGB/2 + s.Subscriptions*exportAppends*rowBytes/1e9*Prices.LogGB
}

// Options is the page's second table.
func Options() string {
	var text strings.Builder
	heading(&text, "Optional, US dollars a month")
	for _, l := range options {
		row(&text, l.Name, l.Cost)
	}
	return text.String()
}

// heading writes the head of a table with a column for each size.
func heading(text *strings.Builder, first string) {
	fmt.Fprintf(text, "| %s |", first)
	for _, s := range Sizes {
		fmt.Fprintf(text, " %s |", s.Name)
	}
	text.WriteString("\n|---|---|---|---|\n")
}
