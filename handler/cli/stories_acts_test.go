package cli

// Stories about acts that must not be kept silent: an act is written in a line, and sent as Azure's feeds would send it.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/rogpeppe/go-internal/testscript"
)

// storyAct is an act as a story writes it. "%" in resource, caller and correlation id stands for its number.
type storyAct struct {
	feed, operation, resource    string
	by, correlation, outcome, ip string
	body                         string
	number                       int
}

// act FEED OPERATION RESOURCE [by=…] [id=…] [outcome=…] [ip=…] [body=FILE] [×N] sends N acts: through `grid`, which carries
// ends alone and no bodies, or `export`. The resource stands below the subscription. "id" is the correlation id.
func (s *story) act(ts *testscript.TestScript, args []string) (string, error) {
	a := storyAct{feed: args[0], operation: args[1], resource: storySubscription + "/" + args[2], by: "rob@contoso.example", ip: "203.0.113.7"}
	times := 1
	for _, arg := range args[3:] {
		name, value, _ := strings.Cut(arg, "=")
		switch {
		case strings.HasPrefix(arg, "×"):
			times, _ = strconv.Atoi(strings.TrimPrefix(arg, "×"))
		case name == "by":
			a.by = value
		case name == "id":
			a.correlation = value
		case name == "outcome":
			a.outcome = value
		case name == "ip":
			a.ip = value
		case name == "body":
			a.body = strings.TrimSpace(ts.ReadFile(value))
		default:
			return "", fmt.Errorf("an act has no %q", name)
		}
	}
	var events []string
	for i := range times {
		a.number = i
		events = append(events, a.event(s.now()))
	}
	function, payload := "eventgrid-activity", "["+strings.Join(events, ",")+"]"
	if a.feed == "export" {
		function = "eventhub-activity"
		message, _ := json.Marshal(`{"records":[` + strings.Join(events, ",") + `]}`)
		payload = "[" + string(message) + "]"
	}
	if answer := post(s.open()+"/"+function, envelopeFor(function, []byte(payload))); !strings.HasPrefix(answer, "200 ") {
		return "", errors.New(answer)
	}
	return "", nil
}

// event is the act's record. Each has an id, or a time, of its own: no record of a story is another one's redelivery.
func (a storyAct) event(now time.Time) string {
	number := strconv.Itoa(a.number)
	resource, correlation := strings.ReplaceAll(a.resource, "%", number), strings.ReplaceAll(a.correlation, "%", number)
	a.by = strings.ReplaceAll(a.by, "%", number)
	unique := fmt.Sprintf("%x-%s", now.UnixNano(), number)
	if correlation == "" {
		correlation = "c-" + unique
	}
	claims := map[string]string{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": a.by}
	var v any
	if a.feed == "export" {
		properties := map[string]string{}
		if a.body != "" {
			properties["requestbody"] = a.body
		}
		v = map[string]any{
			"time": now.Add(time.Duration(a.number) * time.Millisecond).Format("2006-01-02T15:04:05.0000000Z"), "resourceId": strings.ToUpper(resource),
			"operationName": strings.ToUpper(a.operation), "category": "Administrative", "resultType": a.outcome, "callerIpAddress": a.ip,
			"correlationId": correlation, "identity": map[string]any{"claims": claims}, "level": "Information", "properties": properties,
		}
	} else {
		v = map[string]any{
			"id": a.operation + "-" + unique, "subject": resource, "eventType": "Microsoft.Resources.ResourceWriteSuccess", "topic": storySubscription,
			"eventTime": now.Format(time.RFC3339Nano), "dataVersion": "2", "metadataVersion": "1",
			"data": map[string]any{
				"claims": claims, "httpRequest": map[string]any{"clientIpAddress": a.ip}, "correlationId": correlation, "resourceUri": resource,
				"operationName": a.operation, "status": "Succeeded", "subscriptionId": strings.TrimPrefix(storySubscription, "/subscriptions/"),
			},
		}
	}
	text, _ := json.Marshal(v)
	return string(text)
}

// everywhere has alerts go to a webhook and by mail too.
func (s *story) everywhere(*testscript.TestScript, []string) (string, error) {
	mail, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = s.inbox.ServeSMTP(context.Background(), mail) }() // until the inbox is closed
	maps.Copy(s.env, map[string]string{
		"WEBHOOK_URL": s.ends + "/webhook/soc", "WEBHOOK_SECRET": "whsec_c3RvcnktaGFzLWEtc2VjcmV0LW9mLTMyLWJ5dGVzIQ==",
		"MAIL_PROVIDER": "smtp", "SMTP_ADDRESS": mail.Addr().String(), "MAIL_FROM": "auditbell@contoso.example", "MAIL_TO": "soc@contoso.example",
	})
	return "", nil
}

