package payload_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
)

func ExampleDecode() {
	delivered := []byte(`[{"id":"7a21","eventType":"Microsoft.Resources.ResourceDeleteFailure","eventTime":"2026-03-04T10:15:31Z",
		"subject":"/subscriptions/s/resourceGroups/quay/providers/Microsoft.KeyVault/vaults/Lockbox","topic":"/subscriptions/s","data":{
		"operationName":"Microsoft.KeyVault/vaults/delete","status":"Succeeded","claims":{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":"ada@northbeck.example"}}},
		{"eventType":"Microsoft.PolicyInsights.PolicyStateChanged","subject":"/x","data":{}}]`)
	for _, r := range payload.Decode(delivered) {
		switch r.Kind {
		case payload.Activity:
			fmt.Println(r.Event.Caller, r.Event.Operation, r.Event.Outcome, r.Event.ResourceName)
		default:
			fmt.Println(r.Kind, r.Signal, "-", r.Reason)
		}
	}
	// Output:
	// ada@northbeck.example microsoft.keyvault/vaults/delete failed Lockbox
	// system_event policy_state - Event Grid event Microsoft.PolicyInsights.PolicyStateChanged
}

func ExampleDecoder() {
	blob := strings.NewReader(`{"time":"2026-03-04T10:15:30Z","operationName":"MICROSOFT.WEB/SITES/WRITE","category":"Write","resultType":"Start"}
{"time":"2026-03-04T10:15:31Z","operationName":"Sign-in activity","category":"SignInLogs"}
{"time":"2026-03-04T10:15:32Z","operationName":"MICROSOFT.WEB/SITES/WRITE","cat
`)
	for r, err := range payload.NewDecoder(blob).All() {
		if err != nil {
			fmt.Println(err)
		}
		fmt.Println(r.Kind, "-", r.Event.Operation+r.Reason)
	}
	// Output:
	// activity - microsoft.web/sites/write
	// noise - sign-in record (SignInLogs)
	// invalid - not JSON: control character in a string at byte 286
}

func ExampleEvents() {
	readings := payload.Decode([]byte(`{"records":[{"time":"2026-03-04T10:15:30Z","operationName":"A/B/DELETE","category":"Delete"},{"time":"2026-03-04T10:15:31Z","category":"SignInLogs"}]}`))
	for _, e := range payload.Events(readings) {
		fmt.Println(e.Time.Format(time.TimeOnly), e.Category, e.Operation)
	}
	// Output: 10:15:30 Administrative a/b/delete
}

// A scratch item is used again for the next payload: nothing may be carried over. Any two samples in one array read as
// each by itself.
func TestNothingIsCarriedOver(t *testing.T) {
	t.Parallel()
	var items []json.RawMessage
	var want []string
	for _, file := range samples(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if readings := payload.Decode(data); json.Valid(data) && utf8.Valid(data) {
			items = append(items, data)
			want = append(want, render(t, readings))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		picked := rapid.SliceOfN(rapid.IntRange(0, len(items)-1), 2, 5).Draw(t, "samples")
		var array, expected []string
		for _, i := range picked {
			array, expected = append(array, string(items[i])), append(expected, want[i])
		}
		got := render(t, payload.Decode([]byte("["+strings.Join(array, ",")+"]")))
		if diff := cmp.Diff(strings.Join(expected, ""), got); diff != "" {
			t.Fatalf("readings in one array differ from each by itself (-want +got):\n%s", diff)
		}
	})
}

