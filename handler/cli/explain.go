package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/exception"
	"github.com/auditbell/auditbell/handler/lookup"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/email"
	"github.com/auditbell/auditbell/handler/pipeline"
	"github.com/auditbell/auditbell/handler/rules"
	"github.com/auditbell/auditbell/handler/settings"
)

type explainCmd struct {
	ruleChoice
	output
	Why   string   `placeholder:"RULE" help:"Show of each event what this rule asks and what the event says."`
	Files []string `arg:"" optional:"" name:"file" help:"Files, folders or **/PT1H.json; gzip, zip, UTF-16 and CSV are recognised. Standard input without any."`
}

// explained is what becomes of one event. Each is judged as if it had just happened: exceptions and quiet times are
// those of the event's own time.
type explained struct {
	Input  string       `json:"input"`
	Index  int          `json:"index"`
	Event  eventExcerpt `json:"event"`
	Alerts bool         `json:"alerts"`

	Rules      []explainedRule      `json:"rules"` // that match
	Near       []rules.Explanation  `json:"near"`  // that watch the operation and do not match
	Why        *rules.Explanation   `json:"why,omitempty"`
	Exceptions []explainedException `json:"exceptions"`
	Routes     []explainedRoute     `json:"routes"` // that were taken, in order
	To         []string             `json:"to"`     // "*" where no kind's settings are here
	Held       *explainedHold       `json:"held,omitempty"`
	Asks       []string             `json:"asks,omitempty"` // lookups that could add something after the first message
	AtWorst    *explainedWorst      `json:"at_worst,omitempty"`
	Text       string               `json:"text,omitempty"` // as every channel shows it, without its formatting
}

// eventExcerpt says which event it is; `handler decode` prints all of it.
type eventExcerpt struct {
	ID         string              `json:"id"`
	Form       activity.Form       `json:"form,omitempty"`
	Time       activity.Time       `json:"time,omitzero"`
	Category   activity.Category   `json:"category,omitempty"`
	Operation  string              `json:"operation,omitempty"`
	Outcome    activity.Outcome    `json:"outcome,omitempty"`
	Caller     string              `json:"caller,omitempty"`
	CallerType activity.CallerType `json:"caller_type,omitempty"`
	ResourceID string              `json:"resource_id,omitempty"`
}

// explainedRule is a rule that matches, and the parts that made it.
type explainedRule struct {
	ID                string `json:"rule"` // see shownID
	Title             string `json:"title"`
	Level             string `json:"level"`
	Author            string `json:"author,omitempty"`
	File              string `json:"file,omitempty"`
	Staged            bool   `json:"staged,omitempty"` // only counted, see rules.Rule.Alerts
	rules.Explanation        // of a rule in Azure Monitor only that it matched: its parts are there
}

type explainedException struct {
	exception.Exception
	Silences []string `json:"silences"` // ids of rules
	Applies  bool     `json:"applies"`  // false: it has expired
}

type explainedRoute struct {
	At       string   `json:"at,omitempty"` // file, line and column; empty: there is no config/auditbell.yaml
	To       []string `json:"to"`
	Continue bool     `json:"continue"`

	Summary    string `json:"summary,omitempty"`     // hourly or daily; empty: each alert by itself
	FirstAlone string `json:"first_alone,omitempty"` // but for the first in so long
}

// explainedWorst is the gravest rule that an event could meet, and meets none so grave, because it does not say what it was
// about.
type explainedWorst struct {
	Rule  string `json:"rule"`
	Title string `json:"title"`
	Level string `json:"level"`
	// Asked: Azure is asked first and may answer otherwise. Else the event alerts as this rule.
	Asked bool `json:"asked"`
}

type explainedHold struct {
	By    string    `json:"by"`
	Until time.Time `json:"until"`
}

