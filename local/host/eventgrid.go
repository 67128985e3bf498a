package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// serveEventGrid is the Event Grid extension's webhook (HttpRequestProcessor.cs, EventGridExtensionConfigProvider.cs,
// extension 3.x). Locally no code is asked for, as with `func start`.
func (h *Host) serveEventGrid(w http.ResponseWriter, r *http.Request) {
	f := h.triggered(w, r, "eventGridTrigger")
	if f == nil {
		return
	}
	if r.Method == http.MethodOptions {
		allowOrigin(w, r)
		return
	}
	body, ok := readAll(w, r)
	if !ok {
		return
	}
	switch kind := r.Header.Get("aeg-event-type"); {
	case r.Method != http.MethodPost:
		w.WriteHeader(http.StatusBadRequest)
	case strings.EqualFold(kind, "SubscriptionValidation"):
		h.shakeHands(w, body)
	case strings.EqualFold(kind, "Notification"):
		h.deliver(w, f, body)
	case strings.EqualFold(kind, "Unsubscribe"):
		w.WriteHeader(http.StatusAccepted)
	default:
		w.WriteHeader(http.StatusBadRequest)
	}
}

// triggered finds the function that ?functionName= names, or answers 404 and returns nil.
func (h *Host) triggered(w http.ResponseWriter, r *http.Request, trigger string) *function {
	name := r.URL.Query().Get("functionName")
	if f := h.app.byName(name); f != nil && f.trigger.Type == trigger {
		return f
	}
	http.Error(w, fmt.Sprintf("cannot find function: '%s'", name), http.StatusNotFound)
	return nil
}

// origins are Event Grid's in the public and the sovereign clouds.
var origins = map[string]bool{"eventgrid.azure.net": true, "eventgrid.azure.us": true, "eventgrid.azure.cn": true}

// allowOrigin is the CloudEvents handshake: the webhook names the sender it will take deliveries from.
func allowOrigin(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("WebHook-Request-Origin")
	if !origins[origin] {
		origin = "eventgrid.azure.net"
	}
	w.Header().Set("Webhook-Allowed-Origin", origin)
	w.WriteHeader(http.StatusOK)
}

// shakeHands echoes the validation code: from an array of events, or from one CloudEvent whose data may be a string
// that holds the object.
func (h *Host) shakeHands(w http.ResponseWriter, body []byte) {
	code, err := validationCode(body)
	if err != nil {
		http.Error(w, fmt.Sprintf("read subscription validation: %v", err), http.StatusInternalServerError)
		return
	}
	respond(w, http.StatusOK, map[string]string{"validationResponse": code})
}

func validationCode(body []byte) (string, error) {
	type event struct{ Data json.RawMessage }
	var first event
	var events []event
	if err := json.Unmarshal(body, &events); err == nil && len(events) > 0 {
		first = events[0]
	} else if err := json.Unmarshal(body, &first); err != nil {
		return "", err
	}
	var inner string
	if json.Unmarshal(first.Data, &inner) == nil {
		first.Data = []byte(inner)
	}
	var data struct{ ValidationCode string }
	if err := json.Unmarshal(first.Data, &data); err != nil {
		return "", err
	}
	if data.ValidationCode == "" {
		return "", errors.New("no data.validationCode")
	}
	return data.ValidationCode, nil
}

// deliver runs the function and tells Event Grid: 202, or 500 with the reason, upon which all of it comes again.
func (h *Host) deliver(w http.ResponseWriter, f *function, body []byte) {
	if err := h.invokeEvents(f, body); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// invokeEvents runs the function once with cardinality many, else once for each event, all at the same time.
//
// The real host fails by itself what is not JSON or neither object nor array, with the 500 that makes Event Grid try
// for a day. Here such a body reaches the handler, as text, so that its reading of junk can be tried from end to end.
func (h *Host) invokeEvents(f *function, body []byte) error {
	body = bytes.TrimSpace(body)
	if len(body) > 0 && body[0] == '{' && json.Valid(body) {
		body = bytes.Join([][]byte{{'['}, body, {']'}}, nil)
	}
	var events []json.RawMessage
	if err := json.Unmarshal(body, &events); err != nil {
		h.log.printf(Warning, CategoryHost, "delivery to %s is not JSON; the real host would answer 500 without calling the handler", f.name)
		_, err := h.invoke(f, values{f.trigger.Name: wireText(string(body))}, values{})
		return err
	}
	if f.trigger.many() {
		_, err := h.invoke(f, values{f.trigger.Name: wire(body)}, values{"data": wire(encode(dataOf(events)))})
		return err
	}
	failures := make([]error, len(events))
	var all sync.WaitGroup
	for i, event := range events {
		all.Go(func() {
			_, failures[i] = h.invoke(f, values{f.trigger.Name: wire(event)}, metadataOf(event))
		})
	}
	all.Wait()
	for _, err := range failures {
		if err != nil {
			return err // the real host reports the first
		}
	}
	return nil
}

// dataOf collects the events' data, which the extension repeats as binding data and the host as Metadata.
func dataOf(events []json.RawMessage) []json.RawMessage {
	all := []json.RawMessage{}
	for _, event := range events {
		all = append(all, dataMember(event))
	}
	return all
}

func metadataOf(event json.RawMessage) values {
	data := dataMember(event)
	if string(data) == "null" {
		return values{} // null binding data is left out
	}
	return values{"data": wire(data)}
}

func dataMember(event json.RawMessage) json.RawMessage {
	var e map[string]json.RawMessage
	if json.Unmarshal(event, &e) != nil || e["data"] == nil {
		return json.RawMessage("null")
	}
	return e["data"]
}
