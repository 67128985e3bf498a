package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

func TestRecordsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2"
	for _, properties := range []string{
		`{"requestbody":{"properties":{"osProfile":{"adminPassword":"hunter2hunter2","customData":"hunter2hunter2"}}}}`,
		`{"responseBody":{"keys":[{"keyName":"key1","value":"hunter2hunter2","permissions":"FULL"}]}}`,
		`{"responseBody":{"primaryKey":"hunter2hunter2","secondary_key":"hunter2hunter2","Key1":"hunter2hunter2"}}`,
		`{"responseBody":{"primaryConnectionString":"x;hunter2hunter2","connectionStrings":[{"value":"hunter2hunter2"}]}}`,
		`{"a":"DefaultEndpointsProtocol=https;AccountKey=hunter2hunter2;EndpointSuffix=x","b":"https://st.example/c?sv=1&sig=hunter2hunter2&se=2"}`,
		`{"clientSecret":"hunter2hunter2","accessToken":"hunter2hunter2","credentials":{"user":"a","deep":["hunter2hunter2"]}}`,
		`{"protectedSettings":{"script":"hunter2hunter2"},"pem":"-----BEGIN PRIVATE KEY-----\nhunter2hunter2"}`,
		`{"header":"Bearer hunter2hunter2.x","jwt":"eyJhbGciOiJub25lIn0.hunter2hunter2.x"}`,
		`{"url":"https://app.example/api?code=hunter2hunter2"}`,
	} {
		e := activity.Event{ID: "e1", Description: "used password=hunter2hunter2 in vain", Properties: activity.Properties(properties)}
		got := recordOf(e)
		if strings.Contains(got, secret) || !strings.Contains(got, redaction) {
			t.Errorf("%s\nbecomes\n%s", properties, got)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("%s becomes no JSON:\n%s", properties, got)
		}
	}
}

