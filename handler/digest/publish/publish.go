// Package publish makes the digests that are due, keeps them in the archive and sends them: once each, whatever fails
// meanwhile. What a digest says is package digest's.
package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/azure"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/digest/archive"
	"github.com/auditbell/auditbell/handler/digest/timestamp"
	"github.com/auditbell/auditbell/handler/enrich"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/email"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/store"
)

// Publisher is the timer function digest.
type Publisher struct {
	Tool         string // what made the bundle, with its version
	Record       *Record
	Rollups      *Rollups
	Destinations map[string]notify.Destination
	Ends         func(names []string) []string // the destinations that names stand for
	Now          func() time.Time
	MailAlerts   MailAlerts // nil: only the app's log says that a digest cannot be sent
	// NamesOf asks Azure what people call subscriptions and principals; nil: lookups are off.
	NamesOf func(ctx context.Context, subscriptions, principals []string) (map[string]string, error)

	List      []settings.Digest
	Masthead  settings.Masthead
	Names     map[string]string    // of ids, from the configuration
	Config    string               // the hash of the configuration
	mailer    *email.Mailer        // nil: no mail
	archive   *archive.Archive     // nil: none
	authority *timestamp.Authority // nil: none
	tlog      *Log                 // nil: none
}

// TransparencyLog is where hours are logged, nil: nowhere.
func (d *Publisher) TransparencyLog() *Log { return d.tlog }

// Read opens what digests need; problems go into s.
func Read(s *settings.Set, list []settings.Digest, client *http.Client) *Publisher {
	if len(list) == 0 {
		list = settings.DefaultDigests()
	}
	d := &Publisher{List: list, mailer: email.OpenMailer(s, client), authority: readAuthority(s)}
	place := s.Text(settings.Def{
		Name: "DIGEST_ARCHIVE", Doc: "Where digests are kept for good: the address of a blob container, or a folder; empty keeps them nowhere.",
		Hint: "terraform output archive_container_url",
	})
	for _, one := range list {
		if len(one.Recipients) > 0 && d.mailer == nil {
			s.Report(settings.Problem{Name: "digest " + one.Name, Reason: "has recipients, and no mail is configured", Hint: "set MAIL_PROVIDER, or remove the recipients"})
		}
	}
	defer func() { d.tlog = readLog(s, d.archive, client) }()
	if place == "" {
		return d
	}
	var o archive.Options
	if strings.Contains(place, "://") {
		if err := settings.CheckURL(place); err != nil {
			s.Report(settings.Problem{Name: "DIGEST_ARCHIVE", Reason: err.Error()})
			return d
		}
		o.Credential = azure.Credential(s)
	}
	var err error
	if d.archive, err = archive.Open(place, o); err != nil {
		s.Report(settings.Problem{Name: "DIGEST_ARCHIVE", Reason: err.Error()})
	}
	return d
}

// digestLease is how long one instance may take: a little longer than the host lets a function run.
const digestLease = 6 * time.Minute

// Run makes and sends every digest that is due and not sent. What fails is tried again by the next run.
func (d *Publisher) Run(ctx context.Context, in host.Invocation) (host.Result, error) {
	var errs []error
	for i := range d.List {
		spans := d.due(&d.List[i])
		var failed []string // recipients whom no mail reaches now
		for _, span := range spans {
			job := digestJob{Publisher: d, digest: &d.List[i], span: span, owner: in.Attempt(), log: in.Logger}
			done, err := job.run(ctx)
			switch {
			case err != nil:
				errs = append(errs, fmt.Errorf("digest %s of %s: %w", job.digest.Name, job.span.Key, err))
				failed = append(failed, Unmailed(job.digest, &job.state)...)
			case done:
				in.Logger.Info("digest sent", "digest", job.digest.Name, "period", job.span.Key, "manifest", job.state.Manifest)
			}
		}
		errs = append(errs, d.mailOwed(ctx, in, &d.List[i], spans[0], failed))
	}
	return host.Result{}, errors.Join(errs...)
}

// due are the newest period that is over and, where digests wait for the comparison with Azure, those before it of which the
// wait ended a day ago at most, oldest first: a day's digest waits longer than the next day takes.
func (d *Publisher) due(one *settings.Digest) []settings.Span {
	now := d.Now()
	spans := []settings.Span{one.Due(now)}
	if len(d.Record.Reconciler.Scopes) == 0 {
		return spans
	}
	for before := one.Before(spans[0]); now.Before(before.To.Add(lookPatience + 24*time.Hour)); before = one.Before(before) {
		spans = append(spans, before)
	}
	slices.Reverse(spans)
	return spans
}

// digestJob is one digest of one period.
type digestJob struct {
	*Publisher
	digest *settings.Digest
	span   settings.Span
	owner  string
	log    *slog.Logger
	state  store.DigestState
}

