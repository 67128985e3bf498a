package inbox

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"time"
)

// response is an address at which an app may say something to the person who clicked: five times within 30 minutes
// (docs.slack.dev, "Handling user interaction", message responses).
type response struct {
	channelID, ts string
	until         time.Time
	left          int
}

const (
	responses     = 5
	responsesUpTo = 30 * time.Minute
)

// ResponseURL is the address for a click in a message of a channel, on the server of the inbox's Web API.
func (s *Server) ResponseURL(api, channel, ts string) string {
	token := rand.Text()
	ws := s.workspace
	ws.mu.Lock()
	ws.responses[token] = &response{channelOf(channel), ts, s.now().Add(responsesUpTo), responses}
	ws.mu.Unlock()
	base, err := url.Parse(api)
	if err != nil {
		return ""
	}
	return base.ResolveReference(&url.URL{Path: "/slack/response/" + token}).String()
}

// slackResponse takes a message for the one who clicked. Of the kinds that Slack has, it takes that one alone.
func (s *Server) slackResponse(w http.ResponseWriter, r *http.Request, body []byte) {
	call, refusal := readHook(r, body)
	if refusal == nil {
		refusal = call.refusal(maxPostText)
	}
	if refusal == nil && (call.ResponseType != Ephemeral || call.Replace) {
		refusal = refusedAs("invalid_arguments", Problem{Pointer: "/response_type", Reason: "only ephemeral messages that replace nothing are taken here"})
	}
	if refusal == nil {
		refusal = s.keepResponse(r.PathValue("token"), call)
	}
	if refusal != nil {
		s.refuseSlack(w, "", refusal)
		return
	}
	respond(w, http.StatusOK, map[string]any{"ok": true})
}

// keepResponse keeps what was said, once more at most than the address has left.
func (s *Server) keepResponse(token string, call slackCall) *slackRefusal {
	ws := s.workspace
	ws.mu.Lock()
	defer ws.mu.Unlock()
	to := ws.responses[token]
	switch {
	case to == nil || !s.now().Before(to.until):
		return refusedAs("expired_url")
	case to.left == 0:
		return refusedAs("used_url")
	}
	to.left--
	_, err := s.store.add(entry{ChannelID: to.channelID, TS: to.ts, Message: Message{
		Destination: Slack, Channel: ws.channels[to.channelID], Kind: Ephemeral, Ref: to.ts, At: s.now().UTC(), Body: call.body,
		Text: slackText(call.Text, call.Blocks, call.Attachments),
	}})
	if err != nil {
		return refusedAs("fatal_error", Problem{Reason: err.Error()})
	}
	return nil
}
