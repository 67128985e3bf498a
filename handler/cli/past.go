package cli

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/source"
)

// pastFlags say which past events a command is about, and where they come from.
type pastFlags struct {
	Files  []string `arg:"" optional:"" name:"file" help:"Files, folders or **/PT1H.json, for --source files; gzip, zip, UTF-16 and CSV are recognised. Standard input without any."`
	Source string   `enum:"${sources}" default:"files" help:"Where events come from: ${sources}."`

	Since         string   `help:"From when on: 24h, 7d, 2026-10-01 or a time in RFC 3339." placeholder:"TIME"`
	Until         string   `help:"Up to when, not included; as --since." placeholder:"TIME"`
	Operation     []string `help:"Part of the operation: roleAssignments/write, delete. Of several values any will do, here and below." placeholder:"TEXT"`
	ResourceGroup []string `short:"g" help:"Resource group." placeholder:"NAME"`
	Resource      []string `help:"Part of the resource id." placeholder:"TEXT"`
	Status        []string `help:"Outcome, in any of Azure's words: Failed, Failure, Succeeded, Success, Started, Accepted, …" placeholder:"WORD"`
	Category      []string `help:"Administrative, Policy, ResourceHealth, ServiceHealth, Security, Alert, Autoscale or Recommendation." placeholder:"NAME"`
	Level         []string `help:"Critical, Error, Warning or Informational." placeholder:"NAME"`
	Caller        []string `help:"Part of who did it: sign-in name, object id or application id." placeholder:"TEXT"`
	Subscription  []string `help:"Subscription id." placeholder:"ID"`

	azureFlags

	Progress string `enum:"auto,always,never" default:"auto" help:"Show progress: auto does when standard error is a terminal."`
}

// filter reads the flags. Words that nothing can match are wrong calls: an empty answer would look like a quiet month.
func (p *pastFlags) filter(now time.Time) (source.Filter, error) {
	f := source.Filter{
		Operations: lowered(p.Operation), Groups: lowered(p.ResourceGroup), Resources: lowered(p.Resource),
		Callers: lowered(p.Caller), Subscriptions: lowered(p.Subscription),
	}
	var err error
	if f.Window, err = p.window(now); err != nil {
		return f, err
	}
	if f.Outcomes, err = folded(p.Status, activity.OutcomeOf, "status such as Failed, Succeeded, Started or Accepted"); err != nil {
		return f, err
	}
	if f.Categories, err = folded(p.Category, activity.CategoryOf, "category such as Administrative or Policy"); err != nil {
		return f, err
	}
	f.Levels, err = folded(p.Level, activity.LevelOf, "level: Critical, Error, Warning or Informational")
	return f, err
}

func (p *pastFlags) window(now time.Time) (w source.Window, err error) {
	if w.From, err = moment(p.Since, now); err != nil {
		return w, err
	}
	if w.To, err = moment(p.Until, now); err != nil {
		return w, err
	}
	if !w.From.IsZero() && !w.To.IsZero() && !w.From.Before(w.To) {
		return w, misuse("--since must be before --until")
	}
	return w, nil
}

// moment is parseMoment, which knows dates, times and days, and hours ago as well; the zero time for no text.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago > 0 {
		return now.Add(-ago), nil
	}
	at, err := parseMoment(text, time.UTC, now)
	if err != nil {
		return at, misuse("%q is no time (hint: 24h, 7d, 2026-10-01 or 2026-10-01T00:00:00Z)", text)
	}
	return at, nil
}

func lowered(texts []string) []string {
	lower := make([]string, 0, len(texts))
	for _, text := range texts {
		lower = append(lower, strings.ToLower(strings.TrimSpace(text)))
	}
	return lower
}

// folded reads words of one of Azure's vocabularies; kind says in an error what they should have been.
func folded[T ~string](words []string, of func(string) T, kind string) ([]T, error) {
	var all []T
	for _, word := range words {
		value := of(word)
		if value == "" {
			return nil, misuse("%q is no %s", word, kind)
		}
		all = append(all, value)
	}
	return all, nil
}

