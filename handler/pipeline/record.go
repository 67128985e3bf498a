package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"hash/crc32"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

// aside is what goes beside a message.
type aside struct {
	rest   string // what the message has no room for; empty: nothing, or it is there already
	record bool   // the whole record
	size   int    // alert.Shown.Rest, when rest is there
}

// beside decides, before the message is sent, what goes beside it, and has the message say that what it leaves out is there: only
// where it is there already or follows at once. A message of the channel's budget is used for it, of the upper half only: in a
// storm the rest is for alerts. What finds no room waits for the alert's next change, and the message names the command that shows
// it; so does one whose rest could not be put there.
func (c *Courier) beside(ctx context.Context, r notify.Recorder, a alert.Alert, m *notify.Message, t *attempt) {
	rest, record := r.Beside(*m)
	record = record && !t.shown.Recorded && !a.IsSummary() && !strings.HasPrefix(a.Rule.ID, alert.WatchRule)
	size, grown := grownRest(a, t.shown.Rest, rest)
	room := (grown || record) && c.room(ctx, t.name) >= burst/2
	if t.aside.record = record && room; grown && room {
		t.aside.rest, t.aside.size = rest, size
	}
	m.Beside = rest != "" && !t.shown.Unkept && (!grown || room)
}

// keep puts beside the message what belongs there, once: the message is sent first, and what cannot be put there is no reason to
// send it again.
func (c *Courier) keep(ctx context.Context, r notify.Recorder, a alert.Alert, m notify.Message, t *attempt) {
	what := t.aside
	if what.rest == "" && !what.record || t.ref.Channel == "" || t.ref.ID == "" {
		return
	}
	silent := t.shown.RecordSilent
	if what.record && !silent.IsZero() {
		if silent, what.record = c.stillSilent(ctx, r, m, t); !what.record {
			t.shown.Unkept = t.shown.Unkept || what.rest != ""
			return
		}
	}
	record := ""
	if what.record {
		record = recordOf(a.Event)
	}
	if t.unkept = r.Record(ctx, m, t.ref, what.rest, record); asksToWait(t.unkept) {
		c.hold(ctx, t.name, t.unkept, nil)
	}
	unanswered := t.unkept != nil && notify.KindOf(t.unkept) == notify.Unanswered
	if what.rest != "" && (t.unkept == nil || unanswered) {
		t.shown.Rest = what.size // unanswered, it may be there: it is not sent again
	}
	t.shown.Unkept = t.unkept != nil && (t.shown.Unkept || what.rest != "")
	switch {
	case !what.record:
	case unanswered:
		t.shown.RecordSilent = c.now().UTC()
		t.shown.Recorded = !silent.IsZero() // it may be there twice: it is not sent a third time
	default:
		t.shown.Recorded = t.unkept == nil
	}
	if t.unkept == nil {
		c.pace(ctx, t.name, a, true)
	}
}

// stillSilent looks for a record that was sent and not answered. send is false where it is there, and where that is not known now.
func (c *Courier) stillSilent(ctx context.Context, r notify.Recorder, m notify.Message, t *attempt) (silent time.Time, send bool) {
	silent = t.shown.RecordSilent
	finder, can := r.(notify.Finder)
	if !can {
		return silent, true
	}
	_, there, err := finder.Find(ctx, m, notify.Sought{Since: silent, Thread: t.ref, Record: true})
	switch {
	case err != nil && !errors.Is(err, notify.ErrUnsearchable):
		t.unkept = err
		return silent, false
	case there > 0:
		t.shown.Recorded = true
		return silent, false
	case err == nil: // it is not there
		return time.Time{}, true
	}
	return silent, true
}

// grownRest reports whether what a message has no room for is to be put beside it: once, and again when it is other facts. What
// a summary counts is put there again when it is twice as much, so that a storm does not fill the thread.
func grownRest(a alert.Alert, have int, rest string) (size int, grown bool) {
	switch {
	case rest == "":
		return have, false
	case a.IsSummary():
		return a.Count, a.Count >= 2*have
	}
	size = int(crc32.ChecksumIEEE([]byte(rest))>>1) | 1
	return size, size != have
}

// maxRecord bounds the details of a record, in bytes: beside them an event has about 1,500.
const maxRecord = 6000

// recordOf is the event as indented JSON, without secrets: claims are cut to an allow-list when an event is read, what
// Azure was asked for and answered is not, and may hold passwords and keys.
func recordOf(e activity.Event) string {
	e.Properties, e.Description = redacted(e.Properties).Within(maxRecord), withoutSecrets(e.Description)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(e); err != nil {
		return "" // cannot happen: an Event is texts, times and valid JSON
	}
	return strings.TrimSpace(text.String())
}

const redaction = "[redacted]"

// redacted replaces what is named like a secret, and what looks like one.
func redacted(p activity.Properties) activity.Properties {
	var v any
	decoder := json.NewDecoder(bytes.NewReader(p))
	decoder.UseNumber()
	if len(p) == 0 || decoder.Decode(&v) != nil {
		return nil
	}
	out, err := json.Marshal(redactValue(v, false))
	if err != nil {
		return nil
	}
	return out
}

// redactValue walks v; keys says that something around it is named like keys, where "value" is one (the answer of
// listKeys: {"keys":[{"keyName":"key1","value":"…"}]}).
func redactValue(v any, keys bool) any {
	switch v := v.(type) {
	case string:
		return withoutSecrets(v)
	case []any:
		for i := range v {
			v[i] = redactValue(v[i], keys)
		}
	case map[string]any:
		for name, member := range v {
			lower := strings.ToLower(name)
			_, leaf := member.(string)
			if secretName().MatchString(lower) || leaf && keys && lower == "value" {
				v[name] = redaction
				continue
			}
			v[name] = redactValue(member, keys || keyName().MatchString(lower))
		}
	}
	return v
}

var (
	// secretName are names whose values are secrets in Azure's APIs: passwords, keys of storage and other accounts, tokens,
	// connection strings, the settings of VM extensions that are protected, and scripts given to machines.
	secretName = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`password|passwd|^pwd$|secret$|secretvalue|token$|credential|connectionstring|(account|primary|secondary|shared|access|api|private|master|host|function|storage|admin)_?keys?$|sastoken|^sas$|^sig$|signature|protectedsettings|customdata|userdata|^pfx|^key[12]$|privatekey|^cert(ificate)?data$`)
	})
	keyName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`keys?$|secrets?$|connectionstrings?$`) })
	// secretText are secrets within texts: parts of connection strings and signed addresses, bearer and JSON web tokens, PEM.
	secretText = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)\b(sig|signature|password|pwd|accountkey|sharedaccesskey|sharedsecret|client_secret|secret|access_token|token|code)=[^;&\s"',}]+`)
	})
	tokenText = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*){1,2}|(?i)\bbearer\s+[A-Za-z0-9._~+/=-]{8,}`)
	})
	pemText = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]*-----.*`) })
)

func withoutSecrets(text string) string {
	text = secretText().ReplaceAllString(text, "$1="+redaction)
	return pemText().ReplaceAllString(tokenText().ReplaceAllString(text, redaction), redaction)
}