// run claims the job, does it, and notes how far it has come. done is false when there was nothing to do.
func (j *digestJob) run(ctx context.Context) (done bool, err error) {
	if waits, err := j.waits(ctx); waits || err != nil {
		return false, err
	}
	var ok bool
	lease := alert.Lease{Owner: j.owner, Until: j.Now().Add(digestLease)}
	if j.state, ok, err = j.Record.Store.ClaimDigest(ctx, j.digest.Name, j.span.Key, lease); err != nil || !ok {
		return false, err
	}
	err = j.do(ctx)
	if err != nil {
		j.state.Attempts++
		j.state.Reason = notify.FirstLine(err)
		j.complain(context.WithoutCancel(ctx), err)
	} else {
		j.state.Sent, j.state.Reason = j.Now().UTC(), ""
	}
	return err == nil, errors.Join(err, j.release(ctx))
}

// release notes how far the job has come, and gives it back.
func (j *digestJob) release(ctx context.Context) error {
	j.state.Lease = alert.Lease{}
	noting, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_, err := j.Record.Store.SettleDigest(noting, j.state)
	return err
}

// lookPatience is how long after its period a digest waits for the last comparison with Azure (26 hours after each hour).
const lookPatience = 30 * time.Hour

// waits reports whether the digest must wait for the last comparison of its newest hours.
func (j *digestJob) waits(ctx context.Context) (bool, error) {
	if !j.Now().Before(j.span.To.Add(lookPatience)) {
		return false, nil
	}
	newest := source.Window{From: j.span.To.Add(-time.Hour), To: j.span.To}
	l, err := j.Record.Ledger(ctx, newest)
	return err == nil && l.Off == "" && l.Settled < l.Expected, err
}

// do makes the digest and sends it to everybody who does not have it yet.
func (j *digestJob) do(ctx context.Context) error {
	link, before, err := j.before(ctx)
	if err != nil {
		return err
	}
	report, err := j.report(ctx, before)
	if err != nil {
		return err
	}
	if report.Summary.Total == 0 && report.Alerts.Raised == 0 && link == nil && !report.Completeness.Attended() {
		return nil // the period was over before Auditbell was there
	}
	files, manifest, err := j.bundle(report, link, j.logHours(ctx))
	if err != nil {
		return err
	}
	brief, err := report.Brief()
	if err != nil {
		return err
	}
	j.state.Manifest, j.state.Summary = manifest, brief
	letter := digest.Letter{Manifest: manifest}
	files, letter.Timestamp = j.stamp(ctx, files, manifest)
	files, letter.Log = j.logManifest(ctx, files, manifest)
	if j.archive != nil {
		if err := j.keep(ctx, files); err != nil {
			return err
		}
		letter.Archive = j.archive.Link(j.folder())
	}
	return errors.Join(j.mail(ctx, &report, files, letter), j.cards(ctx, &report, letter))
}

// before finds the digest of the period before: the chain leads to it, and the numbers are compared with it.
func (j *digestJob) before(ctx context.Context) (*digest.Link, *digest.Before, error) {
	span := j.digest.Before(j.span)
	state, err := j.Record.Store.DigestState(ctx, j.digest.Name, span.Key)
	if err != nil || state.Manifest == "" {
		return nil, nil, err
	}
	link := &digest.Link{Period: digest.PeriodText(source.Window{From: span.From, To: span.To}, j.digest.Zone()), Manifest: state.Manifest}
	before, err := digest.ReadBefore(bytes.NewReader(state.Summary), state.Manifest)
	return link, before, err
}

// report counts the period, after the rollups of its last days have been looked at once more.
func (j *digestJob) report(ctx context.Context, before *digest.Before) (digest.Report, error) {
	w := source.Window{From: j.span.From, To: j.span.To}
	first := j.state.Made.IsZero()
	if first {
		j.state.Made, j.state.Names = j.Now().UTC().Truncate(time.Second), nil
	}
	var sum rollupSum
	hours := HoursOf(j.Record.Store)
	last := w.To.Add(-lateFor)
	if last.Before(w.From) { // a digest of a day costs a day
		last = w.From
	}
	for hour := last.UTC().Truncate(time.Hour); hour.Before(w.To); hour = hour.Add(time.Hour) {
		rolled, err := j.Rollups.hour(ctx, hour, true, &sum)
		if err != nil {
			return digest.Report{}, err
		}
		hours.rolled[hour] = rolled
	}
	tally := digest.NewStoredTally(w)
	for b, err := range (digest.Stored{Hours: hours, Window: w}).Entries(ctx, tally.Vocabulary) {
		if err != nil {
			return digest.Report{}, err
		}
		tally.Add(b)
	}
	evidence, err := j.Record.Evidence(ctx, w, j.digest.Zone())
	if err != nil {
		return digest.Report{}, err
	}
	evidence.RuleSets = hours.RuleSets()
	if evidence.Ends, err = j.ends(ctx, w); err != nil {
		return digest.Report{}, err
	}
	report := digest.Build(tally, digest.Subject{
		Name: j.digest.Name, Source: "the store", Names: j.names(), Masthead: digest.Masthead(j.Masthead), Zone: j.digest.Zone(), Now: j.state.Made, Evidence: evidence, Before: before, RoleName: enrich.RoleName,
	})
	j.name(ctx, &report, first)
	return report, nil
}