// What is no secret stays: a record that hides too much is of no use.
func TestRecordsKeepTheRest(t *testing.T) {
	t.Parallel()
	const properties = `{"requestbody":{"properties":{"roleDefinitionId":"/x/8e3a","principalId":"p1","keyVaultUri":"https://kv.example/","n":12345678901234567890,"value":"plain"}},"authorization":{"action":"a/write"}}`
	got := recordOf(activity.Event{ID: "e1", Caller: "ada <b>&", Properties: activity.Properties(properties)})
	for _, want := range []string{`"/x/8e3a"`, `"p1"`, `"https://kv.example/"`, `12345678901234567890`, `"plain"`, `"a/write"`, `"ada <b>&"`, `"id": "e1"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is gone from\n%s", want, got)
		}
	}
	long := recordOf(activity.Event{ID: "e1", Properties: activity.Properties(`{"big":"` + strings.Repeat("x", 90_000) + `","small":"kept"}`)})
	if len(long) > 2*maxRecord || !strings.Contains(long, "kept") || !json.Valid([]byte(long)) {
		t.Errorf("a record of %d bytes", len(long))
	}
}

// threadEnd is a destination that keeps records, or fails to.
type threadEnd struct {
	notify.Destination
	err  error
	rest string
	kept []string
}

func (p *threadEnd) Beside(notify.Message) (rest string, record bool) { return p.rest, true }

func (p *threadEnd) Record(_ context.Context, _ notify.Message, _ notify.Ref, rest, record string) error {
	if p.err == nil {
		p.kept = append(p.kept, rest+record)
	}
	return p.err
}

// keepAside sends what belongs beside a message, and reports whether the message says that it is there.
func keepAside(t *testing.T, p *Courier, a alert.Alert, end notify.Recorder, try *attempt) bool {
	t.Helper()
	var m notify.Message
	try.aside = aside{}
	p.beside(t.Context(), end, a, &m, try)
	p.keep(t.Context(), end, a, m, try)
	return m.Beside
}

// TestAMessageSaysWhereItsRestIs has the thread take what a message has no room for, refuse it, and be left alone in a storm: the
// message says that it is there only where it is, and one that said so too early is corrected.
func TestAMessageSaysWhereItsRestIs(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 41, 2, 0, time.UTC)
	p := &Courier{Channels: Channels{Budgets: &Budgets{}}, now: func() time.Time { return now }}
	a, end := grant(), &threadEnd{}
	a.Deliveries = map[string]alert.Delivery{"slack": {}}
	for _, step := range []struct {
		name, rest string
		crowded    bool
		fails      error
		says       bool
		kept       int // messages in the thread
		corrected  bool
	}{
		{"there is room", "F7: x", false, nil, true, 1, false},
		{"it is there", "F7: x", false, nil, true, 1, false},
		{"another one is refused", "F7: y", false, errors.New("status 500"), true, 1, true},
		{"it is refused again", "F7: y", false, errors.New("status 500"), false, 1, false},
		{"it is taken late", "F7: y", false, nil, false, 2, false},
		{"it is there by now", "F7: y", false, nil, true, 2, false},
		{"it is not answered", "F7: z", false, notify.Fail(notify.Unanswered, errors.New("no answer in time")), true, 2, true},
		{"it may be there", "F7: z", false, nil, false, 2, false},
		{"a storm", "F7: z, F8: x", true, nil, false, 2, false},
		{"nothing is left out", "", true, nil, false, 2, false},
	} {
		for step.crowded && p.pace(t.Context(), "slack", alert.Alert{}, true) == 0 {
		}
		a.Revision++
		end.rest, end.err = step.rest, step.fails
		try := attempt{name: "slack", revision: a.Revision, ref: notify.Ref{Channel: "C", ID: "1.1"}, shown: a.Deliveries["slack"].Shown, at: now}
		says := keepAside(t, p, a, end, &try)
		try.mark(&a)
		if corrected := a.Revision > try.revision; says != step.says || len(end.kept) != step.kept || corrected != step.corrected {
			t.Errorf("%s: it says that it is there: %v, which is corrected: %v; the thread has %q", step.name, says, corrected, end.kept)
		}
	}
}

// readable is one whose thread can be searched.
type readable struct {
	threadEnd
	there int
	look  error
}

func (r *readable) Find(context.Context, notify.Message, notify.Sought) (notify.Ref, int, error) {
	return notify.Ref{}, r.there, r.look
}

// counted counts the records that are sent.
type counted struct {
	*readable
	sent *int
}

func (c *counted) Record(ctx context.Context, m notify.Message, at notify.Ref, rest, record string) error {
	*c.sent++
	return c.readable.Record(ctx, m, at, rest, record)
}

// TestARecordThatWasNotAnswered is looked for before it is sent again, and where that cannot be done it is sent once more.
func TestARecordThatWasNotAnswered(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 41, 2, 0, time.UTC)
	p := &Courier{Channels: Channels{Budgets: &Budgets{}}, now: func() time.Time { return now }}
	silent := notify.Fail(notify.Unanswered, errors.New("no answer in time"))
	for _, c := range []struct {
		name     string
		end      readable
		sent     int
		recorded bool
	}{
		{"it is there", readable{there: 1}, 0, true},
		{"it is not there", readable{}, 3, false},
		{"it cannot be looked for", readable{look: notify.ErrUnsearchable}, 1, true},
		{"Slack does not say now", readable{look: errors.New("status 503")}, 0, false},
	} {
		try, asked := &attempt{name: "slack", ref: notify.Ref{Channel: "C", ID: "1.1"}}, 0
		c.end.threadEnd.err = silent
		end := &counted{&c.end, &asked}
		keepAside(t, p, grant(), end, try)
		asked = 0
		for range 3 {
			keepAside(t, p, grant(), end, try)
		}
		if asked != c.sent || try.shown.Recorded != c.recorded {
			t.Errorf("%s: it was sent %d times more, want %d; recorded: %v", c.name, asked, c.sent, try.shown.Recorded)
		}
	}
}

func TestRecordIsKeptOnce(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 41, 2, 0, time.UTC)
	p := &Courier{Channels: Channels{Budgets: &Budgets{}}, now: func() time.Time { return now }}
	a, end := grant(), &threadEnd{err: errors.New("slow down")}
	try := &attempt{name: "slack", ref: notify.Ref{Channel: "C", ID: "1.1"}}
	keepAside(t, p, a, end, try)
	if try.shown.Recorded || try.unkept == nil {
		t.Errorf("a record that was refused counts as kept, or nobody says so: %+v", try)
	}
	end.err = nil
	for range 3 {
		keepAside(t, p, a, end, try)
	}
	if len(end.kept) != 1 || !try.shown.Recorded {
		t.Errorf("the record was put there %d times, want once", len(end.kept))
	}
	for name, other := range map[string]alert.Rule{"a summary": {ID: alert.StormRule}, "the self-watch": {ID: alert.WatchRule + "late"}} {
		a.Rule = other
		if keepAside(t, p, a, end, &attempt{name: "slack", ref: notify.Ref{Channel: "C", ID: "1.1"}}); len(end.kept) != 1 {
			t.Errorf("%s has a record", name)
		}
	}
	a = grant()
	for p.pace(t.Context(), "slack", alert.Alert{}, true) == 0 {
	}
	if keepAside(t, p, a, end, &attempt{name: "slack", ref: notify.Ref{Channel: "C", ID: "1.1"}}); len(end.kept) != 1 {
		t.Error("a record took the place of a message")
	}
}

// TestARecordsWaitIsTheChannels has a channel ask for a pause when it refuses a record: nothing else is sent to it meanwhile.
func TestARecordsWaitIsTheChannels(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 9, 41, 2, 0, time.UTC)
	for name, err := range map[string]error{
		"429": notify.RetryAfter(notify.Fail(notify.Throttled, errors.New("status 429")), 14*time.Second),
		"503": notify.RetryAfter(errors.New("status 503"), 14*time.Second),
	} {
		p := &Courier{Channels: Channels{Budgets: &Budgets{}}, now: func() time.Time { return now }}
		try := &attempt{name: "slack", ref: notify.Ref{Channel: "C", ID: "1.1"}}
		keepAside(t, p, grant(), &threadEnd{err: err}, try)
		if held := p.ends.of("slack").health.Held(now); held != 14*time.Second {
			t.Errorf("%s: held for %s, the channel asked for 14 s", name, held)
		}
	}
}
