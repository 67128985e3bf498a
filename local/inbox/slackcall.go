package inbox

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

const (
	maxPostText   = 40_000 // chat.postMessage: beyond this, msg_too_long
	maxUpdateText = 4_000  // chat.update: "the text field cannot exceed 4,000 characters" (its reference, error msg_too_long)
)

// slackCall is one call of a Slack method, however it was encoded.
type slackCall struct {
	Channel     string          `json:"channel"`
	TS          string          `json:"ts"`
	ThreadTS    string          `json:"thread_ts"`
	Text        string          `json:"text"`
	Blocks      json.RawMessage `json:"blocks"`
	Attachments json.RawMessage `json:"attachments"`
	Metadata    json.RawMessage `json:"metadata"`

	// Of answers to clicks.
	ResponseType string `json:"response_type"`
	Replace      bool   `json:"replace_original"`

	// Of conversations.history, as forms have them.
	Oldest      string `json:"oldest"`
	Limit       string `json:"limit"`
	Cursor      string `json:"cursor"`
	AllMetadata string `json:"include_all_metadata"`

	token   string
	hasText bool            // text was given, if only to empty it
	body    json.RawMessage // everything but the token, as one JSON object
}

// slackRefusal is an error in Slack's words, for example invalid_blocks with the places that are wrong.
type slackRefusal struct {
	code     string
	problems []Problem
}

// refusedAs makes a refusal from Slack's code for it.
func refusedAs(code string, problems ...Problem) *slackRefusal {
	return &slackRefusal{code: code, problems: problems}
}

// readCall takes a form with the token inside, which is what slack-go v0.35.0 sends (chat.go, formSender), or JSON with the
// token in the Authorization header. The token goes no further than this.
func readCall(r *http.Request, body []byte) (slackCall, *slackRefusal) {
	var fields map[string]json.RawMessage
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		if json.Unmarshal(body, &fields) != nil {
			return slackCall{}, refusedAs("invalid_json")
		}
		delete(fields, "token") // Slack does not look for it in JSON
	case "application/x-www-form-urlencoded", "":
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return slackCall{}, refusedAs("invalid_form_data")
		}
		if bearer == "" {
			bearer = values.Get("token")
		}
		values.Del("token")
		fields = formFields(values)
	default:
		return slackCall{}, refusedAs("invalid_post_type")
	}
	return newCall(bearer, fields)
}

// formFields makes JSON of a form, where blocks, attachments and metadata are JSON within a string.
func formFields(values url.Values) map[string]json.RawMessage {
	fields := make(map[string]json.RawMessage, len(values))
	for name := range values {
		raw, _ := json.Marshal(values.Get(name))
		fields[name] = raw
	}
	return fields
}

// newCall sorts the arguments; null counts as not given.
func newCall(token string, fields map[string]json.RawMessage) (slackCall, *slackRefusal) {
	for _, name := range []string{"blocks", "attachments", "metadata"} {
		if raw, given := fields[name]; given {
			fields[name] = unquoted(raw)
		}
		if string(fields[name]) == "null" {
			delete(fields, name)
		}
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return slackCall{}, refusedAs("invalid_json")
	}
	c := slackCall{token: token, body: body}
	if json.Unmarshal(body, &c) != nil {
		return slackCall{}, refusedAs("invalid_arguments")
	}
	_, c.hasText = fields["text"]
	return c, nil
}

// unquoted returns the JSON inside a JSON string, or the value itself if there is none.
func unquoted(raw json.RawMessage) json.RawMessage {
	var s string
	if json.Unmarshal(raw, &s) == nil && json.Valid([]byte(s)) {
		return json.RawMessage(s)
	}
	return raw
}

// refusal checks what is to be shown. mostText is the limit of the method called.
func (c slackCall) refusal(mostText int) *slackRefusal {
	if r := c.blocksRefusal(); r != nil {
		return r
	}
	if r := c.attachmentsRefusal(); r != nil {
		return r
	}
	switch {
	case utf8.RuneCountInString(c.Text) > mostText:
		return refusedAs("msg_too_long")
	case !c.metadataValid():
		return refusedAs("invalid_metadata_format")
	case c.Text == "" && empty(c.Blocks) && empty(c.Attachments):
		return refusedAs("no_text")
	}
	return nil
}

// blocksRefusal tells the three ways apart in which blocks fail: no list, too much, or wrong somewhere.
func (c slackCall) blocksRefusal() *slackRefusal {
	if c.Blocks == nil {
		return nil
	}
	if !isArray(c.Blocks) {
		return refusedAs("invalid_blocks_format")
	}
	if blocksTooLong(c.Blocks) {
		return refusedAs("msg_blocks_too_long")
	}
	if problems := ValidateBlocks(c.Blocks); len(problems) > 0 {
		return refusedAs("invalid_blocks", problems...)
	}
	return nil
}

// attachmentsRefusal has a code of its own for the number of attachments (slackapi/bolt-python issue #914).
func (c slackCall) attachmentsRefusal() *slackRefusal {
	if c.Attachments == nil {
		return nil
	}
	if items, _ := decoded(c.Attachments).([]any); len(items) > 100 {
		return refusedAs("too_many_attachments")
	}
	if problems := ValidateAttachments(c.Attachments); len(problems) > 0 {
		return refusedAs("invalid_attachments", problems...)
	}
	return nil
}

// metadataValid wants a name and an object whose values are plain or one level deep
// (message-metadata.ts in slackapi/node-slack-sdk).
func (c slackCall) metadataValid() bool {
	if c.Metadata == nil {
		return true
	}
	metadata, ok := decoded(c.Metadata).(map[string]any)
	payload, hasPayload := metadata["event_payload"].(map[string]any)
	return ok && hasPayload && stringOf(metadata["event_type"]) != "" && flatEnough(payload)
}

// flatEnough allows values of one level: {"a":{"b":1}}, but nothing inside b.
func flatEnough(payload map[string]any) bool {
	for _, v := range payload {
		inner, _ := v.(map[string]any)
		for _, deep := range inner {
			if _, tooDeep := deep.(map[string]any); tooDeep {
				return false
			}
		}
	}
	return true
}

// isArray says whether JSON is a list.
func isArray(raw json.RawMessage) bool { _, ok := decoded(raw).([]any); return ok }

// empty says whether a list is absent or has nothing in it.
func empty(raw json.RawMessage) bool { items, _ := decoded(raw).([]any); return len(items) == 0 }
