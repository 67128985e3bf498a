package payload_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/auditbell/auditbell/handler/payload"
)

// BenchmarkDecode/<form> reads events with full claims and, in turn with it, has encoding/json read the same bytes into
// a struct of the same fields. Both are timed in short blocks, and the fastest block of each counts: on a machine that
// others use, averages compare the neighbours. MB/s and allocs/event are ours, times-faster is encoding/json's time per
// event over ours.
func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct {
		form   string
		sample string // a payload with full claims
		copies int    // of the sample in one payload: exports come in bulk, deliveries alone
		std    func(data []byte) error
	}{ // jsonlines is read by a Decoder, as files are; the others by Decode
		{"rest", "rest/next_link_first.json", 50, unmarshal[struct{ Value []stdREST }]},
		{"records", "records/new_generation.json", 50, unmarshal[struct{ Records []stdRecord }]},
		{"jsonlines", "records/new_generation.json", 256, unmarshalLines},
		{"eventgrid", "eventgrid/write_success.json", 1, unmarshal[[]stdGrid]},
		{"cloudevents", "cloudevents/single.json", 1, unmarshal[stdGrid]},
		{"common_alert", "common_alert/administrative.json", 1, unmarshalCommon},
		{"webhook_legacy", "webhook_legacy/administrative.json", 1, unmarshalWebhook},
	} {
		b.Run(c.form, func(b *testing.B) {
			data := bulk(b, c.form, c.sample, c.copies)
			ours := decodeAll
			if c.form == "jsonlines" {
				ours = streamAll
			}
			if n := ours(data); n != c.copies {
				b.Fatalf("%d events, want %d", n, c.copies)
			}
			compare(b, data, c.copies, ours, c.std)
		})
	}
}

func decodeAll(data []byte) int { return len(payload.Decode(data)) }

func streamAll(data []byte) int {
	n := 0
	for r, err := range payload.NewDecoder(bytes.NewReader(data)).All() {
		if err == nil && r.Kind == payload.Activity {
			n++
		}
	}
	return n
}

func compare(b *testing.B, data []byte, events int, read func([]byte) int, std func([]byte) error) {
	const block = 64 // events per timed block, about half a millisecond
	rounds := max(block/events, 1)
	ours, theirs := time.Hour, time.Hour
	for b.Loop() {
		began := time.Now()
		for range rounds {
			read(data)
		}
		ours = min(ours, time.Since(began))
		began = time.Now()
		for range rounds {
			if err := std(data); err != nil {
				b.Fatal(err)
			}
		}
		theirs = min(theirs, time.Since(began))
	}
	perEvent := float64(rounds * events)
	b.ReportMetric(0, "ns/op") // of both together: no figure
	b.ReportMetric(float64(ours.Nanoseconds())/perEvent, "ns/event")
	b.ReportMetric(float64(len(data)*rounds)*1e3/float64(ours.Nanoseconds()), "MB/s")
	b.ReportMetric(float64(theirs.Nanoseconds())/float64(ours.Nanoseconds()), "times-faster")
	b.ReportMetric(testing.AllocsPerRun(20, func() { read(data) })/float64(events), "allocs/event")
	b.ReportMetric(testing.AllocsPerRun(20, func() { _ = std(data) })/float64(events), "std-allocs/event")
}

// bulk returns a payload that holds the sample's event a number of times, without white space, as Azure sends it.
func bulk(b *testing.B, form, sample string, copies int) []byte {
	b.Helper()
	data, err := os.ReadFile("testdata/" + sample)
	if err != nil {
		b.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		b.Fatal(err)
	}
	var list struct{ Value, Records []json.RawMessage }
	if copies == 1 || json.Unmarshal(compact.Bytes(), &list) != nil {
		return compact.Bytes()
	}
	items := append(list.Value, list.Records...)[:1]
	var out bytes.Buffer
	opening, between, closing := map[string]string{"rest": `{"value":[`, "records": `{"records":[`}[form], ",", "]}"
	if form == "jsonlines" {
		between, closing = "\n", "\n"
	}
	out.WriteString(opening)
	for i := range copies {
		if i > 0 {
			out.WriteString(between)
		}
		out.Write(items[0])
	}
	out.WriteString(closing)
	return out.Bytes()
}

