package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
)

// Counted is a workspace as a Source: its engine scans and counts, and only sums and the listed entries come over the
// wire. What is counted is what the other sources count, said in KQL: a test holds the two together over one corpus.
type Counted struct {
	LogAnalytics
	Window Window // closed on both ends
}

var _ Source = Counted{}

// base is what all questions begin with. They are asked over the whole window at once: the entries of one operation may
// lie days apart, and in two parts they would be two operations.
func (c Counted) base() string {
	return "AzureActivity\n" +
		"| where TimeGenerated >= datetime(" + c.Window.From.UTC().Format(time.RFC3339Nano) + ")\n" +
		"| where TimeGenerated < datetime(" + c.Window.To.UTC().Format(time.RFC3339Nano) + ")\n" + countedColumns
}

// countedColumns brings a row to what payload reads of it, and each record to one row: the table may hold it twice, and
// management group and subscription settings both write it (Microsoft: "Activity log", diagnostic settings). The best
// name of a caller follows payload's bestName.
const countedColumns = `| extend Claim = parse_json(Claims)
| extend
    Operation = tolower(OperationNameValue),
    Resource = tolower(_ResourceId),
    Scope = tolower(SubscriptionId),
    Upn = coalesce(tostring(Claim["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"]), tostring(Claim.upn)),
    Mail = coalesce(tostring(Claim["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"]), tostring(Claim.email)),
    Login = coalesce(tostring(Claim["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"]), tostring(Claim.unique_name)),
    Person = tostring(Claim.name),
    App = tostring(Claim.appid),
    Object = coalesce(tostring(Claim["http://schemas.microsoft.com/identity/claims/objectidentifier"]), tostring(Claim.oid))
| extend Who = tolower(case(
    isnotempty(Upn), Upn, Caller has "@", Caller, Mail has "@", Mail, Login has "@", Login, Person has "@", Person,
    isnotempty(Caller), Caller, isnotempty(App), App, isnotempty(Object), Object, Mail))
| extend Record = iff(isnotempty(EventDataId), strcat(EventDataId, "|", TimeGenerated, "|", Operation, "|", Resource, "|", ActivityStatusValue, "|", CorrelationId),
    hash_sha256(tostring(pack_all())))
| summarize take_any(TimeGenerated, CategoryValue, ActivityStatusValue, Operation, Resource, Scope, Who, ResourceProviderValue), Correlation = take_any(tolower(CorrelationId)) by Record
| extend Listed = Operation contains "delete" or Operation contains "roleassignment"
`

// The three questions, one for each Aspect; the listed entries are found like any others.
const (
	countWhat = `| summarize N = count() by CategoryValue, ActivityStatusValue, Operation, Who, Scope, Type = iff(Listed, Resource, "")
`
	countWhen = `| summarize N = count(), Listed = countif(Listed) by Quarter = bin(TimeGenerated, 15m)
`
	countLives = `| extend Life = iff(isempty(Correlation) or isempty(Operation), Record, strcat(Correlation, "|", Operation, "|", iff(isempty(Resource), strcat("/subscriptions/", Scope), Resource)))
| extend Stage = case(
    ActivityStatusValue in~ ("Failed", "Failure", "Fail"), 9, ActivityStatusValue in~ ("Canceled", "Cancelled", "Cancel"), 8, ActivityStatusValue in~ ("Succeeded", "Success"), 7,
    ActivityStatusValue in~ ("Resolved", "Resolve"), 6, ActivityStatusValue in~ ("Updated", "Update"), 5, ActivityStatusValue in~ ("Active", "Activated"), 4,
    ActivityStatusValue in~ ("InProgress", "In Progress", "Running"), 3, ActivityStatusValue in~ ("Accepted", "Accept"), 2, ActivityStatusValue in~ ("Started", "Start"), 1, 0)
| summarize Stage = max(Stage) by Life
| summarize N = count() by Stage
`
)

