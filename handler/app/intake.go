package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/host"
	"github.com/auditbell/auditbell/handler/jsonscan"
	"github.com/auditbell/auditbell/handler/payload"
	"github.com/auditbell/auditbell/handler/pipeline"
)

// Take reads a payload and makes all of it durable: events through the pipeline, everything else parked with what it
// was. Only a store that does not answer is an error.
func (a *App) Take(ctx context.Context, in host.Invocation, data []byte) (pipeline.Summary, error) {
	b := pipeline.Batch{ID: in.Attempt(), Function: in.Function, Logger: in.Logger}
	for _, r := range payload.Decode(data) {
		if r.Kind == payload.Activity {
			r.Event.Record = activity.RecordOf(r.Raw)
			b.Events = append(b.Events, r.Event)
			continue
		}
		b.Parked = append(b.Parked, park(in.Function, r, a.Now()))
		in.Logger.Info("set aside", "kind", r.Kind.String(), "signal", r.Signal, "reason", r.Reason)
	}
	sum, err := a.Pipeline.Handle(ctx, b)
	in.Logger.Info("handled", slog.Any("counts", sum))
	return sum, err
}

// unreadable parks what came to a function and is not even an invocation.
func (a *App) unreadable(ctx context.Context, in host.Invocation, body []byte, reason error) error {
	r := payload.Reading{Kind: payload.Invalid, Signal: "invalid", Reason: reason.Error(), Raw: body}
	_, err := a.Pipeline.Handle(ctx, pipeline.Batch{ID: in.Attempt(), Logger: in.Logger, Parked: []activity.Parked{park(in.Function, r, a.Now())}})
	return err
}

// park makes the item for what is no event. Known signals of Azure's are only counted; of what was unreadable the
// beginning is kept, so that a person can see what it was.
func park(function string, r payload.Reading, now time.Time) activity.Parked {
	sum := sha256.Sum256(r.Raw)
	p := activity.Parked{
		ID: hex.EncodeToString(sum[:16]), Signal: r.Signal, Function: function, Reason: r.Reason, At: now.UTC(), Size: len(r.Raw),
	}
	if r.Kind == payload.Invalid {
		p.Signal, p.Excerpt = "invalid", excerpt(r.Raw)
	}
	return p
}

// excerpt is the beginning of an unreadable payload as valid UTF-8 without any claim: claims are personal data, and in
// a text that is not JSON nobody can tell where they end. So the text is cut in front of the first one that is not a
// well-formed value. The same holds for an identity, which holds claims; one that is well-formed is looked into.
func excerpt(raw []byte) string {
	kept := raw[:min(len(raw), activity.KeepExcerpt)]
	var out []byte
	for {
		at, name := firstPersonal(kept)
		if at < 0 {
			out = append(out, kept...)
			break
		}
		end, err := memberEnd(kept[at:], name)
		if name == "identity" && err == nil && jsonscan.Kind(kept[at+bytes.IndexByte(kept[at:], ':')+1:]) == '{' {
			inside := at + len(name)
			out, kept = append(out, kept[:inside]...), kept[inside:]
			continue
		}
		out = append(append(out, kept[:at]...), name+" removed"...)
		if err != nil {
			break
		}
		kept = kept[at+end:]
	}
	return string(bytes.ToValidUTF8(out, []byte("\uFFFD")))
}

// firstPersonal returns where the first claims stand, wherever they do, or the first member identity.
func firstPersonal(text []byte) (at int, name string) {
	lower := bytes.ToLower(text)
	at, name = bytes.Index(lower, []byte("claims")), "claims"
	for from := 0; ; {
		next := bytes.Index(lower[from:], []byte(`identity"`))
		if next < 0 || at >= 0 && from+next > at {
			return at, name
		}
		from += next
		if colon := jsonscan.Space(text, from+len(`identity"`)); colon < len(text) && text[colon] == ':' {
			return from, "identity"
		}
		from += len("identity")
	}
}

// memberEnd returns the offset behind the member that begins with `name":`.
func memberEnd(text []byte, name string) (int, error) {
	at := bytes.IndexByte(text, ':')
	if at < 0 || at > len(name)+len(`" `) {
		return 0, errors.New("not a member")
	}
	return jsonscan.Value(text, at+1)
}
