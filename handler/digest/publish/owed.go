package publish

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"slices"
	"strings"

	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/digest"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/notify"
	"github.com/auditbell/auditbell/handler/notify/email"
	"github.com/auditbell/auditbell/handler/settings"
	"github.com/auditbell/auditbell/handler/source"
	"github.com/auditbell/auditbell/handler/store"
)

// A digest that a recipient could not be mailed before the next period was over is owed. It is mailed as it was archived, however late;
// who is taken out of the digest's recipients is owed none.

// owedBack is for how many periods before the newest one it is looked what is owed.
const owedBack = 62

// Owed is a digest of an earlier period that a recipient does not have.
type Owed struct {
	Span  settings.Span
	State store.DigestState
}

// Owed lists the digests before a period that a recipient does not have, newest first.
func (r *Record) Owed(ctx context.Context, d *settings.Digest, before settings.Span) (all []Owed, err error) {
	for range owedBack {
		before = d.Before(before)
		state, err := r.Store.DigestState(ctx, d.Name, before.Key)
		if err != nil {
			return nil, err
		}
		if state.Manifest != "" && state.Sent.IsZero() && len(Unmailed(d, &state)) > 0 {
			all = append(all, Owed{before, state})
		}
	}
	return all, nil
}

// mailOwed mails what is owed to recipients whom the newest digests reached.
func (d *Publisher) mailOwed(ctx context.Context, in host.Invocation, one *settings.Digest, newest settings.Span, failed []string) error {
	if d.mailer == nil {
		return nil
	}
	owed, err := d.Record.Owed(ctx, one, newest)
	errs := []error{err}
	for _, o := range owed {
		job := digestJob{Publisher: d, digest: one, span: o.Span, owner: in.Attempt(), log: in.Logger}
		to := slices.DeleteFunc(Unmailed(one, &o.State), func(to string) bool { return slices.Contains(failed, to) })
		if len(to) == 0 {
			continue
		}
		if err := job.runOwed(ctx, to); err != nil {
			errs = append(errs, fmt.Errorf("digest %s of %s: %w", one.Name, o.Span.Key, err))
			failed = append(failed, Unmailed(one, &job.state)...)
		}
	}
	return errors.Join(errs...)
}

// runOwed claims the job, mails what was archived, and notes how far it has come.
func (j *digestJob) runOwed(ctx context.Context, to []string) (err error) {
	var ok bool
	lease := alert.Lease{Owner: j.owner, Until: j.Now().Add(digestLease)}
	if j.state, ok, err = j.Record.Store.ClaimDigest(ctx, j.digest.Name, j.span.Key, lease); err != nil || !ok {
		return err
	}
	m, err := j.archived(ctx)
	if err == nil {
		err = j.mailEach(ctx, m, to)
	}
	if err != nil {
		j.state.Attempts++
		j.state.Reason = notify.FirstLine(err)
		j.complain(context.WithoutCancel(ctx), err)
	} else if len(Unmailed(j.digest, &j.state)) == 0 {
		j.state.Sent, j.state.Reason = j.Now().UTC(), ""
	}
	return errors.Join(err, j.release(ctx))
}

// archived is the mail of a digest that was made before: its files, if they are kept, and where they are.
func (j *digestJob) archived(ctx context.Context) (email.Mail, error) {
	period := digest.PeriodText(source.Window{From: j.span.From, To: j.span.To}, j.digest.Zone())
	m := email.Mail{ID: j.mailID(), Subject: "Azure Activity Log digest, " + period, Date: j.Now().UTC(), Confirm: true}
	lines := []string{
		"The digest " + j.digest.Name + " of " + period + " could not be mailed to you when it was made, at " + j.state.Made.Format("2 January 2006, 15:04 MST") + ".",
		"SHA-256 of its manifest.json: " + j.state.Manifest,
	}
	if j.archive == nil || j.state.Archived.IsZero() {
		lines = append(lines, "No archive keeps it (DIGEST_ARCHIVE). This makes one of the same period: handler digest --from "+
			j.span.From.In(j.digest.Zone()).Format("2006-01-02")+" --to "+j.span.To.In(j.digest.Zone()).Format("2006-01-02"))
	} else {
		files, err := j.files(ctx)
		if err != nil {
			return m, err
		}
		var left []string
		m.Attachments, left = fitting(files, j.mailer.Limit())
		lines = append(lines, "It is kept at "+j.archive.Link(j.folder()))
		if len(left) > 0 {
			lines = append(lines, "Too large to be attached: "+strings.Join(left, ", "))
		}
	}
	m.Text = strings.Join(lines, "\r\n\r\n") + "\r\n"
	m.HTML = "<p>" + strings.Join(strings.Split(html.EscapeString(strings.Join(lines, "\n")), "\n"), "</p>\n<p>") + "</p>\n"
	return m, nil
}

// files reads the bundle from the archive.
func (j *digestJob) files(ctx context.Context) (files []email.Attachment, err error) {
	get := func(name string) error {
		data, err := j.archive.Get(ctx, j.folder()+"/"+name)
		if err == nil {
			files = append(files, email.Attachment{Name: name, Type: mediaType(name), Data: data})
		}
		return err
	}
	if err := get(digest.ManifestName); err != nil {
		return nil, err
	}
	manifest, hash, err := digest.ReadManifest(files[0].Data)
	switch {
	case err != nil:
		return nil, err
	case hash != j.state.Manifest:
		return nil, fmt.Errorf("the manifest in the archive has the SHA-256 %s, and not %s", hash, j.state.Manifest)
	}
	for _, f := range manifest.Files {
		if err := get(f.Name); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{digest.TimestampName, digest.LogProofName, digest.LogGrownName} {
		if err := get(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return files, nil
}