// Event.ID: the same record in the same form has the same id, whatever the white space and the company; two records
// never share one.
func TestIdentity(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	byID := map[string]string{}
	for _, file := range samples(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		first := payload.Events(payload.Decode(data))
		again := first
		if json.Compact(&compact, data) == nil {
			again = payload.Events(payload.Decode(append([]byte("[\n"), append(compact.Bytes(), ']')...)))
		}
		for i, e := range first {
			if !shape.MatchString(e.ID) {
				t.Errorf("%s: id %q is no document id", file, e.ID)
			}
			if i < len(again) && again[i].ID != e.ID {
				t.Errorf("%s: the same record has ids %s and %s", file, e.ID, again[i].ID)
			}
			told := fmt.Sprint(e.Form, e.Time, e.Operation, e.ResourceID, e.Outcome, e.CorrelationID, e.EventID)
			if e.EventID == "" {
				told += string(e.Properties)
			}
			if alert, ok := activity.AzureAlert(e); ok {
				told += fmt.Sprint(alert.ID, alert.Rule, alert.Condition)
			}
			if other, ok := byID[e.ID]; ok && other != told && e.Form != activity.FormEventGrid {
				t.Errorf("%s: id %s stands for two records:\n%s\n%s", file, e.ID, other, told)
			}
			byID[e.ID] = told
		}
	}
	if len(byID) < 100 {
		t.Errorf("%d ids only", len(byID))
	}
}

// Each part of the identity tells records apart.
func TestIdentityParts(t *testing.T) {
	t.Parallel()
	const base = `{"eventTimestamp":"2026-03-04T10:15:30.1Z","operationName":"a/b","resourceId":"/r","status":"Started","correlationId":"c","eventDataId":"e"}`
	ids := map[string]string{}
	for _, text := range []string{
		base,
		strings.Replace(base, "30.1Z", "30.1000001Z", 1),
		strings.Replace(base, "a/b", "a/c", 1),
		strings.Replace(base, `"/r"`, `"/q"`, 1),
		strings.Replace(base, "Started", "Succeeded", 1),
		strings.Replace(base, `:"c"`, `:"d"`, 1),
		strings.Replace(base, `:"e"`, `:"f"`, 1),
		`{"data":{"context":{"activityLog":` + base + `}}}`,
		`{"data":{"essentials":{"signalType":"Activity Log","alertId":"1"},"alertContext":` + base + `}}`,
		`{"data":{"essentials":{"signalType":"Activity Log","alertId":"2"},"alertContext":` + base + `}}`,
		`{"data":{"essentials":{"signalType":"Activity Log","alertId":"1","monitorCondition":"Resolved"},"alertContext":` + base + `}}`,
	} {
		id := one(t, text).ID
		if other, ok := ids[id]; ok {
			t.Errorf("one id for\n%s\n%s", other, text)
		}
		ids[id] = text
	}
	// Where Azure gives no event id, every detail that is read tells records apart.
	const bare = `{"time":"2026-03-04T10:15:30Z","operationName":"a/b","resultType":"Start","durationMs":1,"callerIpAddress":"1.1.1.1","properties":{"a":1}}`
	ids = map[string]string{}
	for _, text := range []string{bare, strings.Replace(bare, `Ms":1`, `Ms":2`, 1), strings.Replace(bare, "1.1.1.1", "1.1.1.2", 1), strings.Replace(bare, `"a":1`, `"a":2`, 1)} {
		ids[one(t, text).ID] = text
	}
	if len(ids) != 4 {
		t.Errorf("%d ids for 4 records without an event id", len(ids))
	}
	if one(t, bare).ID != one(t, strings.ReplaceAll(bare, ",", " ,\n ")).ID {
		t.Error("white space changes the id")
	}
}

// Bytes that are no text can hide in data_base64, where the check of the delivery's own bytes does not see them.
func TestBase64OfBytesThatAreNoText(t *testing.T) {
	t.Parallel()
	inner := "{\"operationName\":\"Microsoft.Web/sites/write\",\"properties\":{\"na\xbdme\":1}}"
	event := fmt.Sprintf(`{"specversion":"1.0","type":"Microsoft.Resources.ResourceWriteSuccess","source":"/subscriptions/s","id":"1",
		"time":"2026-03-04T10:15:31Z","data_base64":%q}`, base64.StdEncoding.EncodeToString([]byte(inner)))
	readings := payload.Decode([]byte("[" + event + "," + event + "]"))
	if len(readings) != 2 {
		t.Fatalf("%d readings, want 2", len(readings))
	}
	if want := `invalid UTF-8 in member "data_base64"`; readings[0].Kind != payload.Invalid || readings[0].Reason != want {
		t.Errorf("read %v, want invalid: %s", summary(readings[:1]), want)
	}
}

