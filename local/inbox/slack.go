package inbox

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
)

// The app that every token belongs to here.
const (
	botID  = "B0INBOX0001"
	userID = "U0INBOX0001"
	teamID = "T0INBOX0001"
	appURL = "https://auditbell-local.slack.com/"
)

// slackMethod answers Slack's Web API. Errors are 200 with "ok":false, as there.
func (s *Server) slackMethod(w http.ResponseWriter, r *http.Request, body []byte) {
	call, refusal := readCall(r, body)
	if refusal == nil {
		refusal = authorized(call.token)
	}
	var answer map[string]any
	if refusal == nil {
		answer, refusal = s.slackAnswer(r.PathValue("method"), call)
	}
	if refusal != nil {
		s.refuseSlack(w, call.Channel, refusal)
		return
	}
	answer["ok"] = true
	respond(w, http.StatusOK, answer)
}

// authorized takes any token that looks like a bot's. A user's token (xoxp-) or an app's (xapp-) is the mistake to catch.
func authorized(token string) *slackRefusal {
	switch {
	case token == "":
		return refusedAs("not_authed")
	case !strings.HasPrefix(token, "xoxb-") || len(token) < len("xoxb-")+1:
		return refusedAs("invalid_auth")
	}
	return nil
}

// slackAnswer runs the methods that a sender of alerts needs. auth.test is how it checks its token, conversations.info its
// channel.
func (s *Server) slackAnswer(method string, call slackCall) (map[string]any, *slackRefusal) {
	switch method {
	case "auth.test":
		return map[string]any{
			"url": appURL, "team": "Auditbell (local)", "team_id": teamID, "user": "auditbell",
			"user_id": userID, "bot_id": botID, "is_enterprise_install": false,
		}, nil
	case "conversations.info":
		return s.channelInfo(call)
	case "conversations.history", "conversations.replies":
		return s.history(call, method == "conversations.replies")
	case "chat.postMessage":
		return s.postMessage(call)
	case "chat.update":
		return s.updateMessage(call)
	}
	return nil, refusedAs("unknown_method")
}

// channelInfo wants an id, as conversations.info does; a channel nobody posted to yet exists all the same.
func (s *Server) channelInfo(call slackCall) (map[string]any, *slackRefusal) {
	if code := closedChannel(call.Channel); code == "channel_not_found" || !channelID.MatchString(call.Channel) {
		return nil, refusedAs("channel_not_found")
	}
	s.workspace.mu.Lock()
	defer s.workspace.mu.Unlock()
	name, known := s.workspace.channels[call.Channel]
	if !known {
		name = strings.ToLower(call.Channel)
	}
	return map[string]any{"channel": map[string]any{
		"id": call.Channel, "name": strings.TrimPrefix(name, "#"), "is_channel": true,
		"is_member": true, "is_archived": false,
	}}, nil
}

var timestamp = regexp.MustCompile(`^\d{1,12}\.\d{6}$`)

// postMessage checks the channel before the content: what is wrong with a message does not matter where none may be posted.
func (s *Server) postMessage(call slackCall) (map[string]any, *slackRefusal) {
	if call.Channel == "" {
		return nil, refusedAs("channel_not_found")
	}
	if code := closedChannel(call.Channel); code != "" {
		return nil, refusedAs(code)
	}
	if refusal := call.refusal(maxPostText); refusal != nil {
		return nil, refusal
	}
	e, refusal := s.keepSlack(call)
	if refusal != nil {
		return nil, refusal
	}
	return map[string]any{"channel": e.ChannelID, "ts": e.TS, "message": slackMessage(e, call)}, nil
}

// keepSlack gives a new message its ts and keeps it, all under one lock: ts must rise in the order of the list.
func (s *Server) keepSlack(call slackCall) (entry, *slackRefusal) {
	ws := s.workspace
	ws.mu.Lock()
	defer ws.mu.Unlock()
	e := entry{ChannelID: channelOf(call.Channel)}
	if refusal := ws.threadRefusal(e.ChannelID, call.ThreadTS); refusal != nil {
		return entry{}, refusal
	}
	name := call.Channel
	if known, replies := ws.channels[name]; replies {
		name = known // given by id, as a sender does that has it from an earlier answer
	}
	now := s.now()
	e.TS = ws.stamp(now)
	e.Message = Message{
		Destination: Slack, Channel: name, Kind: Post, Ref: e.TS, At: now.UTC(), Body: call.body,
		Text: slackText(call.Text, call.Blocks, call.Attachments),
	}
	if call.ThreadTS != "" {
		e.Kind, e.Ref = Thread, call.ThreadTS
	}
	e, err := s.store.add(e)
	if err != nil {
		return entry{}, refusedAs("fatal_error", Problem{Reason: err.Error()})
	}
	ws.place(e, call.ThreadTS, standing{}.after(call))
	return e, nil
}

