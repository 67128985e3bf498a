package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// serveEventHub has no counterpart in the real host, which reads the hub itself: POST
// /runtime/webhooks/eventhub?functionName=<name> puts messages into one partition by hand. A JSON array has one message per
// element; anything else is one message. As the listener does (EventHubListener.PartitionProcessor.cs), they are read in
// batches of at most maxEventBatchSize, one after another, each as often as the function's retry policy says; after the last
// try the partition goes on with the next batch, whether the function succeeded or not. 202 when every batch succeeded, 500
// when one was lost.
func (h *Host) serveEventHub(w http.ResponseWriter, r *http.Request) {
	f := h.triggered(w, r, "eventHubTrigger")
	if f == nil {
		return
	}
	body, ok := readAll(w, r)
	if !ok {
		return
	}
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	messages := []string{string(body)}
	var batch []json.RawMessage
	if json.Unmarshal(body, &batch) == nil {
		messages = messages[:0]
		for _, message := range batch {
			messages = append(messages, string(message))
		}
	}
	var lost []error
	for batch := range slices.Chunk(messages, h.app.hubBatch) {
		lost = append(lost, h.invokeMessages(f, batch))
	}
	if err := errors.Join(lost...); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// invokeMessages runs the function once for a batch with cardinality many, else once for each message.
func (h *Host) invokeMessages(f *function, messages []string) error {
	if f.trigger.many() {
		value, err := batchValue(messages, f.trigger.DataType)
		if err != nil {
			return err
		}
		_, err = h.invoke(f, values{f.trigger.Name: value}, values{})
		return err
	}
	var problems []error
	for _, message := range messages {
		value, metadata := wireText(message), values{}
		if strings.EqualFold(f.trigger.DataType, "binary") {
			value = wireBytes([]byte(message))
		} else {
			copyMembers(metadata, []byte(message))
		}
		_, err := h.invoke(f, values{f.trigger.Name: value}, metadata)
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// batchValue is the trigger value of cardinality many by dataType: string[], byte[][], or by default object[], for
// which every body is parsed as JSON, so that one that is none fails the whole batch.
func batchValue(messages []string, dataType string) (json.RawMessage, error) {
	switch strings.ToLower(dataType) {
	case "string":
		return wire(encode(messages)), nil
	case "binary":
		bodies := make([][]byte, 0, len(messages))
		for _, message := range messages {
			bodies = append(bodies, []byte(message))
		}
		return wire(encode(bodies)), nil
	}
	parsed := make([]json.RawMessage, 0, len(messages))
	for i, message := range messages {
		if !json.Valid([]byte(message)) {
			return nil, fmt.Errorf("bind message %d of the batch: it is not JSON, which fails all of it without dataType string", i)
		}
		parsed = append(parsed, json.RawMessage(message))
	}
	return wire(encode(parsed)), nil
}