// Entries implements Source.
func (c Counted) Entries(ctx context.Context, v *Vocabulary) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		for _, ask := range []func(context.Context, *Vocabulary) (*Batch, error){c.what, c.when, c.lives} {
			b, err := ask(ctx, v)
			if err != nil {
				yield(nil, fmt.Errorf("read log analytics: %w", err))
				return
			}
			if !yield(b, nil) {
				return
			}
		}
		listed := Filter{Window: c.Window, Operations: []string{"delete", "roleassignment"}}
		for found, err := range c.Find(ctx, listed) {
			if err != nil {
				yield(nil, err)
				return
			}
			b := &Batch{Name: found.Name, Bytes: found.Bytes, Unreadable: found.Unreadable}
			for i := range found.Events {
				e := v.Entry(&found.Events[i])
				e.Aspects = List
				b.Entries = append(b.Entries, e)
			}
			if !yield(b, nil) {
				return
			}
		}
	}
}

func (c Counted) what(ctx context.Context, v *Vocabulary) (*Batch, error) {
	return c.count(ctx, countWhat, func(row tableRow) (Entry, error) {
		operation := v.Operations.Of(row.text("Operation"))
		e := Entry{
			Aspects: What, Form: activity.FormLogAnalytics, Category: activity.CategoryOf(row.text("CategoryValue")), Outcome: activity.OutcomeOf(row.text("ActivityStatusValue")),
			Operation: operation, Caller: v.Callers.maybe(row.text("Who")), Scope: v.Scopes.maybe(row.text("Scope")), Count: row.number("N"),
		}
		if operation.Listed {
			e.Type = v.Types.maybe(activity.Lower(activity.ParseResource(row.text("Type")).Type))
		}
		return e, nil
	})
}

func (c Counted) when(ctx context.Context, _ *Vocabulary) (*Batch, error) {
	return c.count(ctx, countWhen, func(row tableRow) (Entry, error) {
		at, err := time.Parse(time.RFC3339Nano, row.text("Quarter"))
		if err != nil {
			return Entry{}, fmt.Errorf("read answer: %q is no time", row.text("Quarter"))
		}
		if at.Before(c.Window.From) { // the quarter that the window cuts
			at = c.Window.From
		}
		return Entry{Aspects: When, Time: at.UTC(), Count: row.number("N"), Listed: row.number("Listed")}, nil
	})
}

// stages are the outcomes by the numbers of countLives, the later one of an operation's life being the larger.
var stages = [...]activity.Outcome{
	"", activity.Started, activity.Accepted, activity.InProgress, activity.Active, activity.Updated,
	activity.Resolved, activity.Succeeded, activity.Canceled, activity.Failed,
}

func (c Counted) lives(ctx context.Context, _ *Vocabulary) (*Batch, error) {
	return c.count(ctx, countLives, func(row tableRow) (Entry, error) {
		stage := row.number("Stage")
		if stage < 0 || stage >= int64(len(stages)) {
			return Entry{}, fmt.Errorf("read answer: stage %d is unknown", stage)
		}
		return Entry{Aspects: Lives, Outcome: stages[stage], Count: row.number("N")}, nil
	})
}

// count asks one question over the whole window and makes an entry of each row.
func (c Counted) count(ctx context.Context, question string, entry func(tableRow) (Entry, error)) (*Batch, error) {
	a, err := c.query(ctx, c.base()+question)
	if errors.Is(err, errTooMuch) {
		err = fmt.Errorf("%w (hint: ask for a shorter period)", err)
	}
	if err != nil {
		return nil, err
	}
	if len(a.Tables) == 0 {
		return nil, errors.New("read answer: there is no table in it")
	}
	b := &Batch{Name: "workspace " + c.Workspace, Bytes: a.bytes}
	for _, values := range a.Tables[0].Rows {
		row := tableRow{}
		for i, column := range a.Tables[0].Columns {
			if i < len(values) {
				row[column.Name] = values[i]
			}
		}
		e, err := entry(row)
		if err != nil {
			return nil, err
		}
		b.Entries = append(b.Entries, e)
	}
	return b, nil
}

// tableRow is a row of an answer by its columns.
type tableRow map[string]json.RawMessage

func (r tableRow) text(column string) string {
	var s string
	_ = json.Unmarshal(r[column], &s) // null and other kinds are as good as nothing
	return s
}

// number reads a long, which the service writes as a number.
func (r tableRow) number(column string) int64 {
	n, _ := strconv.ParseInt(string(r[column]), 10, 64) // as above
	return n
}
