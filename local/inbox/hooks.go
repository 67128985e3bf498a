package inbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// closedHooks are URLs that answer as a webhook does that was revoked or whose channel is gone: statuses and words of
// api.slack.com, "Changes to errors for Incoming Webhooks" (2016-05-17), no_service for one that does not exist.
var closedHooks = map[string]struct {
	status int
	code   string
}{
	"missing":    {http.StatusNotFound, "no_service"},
	"no-channel": {http.StatusNotFound, "channel_not_found"},
	"forbidden":  {http.StatusForbidden, "action_prohibited"},
	"revoked":    {http.StatusForbidden, "invalid_token"},
	"archived":   {http.StatusGone, "channel_is_archived"},
}

// slackWebhook answers a Slack incoming webhook: plain text, "ok" or one word that says why not. Unlike the Web API it
// tells neither the ts of the message nor the place of a mistake; the page does.
func (s *Server) slackWebhook(w http.ResponseWriter, r *http.Request, body []byte) {
	hook := r.PathValue("rest")
	if closed, is := closedHooks[hook[strings.LastIndex(hook, "/")+1:]]; is {
		s.refuseHook(w, hook, closed.status, refusedAs(closed.code))
		return
	}
	call, refusal := readHook(r, body)
	if refusal == nil {
		call.Channel = hook
		refusal = call.refusal(maxPostText)
	}
	if refusal == nil {
		_, refusal = s.keepSlack(call)
	}
	if refusal != nil {
		s.refuseHook(w, hook, http.StatusBadRequest, refusal)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok")
}

// readHook takes JSON, or a form whose payload field is JSON.
func readHook(r *http.Request, body []byte) (slackCall, *slackRefusal) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		values, _ := url.ParseQuery(string(body))
		body = []byte(values.Get("payload"))
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields == nil {
		return slackCall{}, refusedAs("invalid_payload")
	}
	call, refusal := newCall("", fields)
	if refusal != nil {
		return slackCall{}, refusedAs("invalid_payload")
	}
	return call, nil
}

// refuseHook answers one word and keeps the details for the page, as the sender of a webhook gets none.
func (s *Server) refuseHook(w http.ResponseWriter, hook string, status int, refusal *slackRefusal) {
	s.refuse(Slack, hook, refusal.code, problemTexts(refusal.problems))
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, refusal.code)
}

// teamsWorkflow answers the trigger "When a Teams webhook request is received".
//
// The real one answers 202 to anything that starts the flow, and a card that Teams cannot show is lost afterwards without
// a word to the sender (danbyte issue #157). Here such a card is 400 with the reason, so that the mistake surfaces.
func (s *Server) teamsWorkflow(w http.ResponseWriter, r *http.Request, body []byte) {
	flow := r.PathValue("rest")
	if len(body) > maxWorkflowBytes {
		s.refuseFlow(w, http.StatusRequestEntityTooLarge, refusal{
			Channel: flow, Reason: "RequestEntityTooLarge",
			Details: []string{fmt.Sprintf("the message has %d bytes, Teams takes %d", len(body), maxWorkflowBytes)},
		})
		return
	}
	if problems := ValidateWorkflow(body); len(problems) > 0 {
		s.refuseFlow(w, http.StatusBadRequest, refusal{Channel: flow, Reason: "InvalidBotAdaptiveCard", Details: problemTexts(problems)})
		return
	}
	envelope, _ := decoded(body).(map[string]any)
	m := Message{Destination: Teams, Channel: flow, Text: cardText(envelope), Body: body}
	if err := s.keep(m); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// refuseFlow answers in the shape that a flow's own errors have.
func (s *Server) refuseFlow(w http.ResponseWriter, status int, r refusal) {
	s.refuse(Teams, r.Channel, r.Reason, r.Details)
	respond(w, status, map[string]any{"error": map[string]any{"code": r.Reason, "message": strings.Join(r.Details, "; ")}})
}

// webhook keeps any JSON.
func (s *Server) webhook(w http.ResponseWriter, r *http.Request, body []byte) {
	name := r.PathValue("rest")
	if !json.Valid(body) {
		s.refuse(Webhook, name, "not JSON", nil)
		http.Error(w, "the body is not JSON", http.StatusBadRequest)
		return
	}
	m := Message{Destination: Webhook, Channel: name, Text: strings.Join(flatten(nil, "", exact(body)), "\n"), Body: body}
	if err := s.keep(m); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	respond(w, http.StatusOK, map[string]any{"ok": true})
}

// exact decodes JSON with its numbers as they were written.
func exact(raw []byte) (v any) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	_ = d.Decode(&v) // the caller has seen that it is JSON
	return v
}

// flatten writes JSON as lines "path: value", which is as readable as JSON of unknown shape gets.
func flatten(lines []string, path string, v any) []string {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			lines = flatten(lines, strings.TrimPrefix(path+"."+name, "."), v[name])
		}
		return lines
	case []any:
		for i, item := range v {
			lines = flatten(lines, fmt.Sprintf("%s[%d]", path, i), item)
		}
		return lines
	}
	if path == "" {
		return append(lines, fmt.Sprint(v))
	}
	return append(lines, fmt.Sprintf("%s: %v", path, v))
}

// keep stores a message of an end without threads or edits.
func (s *Server) keep(m Message) error {
	m.Kind = Post
	_, err := s.store.add(entry{Message: m})
	return err
}