// run needs no settings: what is missing only means that "*" stands for nothing here. With a store, what people marked
// as expected counts too.
func (c *explainCmd) run(ctx context.Context, std Surroundings) error {
	x, err := newExplainer(ctx, c.ruleChoice, std)
	if err != nil {
		return err
	}
	if c.Why != "" {
		if x.why = x.chosen.named(c.Why); x.why == nil || x.why.Off() {
			return misuse("there is no rule %q (hint: `handler rules list` shows the ids)", c.Why)
		}
	}
	out := bufio.NewWriterSize(std.Out, 64<<10)
	defer out.Flush()
	show := func(e explained) error { return printExplained(out, e, c.Why != "") }
	if c.json(std) {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		show = func(e explained) error { return encoder.Encode(e) }
	}
	// Which correlations are met is known when all events are: they count by the events' own times.
	var events []activity.Event
	var places []place
	ok, err := eventsOf(ctx, c.Files, std, func(input string, index int, e *activity.Event) error {
		x.matcher.story.Add(len(events), e)
		events, places = append(events, *e), append(places, place{input, index})
		events[len(events)-1].Record = e.Record.Clone()
		return nil
	})
	correlated := map[int][]*rules.Rule{}
	for _, one := range x.matcher.story.Completed() {
		correlated[one.N] = append(correlated[one.N], one.Rule)
	}
	for i := range events {
		one := x.explain(&events[i], correlated[i])
		one.Input, one.Index = places[i].input, places[i].index
		if err := show(one); err != nil {
			return err
		}
	}
	if err == nil && (!ok || x.wrong) {
		return errNo
	}
	return err
}

// explainer is the handler's judgement, without channels.
type explainer struct {
	chosen     chosenRules
	matcher    *matcher
	pipeline   *pipeline.Pipeline
	exceptions []exception.Exception
	wrong      bool // a rule or an exception is left out
	why        *rules.Rule
	at         time.Time // of the event that is judged
	asks       bool      // Azure is asked what an act was about, as far as it can be
}

// newExplainer reads rules and the config folder; what is wrong with them is the error.
func newExplainer(ctx context.Context, choice ruleChoice, std Surroundings) (*explainer, error) {
	x := &explainer{}
	var err error
	if x.chosen, err = choice.load(std); err != nil {
		return nil, err
	}
	x.matcher = newMatcher(x.chosen.set)
	known := x.chosen.all
	if choice != (ruleChoice{}) { // files may name rules that this call left out
		known = append(slices.Clone(known), servedRules(std)...)
	}
	files := settings.New(std.Env)
	folder := app.ConfigFolder(files)
	config := files.ReadConfig(folder, app.ConfigNames(known))
	if err := files.Err(); err != nil {
		return nil, err
	}
	var left []rules.Left
	x.exceptions, left = app.ReadExceptions(folder, known, time.Now())
	complainLeft("exception", left, std)
	x.wrong = x.chosen.wrong() || len(left) > 0
	marked, err := markedExceptions(ctx, std)
	if err != nil {
		fmt.Fprintf(std.Err, "handler: what people marked as expected is not considered: %v\n", err)
	}
	x.exceptions = append(x.exceptions, marked...)
	var unasked func(*activity.Event) bool
	if x.asks = !lookup.IsOff(files); !x.asks {
		unasked = lookup.IsReadable
	}
	x.pipeline = pipeline.Offline(&pipeline.Judge{
		Rules: x.chosen.set, Routes: config.Routes, Quiet: config.Quiet, Maintenance: config.Maintenance, Changes: config.Changes,
		Everywhere: everywhereOr(std, settings.Everywhere), Unasked: unasked, Unreadable: lookup.IsUnreadable,
	}, &pipeline.Composer{Enrich: app.ReadEnrich(settings.New(std.Env))}, func() time.Time { return x.at })
	return x, nil
}

// servedRules are those that the handler would serve with, as far as they can be read.
func servedRules(std Surroundings) []*rules.Rule {
	served, err := ruleChoice{}.quietly(std)
	if err != nil {
		return nil
	}
	return served.all
}

// configNames are the names that config/auditbell.yaml may use. The rules are read when it uses one.
func configNames(std Surroundings) settings.Names {
	served := sync.OnceValue(func() settings.Names { return app.ConfigNames(servedRules(std)) })
	names := app.ConfigNames(nil)
	names.Rule = func(like string) bool { return served().Rule(like) }
	return names
}

// everywhereOr are the kinds of destinations whose settings are here, or else a word for them.
func everywhereOr(std Surroundings, word string) []string {
	quietly := settings.New(std.Env)
	if open := app.OpenDestinations(quietly, notify.NewClient(http.DefaultTransport), email.Way{}); len(open) > 0 {
		return app.Names(open)
	}
	return []string{word}
}

// markedExceptions are those that people made in a channel, where settings name a store.
func markedExceptions(ctx context.Context, std Surroundings) ([]exception.Exception, error) {
	s, err := openStore(std)
	if s == nil || err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	items, err := s.Exceptions(ctx)
	var list []exception.Exception
	for _, x := range items {
		list = append(list, exception.Of(x))
	}
	return list, err
}

