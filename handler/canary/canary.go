// Package canary sends the daily test, which proves the way on days on which nothing else is notified: it writes an event
// on the wire, reads it as every event is read, and hands it to the pipeline. What makes an event the test, and how far it
// came, is pipeline's.
package canary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/settings"
)

// off is the value of CANARY_AT that switches the daily test off.
const off = "off"

// Read reads when the daily test is due, on the clock of the people who read it.
func Read(s *settings.Set, zone *time.Location) *pipeline.Canary {
	def := settings.Def{
		Name: "CANARY_AT", Default: "09:00",
		Doc: "When the daily test is sent, on the clock of TIME_ZONE; off sends none.",
	}
	text := strings.TrimSpace(s.Text(def))
	at, err := time.Parse("15:04", text)
	if err != nil && !strings.EqualFold(text, off) {
		s.Report(settings.Problem{Name: def.Name, Reason: "is neither a time such as 09:00 nor off"})
	}
	since := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	c, err := pipeline.NewCanary(since, zone)
	if err != nil {
		s.Report(settings.Problem{Name: "rule of the daily test", Reason: err.Error()})
		return nil
	}
	c.Off = strings.EqualFold(text, off)
	return c
}

// Sender is the timer function canary.
type Sender struct {
	Canary *pipeline.Canary
	Store  Store
	Now    func() time.Time // the account's clock
	Handle func(context.Context, pipeline.Batch) (pipeline.Summary, error)
}

// Store is what the sender asks of the store.
type Store interface {
	Alert(ctx context.Context, ref alert.Ref) (alert.Alert, error)
	NoteCanaryOff(ctx context.Context, day string) (ru float64, err error)
}

// Send sends the test of the day when it is due and was not sent. It is level-triggered: it looks at what is there,
// so a late, a missed or a doubled tick changes nothing, and what failed is tried again by the next one.
func (s *Sender) Send(ctx context.Context, in host.Invocation) (host.Result, error) {
	now := s.Now()
	day, due := s.Canary.Day(now)
	if s.Canary.Off {
		_, err := s.Store.NoteCanaryOff(ctx, day)
		return host.Result{}, err
	}
	if now.Before(due) {
		return host.Result{}, nil
	}
	_, err := s.Store.Alert(ctx, pipeline.CanaryRef(day))
	if !errors.Is(err, alert.ErrUnknown) {
		return host.Result{}, err // it was sent; the timer deliver brings it where it has not arrived yet
	}
	e, err := Test(day, due)
	if err != nil {
		return host.Result{}, err
	}
	sum, err := s.Handle(ctx, pipeline.Batch{ID: in.Attempt(), Function: in.Function, Events: []activity.Event{e}, Logger: in.Logger})
	in.Logger.Info("canary", "day", day, "alert", pipeline.CanaryRef(day).ID, "late_s", int(now.Sub(due).Seconds()), "counts", sum)
	if err == nil && sum.Matched == 0 {
		err = fmt.Errorf("test of %s: it met no rule, so reading or matching events is broken", day)
	}
	return host.Result{}, err
}

// Test makes the day's test and reads it, as everything is read that comes in.
func Test(day string, due time.Time) (activity.Event, error) {
	wire, err := Event(day, due)
	if err != nil {
		return activity.Event{}, err
	}
	readings := payload.Decode(wire)
	if len(readings) != 1 || readings[0].Kind != payload.Activity {
		return activity.Event{}, fmt.Errorf("test of %s: it was not read as one event: %+v", day, readings)
	}
	return pipeline.Mark(readings[0].Event, day), nil
}

// noOne is the subscription and the tenant of the test: no real one has this id.
const noOne = "00000000-0000-0000-0000-000000000000"

// Event writes the test as Event Grid delivers an action in the CloudEvents schema (learn: "Azure subscription as an
// Event Grid source", Microsoft.Resources.ResourceActionSuccess). The same day makes the same bytes.
func Event(day string, due time.Time) ([]byte, error) {
	const scope = "/subscriptions/" + noOne
	const operation = "Auditbell.Canary/tests/action"
	resource := scope + "/resourceGroups/auditbell-test/providers/Auditbell.Canary/tests/" + day
	const claims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
	type object map[string]any
	return json.Marshal([]object{{
		"specversion": "1.0", "id": "canary-" + day, "type": "Microsoft.Resources.ResourceActionSuccess", "source": scope, "subject": resource,
		"time": due.UTC().Format("2006-01-02T15:04:05.0000000Z"),
		"data": object{
			"authorization": object{"scope": resource, "action": operation},
			"claims":        object{claims + "upn": "canary@auditbell.invalid", claims + "name": "Auditbell daily test"},
			"correlationId": noOne, "resourceProvider": "Auditbell.Canary", "resourceUri": resource, "operationName": operation,
			"status": "Succeeded", "subscriptionId": noOne, "tenantId": noOne,
		},
	}})
}
