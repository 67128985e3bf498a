package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/email"
	"github.com/auditbell/auditbell/handler/notify/slack"
	"github.com/auditbell/auditbell/handler/notify/teams"
	"github.com/auditbell/auditbell/handler/notify/webhook"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/settings"
)

type previewCmd struct {
	Files  []string `arg:"" optional:"" name:"file" help:"Payload files; standard input without any."`
	Format string   `enum:"auto,plain,json" default:"auto" help:"auto, plain or json."`
}

// preview is what would be sent for one event.
type preview struct {
	Input   string         `json:"input"`
	Index   int            `json:"index"`
	Alerts  bool           `json:"alerts"` // a rule matches
	Rule    string         `json:"rule,omitempty"`
	To      []string       `json:"to"` // destinations configured here that the routes choose
	Plain   string         `json:"plain"`
	Slack   slack.Payload  `json:"slack"`
	Teams   teams.Envelope `json:"teams"`
	Mail    previewMail    `json:"mail"`
	Webhook webhook.Event  `json:"webhook"`
	Message notify.Message `json:"-"`
}

// previewMail is what a mail consists of.
type previewMail struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html"`
}

// run needs no settings: what is missing only means that the message would go nowhere from here.
func (c *previewCmd) run(ctx context.Context, std Surroundings) error {
	a, err := app.Open(newWorld(std))
	if a.Pipeline.Rules == nil {
		return err
	}
	bad := wrongTexts(std, err)
	ok, err := eventsOf(ctx, c.Files, std, func(input string, index int, e *activity.Event) error {
		return c.show(std.Out, previewOf(a.Pipeline, *e, input, index), std)
	})
	if err != nil {
		return err
	}
	bad = bad || !ok
	if n, err := a.Pipeline.Texts.Failures(); n > 0 {
		fmt.Fprintf(std.Err, "a template of texts in config/auditbell.yaml failed %d times, our own words stand in its place: %v\n", n, err)
		bad = true
	}
	if bad {
		return errNo
	}
	return nil
}

// wrongTexts says what is wrong with templates: a preview to see what they make of them. It reports
// whether anything is. Other problems, a missing store among them, do not matter here.
func wrongTexts(std Surroundings, err error) (wrong bool) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return false
	}
	for _, one := range joined.Unwrap() {
		if p := (settings.Problem{}); errors.As(one, &p) && strings.HasPrefix(p.Reason, "texts.") {
			fmt.Fprintln(std.Err, p)
			wrong = true
		}
	}
	return wrong
}

// previewOf renders an event as its alert would look. An event that no rule matches is shown as if one did.
func previewOf(p *pipeline.Pipeline, e activity.Event, name string, index int) preview {
	f, alerts := p.Find(e)
	if !alerts {
		f = alert.Finding{Event: e, Rule: alert.Rule{ID: "none", Title: "No rule matches", Severity: string(notify.Informational)}}
	}
	out := rendered(p.Message(alert.New(f, p.Now())))
	out.Input, out.Index, out.Alerts, out.Rule, out.To = name, index, alerts, f.Rule.ID, f.To
	return out
}

// rendered is a message in every channel.
func rendered(m notify.Message) preview {
	mail := email.Render(m)
	return preview{
		Message: m, Plain: notify.Plain(m), Slack: slack.Render(m), Teams: teams.Render(m), Webhook: webhook.Render(m),
		Mail: previewMail{mail.Subject, mail.Text, mail.HTML},
	}
}

func (c *previewCmd) show(w io.Writer, p preview, std Surroundings) error {
	if c.Format == "json" || c.Format == "auto" && !terminal(std.Out) {
		return writeJSON(w, p)
	}
	where := "no alert: no rule matches"
	if p.Alerts {
		where = "alert by rule " + p.Rule + " → " + strings.Join(p.To, ", ")
	}
	_, err := fmt.Fprintf(w, "── %s:%d  %s\n\n%s\n", p.Input, p.Index, where, p.Plain)
	return err
}
