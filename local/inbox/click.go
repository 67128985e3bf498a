package inbox

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// App is who answers clicks in Slack messages: the Interactivity Request URL of a Slack app, and the secret with which
// Slack signs what it sends there.
type App struct {
	URL           string
	SigningSecret string
	API           string // the address by which it knows this Web API; empty: it cannot answer a click in words
}

// slackPatience is how long Slack waits for an app before it shows the person a warning (docs.slack.dev, "Handling user
// interaction", acknowledgment response).
const slackPatience = 3 * time.Second

// Connect says who answers clicks from now on. The app is usually started after the inbox, whose address it must know.
func (s *Server) Connect(a App) { s.app.Store(&a) }

// Click is what a person does with a message: presses the button with ActionID, or picks Value from its menu.
type Click struct {
	ActionID string `json:"action_id"`
	Value    string `json:"value,omitempty"` // of the option that was picked; empty for a button
	User     string `json:"user,omitempty"`  // who; empty: you
}

// errNoClick is for clicks that nobody could make.
var errNoClick = errors.New("there is nothing to click")

// Click clicks in the message with the given id as it stands now and sends what Slack would, signed. The error says
// what Slack would show a warning for: nobody answers, not in time, or not with 200.
func (s *Server) Click(ctx context.Context, id string, c Click) error {
	app := s.app.Load()
	if app == nil {
		return fmt.Errorf("%w: no app is connected that would answer", errNoClick)
	}
	e, ok := s.store.find(id)
	if !ok || e.Destination != Slack || e.TS == "" {
		return fmt.Errorf("%w: no Slack message %s", errNoClick, id)
	}
	m := s.visible(e)
	action, found := pressed(m.shown.Blocks, c)
	if !found {
		return fmt.Errorf("%w: the message has no %s %s", errNoClick, c.ActionID, c.Value)
	}
	now := s.now()
	action["action_ts"] = fmt.Sprintf("%d.%06d", now.Unix(), now.Nanosecond()/1000)
	ctx, cancel := context.WithTimeout(ctx, slackPatience)
	defer cancel()
	payload := m.interaction(c.user(), action)
	if app.API != "" {
		payload["response_url"] = s.ResponseURL(app.API, m.ChannelID, m.TS)
	}
	return app.send(ctx, payload, now)
}

func (c Click) user() string {
	if c.User == "" {
		return "you"
	}
	return c.User
}

// visible is a message as a person sees it in its channel.
type visible struct {
	entry
	shown   standing
	channel string // its name
}

// visible looks up how the message looks by now.
func (s *Server) visible(e entry) visible {
	s.workspace.mu.Lock()
	defer s.workspace.mu.Unlock()
	if now := s.workspace.find(e.ChannelID, e.TS); now != nil {
		return visible{e, *now, s.workspace.channels[e.ChannelID]}
	}
	return visible{entry: e, channel: e.Channel}
}

// pressed is the element of the blocks that the click is on, as it stands in an interaction: with its value, or with the
// option that was picked. Buttons that open a page send an interaction as well.
func pressed(blocks json.RawMessage, c Click) (map[string]any, bool) {
	list, _ := decoded(blocks).([]any)
	for _, raw := range list {
		block, _ := raw.(map[string]any)
		elements, _ := block["elements"].([]any)
		if accessory, ok := block["accessory"]; ok {
			elements = append(slices.Clone(elements), accessory)
		}
		for _, raw := range elements {
			element, _ := raw.(map[string]any)
			if stringOf(element["action_id"]) != c.ActionID || c.ActionID == "" {
				continue
			}
			return chosen(element, stringOf(block["block_id"]), c.Value)
		}
	}
	return nil, false
}

func chosen(element map[string]any, blockID, value string) (map[string]any, bool) {
	action := map[string]any{"type": element["type"], "action_id": element["action_id"], "block_id": blockID}
	options, menu := element["options"].([]any)
	if !menu {
		action["text"] = element["text"]
		if v, ok := element["value"]; ok {
			action["value"] = v
		}
		return action, value == ""
	}
	for _, raw := range options {
		option, _ := raw.(map[string]any)
		if stringOf(option["value"]) == value {
			action["selected_option"] = option
			return action, true
		}
	}
	return nil, false
}

// interaction is Slack's block_actions payload (docs.slack.dev), without its response_url.
func (m visible) interaction(user string, action map[string]any) map[string]any {
	id := "U" + strings.ToUpper(hex.EncodeToString([]byte(user)))
	return map[string]any{
		"type": "block_actions", "api_app_id": "A0INBOX0001", "trigger_id": "inbox." + rand.Text(),
		"user":      map[string]any{"id": id, "username": user, "name": user, "team_id": teamID},
		"team":      map[string]any{"id": teamID, "domain": "auditbell-local"},
		"channel":   map[string]any{"id": m.ChannelID, "name": strings.TrimPrefix(m.channel, "#")},
		"container": map[string]any{"type": "message", "message_ts": m.TS, "channel_id": m.ChannelID, "is_ephemeral": false},
		"message":   map[string]any{"type": "message", "bot_id": botID, "ts": m.TS, "text": m.shown.Text, "blocks": m.shown.Blocks},
		"state":     map[string]any{"values": map[string]any{}},
		"actions":   []any{action},
	}
}

// send posts a payload as Slack does: a form, signed over its raw bytes (docs.slack.dev, "Verifying requests from Slack").
func (a *App) send(ctx context.Context, payload map[string]any, now time.Time) error {
	body := url.Values{"payload": {string(mustJSON(payload))}}.Encode()
	stamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(a.SigningSecret))
	mac.Write([]byte("v0:" + stamp + ":" + body))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL, strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("call the app: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Slack-Request-Timestamp", stamp)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("the app did not answer in time: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the app answered %s: %s", response.Status, answer)
	}
	return err
}

// clickMessage answers POST /api/messages/{id}/click: 204, or why Slack would show a warning.
func (s *Server) clickMessage(w http.ResponseWriter, r *http.Request) {
	var c Click
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	body.DisallowUnknownFields()
	if err := body.Decode(&c); err != nil {
		http.Error(w, fmt.Sprintf("a click looks like {\"action_id\":\"…\",\"value\":\"…\"}: %v", err), http.StatusBadRequest)
		return
	}
	switch err := s.Click(r.Context(), r.PathValue("id"), c); {
	case errors.Is(err, errNoClick):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadGateway)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}
