package inbox

import (
	"encoding/json"
	"slices"
	"strings"
)

// historyScope ends the tokens that may read what is in a channel. Others are answered missing_scope, as an app is that was
// installed without channels:history.
const historyScope = "-history"

// mostHistory bounds a page of conversations.history (its reference: default 100, at most 999).
const mostHistory = 999

// history lists the messages of a channel, newest first, without replies in threads (conversations.history), or a message and the
// replies to it, oldest first (conversations.replies). A page ends with has_more and a cursor, which here is the ts of its last
// message.
func (s *Server) history(call slackCall, replies bool) (map[string]any, *slackRefusal) {
	switch {
	case !strings.HasSuffix(call.token, historyScope):
		return nil, refusedAs("missing_scope")
	case !channelID.MatchString(call.Channel) || closedChannel(call.Channel) != "":
		return nil, refusedAs("channel_not_found")
	}
	limit := 100
	if call.Limit != "" {
		if json.Unmarshal([]byte(call.Limit), &limit) != nil || limit < 1 || limit > mostHistory {
			return nil, refusedAs("invalid_limit")
		}
	}
	ws := s.workspace
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if replies && ws.find(call.Channel, call.TS) == nil {
		return nil, refusedAs("thread_not_found")
	}
	stamps := ws.stamps(call, replies)
	answer := map[string]any{"has_more": len(stamps) > limit, "pin_count": 0}
	stamps = stamps[:min(len(stamps), limit)]
	messages := make([]map[string]any, len(stamps))
	for i, ts := range stamps {
		messages[i] = ws.messages[call.Channel+"/"+ts].listed(ts, call.AllMetadata == "true" || call.AllMetadata == "1")
	}
	answer["messages"] = messages
	if answer["has_more"] == true {
		answer["response_metadata"] = map[string]any{"next_cursor": stamps[limit-1]}
	}
	return answer, nil
}

// stamps are the ts of what is to be listed, in order. The message of a thread is always its first one.
func (ws *workspace) stamps(call slackCall, replies bool) (stamps []string) {
	parent := ""
	if replies {
		parent = call.TS
	}
	for key, m := range ws.messages {
		channel, ts, _ := strings.Cut(key, "/")
		after := call.Cursor == "" || laterThan(ts, call.Cursor) == replies && ts != call.Cursor
		switch {
		case channel != call.Channel || !after:
		case replies && ts == call.TS, laterThan(ts, call.Oldest) && m.parent == parent:
			stamps = append(stamps, ts)
		}
	}
	slices.SortFunc(stamps, compareStamps)
	if !replies {
		slices.Reverse(stamps)
	}
	return stamps
}

// listed is a message as a list has it.
func (now *standing) listed(ts string, metadata bool) map[string]any {
	m := map[string]any{"type": "message", "subtype": "bot_message", "ts": ts, "text": now.Text, "bot_id": botID, "team": teamID}
	if now.Blocks != nil {
		m["blocks"] = now.Blocks
	}
	if metadata && now.Metadata != nil {
		m["metadata"] = now.Metadata
	}
	return m
}

// laterThan compares two ts; an empty one is before all.
func laterThan(ts, than string) bool { return than == "" || compareStamps(ts, than) > 0 }

// compareStamps compares "1795348800.000100" by seconds, then by micros.
func compareStamps(a, b string) int {
	if n := len(a) - len(b); n != 0 {
		return n // seconds have as many digits until 2286
	}
	return strings.Compare(a, b)
}