// threadRefusal wants thread_ts to name a message of the channel. The codes are Slack's: "0 is not a valid thread_ts"
// (jenkinsci/slack-plugin issue #584) and thread_not_found for a parent that is gone (slackapi/bolt-js issue #2307).
func (ws *workspace) threadRefusal(channelID, threadTS string) *slackRefusal {
	switch {
	case threadTS == "":
		return nil
	case !timestamp.MatchString(threadTS):
		return refusedAs("invalid_thread_ts", Problem{Pointer: "/thread_ts", Reason: fmt.Sprintf("%s is not a valid thread_ts", threadTS)})
	case ws.find(channelID, threadTS) == nil:
		return refusedAs("thread_not_found")
	}
	return nil
}

// Delete takes a message away, as a person can: what edits it later is answered with message_not_found.
func (s *Server) Delete(ts string) {
	s.workspace.mu.Lock()
	defer s.workspace.mu.Unlock()
	maps.DeleteFunc(s.workspace.messages, func(at string, _ *standing) bool { return strings.HasSuffix(at, "/"+ts) })
}

// updateMessage edits in place. Unlike a post it wants the channel's id: a name is answered channel_not_found
// (slackapi/python-slack-sdk issue #696, "this is a server-side spec").
func (s *Server) updateMessage(call slackCall) (map[string]any, *slackRefusal) {
	if !channelID.MatchString(call.Channel) || closedChannel(call.Channel) != "" {
		return nil, refusedAs("channel_not_found")
	}
	if refusal := call.refusal(maxUpdateText); refusal != nil {
		return nil, refusal
	}
	ws := s.workspace
	ws.mu.Lock()
	defer ws.mu.Unlock()
	was := ws.find(call.Channel, call.TS)
	if was == nil {
		return nil, refusedAs("message_not_found")
	}
	shown := was.after(call)
	raw := mustJSON(shown)
	e, err := s.store.add(entry{TS: call.TS, ChannelID: call.Channel, Shown: raw, Message: Message{
		Destination: Slack, Channel: ws.channels[call.Channel], Kind: Update, Ref: call.TS, At: s.now().UTC(), Body: call.body,
		Text: slackText(shown.Text, shown.Blocks, shown.Attachments),
	}})
	if err != nil {
		return nil, refusedAs("fatal_error", Problem{Reason: err.Error()})
	}
	*was = shown
	return map[string]any{"channel": e.ChannelID, "ts": e.TS, "text": shown.Text, "message": slackMessage(e, call)}, nil
}

// slackMessage is the message object that Slack puts into its answers.
func slackMessage(e entry, call slackCall) map[string]any {
	m := map[string]any{"type": "message", "subtype": "bot_message", "ts": e.TS, "text": call.Text, "bot_id": botID, "team": teamID}
	if call.Blocks != nil {
		m["blocks"] = call.Blocks
	}
	if call.ThreadTS != "" {
		m["thread_ts"] = call.ThreadTS
	}
	return m
}

// refuseSlack words an error as Slack does: the reasons once bare and once as log lines in response_metadata.
func (s *Server) refuseSlack(w http.ResponseWriter, channel string, refusal *slackRefusal) {
	details := problemTexts(refusal.problems)
	s.refuse(Slack, channel, refusal.code, details)
	answer := map[string]any{"ok": false, "error": refusal.code}
	if len(details) > 0 {
		lines := make([]string, len(details))
		for i, detail := range details {
			lines[i] = "[ERROR] " + detail
		}
		answer["errors"] = details
		answer["response_metadata"] = map[string]any{"messages": lines}
	}
	respond(w, http.StatusOK, answer)
}

// problemTexts words problems for an answer.
func problemTexts(problems []Problem) []string {
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.String()
	}
	return texts
}