// bundle writes the files, in memory: a mail takes no more than some megabytes anyway.
func (j *digestJob) bundle(r digest.Report, link *digest.Link, hours []byte) ([]email.Attachment, string, error) {
	var formats []digest.Format
	for _, f := range digest.Formats {
		if slices.Contains(j.digest.Formats, f.Name) {
			formats = append(formats, f)
		}
	}
	var files []email.Attachment
	put := func(name string, write func(io.Writer) error) error {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return err
		}
		files = append(files, email.Attachment{Name: name, Type: mediaType(name), Data: b.Bytes()})
		return nil
	}
	_, manifest, err := digest.Bundle{Report: r, Formats: formats, Tool: j.Tool, RuleSet: RuleSet(j.Record.Rules), Config: j.Config, Previous: link, Hours: hours}.Write(put)
	return files, manifest, err
}

func mediaType(file string) string {
	for _, f := range digest.Formats {
		if f.File == file {
			return f.Type
		}
	}
	return "application/json" // the manifest
}

// folder is where in the archive the bundle lies. The time of its making is part of it: if events came late between a
// try that failed and the next one, both bundles are there, each whole.
func (j *digestJob) folder() string {
	return folderOf(j.digest.Name, j.span.Key, j.state.Made)
}

func folderOf(name, period string, made time.Time) string {
	return name + "/" + period + "/" + made.Format("20060102T150405Z")
}

// keep puts the bundle into the archive, the manifest last. A bundle that an earlier try began with other content is
// left as it is, and this one gets a folder of its own with the next try.
func (j *digestJob) keep(ctx context.Context, files []email.Attachment) error {
	for _, f := range files {
		err := j.archive.Put(ctx, j.folder()+"/"+f.Name, f.Type, f.Data)
		if beside := []string{digest.TimestampName, digest.LogProofName, digest.LogGrownName}; slices.Contains(beside, f.Name) && errors.Is(err, archive.ErrOther) {
			continue // an earlier try had the same manifest stamped and logged: no two stamps are alike, and either is good
		}
		if errors.Is(err, archive.ErrOther) {
			j.state.Made, j.state.LogSize = time.Time{}, 0
		}
		if err != nil {
			return err
		}
	}
	j.state.Archived = j.Now().UTC()
	return nil
}

// mail sends the report to each recipient once. What the provider has accepted is noted before the next mail is sent; a
// recipient whose mail failed keeps no other from getting theirs, and is tried again by the next run.
func (j *digestJob) mail(ctx context.Context, r *digest.Report, files []email.Attachment, letter digest.Letter) error {
	if len(j.digest.Recipients) == 0 || j.mailer == nil {
		return nil
	}
	m := email.Mail{
		ID: j.mailID(), Subject: r.Subject(), Date: j.state.Made, Confirm: true,
	}
	m.Attachments, letter.LeftOut = fitting(files, j.mailer.Limit())
	var err error
	if m.HTML, err = r.MailHTML(letter); err != nil {
		return err
	}
	m.Text = r.MailText(letter)
	return j.mailEach(ctx, m, Unmailed(j.digest, &j.state))
}

// mailID is the same for every mail of the digest: it is one, however late.
func (j *digestJob) mailID() string { return fmt.Sprintf("digest %s %s", j.digest.Name, j.span.Key) }

// fitting takes as many files as a mail may have, in their order.
func fitting(files []email.Attachment, limit int64) (in []email.Attachment, out []string) {
	for _, f := range files {
		if limit -= int64(len(f.Data)); limit < 0 {
			limit += int64(len(f.Data))
			out = append(out, f.Name)
			continue
		}
		in = append(in, f)
	}
	return in, out
}

// cards posts a summary to the destinations.
func (j *digestJob) cards(ctx context.Context, r *digest.Report, letter digest.Letter) error {
	var errs []error
	card := digestCard(r, letter, j.digest.Name+"-"+j.span.Key)
	for _, name := range j.destinations() {
		if j.state.Has(name) {
			continue
		}
		errs = append(errs, j.send(ctx, name, func() error {
			_, err := j.Destinations[name].Deliver(ctx, card, notify.Ref{})
			return err
		}))
	}
	return errors.Join(errs...)
}

// destinations are the names of those that get the card.
func (j *digestJob) destinations() []string {
	return slices.DeleteFunc(j.Ends(j.digest.To), func(name string) bool { return j.Destinations[name] == nil })
}