// The structs have the fields that payload reads, with the types that the samples have; encoding/json could not read
// the oddities of the other samples with them at all.
type (
	stdName struct{ Value, LocalizedValue string }

	stdClaims struct {
		UPN    string `json:"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"`
		Email  string `json:"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"`
		Unique string `json:"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"`
		SPN    string `json:"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/spn"`
		Object string `json:"http://schemas.microsoft.com/identity/claims/objectidentifier"`
		Tenant string `json:"http://schemas.microsoft.com/identity/claims/tenantid"`
		Scope  string `json:"http://schemas.microsoft.com/identity/claims/scope"`
		AMR    string `json:"http://schemas.microsoft.com/claims/authnmethodsreferences"`
		Name   string `json:"name"`
		App    string `json:"appid"`
		Auth   string `json:"appidacr"`
		Type   string `json:"idtyp"`
		IP     string `json:"ipaddr"`
		MIRID  string `json:"xms_mirid"`
	}

	stdAuthorization struct {
		Action, Scope, Role string
		Evidence            struct {
			Role, RoleAssignmentScope, RoleAssignmentID, RoleDefinitionID, PrincipalID, PrincipalType string
		}
	}

	stdRequest struct{ ClientRequestID, ClientIPAddress, Method, URL string }

	stdREST struct {
		Authorization                                                       stdAuthorization
		Claims                                                              stdClaims
		HTTPRequest                                                         stdRequest
		Caller, CorrelationID, Description, EventDataID, ID, Level          string
		OperationID, ResourceGroupName, ResourceID, SubscriptionID          string
		TenantID                                                            string
		EventName, Category, OperationName, ResourceType, Status, SubStatus stdName
		EventTimestamp, SubmissionTimestamp                                 time.Time
		Properties                                                          map[string]any
	}

	stdRecord struct {
		Time                                                             time.Time
		ResourceID, OperationName, Category, ResultType, ResultSignature string
		DurationMs, CallerIPAddress, CorrelationID, Level, TenantID      string
		ResultDescription, EventDataID                                   string
		Identity                                                         struct {
			Authorization stdAuthorization
			Claims        stdClaims
		}
		Properties map[string]any
	}

	stdGrid struct {
		ID, Subject, EventType, Topic, Type, Source, SpecVersion string
		EventTime, Time                                          time.Time
		Data                                                     struct {
			Authorization                                                               stdAuthorization
			Claims                                                                      stdClaims
			HTTPRequest                                                                 stdRequest
			CorrelationID, ResourceURI, OperationName, Status, SubscriptionID, TenantID string
		}
	}

	stdAlerted struct {
		Authorization                                               stdAuthorization
		Claims, HTTPRequest                                         string
		Caller, CorrelationID, EventSource, EventDataID, Level      string
		OperationName, OperationID, Status, SubStatus, Description  string
		ResourceID, ResourceGroupName, ResourceType, SubscriptionID string
		EventTimestamp, SubmissionTimestamp                         time.Time
		Properties                                                  map[string]any
	}
)

func unmarshal[T any](data []byte) error {
	var v T
	return json.Unmarshal(data, &v)
}

func unmarshalLines(data []byte) error {
	for line := range bytes.Lines(data) {
		if err := unmarshal[stdRecord](line); err != nil {
			return err
		}
	}
	return nil
}

func unmarshalCommon(data []byte) error {
	var v struct {
		SchemaID string
		Data     struct {
			Essentials struct {
				AlertID, AlertRule, Severity, SignalType, MonitorCondition, MonitoringService, Description string
				AlertTargetIDs                                                                             []string
				FiredDateTime                                                                              time.Time
			}
			AlertContext     stdAlerted
			CustomProperties map[string]any
		}
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	return v.Data.AlertContext.open()
}

func unmarshalWebhook(data []byte) error {
	var v struct {
		SchemaID string
		Data     struct {
			Status     string
			Context    struct{ ActivityLog stdAlerted }
			Properties map[string]any
		}
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	return v.Data.Context.ActivityLog.open()
}

// open reads the JSON in the two strings.
func (a stdAlerted) open() error {
	if err := unmarshal[stdClaims]([]byte(a.Claims)); err != nil {
		return err
	}
	return unmarshal[stdRequest]([]byte(a.HTTPRequest))
}