// texts DESTINATION prints all that its readers were shown, message by message.
func (s *story) texts(_ *testscript.TestScript, args []string) (string, error) {
	var out strings.Builder
	for _, m := range s.inbox.Messages() {
		if m.Destination == args[0] {
			fmt.Fprintf(&out, "%s: %s\n\n", m.Kind, m.Text)
		}
	}
	return out.String(), nil
}

var printedCommand = regexp.MustCompile(`handler (query --alert alert-[a-z0-9-]+(?: --caller [^\s"\\]+)?|alerts show alert-[a-z0-9-]+)`)

var anyAlert = regexp.MustCompile(`alert-[a-z0-9-]+`)

// follow runs each command that messages in Slack print, once, as their readers would, and prints what it answers: of `query`
// the operations' resources. Commands and lines are sorted: which of two messages is sent first is nothing to rely on.
func (s *story) follow(ts *testscript.TestScript, args []string) (string, error) {
	var answers []string
	seen := map[string]bool{}
	texts, err := s.texts(ts, []string{"slack"})
	for _, found := range printedCommand.FindAllStringSubmatch(texts, -1) {
		words := strings.Fields(found[1])
		if seen[found[1]] || words[0] != args[0] || words[len(words)-1] == "NAME" {
			continue
		}
		seen[found[1]] = true
		if words[0] == "query" {
			words = append(words, "--columns", "resource_id", "--format", "csv")
		}
		var answer, complaints bytes.Buffer
		code := Run(context.Background(), words, Surroundings{Out: &answer, Err: &complaints, Env: func(name string) (string, bool) { v, ok := s.env[name]; return v, ok }})
		lines := strings.Split(strings.TrimSpace(answer.String()+complaints.String()), "\n")
		for i, line := range lines {
			lines[i] = "  " + strings.TrimSpace(line[strings.LastIndexByte(line, '/')+1:])
		}
		slices.Sort(lines)
		answers = append(answers, fmt.Sprintf("%s → %d\n%s\n", anyAlert.ReplaceAllString(found[0], "alert-…"), code, strings.Join(lines, "\n")))
	}
	slices.Sort(answers)
	return strings.Join(answers, ""), err
}

// newest is the id of the newest message's alert, and the app to ask for it.
func (s *story) newest() (id string, a *app.App, err error) {
	_, m, err := s.latest()
	if err != nil {
		return "", nil, err
	}
	a, err = s.app()
	return anyAlert.FindString(string(m.Body)), a, err
}

// show [json|ID] is `handler alerts show` of the newest message's alert, or of another one.
func (s *story) show(_ *testscript.TestScript, args []string) (string, error) {
	id, a, err := s.newest()
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	show := alertsShowCmd{ID: id, output: output{Format: "table"}}
	switch word := strings.Join(args, ""); word {
	case "":
	case "json":
		show.Format = word
	default:
		show.ID = word
	}
	if err := show.showIn(context.Background(), a, Surroundings{Out: &out}); err != nil {
		fmt.Fprintln(&out, err)
	}
	return out.String(), nil
}

// undo [ACT] BY is `handler alerts undo` of the newest message's alert by that person.
func (s *story) undo(_ *testscript.TestScript, args []string) (string, error) {
	id, a, err := s.newest()
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	undo := alertsUndoCmd{ID: id, Act: strings.Join(args[:len(args)-1], ""), Yes: true, By: args[len(args)-1]}
	if err := undo.undoIn(context.Background(), a, Surroundings{Out: &out}); err != nil {
		fmt.Fprintln(&out, err)
	}
	return out.String(), nil
}