// One megabyte of nesting is told apart where it becomes too deep: what is read before that is a few kilobytes, so no
// work can grow with the depth. Not parallel: AllocsPerRun counts the whole process.
func TestDeepNestingIsCheap(t *testing.T) {
	for _, open := range []string{"[", `{"a":`, `{"records":[`, `{"claims":`, `{"properties":{"a":`, `[{"data":`} {
		deep := bytes.Repeat([]byte(open), 1<<20/len(open))
		var readings []payload.Reading
		if allocs := testing.AllocsPerRun(1, func() { readings = payload.Decode(deep) }); allocs > 1000 {
			t.Errorf("1 MB of %q took %v allocations", open, allocs)
		}
		if len(readings) != 1 || readings[0].Kind != payload.Invalid || !strings.Contains(readings[0].Reason, "nested deeper than") {
			t.Errorf("1 MB of %q reads %v, want one invalid that names the depth", open, summary(readings))
		}
	}
	// Strings in strings are opened a few times only.
	nested := `{"hello":1}`
	for range 12 {
		quoted, err := json.Marshal(nested)
		if err != nil {
			t.Fatal(err)
		}
		nested = string(quoted)
	}
	if readings := payload.Decode([]byte(nested)); len(readings) != 1 || readings[0].Kind != payload.Invalid {
		t.Errorf("a string in twelve strings reads %v", summary(readings))
	}
}

// FuzzDecode: never a panic, never a drop, and what comes out can be stored and printed.
func FuzzDecode(f *testing.F) {
	for _, file := range samples(f) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		readings := payload.Decode(data)
		listed := bytes.ContainsRune(data, '[') || bytes.HasPrefix(data, []byte{0x1f, 0x8b})
		if len(readings) == 0 && !listed && len(bytes.Trim(data, " \t\r\n,\xef\xbb\xbf")) > 0 {
			t.Fatalf("nothing read of %q", data)
		}
		for _, r := range readings {
			checkSane(t, r)
		}
		if again := render(t, payload.Decode(data)); again != render(t, readings) {
			t.Fatalf("the second reading differs:\n%s\n%s", render(t, readings), again)
		}
		if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) || len(bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))) == 0 {
			return // an empty file has no items, an empty delivery is a fault
		}
		// What a Decoder reads is a person's, who is shown how a readable file is made; what a delivery wraps is not.
		without := func(text string) string {
			return strings.ReplaceAll(text, " (hint: az monitor activity-log list --offset 30d -o json > activity.json)", "")
		}
		file := without(render(t, payload.DecodeLine(data)))
		if streamed := without(render(t, stream(t, &trickle{data: data, step: 1 + len(data)/16}))); streamed != file {
			t.Fatalf("a Decoder reads differently:\n%s\n%s", file, streamed)
		}
	})
}

func checkSane(t *testing.T, r payload.Reading) {
	t.Helper()
	if r.Kind < payload.Activity || r.Kind > payload.Invalid {
		t.Fatalf("kind %d", r.Kind)
	}
	if r.Kind != payload.Activity {
		if r.Reason == "" || r.Signal == "" {
			t.Fatalf("%v without a reason or a signal", r.Kind)
		}
		return
	}
	e := r.Event
	if e.Properties != nil && (!json.Valid(e.Properties) || e.Properties[0] != '{') {
		t.Fatalf("properties are no object: %q", e.Properties)
	}
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	if !utf8.Valid(b) {
		t.Fatalf("not UTF-8: %q", b)
	}
	for _, s := range []string{e.Operation, e.ResourceID, e.ResourceGroup, e.SubscriptionID} {
		if s != strings.ToLower(s) {
			t.Fatalf("%q is not in lower case", s)
		}
	}
	if e.Category != "" && activity.CategoryOf(string(e.Category)) == "" || e.Level != "" && activity.LevelOf(string(e.Level)) == "" {
		t.Fatalf("category %q, level %q", e.Category, e.Level)
	}
}