// explain judges one event, which completes these correlations.
func (x *explainer) explain(e *activity.Event, correlated []*rules.Rule) explained {
	if x.at = e.Time.Time; x.at.IsZero() {
		x.at = time.Now()
	}
	out := explained{Event: excerptOf(e), Near: []rules.Explanation{}, Exceptions: []explainedException{}, Routes: []explainedRoute{}, To: []string{}}
	met := append(x.chosen.set.Match(nil, e), correlated...)
	f, alerts := x.pipeline.Find(*e, correlated...)
	if judged, _ := activity.AzureAlert(*e); judged.Severity != "" {
		met = correlated // our other rules are not asked
	} else {
		out.Near = append(out.Near, x.chosen.set.Near(e)...)
	}
	out.Rules = x.met(e, met, f)
	out.AtWorst = x.worst(e)
	if x.why != nil {
		if why, ok := x.chosen.set.Explain(e, x.why.ID); ok {
			out.Why = &why
		}
	}
	if !alerts {
		return out
	}
	var rest []alert.Rule
	out.Exceptions, rest = x.except(e, append([]alert.Rule{f.Rule}, f.Also...), x.at)
	if len(rest) == 0 {
		return out
	}
	x.deliver(&out, x.pipeline.Only(f, rest))
	return out
}

// worst is what the event could be at worst; nil: it says what it is, or is judged by what it says.
func (x *explainer) worst(e *activity.Event) *explainedWorst {
	if !x.asked(e) && !x.pipeline.Doubts(e) {
		return nil
	}
	worst, ok := x.pipeline.AtWorst(e, x.pipeline.Met(*e))
	if !ok {
		return nil
	}
	return &explainedWorst{worst.ID, worst.Title, worst.Severity, x.asked(e)}
}

// asked reports whether Azure is asked what the event's act was about, before it is judged.
func (x *explainer) asked(e *activity.Event) bool { return x.asks && lookup.IsReadable(e) }

func excerptOf(e *activity.Event) eventExcerpt {
	return eventExcerpt{e.ID, e.Form, e.Time, e.Category, e.Operation, e.Outcome, e.Caller, e.CallerType, e.ResourceID}
}

// met explains the rules that match. What Azure Monitor judged stands first.
func (x *explainer) met(e *activity.Event, met []*rules.Rule, f alert.Finding) []explainedRule {
	list := []explainedRule{}
	for _, r := range append([]alert.Rule{f.Rule}, f.Also...) {
		if r.Azure {
			list = append(list, explainedRule{ID: r.ID, Title: r.Title, Level: r.Severity, Explanation: rules.Explanation{Matched: true, Parts: []rules.Part{}}})
		}
	}
	for _, r := range met {
		why, _ := x.chosen.set.Explain(e, r.ID)
		why.Matched = true // also of a correlation, which the event alone cannot decide
		list = append(list, explainedRule{shownID(r), r.Title, string(r.Level), r.Author, r.Where(), !r.Alerts(), why})
	}
	return list
}

// except takes the rules that exceptions cover, and lists those that did and those that no longer do.
func (x *explainer) except(e *activity.Event, met []alert.Rule, at time.Time) (list []explainedException, rest []alert.Rule) {
	list = []explainedException{}
	silenced := map[string]bool{}
	for i := range x.exceptions {
		one := explainedException{Exception: x.exceptions[i], Applies: x.exceptions[i].Active(at)}
		for _, r := range met {
			if one.Covers(e, r.ID) {
				one.Silences = append(one.Silences, r.ID)
				silenced[r.ID] = silenced[r.ID] || one.Applies
			}
		}
		if len(one.Silences) > 0 {
			list = append(list, one)
		}
	}
	return list, slices.DeleteFunc(slices.Clone(met), func(r alert.Rule) bool { return silenced[r.ID] })
}

// deliver says where the finding goes and with what text.
func (x *explainer) deliver(out *explained, f alert.Finding) {
	out.Alerts, out.To, out.Asks = true, f.To, lookup.Relevant(&f.Event)
	for _, r := range x.pipeline.Taken(f) {
		if alert.IsGrave(f.Rule.Severity) {
			r.Summary, r.FirstAlone = "", "" // holds of no grave one
		}
		out.Routes = append(out.Routes, explainedRoute{r.At, r.To, r.Continue, r.Summary, r.FirstAlone})
	}
	if f.Hold.Name != "" {
		out.Held = &explainedHold{f.Hold.Name, f.Hold.Until}
	}
	out.Text = notify.Plain(x.pipeline.Message(alert.New(f, x.at)))
}
