package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/auditbell/auditbell/handler/app"
	"github.com/auditbell/auditbell/handler/azure"
	"github.com/auditbell/auditbell/handler/calendar"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/publish"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/source/blobs"
)

// sourceFlags say where a digest's events come from.
type sourceFlags struct {
	Source       string   `enum:"files,store,activity-log,log-analytics,blobs" default:"files" help:"Where the events come from: ${enum}."`
	Input        []string `name:"input" sep:"none" help:"Files or folders, for --source files; may be repeated. Standard input without any." placeholder:"PATH"`
	Paths        []string `arg:"" optional:"" name:"path" help:"The same as --input."`
	From         string   `help:"Begin of the period: 2026-10-01, a time in RFC 3339, or 30d for 30 days ago." placeholder:"TIME"`
	To           string   `help:"End of the period, not in it; as --from." placeholder:"TIME"`
	Subscription []string `help:"With --source activity-log: subscription id." placeholder:"ID"`
	Container    string   `help:"With --source blobs: address of the container, https://ACCOUNT.blob.core.windows.net/insights-activity-logs." placeholder:"URL"`
	azureFlags

	hash bool // a manifest names the inputs
}

// openSource is a source that is ready to be read.
type openSource struct {
	source   source.Source
	words    string // what it is, for the report
	tally    func(source.Window) *digest.Tally
	read     *atomic.Int64 // bytes of input read so far; nil where that says nothing
	size     func() int64  // of the input; -1: not known
	evidence *digest.Evidence
	inputs   *hashedInputs            // of files, for the manifest; nil: not asked for
	ruled    *ruled                   // evaluates rules over what is read; nil: none are
	ruleSet  string                   // the hash of these rules
	ruleSets func() []digest.RuleSpan // that were in force, once the source was read; nil: not known
}

// open opens the source. What is not asked of files is asked for a period: the last 30 days when the flags name none.
func (f *sourceFlags) open(ctx context.Context, std Surroundings, w *source.Window, zone *time.Location) (openSource, error) {
	if f.Source == "files" {
		return f.files(std, *w), nil
	}
	if len(f.Input)+len(f.Paths) > 0 {
		return openSource{}, misuse("--source %s reads no files", f.Source)
	}
	if w.To.IsZero() {
		w.To = time.Now().UTC().Truncate(time.Hour)
	}
	if w.From.IsZero() {
		w.From = w.To.AddDate(0, 0, -30)
	}
	switch f.Source {
	case "store":
		return f.store(ctx, std, *w, zone)
	case "blobs":
		return f.blobs(ctx, *w)
	case "log-analytics":
		return f.workspace(*w)
	}
	return f.activityLog(*w)
}

// files opens --source files.
func (f *sourceFlags) files(std Surroundings, w source.Window) openSource {
	args := append(append([]string{}, f.Input...), f.Paths...)
	read, hashes := &atomic.Int64{}, (*hashedInputs)(nil)
	if f.hash {
		hashes = &hashedInputs{}
	}
	return openSource{
		source: source.Files{Inputs: counted(inputs(args, std, w), read, hashes)}, inputs: hashes, words: "files", tally: digest.NewTally, read: read, size: func() int64 { return bytesOf(args, std, w) },
	}
}

// store opens what the functions recorded, with all they know of alerts and exceptions.
func (f *sourceFlags) store(ctx context.Context, std Surroundings, w source.Window, zone *time.Location) (openSource, error) {
	a, err := app.Open(newWorld(std))
	if err != nil {
		return openSource{}, fmt.Errorf("open store: %w", err)
	}
	evidence, err := a.Digests.Record.Evidence(ctx, w, zone)
	if err != nil {
		return openSource{}, err
	}
	hours := publish.HoursOf(a.Store)
	return openSource{source: digest.Stored{Hours: hours, Window: w}, words: "the store", tally: digest.NewStoredTally, evidence: evidence, ruleSets: hours.RuleSets}, nil
}

// activityLog opens the REST API, which keeps 90 days: what is older cannot be distinguished from what never was.
func (f *sourceFlags) activityLog(w source.Window) (openSource, error) {
	places, err := f.places(f.Subscription)
	if err != nil {
		return openSource{}, err
	}
	if oldest := time.Now().Add(-source.Retention); w.From.Before(oldest) {
		return openSource{}, misuse("the Activity Log keeps 90 days; its oldest entries are of %s (hint: --from %s, or an export)", oldest.Format(time.DateOnly), oldest.AddDate(0, 0, 1).Format(time.DateOnly))
	}
	place := azure.PlaceOf(f.Cloud)
	rest, err := place.AskAs(place.Resources)
	log := source.ActivityLog{REST: rest, Scopes: places, Below: f.Below}
	var asked []string
	for _, one := range places {
		asked = append(asked, one.String())
	}
	for _, group := range f.Below {
		asked = append(asked, "the subscriptions below "+group)
	}
	return openSource{source: source.Each{Finder: log, Window: w}, words: "the Activity Log of " + strings.Join(asked, ", "), tally: digest.NewTally}, err
}

// workspace opens a Log Analytics workspace, which counts for itself.
func (f *sourceFlags) workspace(w source.Window) (openSource, error) {
	if f.Workspace == "" {
		return openSource{}, misuse("--source log-analytics asks a workspace (hint: --workspace ID; terraform output shows it)")
	}
	place := azure.PlaceOf(f.Cloud)
	rest, err := place.AskAs(place.Logs)
	counted := source.Counted{LogAnalytics: source.LogAnalytics{REST: rest, Workspace: f.Workspace}, Window: w}
	return openSource{source: counted, words: "Log Analytics workspace " + f.Workspace, tally: digest.NewTally}, err
}

