package host

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
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

func decodeOurs(body []byte) (event, error) {
	var in Invocation
	if err := in.open(body); err != nil {
		return event{}, err
	}
	return eventIn(in)
}

func eventIn(in Invocation) (e event, err error) {
	events, err := in.Value("events")
	if err != nil {
		return e, err
	}
	c := jsonscan.NewCursor(events, 0)
	for range c.Elements {
		for name := range c.Members {
			switch string(name) {
			case "id":
				e.ID, err = jsonscan.Unquote(c.Skip())
			case "subject":
				e.Subject, err = jsonscan.Unquote(c.Skip())
			case "eventType":
				e.EventType, err = jsonscan.Unquote(c.Skip())
			case "eventTime":
				e.EventTime, err = jsonscan.Unquote(c.Skip())
			case "data":
				e.Data = c.Skip()
			}
			if err != nil {
				return e, err
			}
		}
	}
	return e, c.Err()
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

// BenchmarkRoundTrip posts the invocation to a listening server and reads the answer, client included: with nothing
// decoded (the floor that net/http sets), with ours, and with encoding/json.
func BenchmarkRoundTrip(b *testing.B) {
	body, err := os.ReadFile("testdata/eventgrid-many.json")
	if err != nil {
		b.Fatal(err)
	}
	ours := New(map[string]Func{"ring": func(_ context.Context, in Invocation) (Result, error) {
		_, err := eventIn(in)
		return Result{}, err
	}}, Options{})
	plain := func(decode func([]byte) (event, error)) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			read, err := io.ReadAll(r.Body)
			if err == nil {
				_, err = decode(read)
			}
			if err != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
			writeJSON(w, http.StatusOK, []byte("{}"))
		})
	}
	for _, c := range []struct {
		name    string
		handler http.Handler
	}{
		{"nothing-decoded", plain(func([]byte) (event, error) { return event{}, nil })},
		{"ours", ours.Handler()},
		{"encoding-json", plain(decodeStandard)},
	} {
		b.Run(c.name, func(b *testing.B) { postAgain(b, c.handler, body) })
	}
}

// postAgain measures one keep-alive connection, chunked as in Azure.
func postAgain(b *testing.B, handler http.Handler, body []byte) {
	server := httptest.NewServer(handler)
	defer server.Close()
	b.ReportAllocs()
	for b.Loop() {
		answer, err := server.Client().Post(server.URL+"/ring", "application/json", io.NopCloser(bytes.NewReader(body)))
		if err != nil {
			b.Fatal(err)
		}
		said, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || string(said) != "{}" {
			b.Fatalf("%s %q: %v", answer.Status, said, err)
		}
	}
}
