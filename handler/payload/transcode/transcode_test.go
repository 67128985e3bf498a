package transcode_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/payload/transcode"
)

// Every event of payload's testdata, written in every form that can carry it, reads the same.
func TestSamplesReadTheSameInEveryForm(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/*/*.json*")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	carried := map[activity.Form]int{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range payload.Decode(data) {
			if r.Kind != payload.Activity {
				continue
			}
			for _, form := range transcode.Forms {
				if checkForm(t, r.Event, form) {
					carried[form]++
				}
			}
			if t.Failed() {
				t.Fatalf("%s, item %d", file, i)
			}
		}
	}
	for _, form := range transcode.Forms {
		if carried[form] < 10 {
			t.Errorf("%s carried %d events only: the test has lost its material", form, carried[form])
		}
	}
}

// Any event reads the same.
func TestAnyEventReadsTheSameInEveryForm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := anyEvent(t)
		for _, form := range transcode.Forms {
			checkForm(t, e, form)
		}
	})
}

func checkForm(t interface {
	Helper()
	Fatalf(string, ...any)
}, e activity.Event, form activity.Form,
) bool {
	t.Helper()
	data, ok := transcode.As(e, form)
	if !ok {
		return false
	}
	readings := payload.Decode(data)
	if len(readings) != 1 || readings[0].Kind != payload.Activity {
		t.Fatalf("%s: %d readings, %v %s\n%s", form, len(readings), readings[0].Kind, readings[0].Reason, data)
	}
	if diff := cmp.Diff(common(e, e, form), common(readings[0].Event, e, form), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s reads differently (-want +got):\n%s\n%s", form, diff, data)
	}
	return true
}

// common reduces e to what the form can carry of the original, so that two readings can be compared.
func common(e, original activity.Event, form activity.Form) activity.Event {
	e.ID, e.Form = "", ""
	properties := bare(e.Properties)
	if !claimed(original) { // who it was can be told by more names than the form had
		e.CallerName, e.CallerObjectID, e.CallerAppID, e.CallerType = "", "", "", ""
	}
	if original.Category == "" {
		e.Category = "" // records without one are Administrative
	}
	if form == activity.FormRecords {
		e.SubmittedAt, e.OperationID, e.EventID = activity.Time{}, "", ""
		e.ResourceName, e.ResourceGroup = strings.ToLower(e.ResourceName), ""
		e.SubscriptionID, e.ResourceType = "", "" // of the resource id, or of a member that records lack
	}
	if form == activity.FormEventGrid || form == activity.FormCloudEvents {
		e.SubmittedAt, e.OperationID, e.EventID, e.Level, e.Description, e.SubStatus = activity.Time{}, "", "", "", "", ""
		e.ResourceGroup, e.ResourceType, properties = "", "", nil
	}
	if form != activity.FormREST {
		e.OperationDisplay = strings.ToLower(e.OperationDisplay)
		if !strings.EqualFold(original.OperationDisplay, e.Operation) {
			e.OperationDisplay = e.Operation // only REST tells another display name
		}
	}
	if (form == activity.FormRecords || form == activity.FormEventGrid || form == activity.FormCloudEvents) && !transcode.CallerFromClaims(original) {
		e.Caller, e.CallerType = "", ""
	}
	if original.ResourceID == "" {
		e.ResourceName, e.ResourceType = "", ""
	}
	e.Properties = properties
	return e
}

// claimed reports whether e's claims say who acted.
func claimed(e activity.Event) bool { return e.Properties.Value("claims") != nil }

// bare returns the record's own properties in the order of their names.
func bare(p activity.Properties) activity.Properties {
	all := map[string]any{}
	if len(p) > 0 && json.Unmarshal(p, &all) != nil {
		return nil
	}
	for _, name := range []string{"authorization", "claims", "httpRequest", "alert"} {
		delete(all, name)
	}
	if len(all) == 0 {
		return nil
	}
	b, err := json.Marshal(all)
	if err != nil {
		return nil
	}
	return b
}

// anyEvent draws an event as Azure could tell it.
func anyEvent(t *rapid.T) activity.Event {
	category := rapid.SampledFrom(activity.Categories).Draw(t, "category")
	operation := rapid.SampledFrom([]string{
		"Microsoft.Network/networkSecurityGroups/write", "Microsoft.KeyVault/vaults/delete", "Microsoft.Compute/virtualMachines/start/action",
	}).Draw(t, "operation")
	resource := rapid.SampledFrom([]string{
		"/subscriptions/s-1/resourceGroups/Pier/providers/Microsoft.KeyVault/vaults/Kv-1",
		"/subscriptions/s-1/resourceGroups/Pier/providers/Microsoft.Sql/servers/Srv/databases/Db é",
		"/subscriptions/s-1",
	}).Draw(t, "resource")
	parts := activity.ParseResource(resource)
	text := rapid.StringMatching(`[a-zA-Z0-9 "\\{}<>&é日\n\t._-]{0,24}`).Filter(func(s string) bool { return strings.TrimSpace(s) == s })
	e := activity.Event{
		Time:             activity.At(time.Unix(rapid.Int64Range(1e9, 2e9).Draw(t, "time"), rapid.Int64Range(0, 9999999).Draw(t, "ticks")*100)),
		Category:         category,
		Level:            rapid.SampledFrom([]activity.Level{"", activity.Critical, activity.Error, activity.Warning, activity.Informational}).Draw(t, "level"),
		Operation:        strings.ToLower(operation),
		OperationDisplay: operation,
		Outcome: rapid.SampledFrom([]activity.Outcome{
			activity.Started, activity.Accepted, activity.InProgress, activity.Succeeded, activity.Failed, activity.Canceled,
			activity.Active, activity.Resolved, activity.Updated,
		}).Draw(t, "outcome"),
		SubStatus:      rapid.SampledFrom([]string{"", "Created", "OK", "Conflict"}).Draw(t, "sub status"),
		ResourceID:     strings.ToLower(resource),
		ResourceName:   parts.Name,
		ResourceType:   strings.ToLower(parts.Type),
		ResourceGroup:  strings.ToLower(parts.Group),
		SubscriptionID: parts.Subscription,
		CorrelationID:  rapid.StringMatching(`[a-f0-9]{8}|/subscriptions/[a-z/]{1,300}|[0-9]{1,19}`).Draw(t, "correlation"),
		EventID:        rapid.StringMatching(`[a-f0-9-]{36}`).Draw(t, "event id"),
		Description:    text.Draw(t, "description"),
		TenantID:       "t-1",
		CallerIP:       rapid.SampledFrom([]string{"", "198.51.100.7", "2001:db8::1", "0.0.0.0"}).Draw(t, "address"),
	}
	caller(t, &e)
	own := map[string]any{"statusCode": "OK"}
	for name, value := range rapid.MapOfN(rapid.StringMatching(`p[A-Za-z ]{1,8}`), text, 0, 4).Draw(t, "properties") {
		own[name] = value
	}
	kept := activity.Properties(e.Properties)
	own["claims"] = json.RawMessage(kept.Value("claims"))
	if kept == nil {
		delete(own, "claims")
	}
	b, err := json.Marshal(own)
	if err != nil {
		t.Fatal(err)
	}
	e.Properties = b
	return e
}

// caller draws who acted.
func caller(t *rapid.T, e *activity.Event) {
	switch rapid.IntRange(0, 3).Draw(t, "actor") {
	case 0:
		e.Caller, e.CallerType, e.CallerName = "ada@northbeck.example", activity.User, "Ada é"
		e.Properties = activity.Properties(`{"claims":{"upn":"ada@northbeck.example","name":"Ada é","scp":"user_impersonation","tid":"t-1"}}`)
	case 1:
		e.Caller, e.CallerAppID, e.CallerType = "0f9a7c31-2d5e-4c77-8f0e-6a1b9d3c4e52", "0f9a7c31-2d5e-4c77-8f0e-6a1b9d3c4e52", activity.ServicePrincipal
		e.Properties = activity.Properties(`{"claims":{"appid":"0f9a7c31-2d5e-4c77-8f0e-6a1b9d3c4e52","idtyp":"app"}}`)
	case 2:
		e.Caller, e.CallerType = "Microsoft.Insights/autoscaleSettings", activity.Platform
	}
}
