package cli

import (
	"fmt"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/settings"
)

// What config/auditbell.yaml may say is the program's own vocabulary, although settings may not know it.
func TestRoutesKnowTheVocabulary(t *testing.T) {
	t.Parallel()
	words := map[string][]string{"severity": alert.Severities}
	for _, c := range activity.Categories {
		words["category"] = append(words["category"], string(c))
	}
	for _, c := range []activity.CallerType{activity.User, activity.ServicePrincipal, activity.ManagedIdentity, activity.Platform, activity.UnknownCaller} {
		words["caller_type"] = append(words["caller_type"], string(c))
	}
	for key, list := range words {
		for _, word := range list {
			s := settings.New(func(string) (string, bool) { return "", false })
			text := fmt.Sprintf("routes:\n  - match: {%s: %s}\n    to: slack\n  - to: slack\n", key, word)
			s.ReadConfig(fstest.MapFS{"auditbell.yaml": {Data: []byte(text)}}, app.ConfigNames(nil))
			if err := s.Err(); err != nil {
				t.Errorf("%s: %v; add the word to settings and to config/schema/auditbell.json", key, err)
			}
		}
	}
}

func TestTheSchemaOffersEveryKindOfDestination(t *testing.T) {
	t.Parallel()
	var schema struct {
		Defs map[string]struct{ Enum []string } `json:"$defs"`
	}
	readJSONFile(t, "../../config/schema/auditbell.json", &schema)
	if kinds := app.ConfigNames(nil).Kinds; !slices.Equal(sortedCopy(kinds), sortedCopy(schema.Defs["kind"].Enum)) {
		t.Errorf("config/schema/auditbell.json offers the kinds %v, handler/app/destinations.go has %v; make them the same", schema.Defs["kind"].Enum, kinds)
	}
}

func sortedCopy(list []string) []string { return slices.Sorted(slices.Values(list)) }