// blobs opens what a diagnostic setting exports to a storage account.
func (f *sourceFlags) blobs(ctx context.Context, w source.Window) (openSource, error) {
	if f.Container == "" {
		return openSource{}, misuse("--source blobs reads a container (hint: --container https://ACCOUNT.blob.core.windows.net/insights-activity-logs)")
	}
	credential, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: azcore.ClientOptions{Cloud: azure.PlaceOf(f.Cloud).Configuration}})
	if err != nil {
		return openSource{}, fmt.Errorf("sign in to Azure: %w", err)
	}
	container, err := blobs.Open(f.Container, blobs.Options{Credential: credential})
	if err != nil {
		return openSource{}, misuse("%v", err)
	}
	all, hashes := container.Inputs(ctx, w), (*hashedInputs)(nil)
	if f.hash {
		hashes = &hashedInputs{}
		all = hashes.of(all)
	}
	return openSource{source: source.Files{Inputs: all}, inputs: hashes, words: "the export in " + f.Container, tally: digest.NewTally}, nil
}

// window reads --from and --to.
func (f *sourceFlags) window(zone *time.Location, now time.Time) (source.Window, error) {
	var w source.Window
	var err error
	if f.From != "" {
		if w.From, err = parseMoment(f.From, zone, now); err != nil {
			return w, err
		}
	}
	if f.To != "" {
		if w.To, err = parseMoment(f.To, zone, now); err != nil {
			return w, err
		}
	}
	if !w.From.IsZero() && !w.To.IsZero() && !w.From.Before(w.To) {
		return w, misuse("--from must be before --to")
	}
	return w, nil
}

// parseMoment reads a date, a time, or how long ago.
func parseMoment(text string, zone *time.Location, now time.Time) (time.Time, error) {
	if date, err := calendar.Parse(text); err == nil {
		return date.Start(zone), nil
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at, nil
	}
	var days int
	if n, err := fmt.Sscanf(text, "%dd", &days); err == nil && n == 1 && text == fmt.Sprintf("%dd", days) {
		return now.Add(-time.Duration(days) * 24 * time.Hour), nil
	}
	return time.Time{}, misuse("%q is neither a date (2026-10-01), nor a time (2026-10-01T00:00:00Z), nor days ago (30d)", text)
}

// counted turns a command's inputs into a source's, some of which are read ahead, and counts what is read of them in their
// turn, so that progress and hashes are of what the source has had.
func counted(all iter.Seq2[input, error], read *atomic.Int64, hashes *hashedInputs) iter.Seq2[source.Input, error] {
	ahead := source.Ahead(func(yield func(source.Input, error) bool) {
		for in, err := range all {
			if !yield(source.Input{Name: in.name, Open: in.open, InTurn: !in.regular}, err) {
				return
			}
		}
	}, source.AtOnce)
	metered := wrapped(ahead, func(_ source.Input, file io.ReadCloser) io.ReadCloser { return &meter{file, read} })
	if hashes == nil {
		return metered
	}
	return hashes.of(metered)
}

// wrapped has what each input opens to wrapped.
func wrapped(all iter.Seq2[source.Input, error], wrap func(source.Input, io.ReadCloser) io.ReadCloser) iter.Seq2[source.Input, error] {
	return func(yield func(source.Input, error) bool) {
		for in, err := range all {
			open := in.Open
			in.Open = func() (io.ReadCloser, error) {
				r, err := open()
				if err != nil {
					return nil, err
				}
				return wrap(in, r), nil
			}
			if !yield(in, err) {
				return
			}
		}
	}
}

type meter struct {
	io.ReadCloser
	read *atomic.Int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.read.Add(int64(n))
	return n, err
}

// hashedInputs hashes inputs as they are read. Each is read once, from its beginning to its end.
type hashedInputs struct {
	mu  sync.Mutex
	all []*hashedInput
}

type hashedInput struct {
	io.ReadCloser
	name    string
	version func() string // see source.Input
	n       int64
	sum     hash.Hash
}

// of hashes inputs as they are read.
func (h *hashedInputs) of(all iter.Seq2[source.Input, error]) iter.Seq2[source.Input, error] {
	return wrapped(all, func(in source.Input, r io.ReadCloser) io.ReadCloser {
		one := &hashedInput{r, in.Name, in.Version, 0, sha256.New()}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.all = append(h.all, one)
		return one
	})
}

func (i *hashedInput) Read(p []byte) (int, error) {
	n, err := i.ReadCloser.Read(p)
	i.n += int64(n)
	_, _ = i.sum.Write(p[:n]) // hash.Hash never fails
	return n, err
}

// list is every input with its size and hash, by name.
func (h *hashedInputs) list() []digest.File {
	if h == nil {
		return nil
	}
	var files []digest.File
	for _, i := range h.all {
		file := digest.File{Name: i.name, Bytes: i.n, SHA256: hex.EncodeToString(i.sum.Sum(nil))}
		if i.version != nil {
			file.ETag = i.version()
		}
		files = append(files, file)
	}
	slices.SortStableFunc(files, func(a, b digest.File) int { return strings.Compare(a.Name, b.Name) })
	return files
}

// misuse is an error of the call rather than of the answer.
func misuse(format string, args ...any) error {
	return &misuseError{strings.TrimSpace(fmt.Sprintf(format, args...))}
}

type misuseError struct{ text string }

func (e *misuseError) Error() string { return e.text }
