package host

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sort"
	"strings"
	"time"
)

// maxBody is DefaultMaxRequestBodySize in ScriptConstants.cs.
const maxBody = 104857600

// routes serves the host's own addresses. The host compares paths without regard to case.
func (h *Host) routes() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.work.begin() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		defer h.work.group.Done()
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		path := strings.ToLower(strings.Trim(r.URL.Path, "/"))
		switch {
		case path == "runtime/webhooks/eventgrid":
			h.serveEventGrid(w, r)
		case path == "runtime/webhooks/eventhub":
			h.serveEventHub(w, r)
		case path == "admin/host/ping":
			h.servePing(w, r)
		case path == "admin/host/status":
			h.serveStatus(w, r)
		case path == "admin/functions":
			h.serveFunctions(w, r)
		case strings.HasPrefix(path, "admin/functions/"):
			h.serveRun(w, r, path[len("admin/functions/"):])
		default:
			h.serveHTTPTrigger(w, r)
		}
	})
}

// servePing is the platform's health check: always 200, and the handler gets a GET / whose outcome nobody looks at
// (HostPerformanceManager.cs).
func (h *Host) servePing(w http.ResponseWriter, r *http.Request) {
	if state, _, _, _ := h.handler.snapshot(); state == stateRunning {
		_ = h.handler.ping(r.Context())
	}
	w.WriteHeader(http.StatusOK)
}

// serveStatus has the real host's names, and handlerPid for whoever wants to kill it.
func (h *Host) serveStatus(w http.ResponseWriter, _ *http.Request) {
	state, _, _, reason := h.handler.snapshot()
	status := struct {
		ID            string            `json:"id"`
		State         string            `json:"state"`
		Version       string            `json:"version"`
		ProcessUptime int64             `json:"processUptime"` // milliseconds
		Errors        []string          `json:"errors,omitempty"`
		HandlerPID    int               `json:"handlerPid"` // 0 while there is none
		Broken        map[string]string `json:"brokenFunctions,omitempty"`
	}{
		ID: "local", State: state, Version: Version, ProcessUptime: time.Since(h.started).Milliseconds(),
		HandlerPID: h.handler.pid(), Broken: h.app.broken,
	}
	if reason != nil {
		status.Errors = []string{reason.Error()}
	}
	respond(w, http.StatusOK, status)
}

// serveFunctions lists what runs.
func (h *Host) serveFunctions(w http.ResponseWriter, _ *http.Request) {
	type entry struct {
		Name    string `json:"name"`
		Trigger string `json:"trigger"`
		URL     string `json:"invokeUrl,omitempty"`
	}
	list := []entry{}
	for _, f := range h.app.functions {
		e := entry{Name: f.name, Trigger: f.trigger.Type}
		switch f.trigger.Type {
		case "httpTrigger":
			e.URL = h.URL() + "/" + h.app.path(f)
		case "eventGridTrigger":
			e.URL = h.URL() + "/runtime/webhooks/eventgrid?functionName=" + f.name
		case "eventHubTrigger":
			e.URL = h.URL() + "/runtime/webhooks/eventhub?functionName=" + f.name
		}
		list = append(list, e)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	respond(w, http.StatusOK, list)
}

// serveRun is POST /admin/functions/<name> {"input":"…"}: it runs the function in the background and says 202 at once
// (FunctionsController.Invoke). The outcome is in the log only.
func (h *Host) serveRun(w http.ResponseWriter, r *http.Request, name string) {
	var f *function // unlike the webhook's, this dictionary ignores case
	for _, candidate := range h.app.functions {
		if strings.EqualFold(candidate.name, name) {
			f = candidate
		}
	}
	if f == nil || r.Method != http.MethodPost {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	var invocation *struct{ Input string }
	if err := json.NewDecoder(r.Body).Decode(&invocation); err != nil || invocation == nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.work.run(func() {
		if err := h.runNow(f, invocation.Input); err != nil {
			h.log.printf(Error, CategoryHost, "run %s by hand: %v", f.name, err)
		}
	})
	w.WriteHeader(http.StatusAccepted)
}

// runNow makes the trigger value out of the text that somebody sent.
func (h *Host) runNow(f *function, input string) error {
	switch f.trigger.Type {
	case "timerTrigger":
		return h.invokeTimer(h.timers[f.name], false /* past due */)
	case "eventGridTrigger":
		if !json.Valid([]byte(input)) || f.trigger.many() != strings.HasPrefix(strings.TrimSpace(input), "[") {
			return errors.New("bind input: must be the JSON of an event, or of an array of events with cardinality many")
		}
		return h.invokeEvents(f, []byte(input))
	case "eventHubTrigger":
		return h.invokeMessages(f, []string{input}, func() bool { return true })
	}
	return errors.New("an HTTP function is run at its own address")
}

// readAll reads a request's body; ok is false when the answer is already given.
func readAll(w http.ResponseWriter, r *http.Request) (body []byte, ok bool) {
	if r.ContentLength > maxBody { // before a byte of it is read
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return nil, false
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		status := http.StatusBadRequest
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, err.Error(), status)
	}
	return body, err == nil
}

func respond(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
