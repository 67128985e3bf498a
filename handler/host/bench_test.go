package host

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// BenchmarkDecode reads one Event Grid invocation (cardinality many, the event's data again under Metadata) up to the
// raw spans of the event's members: ours, and encoding/json into the same fields. DESIGN.md's goal is a ratio >= 3.
func BenchmarkDecode(b *testing.B) {
	body, err := os.ReadFile("testdata/eventgrid-many.json")
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		decode func([]byte) (event, error)
	}{{"ours", decodeOurs}, {"encoding-json", decodeStandard}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if e, err := c.decode(body); err != nil || e.ID == "" || len(e.Data) < 1000 {
					b.Fatal(e, err)
				}
			}
		})
	}
}

// event is what both read of it.
type event struct {
	ID        string          `json:"id"`
	Subject   string          `json:"subject"`
	EventType string          `json:"eventType"`
	EventTime string          `json:"eventTime"`
	Data      json.RawMessage `json:"data"`
}

func decodeOurs(body []byte) (e event, err error) {
	var in Invocation
	if err := in.open(body); err != nil {
		return e, err
	}
	events, err := in.Value("events")
	if err != nil {
		return e, err
	}
	return e, jsonscan.Array(events, func(raw []byte) error {
		return jsonscan.Object(raw, func(name, value []byte) (err error) {
			switch string(name) {
			case "id":
				e.ID, err = jsonscan.Unquote(value)
			case "subject":
				e.Subject, err = jsonscan.Unquote(value)
			case "eventType":
				e.EventType, err = jsonscan.Unquote(value)
			case "eventTime":
				e.EventTime, err = jsonscan.Unquote(value)
			case "data":
				e.Data = value
			}
			return err
		})
	})
}

func decodeStandard(body []byte) (e event, err error) {
	var envelope struct {
		Data     map[string]json.RawMessage
		Metadata json.RawMessage
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return e, err
	}
	var quoted string
	if err := json.Unmarshal(envelope.Data["events"], &quoted); err != nil {
		return e, err
	}
	var events []event
	if err := json.Unmarshal([]byte(quoted), &events); err != nil {
		return e, err
	}
	return events[0], nil
}
