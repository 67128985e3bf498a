package activity_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

func TestTimeKeepsMilliseconds(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"2026-01-02T03:04:05Z":              `"2026-01-02T03:04:05.000Z"`,
		"2026-01-02T03:04:05.12Z":           `"2026-01-02T03:04:05.120Z"`,
		"2026-01-02T03:04:05.1234567+01:00": `"2026-01-02T02:04:05.1234567Z"`,
	} {
		parsed, err := time.Parse(time.RFC3339Nano, in)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(activity.At(parsed))
		if err != nil || string(got) != want {
			t.Errorf("marshal %s = %s, %v; want %s", in, got, err, want)
		}
	}
}

func TestOutcomeFoldsEveryVocabulary(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]activity.Outcome{
		"Success": activity.Succeeded, "SUCCEEDED": activity.Succeeded, "Start": activity.Started, "Accept": activity.Accepted,
		"Failure": activity.Failed, "In Progress": activity.InProgress, "Cancelled": activity.Canceled, "Active": activity.Active, "0": "",
	} {
		if got := activity.OutcomeOf(word); got != want {
			t.Errorf("OutcomeOf(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestPropertiesReadWithoutRegardToCase(t *testing.T) {
	t.Parallel()
	p := activity.Properties(`{"requestBody":{"Properties":{"RoleDefinitionId":"/x/8e3a"}},"isHIR":false,"n":4,"nil":null,"s":"a\n"}`)
	for want, path := range map[string][]string{
		"/x/8e3a": {"requestbody", "properties", "roleDefinitionID"},
		"false":   {"ishir"}, "4": {"N"}, "a\n": {"s"},
	} {
		if got := p.Text(path...); got != want {
			t.Errorf("Text(%v) = %q, want %q", path, got, want)
		}
	}
	if got := p.Text("nil"); got != "" {
		t.Errorf("Text of null = %q, want empty", got)
	}
}

func TestPropertiesValueDoesNotAllocate(t *testing.T) {
	p := activity.Properties(`{"other":1,"requestBody":{"Properties":{"RoleDefinitionId":"/x/8e3a"}}}`)
	if n := testing.AllocsPerRun(100, func() { p.Value("requestbody", "properties") }); n > 0 {
		t.Errorf("Value allocates %v times, want none: it runs for every rule on every event", n)
	}
}

func TestNamesWithEscapesAreTheNamesTheySpell(t *testing.T) {
	t.Parallel()
	p := activity.Properties(`{"\u0072equest\u0042ody":{"properties":{"a":1}},"other":2}`)
	if !p.SaysWhat() || string(p.Only("requestbody")) != `{"requestbody":{"properties":{"a":1}}}` {
		t.Errorf("says what: %v, only %s", p.SaysWhat(), p.Only("requestbody"))
	}
	if got := string(p.With(activity.Properties(`{"requestbody":{"b":2}}`))); got != `{"other":2,"requestbody":{"b":2}}` {
		t.Errorf("joined with another request: %s", got)
	}
	if got := string(activity.Properties(`{"requestbody":{"b":2}}`).With(p)); got != `{"\u0072equest\u0042ody":{"properties":{"a":1}},"other":2}` {
		t.Errorf("a request joined with it: %s", got)
	}
	if twice := activity.Properties(`{"requestbody":1,"\u0072equestbody":2}`); !twice.Doubtful("requestbody") || p.Doubtful("requestbody") {
		t.Error("a member that stands twice, once with an escape, is doubtful, and one that stands once is not")
	}
}