// Who acted, and what kind of actor it is (DESIGN.md, the event: caller and caller_type).
func TestCaller(t *testing.T) {
	t.Parallel()
	const (
		upn   = `"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn":"ada@x"`
		mail  = `"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress":"bo@x"`
		alien = `"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name":"live.com#cy@x"`
		oid   = `"http://schemas.microsoft.com/identity/claims/objectidentifier":"o-1"`
		spn   = `"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/spn":"Microsoft.Insights/alertRules"`
		guid  = `0f9a7c31-2d5e-4c77-8f0e-6a1b9d3c4e52`
	)
	for _, c := range []struct {
		why, caller, claims, more, want string
		kind                            activity.CallerType
	}{
		{"UPN before all", `"dee@x"`, upn + "," + mail + `,"appid":"a"`, "", "ada@x", activity.User},
		{"the caller member names a user", `"dee@x"`, mail, "", "dee@x", activity.User},
		{"a guest's mail", `null`, mail + "," + alien + `,"appid":"a"`, "", "bo@x", activity.User},
		{"a guest's other name", `null`, alien + `,"appid":"a"`, "", "live.com#cy@x", activity.User},
		{"an application by its id", `null`, `"appid":"a","idtyp":"app",` + oid, "", "a", activity.ServicePrincipal},
		{"the caller member before the application's id", `"` + guid + `"`, `"appid":"a","idtyp":"app"`, "", guid, activity.ServicePrincipal},
		{"an object id is better than nothing", `null`, oid, "", "o-1", activity.UnknownCaller},
		{"a managed identity", `"` + guid + `"`, `"appid":"a","idtyp":"app","xms_mirid":"/subscriptions/x"`, "", guid, activity.ManagedIdentity},
		{"a platform service by its spn", `null`, spn, "", "Microsoft.Insights/alertRules", activity.Platform},
		{"a platform service by name", `"Microsoft.Advisor"`, "", "", "Microsoft.Advisor", activity.Platform},
		{"a delegated token without a name is a user's", `null`, oid + `,"http://schemas.microsoft.com/identity/claims/scope":"user_impersonation"`, "", "o-1", activity.User},
		{"a token that says user", `null`, oid + `,"idtyp":"user"`, "", "o-1", activity.User},
		{"the evidence says user", `"someone"`, "", `"authorization":{"evidence":{"principalType":"User"}}`, "someone", activity.User},
		{"the evidence says group: the role's holder, not the caller", `"someone"`, "", `"authorization":{"evidence":{"principalType":"Group"}}`, "someone", activity.UnknownCaller},
		{"Azure Policy looks at what exists", `"` + guid + `"`, `"appid":"a"`, `"category":"Policy","authorization":{"action":"Microsoft.Resources/checkPolicyCompliance/read"}`, guid, activity.Platform},
		{"Azure Policy looks at what somebody deploys", `"ada@x"`, upn, `"category":"Policy","authorization":{"action":"Microsoft.Sql/servers/write"}`, "ada@x", activity.User},
		{"PIM without a UPN", `null`, "", `"properties":{"CallerInfo":"{\"UPN\":\"\",\"ObjectId\":\"o-2\"}"}`, "o-2", activity.UnknownCaller},
		{"PIM in plain words", `null`, "", `"properties":{"CallerInfo":"ada@x"}`, "ada@x", activity.User},
		{"nobody", `null`, "", "", "", ""},
		{"blank", `"  "`, "", "", "", ""},
	} {
		text := `{"eventTimestamp":"2026-03-04T10:15:30Z","operationName":"a/b","caller":` + c.caller + `,"claims":{` + c.claims + `}`
		if c.more != "" {
			text += "," + c.more
		}
		e := one(t, text+"}")
		if e.Caller != c.want || e.CallerType != c.kind {
			t.Errorf("%s: %q, %q; want %q, %q", c.why, e.Caller, e.CallerType, c.want, c.kind)
		}
	}
}
