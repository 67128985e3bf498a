package host

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/jsonscan"
)

// Request is the HTTP request behind an HTTP trigger.
type Request struct {
	Method  string
	URL     string            // as the outside world called it, with the query
	Query   map[string]string // decoded
	Headers http.Header       // the caller's, canonical names
	Params  map[string]string // values of the route's {placeholders}
	// Body is nil when the host sent none. That is so for an empty body, and for any body that came chunked: the host
	// passes on only what had a Content-Length (Extensions/HttpRequestExtensions.cs, GetRequestAsJObject).
	Body []byte
}

// Request reads the value of an HTTP trigger.
func (in Invocation) Request(name string) (Request, error) {
	raw, err := in.Value(name)
	if err != nil {
		return Request{}, err
	}
	r := Request{Headers: http.Header{}}
	err = jsonscan.Object(raw, func(name, value []byte) error {
		switch string(name) {
		case "Method":
			r.Method, err = text(value)
		case "Url":
			r.URL, err = text(value)
		case "Query":
			r.Query, err = queryOf(value)
		case "Params":
			r.Params, err = textsByName(value)
		case "Headers":
			err = addHeaders(r.Headers, value)
		case "Body":
			r.Body, err = bodyOf(value)
		}
		return err
	})
	if err != nil {
		return Request{}, fmt.Errorf("read HTTP request from binding %s: %w", name, err)
	}
	return r, r.decodeBody()
}

// decodeBody undoes the base64 that the host applies to bodies it takes for binary.
func (r *Request) decodeBody() error {
	kind := strings.ToLower(r.Headers.Get("Content-Type"))
	if r.Body == nil || !strings.HasPrefix(kind, "application/octet-stream") && !strings.HasPrefix(kind, "multipart/") {
		return nil
	}
	body, err := base64.StdEncoding.DecodeString(string(r.Body))
	if err != nil {
		return fmt.Errorf("decode body of type %s: %w", kind, err)
	}
	r.Body = body
	return nil
}

// bodyOf takes off one layer of quoting only: a second one would be the caller's own.
func bodyOf(raw []byte) ([]byte, error) {
	switch jsonscan.Kind(raw) {
	case 'n':
		return nil, nil
	case '"':
		return jsonscan.AppendUnquote(make([]byte, 0, len(raw)), raw)
	}
	return raw, nil
}

// queryOf reads the query, an object today; the custom-handlers page still shows a string holding that object.
func queryOf(raw []byte) (map[string]string, error) {
	value, err := peel(raw)
	if err != nil || jsonscan.Kind(value) != '{' {
		return nil, err
	}
	return textsByName(value)
}

func textsByName(raw []byte) (map[string]string, error) {
	if jsonscan.Kind(raw) == 'n' {
		return nil, nil
	}
	texts := map[string]string{}
	err := jsonscan.Object(raw, func(name, value []byte) error {
		key, err := jsonscan.Unquote(quoted(name))
		if err != nil {
			return err
		}
		texts[key], err = text(value)
		return err
	})
	return texts, err
}

// addHeaders reads {"Name":["value",…]}; Metadata and older hosts have a plain string for the array.
func addHeaders(headers http.Header, raw []byte) error {
	return jsonscan.Object(raw, func(name, value []byte) error {
		key, err := jsonscan.Unquote(quoted(name))
		if err != nil {
			return err
		}
		add := func(value []byte) error {
			v, err := text(value)
			headers.Add(key, v)
			return err
		}
		if jsonscan.Kind(value) == '[' {
			return jsonscan.Array(value, add)
		}
		return add(value)
	})
}

// text returns a string's text, and any other value as it is written; null is empty.
func text(raw []byte) (string, error) {
	switch jsonscan.Kind(raw) {
	case 'n':
		return "", nil
	case '"':
		return jsonscan.Unquote(raw)
	}
	return string(raw), nil
}

// quoted widens a raw member name by the quotation marks around it, for readers of whole string literals.
func quoted(name []byte) []byte {
	return append(append(append(make([]byte, 0, len(name)+2), '"'), name...), '"')
}

// Timer is the value of a timer trigger. The three times are zero when the host gave none: ScheduleStatus is null
// without useMonitor, and a first run has year 1 (TimerListener.cs).
type Timer struct {
	IsPastDue               bool // the host noticed at its start that a tick was missed
	Last, Next, LastUpdated time.Time
}

// Timer reads the value of a timer trigger. A time it cannot read stays zero: nothing may fail for a display value.
func (in Invocation) Timer(name string) (Timer, error) {
	raw, err := in.Value(name)
	if err != nil {
		return Timer{}, err
	}
	var t Timer
	err = jsonscan.Object(raw, func(name, value []byte) error {
		switch string(name) {
		case "IsPastDue":
			t.IsPastDue = jsonscan.Kind(value) == 't'
		case "ScheduleStatus":
			if jsonscan.Kind(value) == '{' {
				return t.readStatus(value)
			}
		}
		return nil
	})
	if err != nil {
		return Timer{}, fmt.Errorf("read timer from binding %s: %w", name, err)
	}
	return t, nil
}

func (t *Timer) readStatus(raw []byte) error {
	return jsonscan.Object(raw, func(name, value []byte) error {
		switch string(name) {
		case "Last":
			t.Last = lenientTime(value)
		case "Next":
			t.Next = lenientTime(value)
		case "LastUpdated":
			t.LastUpdated = lenientTime(value)
		}
		return nil
	})
}

// lenientTime reads RFC 3339 with or without offset (UTC then). The host writes both, and year 1 for "never".
func lenientTime(raw []byte) time.Time {
	s, err := text(raw)
	if err != nil {
		return time.Time{}
	}
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 1 {
			return t.UTC()
		}
	}
	return time.Time{}
}

// Retry says which attempt of a retry policy in function.json this is.
type Retry struct {
	Count, Max int
}

// Retry reads Metadata.RetryContext, which is there only when a policy applies. It is the one reader of Metadata.
func (in Invocation) Retry() (Retry, bool) {
	var r Retry
	found := false
	_ = in.eachMetadata("RetryContext", func(name, value []byte) error {
		found = true
		switch string(name) {
		case "RetryCount":
			r.Count = number(value)
		case "MaxRetryCount":
			r.Max = number(value)
		}
		return nil
	})
	return r, found
}

// eachMetadata calls fn for the members of the object called name in Metadata; the whole was checked before.
func (in Invocation) eachMetadata(name string, fn func(name, value []byte) error) error {
	if jsonscan.Kind(in.metadata) != '{' {
		return nil
	}
	return jsonscan.Object(in.metadata, func(key, value []byte) error {
		if string(key) != name {
			return nil
		}
		object, err := peel(value)
		if err != nil {
			return err
		}
		return jsonscan.Object(object, fn)
	})
}

// number reads a count that may be quoted; 0 when it is none.
func number(raw []byte) int {
	s, _ := text(raw)
	n, _ := strconv.Atoi(s)
	return n
}
