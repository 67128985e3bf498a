package main

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

// canaryOff is the value of CANARY_AT that switches the daily test off.
const canaryOff = "off"

// readCanary reads when the daily test is due, on the clock of the people who read it.
func readCanary(s *settings.Set, zone *time.Location) *pipeline.Canary {
	def := settings.Def{
		Name: "CANARY_AT", Default: "09:00",
		Doc: "When the daily test is sent, on the clock of TIME_ZONE; off sends none.",
	}
	text := strings.TrimSpace(s.Text(def))
	at, err := time.Parse("15:04", text)
	if err != nil && !strings.EqualFold(text, canaryOff) {
		s.Report(settings.Problem{Name: def.Name, Reason: "is neither a time such as 09:00 nor off"})
	}
	since := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	c, err := pipeline.NewCanary(since, zone)
	if err != nil {
		s.Report(settings.Problem{Name: "rule of the daily test", Reason: err.Error()})
		return nil
	}
	c.Off = strings.EqualFold(text, canaryOff)
	return c
}

// sendCanary sends the test of the day when it is due and was not sent. It is level-triggered: it looks at what is there,
// so a late, a missed or a doubled tick changes nothing, and what failed is tried again by the next one.
func sendCanary(ctx context.Context, a *app, in host.Invocation) (host.Result, error) {
	now := a.pipeline.Now()
	day, due := a.pipeline.Canary.Day(now)
	if a.pipeline.Canary.Off {
		_, err := a.store.NoteCanaryOff(ctx, day)
		return host.Result{}, err
	}
	if now.Before(due) {
		return host.Result{}, nil
	}
	_, err := a.store.Alert(ctx, pipeline.CanaryRef(day))
	if !errors.Is(err, alert.ErrUnknown) {
		return host.Result{}, err // it was sent; the timer deliver brings it where it has not arrived yet
	}
	e, err := readTest(day, due)
	if err != nil {
		return host.Result{}, err
	}
	sum, err := a.pipeline.Handle(ctx, pipeline.Batch{ID: attemptID(in), Function: in.Function, Events: []activity.Event{e}, Logger: in.Logger})
	in.Logger.Info("canary", "day", day, "alert", pipeline.CanaryRef(day).ID, "late_s", int(now.Sub(due).Seconds()), "counts", sum)
	if err == nil && sum.Matched == 0 {
		err = fmt.Errorf("test of %s: it met no rule, so reading or matching events is broken", day)
	}
	return host.Result{}, err
}

// readTest makes the day's test and reads it, as everything is read that comes in.
func readTest(day string, due time.Time) (activity.Event, error) {
	wire, err := testEvent(day, due)
	if err != nil {
		return activity.Event{}, err
	}
	readings := payload.Decode(wire)
	if len(readings) != 1 || readings[0].Kind != payload.Activity {
		return activity.Event{}, fmt.Errorf("test of %s: it was not read as one event: %+v", day, readings)
	}
	return pipeline.Mark(readings[0].Event, day), nil
}

// nobody is the subscription and the tenant of the test: no real one has this id.
const nobody = "00000000-0000-0000-0000-000000000000"

// testEvent writes the test as Event Grid delivers an action in the CloudEvents schema (learn: "Azure subscription as an
// Event Grid source", Microsoft.Resources.ResourceActionSuccess). The same day makes the same bytes.
func testEvent(day string, due time.Time) ([]byte, error) {
	const scope = "/subscriptions/" + nobody
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
			"correlationId": nobody, "resourceProvider": "Auditbell.Canary", "resourceUri": resource, "operationName": operation,
			"status": "Succeeded", "subscriptionId": nobody, "tenantId": nobody,
		},
	}})
}
