package lookup_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/lookup"
	"github.com/auditbell/auditbell/local/azure"
)

const deployerApp = "c0ffee00-4f5a-46b7-88c9-d0e1f2a3b4c5" // client id of pipelineID's app

// strangers are ids of which Azure knows nothing.
func strangers(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("%08d-0000-4000-8000-000000000000", i))
	}
	return ids
}

func TestNamesOfAReport(t *testing.T) {
	t.Parallel()
	known := directory
	known.Objects = maps.Clone(directory.Objects)
	known.Objects[pipelineID] = azure.Object{Kind: "servicePrincipal", DisplayName: "deploy-pipeline", AppID: deployerApp}
	const person, sub, app = "Ann Example, ann@contoso.example", "Contoso Production", "deploy-pipeline"
	for name, c := range map[string]struct {
		on         []string
		fault      azure.Fault
		strangers  int
		want       map[string]string
		asked      int
		complaints []string
	}{
		"all": {[]string{"place", "principal"}, azure.Fault{}, 0, map[string]string{subscription: sub, ann: person, deployerApp: app}, 3, nil},
		"a person is all that is asked for by its object id, an app by either": {[]string{"caller"}, azure.Fault{}, 0, map[string]string{ann: person, deployerApp: app}, 2, nil},
		"subscriptions only":             {[]string{"place"}, azure.Fault{}, 0, map[string]string{subscription: sub}, 1, nil},
		"off":                            {[]string{"history"}, azure.Fault{}, 0, map[string]string{}, 0, nil},
		"many":                           {[]string{"principal"}, azure.Fault{}, 150, map[string]string{ann: person, deployerApp: app}, 2 + 11, nil},
		"an answer that is cut":          {[]string{"principal"}, azure.Fault{Prefix: "/v1.0/directoryObjects", Body: `{"value": [{"id": "` + ann, Count: 1}, 0, map[string]string{ann: person, deployerApp: app}, 4, nil},
		"the right to the directory":     {[]string{"place", "principal"}, azure.Fault{Prefix: "/v1.0/", Status: 403, Count: 9}, 0, map[string]string{subscription: sub}, 2, []string{"principals: answered 403", "apps: Microsoft Graph refused"}},
		"what is not understood":         {[]string{"principal"}, azure.Fault{Prefix: "/v1.0/directoryObjects", Status: 400, Count: 9}, 0, map[string]string{deployerApp: app}, 2, []string{"principals: there is nothing to be found: answered 400"}},
		"Resource Graph does not answer": {[]string{"place", "principal"}, azure.Fault{Prefix: "/providers/", Status: 500, Count: 9}, 0, map[string]string{ann: person, deployerApp: app}, 3, []string{"subscriptions: answered 500"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openKnowing(t, known, func(o *lookup.Options) { o.Names = c.on })
			b.azure.Fail(c.fault)
			ids := append(strangers(c.strangers), strings.ToUpper(ann), deployerApp, "ann@contoso.example", "') or (true")
			names, err := b.set.NamesOf(t.Context(), []string{subscription, "tenant"}, ids)
			if !maps.Equal(names, c.want) {
				t.Errorf("names %v", names)
			}
			var complaints []string
			if err != nil {
				complaints = strings.Split(err.Error(), "\n")
			}
			if !slices.EqualFunc(complaints, c.complaints, strings.Contains) {
				t.Errorf("complains %q", complaints)
			}
			if asked := b.azure.Requests(); len(asked) != c.asked {
				t.Errorf("%d requests, want %d: %q", len(asked), c.asked, asked)
			}
		})
	}
}

// TestNoNameIsNone: of what an app may not read, Microsoft Graph answers the id with a null name.
func TestNoNameIsNone(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	b.azure.Fail(azure.Fault{Prefix: "/v1.0/directoryObjects", Count: 1, Body: `{"value": [{"@odata.type": "#microsoft.graph.user", "id": "` + ann + `", "displayName": null}]}`})
	if names, err := b.set.NamesOf(t.Context(), nil, []string{ann}); names[ann] != "" || err != nil {
		t.Errorf("%v, %v", names, err)
	}
}
