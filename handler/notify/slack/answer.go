package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/settings"
)

// answersAt are the hosts at which Slack takes answers to clicks, the second one in GovSlack.
var answersAt = []string{"hooks.slack.com", "hooks.slack-gov.com"}

// answerFor bounds an answer: where it fails, there must be time left to answer the click itself with a warning mark.
const answerFor = 1500 * time.Millisecond

var _ notify.Answerer = (*Destination)(nil)

// Answer implements notify.Answerer by the click's response_url, which takes five answers within 30 minutes (docs.slack.dev,
// "Handling user interaction", message responses).
func (d *Destination) Answer(ctx context.Context, c notify.Click, text string) error {
	if !d.web.answersAt(c.AnswerTo) {
		return errors.New("answer a click: the click names no address of Slack's for it")
	}
	body, err := json.Marshal(struct {
		Payload
		Type    string `json:"response_type"`
		Replace bool   `json:"replace_original"`
	}{renderNews(notify.Message{News: text}), "ephemeral", false})
	if err != nil {
		return fmt.Errorf("answer a click: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerFor)
	defer cancel()
	a, err := notify.NewPoster(c.AnswerTo, d.web.client).Post(ctx, body)
	if err == nil && strings.TrimSpace(string(a.Body)) != "ok" {
		var answer reply
		_ = json.Unmarshal(a.Body, &answer) // what cannot be read is no yes
		err = answer.Err()
	}
	return explain("answer a click", err)
}

// answersAt reports whether an address is Slack's, or the stand-in's that the Web API is.
func (w *web) answersAt(address settings.Secret) bool {
	to, err := url.Parse(address.Reveal())
	if err != nil || to.User != nil {
		return false
	}
	api, err := url.Parse(w.base)
	standIn := err == nil && to.Scheme == api.Scheme && to.Host == api.Host && settings.Loopback(to.Hostname())
	return standIn || to.Scheme == "https" && slices.Contains(answersAt, to.Host)
}
