package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// listen reads a function's hub as the extension's listener does (EventHubListener.PartitionProcessor.cs): each partition that is this
// host's, in batches of at most maxEventBatchSize, one after another, each as often as the function's retry policy says. After
// the last try the checkpoint moves on, whether the function succeeded or not. A host that is killed moves nothing: its
// partitions go to another one when its lease ends.
func (h *Host) listen(f *function) {
	for number := range h.hubs.partitions() {
		h.work.run(func() { h.readPartition(f, reading{f.name, number, h.id}) })
	}
	for h.ctx.Err() == nil {
		changed := h.hubs.claim(f.name, h.id)
		select {
		case <-changed:
		case <-time.After(h.hubs.lease() / 3): // loadBalancingUpdateInterval
		case <-h.ctx.Done():
		}
	}
}

func (h *Host) readPartition(f *function, by reading) {
	for h.ctx.Err() == nil {
		batch, changed := h.hubs.read(by, h.app.hubBatch)
		if len(batch) == 0 {
			select {
			case <-changed:
			case <-h.ctx.Done():
			}
			continue
		}
		err := h.invokeMessages(f, batch, func() bool { return h.hubs.owns(by) })
		if h.ctx.Err() == nil {
			h.hubs.advance(by, len(batch), err)
		}
	}
}

// serveEventHub has no counterpart in the real host: POST /runtime/webhooks/eventhub?functionName=<name> puts messages into a
// partition of the hub by hand. A JSON array has one message per element; anything else is one message. 202 when every batch
// that held some of them succeeded, 500 when one did not. What is in the hub is read although nothing waits for the answer.
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
	s := h.hubs.put(f.name, messages)
	select {
	case <-s.done:
	case <-h.ctx.Done():
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case <-r.Context().Done():
		return
	}
	if s.err != nil {
		http.Error(w, s.err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// invokeMessages runs the function once for a batch with cardinality many, else once for each message, and again only for as
// long as may says so.
func (h *Host) invokeMessages(f *function, messages []string, may func() bool) error {
	if f.trigger.many() {
		value, err := batchValue(messages, f.trigger.DataType)
		if err != nil {
			return err
		}
		_, err = h.invokeWhile(f, values{f.trigger.Name: value}, values{}, may)
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
		_, err := h.invokeWhile(f, values{f.trigger.Name: value}, metadata, may)
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