// past is an opened source of past events, with what is to be said about reading it.
type past struct {
	source.Finder
	notes []string      // what the operator should know of how the question is answered
	read  *atomic.Int64 // bytes of input read so far; nil where that says nothing
	size  func() int64  // of the input; -1: not known
}

// open opens what --source names; f may lose an open end that the source cannot have.
func (p *pastFlags) open(std Surroundings, f *source.Filter, now time.Time) (past, error) {
	for _, s := range sources {
		if s.name == p.Source {
			return s.open(p, std, f, now)
		}
	}
	return past{}, misuse("unknown source %q (hint: %s)", p.Source, sourceNames())
}

// sources are where past events come from, one line each.
var sources = []struct {
	name string
	open func(*pastFlags, Surroundings, *source.Filter, time.Time) (past, error)
}{
	{"files", openPastFiles},
	{"store", openPastStore},
	{"activity-log", openPastActivityLog},
	{"log-analytics", openPastLogAnalytics},
}

func sourceNames() string {
	names := make([]string, 0, len(sources))
	for _, s := range sources {
		names = append(names, s.name)
	}
	return strings.Join(names, ",")
}

func openPastFiles(p *pastFlags, std Surroundings, f *source.Filter, _ time.Time) (past, error) {
	read := &atomic.Int64{}
	return past{Finder: source.Files{Inputs: counted(inputs(p.Files, std, f.Window), read, nil)}, read: read, size: func() int64 { return bytesOf(p.Files, std, f.Window) }}, nil
}

// each yields every event that is looked for, shows progress, and names on standard error what could not be read. ok
// is false when there was such a thing: the answer may then lack something.
func (p *pastFlags) each(ctx context.Context, std Surroundings, f source.Filter, ok *bool) iter.Seq2[*activity.Event, error] {
	return func(yield func(*activity.Event, error) bool) {
		from, err := p.open(std, &f, time.Now())
		if err != nil {
			yield(nil, err)
			return
		}
		for _, note := range from.notes {
			fmt.Fprintf(std.Err, "note: %s\n", note)
		}
		bar := p.bar(from, std)
		defer bar.done()
		for found, err := range from.Find(ctx, f) {
			if err != nil {
				yield(nil, err)
				return
			}
			bar.at(len(found.Events))
			for _, place := range found.Unreadable {
				*ok = false
				fmt.Fprintln(std.Err, place)
			}
			for _, place := range found.Notices {
				fmt.Fprintln(std.Err, place)
			}
			for i := range found.Events {
				if !yield(&found.Events[i], nil) {
					return
				}
			}
		}
	}
}

// pastBar is a progress bar, or none when it is nil.
type pastBar struct {
	*progressbar.ProgressBar
	from  past
	found int
}

func (p *pastFlags) bar(from past, std Surroundings) *pastBar {
	// A table that scrolls by is progress enough, and a bar would be drawn into it.
	if p.Progress == "never" || p.Progress == "auto" && (!terminal(std.Err) || terminal(std.Out)) {
		return nil
	}
	size := int64(-1)
	if from.read != nil {
		size = from.size()
	}
	return &pastBar{from: from, ProgressBar: newBar(std.Err, size, progressbar.OptionShowBytes(from.read != nil))}
}

// newBar is a progress bar; size is -1 where the end is not known.
func newBar(out io.Writer, size int64, more ...progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(size, append(more, progressbar.OptionSetWriter(out), progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionClearOnFinish())...)
}

// at notes how far the source has come. A bar that cannot be drawn is no reason to stop.
func (b *pastBar) at(found int) {
	if b == nil {
		return
	}
	b.found += found
	b.Describe(fmt.Sprintf("%d found", b.found))
	if b.from.read != nil {
		_ = b.Set64(b.from.read.Load())
		return
	}
	_ = b.Add(1)
}

func (b *pastBar) done() {
	if b != nil {
		_ = b.Finish()
	}
}

// width is how many columns a terminal has; 0 for what is none and shall not be cut.
func width(w any) int {
	f, ok := w.(*os.File)
	if !ok || !terminal(w) {
		return 0
	}
	return max(windowWidth(f), 40) // below that nothing is readable
}
