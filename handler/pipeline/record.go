package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/alert"
	"github.com/auditbell/auditbell/handler/notify"
)

// keep puts the whole record beside the message, once: the message is told first, and a record that cannot be put there is
// no reason to tell it again. It uses a message of the channel's budget, of the upper half only: in a storm the rest is for
// alerts. A record that found no room waits for the alert's next change.
func (c *Courier) keep(ctx context.Context, r notify.Recorder, a alert.Alert, m notify.Message, t *attempt) {
	ours := a.IsSummary() || strings.HasPrefix(a.Rule.ID, alert.WatchRule)
	if t.shown.Recorded || ours || c.room(ctx, t.name) < burst/2 {
		return
	}
	silent := t.shown.RecordSilent
	if finder, can := r.(notify.Finder); can && !silent.IsZero() {
		_, there, err := finder.Find(ctx, m, notify.Sought{Since: silent, Thread: t.ref, Record: true})
		switch {
		case err != nil && !errors.Is(err, notify.ErrUnsearchable):
			t.unkept = err
			return
		case there > 0:
			t.shown.Recorded = true
			return
		case err == nil: // it is not there
			silent = time.Time{}
		}
	}
	t.shown.Recorded, t.unkept = r.Record(ctx, m, t.ref, func() string { return recordOf(a.Event) })
	if t.unkept != nil && notify.KindOf(t.unkept) == notify.Unanswered {
		t.shown.RecordSilent = c.now().UTC()
		t.shown.Recorded = !silent.IsZero() // it may be there twice: it is not sent a third time
	}
	if t.shown.Recorded {
		c.pace(ctx, t.name, a, true)
	}
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
