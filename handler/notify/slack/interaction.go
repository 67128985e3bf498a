package slack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// The headers with which Slack signs what it sends (docs.slack.dev, "Verifying requests from Slack").
const (
	signatureHeader = "X-Slack-Signature"
	timestampHeader = "X-Slack-Request-Timestamp"
)

// freshFor is how old, or how far ahead, a request may be; Slack's own advice.
const freshFor = 5 * time.Minute

// Verify reports why a request is not Slack's, or not of now; nil when it is genuine. body is the raw body. It does
// not recognise a request that is sent again within five minutes: see notify.Click.Once. slack-go v0.35.0 has the same
// check against the machine's own clock; a test holds the two together.
func Verify(h http.Header, body []byte, secret settings.Secret, now time.Time) error {
	stamp := h.Get(timestampHeader)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return errors.New("no timestamp")
	}
	if age := now.Sub(time.Unix(seconds, 0)).Abs(); age > freshFor {
		return errors.New("timestamp is more than five minutes off")
	}
	text, versioned := strings.CutPrefix(h.Get(signatureHeader), "v0=")
	signature, err := hex.DecodeString(text)
	if err != nil || !versioned || len(signature) == 0 {
		return errors.New("no signature of version 0")
	}
	if secret == "" || !hmac.Equal(signature, sign(secret, stamp, body)) {
		return errors.New("signature is wrong")
	}
	return nil
}

func sign(secret settings.Secret, stamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte("v0:" + stamp + ":"))
	mac.Write(body)
	return mac.Sum(nil)
}

// ErrNotInteraction is returned for a body that is none of Slack's interaction payloads.
var ErrNotInteraction = errors.New("not an interaction payload")

// interaction is what we read of a block_actions payload (docs.slack.dev, "block_actions payload"). slack-go's type
// would decode the whole message that was clicked, blocks of every kind included, and fail on any that is new to it.
type interaction struct {
	Type      string `json:"type"`
	TriggerID string `json:"trigger_id"`
	AnswerTo  string `json:"response_url"`
	User      struct {
		ID       string `json:"id"`
		Username string `json:"username"`
		Name     string `json:"name"`
	} `json:"user"`
	Container struct {
		MessageTS string `json:"message_ts"`
		ChannelID string `json:"channel_id"`
	} `json:"container"`
	Actions []struct {
		ActionID string `json:"action_id"`
		ActionTS string `json:"action_ts"`
		Value    string `json:"value"`
		Selected struct {
			Value string `json:"value"`
		} `json:"selected_option"`
	} `json:"actions"`
}

// Clicks reads the actions of ours in an interaction: a form whose field payload is JSON. Clicks on anything else, a
// link button for one, and interactions of other kinds are none of ours and no error.
func Clicks(body []byte) ([]notify.Click, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, ErrNotInteraction
	}
	var in interaction
	if json.Unmarshal([]byte(form.Get("payload")), &in) != nil || in.Type == "" {
		return nil, ErrNotInteraction
	}
	if in.Type != "block_actions" {
		return nil, nil
	}
	var clicks []notify.Click
	for _, a := range in.Actions {
		name, mine := strings.CutPrefix(a.ActionID, ours)
		if !mine {
			continue
		}
		c := notify.Click{Action: name, Value: a.Value, ByID: in.User.ID, ByName: in.User.Username, AnswerTo: settings.Secret(in.AnswerTo)}
		if c.Value == "" {
			c.Value = a.Selected.Value
		}
		if c.ByName == "" {
			c.ByName = in.User.Name
		}
		c.Once = strings.Join([]string{in.TriggerID, in.Container.ChannelID, in.Container.MessageTS, in.User.ID, a.ActionID, a.ActionTS}, " ")
		clicks = append(clicks, c)
	}
	return clicks, nil
}
