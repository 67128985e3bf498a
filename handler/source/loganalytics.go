package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/payload"
)

// LogAnalytics reads the table AzureActivity of a workspace. Every condition goes into the query.
type LogAnalytics struct {
	REST
	Workspace string // its id, a GUID
}

var _ Finder = LogAnalytics{}

// atOnce is how much is asked for at once. The service answers at most 500,000 rows or 64 MB ("Query limits" of the Log
// Analytics API); a span that is more than that is asked in halves, down to a second.
const atOnce = 6 * time.Hour

// Find implements Finder. The window must be closed.
func (l LogAnalytics) Find(ctx context.Context, f Filter) iter.Seq2[*Found, error] {
	return func(yield func(*Found, error) bool) {
		length := atOnce
		for from := f.Window.From; from.Before(f.Window.To); {
			part := f
			part.Window = Window{From: from, To: earliest(from.Add(length), f.Window.To)}
			found, err := l.part(ctx, part)
			if errors.Is(err, errTooMuch) && length > time.Second {
				length /= 2
				continue
			}
			if err != nil {
				yield(nil, fmt.Errorf("read log analytics: %w", err))
				return
			}
			if !yield(found, nil) {
				return
			}
			from, length = part.Window.To, min(2*length, atOnce)
		}
	}
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// errTooMuch says that an answer does not hold everything.
var errTooMuch = errors.New("the answer is cut short")

// answer is what the query API returns (Azure Monitor Log Analytics API, "Response format"); error beside tables means
// that the tables are partial.
type answer struct {
	Tables []struct {
		Columns []struct{ Name string }
		Rows    [][]json.RawMessage
	}
	Error *struct{ Code, Message string }
	bytes int64 // that it took
}

// query asks one question. An answer that does not hold everything is errTooMuch.
func (l LogAnalytics) query(ctx context.Context, kql string) (a answer, err error) {
	body, err := json.Marshal(map[string]string{"query": kql})
	if err != nil {
		return a, err
	}
	text, err := l.ask(ctx, http.MethodPost, l.Endpoint+"/v1/workspaces/"+url.PathEscape(l.Workspace)+"/query", body)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("read answer: %w", err)
	}
	if a.Error != nil {
		return a, fmt.Errorf("%w: %s", errTooMuch, a.Error.Code)
	}
	a.bytes = int64(len(text))
	return a, nil
}

func (l LogAnalytics) part(ctx context.Context, f Filter) (*Found, error) {
	a, err := l.query(ctx, KQL(f))
	if err != nil {
		return nil, err
	}
	found := &Found{Name: "workspace " + l.Workspace, Bytes: a.bytes}
	if len(a.Tables) == 0 {
		return found, nil
	}
	names := make([]string, 0, len(a.Tables[0].Columns))
	for _, c := range a.Tables[0].Columns {
		names = append(names, c.Name)
	}
	for i, row := range a.Tables[0].Rows {
		found.row(names, row, Place{Name: found.Name, Item: int64(i) + 1}, &f)
	}
	return found, nil
}

// row reads one row as payload reads it in an export.
func (f *Found) row(names []string, row []json.RawMessage, at Place, filter *Filter) {
	item := map[string]json.RawMessage{}
	for i, value := range row {
		if i < len(names) {
			item[names[i]] = value
		}
	}
	text, err := json.Marshal(item)
	if err != nil {
		at.Reason = err.Error()
		f.Unreadable = append(f.Unreadable, at)
		return
	}
	for _, reading := range payload.Decode(text) {
		switch {
		case reading.Kind != payload.Activity:
			at.Reason = reading.Reason
			f.Unreadable = append(f.Unreadable, at)
		case filter.Holds(&reading.Event):
			f.Events = append(f.Events, filter.event(&reading))
		}
	}
}

// KQL is the query for a filter: what Azure writes in two vocabularies is asked for in both, and without regard to
// case, because the table's values vary in it (Azure Monitor, "Activity log", Log Analytics section).
func KQL(f Filter) string {
	var b strings.Builder
	b.WriteString("AzureActivity\n")
	if !f.Window.From.IsZero() {
		b.WriteString("| where TimeGenerated >= datetime(" + f.Window.From.UTC().Format(time.RFC3339Nano) + ")\n")
	}
	if !f.Window.To.IsZero() {
		b.WriteString("| where TimeGenerated < datetime(" + f.Window.To.UTC().Format(time.RFC3339Nano) + ")\n")
	}
	anyOf(&b, "OperationNameValue", "contains", f.Operations)
	anyOf(&b, "_ResourceId", "contains", f.Resources)
	anyOf(&b, "ResourceGroup", "=~", f.Groups)
	anyOf(&b, "SubscriptionId", "=~", f.Subscriptions)
	anyOf(&b, "CategoryValue", "=~", f.Categories)
	anyOf(&b, "Level", "startswith", levels(f.Levels))
	anyOf(&b, "ActivityStatusValue", "=~", statuses(f.Outcomes))
	if len(f.Callers) > 0 { // names and ids stand in the claims too
		anyOf(&b, "strcat(Caller, ' ', Claims)", "contains", f.Callers)
	}
	b.WriteString("| order by TimeGenerated asc\n")
	return b.String()
}

func anyOf[T ~string](b *strings.Builder, column, operator string, values []T) {
	if len(values) == 0 {
		return
	}
	parts := make([]string, 0, len(values))
	for _, value := range values {
		parts = append(parts, column+" "+operator+" "+quoted(string(value)))
	}
	b.WriteString("| where " + strings.Join(parts, " or ") + "\n")
}

// quoted is a string literal of KQL, in which JSON's escapes are known too.
func quoted(text string) string {
	literal, _ := json.Marshal(text) // a string cannot fail
	return string(literal)
}

// levels are the words that a level begins with: Azure writes Information and Informational.
func levels(wanted []activity.Level) []string {
	var words []string
	for _, l := range wanted {
		words = append(words, strings.TrimSuffix(string(l), "ational"))
	}
	return words
}

// statusWords are what ActivityStatusValue and the REST API's status were seen to say.
var statusWords = []string{
	"Start", "Started", "Accept", "Accepted", "InProgress", "In Progress", "Running", "Success", "Succeeded", "Failure", "Failed",
	"Cancel", "Canceled", "Cancelled", "Active", "Activated", "Resolve", "Resolved", "Update", "Updated",
}

// statuses are the words that Azure writes for an outcome.
func statuses(wanted []activity.Outcome) []string {
	var words []string
	for _, o := range wanted {
		for _, word := range statusWords {
			if activity.OutcomeOf(word) == o {
				words = append(words, word)
			}
		}
	}
	return words
}
