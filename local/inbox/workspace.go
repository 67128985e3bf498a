package inbox

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
)

// workspace is what Slack itself remembers: which messages there are, what they look like now, and what the channels are
// called. It is rebuilt from the journal and survives an emptied inbox, as a channel does that nobody looks at.
type workspace struct {
	mu       sync.Mutex
	latest   int64                // ts of the newest message, in microseconds
	messages map[string]*standing // channel id + "/" + ts
	channels map[string]string    // id → name as a post gave it first
	// responses are where apps may answer clicks, by the last part of the address. Those of before a restart have expired.
	responses map[string]*response
}

// standing is a Slack message as it stands now.
type standing struct {
	parent      string          // thread_ts, empty for a message of the channel itself
	Text        string          `json:"text"`
	Blocks      json.RawMessage `json:"blocks,omitempty"`
	Attachments json.RawMessage `json:"attachments,omitempty"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`
}

// newWorkspace starts without messages; channels need no founding.
func newWorkspace() *workspace {
	return &workspace{messages: make(map[string]*standing), channels: make(map[string]string), responses: make(map[string]*response)}
}

var channelID = regexp.MustCompile(`^[CGD][A-Z0-9]+$`)

// channelOf gives the id of the channel that a post names. Names get an id that is always the same, so that a sender which
// keeps ids can restart.
func channelOf(name string) string {
	if channelID.MatchString(name) {
		return name
	}
	sum := sha256.Sum256([]byte(strings.TrimPrefix(name, "#")))
	return "C" + base32.StdEncoding.EncodeToString(sum[:])[:10]
}

// closedChannels answer as a channel would which the app cannot post to: an operator's usual first mistakes.
var closedChannels = map[string]string{
	"missing":   "channel_not_found",
	"CMISSING":  "channel_not_found",
	"archived":  "is_archived",
	"CARCHIVED": "is_archived",
	"private":   "not_in_channel",
	"read-only": "restricted_action",
}

// closedChannel returns the error that a channel is known for, empty for all others.
func closedChannel(name string) string { return closedChannels[strings.TrimPrefix(name, "#")] }

// stamp gives a ts that no message had before: seconds and microseconds, always larger than the last.
func (ws *workspace) stamp(now time.Time) string {
	ws.latest = max(ws.latest+1, now.UnixMicro())
	return fmt.Sprintf("%d.%06d", ws.latest/1e6, ws.latest%1e6)
}

// find returns a message of a channel, nil if there is none.
func (ws *workspace) find(channelID, ts string) *standing { return ws.messages[channelID+"/"+ts] }

// place notes a new message. An unknown thread is the caller's to refuse.
func (ws *workspace) place(e entry, parent string, now standing) {
	now.parent = parent
	ws.messages[e.ChannelID+"/"+e.TS] = &now
	if _, known := ws.channels[e.ChannelID]; !known {
		ws.channels[e.ChannelID] = e.Channel
	}
}

// recall rebuilds the memory from one entry of the journal.
func (ws *workspace) recall(e entry) {
	if e.Destination != Slack || e.Kind == Ephemeral {
		return
	}
	var seconds, micros int64
	if _, err := fmt.Sscanf(e.TS, "%d.%d", &seconds, &micros); err == nil {
		ws.latest = max(ws.latest, seconds*1e6+micros)
	}
	var now standing
	if raw := e.Shown; len(raw) > 0 {
		_ = json.Unmarshal(raw, &now)
	} else {
		_ = json.Unmarshal(e.Body, &now)
	}
	switch e.Kind {
	case Thread:
		ws.place(e, e.Ref, now)
	case Post:
		ws.place(e, "", now)
	default:
		if was := ws.find(e.ChannelID, e.TS); was != nil {
			now.parent = was.parent
		}
		ws.messages[e.ChannelID+"/"+e.TS] = &now
	}
}

// after is the message once an update has been applied. What an update leaves out stays, with one exception: text without
// blocks removes the blocks (chat.update reference, argument blocks).
func (now standing) after(c slackCall) standing {
	switch {
	case c.Blocks != nil:
		now.Blocks = c.Blocks
	case c.hasText:
		now.Blocks = nil
	}
	if c.Attachments != nil {
		now.Attachments = c.Attachments
	}
	if c.hasText {
		now.Text = c.Text
	}
	if c.Metadata != nil {
		now.Metadata = c.Metadata
	}
	return now
}
