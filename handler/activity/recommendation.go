package activity

// RecommendationFacts is what Azure Advisor recommends (schema page, "Recommendation category").
type RecommendationFacts struct {
	Category string // "High Availability", "Performance", "Security", "Cost"; newer events write "HighAvailability"
	Impact   string // "High", "Medium", "Low"
	Risk     string // "Error", "Warning", "None"
	Name     string // what to do, in a sentence
	Type     string // GUID of the recommendation type
	Link     string // to the portal
	Version  string // recommendationSchemaVersion
}

// RecommendationOf returns the facts of an Advisor event; false for events of another category.
func RecommendationOf(e Event) (RecommendationFacts, bool) {
	if e.Category != Recommendation {
		return RecommendationFacts{}, false
	}
	p := e.Properties
	return RecommendationFacts{
		Category: p.Text("recommendationCategory"),
		Impact:   p.Text("recommendationImpact"),
		Risk:     p.Text("recommendationRisk"),
		Name:     p.Text("recommendationName"),
		Type:     p.Text("recommendationType"),
		Link:     p.Text("recommendationResourceLink"),
		Version:  p.Text("recommendationSchemaVersion"),
	}, true
}
