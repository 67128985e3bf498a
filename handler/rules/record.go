package rules

import (
	"bytes"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
	"github.com/auditbell/auditbell/handler/jsonscan"
)

// recordParts are where in a delivered item its record stands, by form: the item itself, data of Event Grid and
// CloudEvents, data.alertContext of the common alert schema and data.context.activityLog of the one before it. Azure
// writes these names; they compare without regard to case all the same.
var recordParts = []string{"", "data.", "data.alertcontext.", "data.context.activitylog."}

// claimParts are where in a record its claims stand: an object or a text that holds one.
var claimParts = []string{"claims.", "identity.claims.", "identity_d.claims.", "claims_d.", "claims.content."}

// record appends what the record as delivered has under one of the field's names; of an event without a record, what its
// details have.
func (v *values) record(e *activity.Event, path string) {
	raw := e.Record.Bytes()
	for _, name := range recordNames[path] {
		for _, part := range recordParts {
			if v.delivered(raw, part+name) {
				return
			}
		}
		if v.delivered(e.Properties, name) { // where some writer puts it among the details
			return
		}
	}
}

// claim appends a claim that the event does not keep. A list of groups is many values.
func (v *values) claim(e *activity.Event, path string) {
	raw := e.Record.Bytes()
	if len(raw) == 0 {
		return
	}
	name := strings.TrimPrefix(path, "claims.")
	for _, part := range recordParts {
		for _, claims := range claimParts {
			if v.delivered(raw, part+claims+name) {
				return
			}
		}
	}
}

// delivered follows path through the record and reports whether it led somewhere. What Azure wrote is read once: a
// record has no second reading.
func (v *values) delivered(raw []byte, path string) bool {
	if len(raw) == 0 {
		return false
	}
	before := len(v.list)
	v.first = true
	v.properties(raw[min(jsonscan.Space(raw, 0), len(raw)):], path)
	v.first, v.doubt, v.absent = false, false, false
	return v.present || len(v.list) > before
}

// roles appends what a role definition's id says however it is written: the GUID in lower case with hyphens, and the id
// that ends with it. Readers take a GUID with and without hyphens, in braces, behind a slash too many or alone.
func (v *values) roles(text string) {
	ids := guids(text)
	for n, id := range ids {
		for i, spelling := range []string{id, "/providers/microsoft.authorization/roledefinitions/" + id} {
			if n == 0 || i > 0 { // a second GUID is a reading of its own
				v.variants = append(v.variants, len(v.list)-v.from)
			}
			appendValue(v, spelling)
		}
	}
	if len(ids) > 1 {
		v.doubt = true
	}
}

// guids finds the GUIDs of the segments that name a role: those behind "roleDefinitions", else the last one.
func guids(text string) []string {
	segments := activity.Segments(text)
	var named []string
	for i, s := range segments {
		if i > 0 && strings.TrimSpace(segments[i-1]) == "roledefinitions" {
			named = append(named, s)
		}
	}
	if len(named) == 0 && len(segments) > 0 {
		named = segments[len(segments)-1:]
	}
	var ids []string
	for _, s := range named {
		if id, ok := guid(s); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// guid reads one in any of the notations that readers take (.NET Guid.Parse: N, D, B, P and X).
func guid(s string) (string, bool) {
	s = strings.ReplaceAll(s, "0x", "")
	digits := make([]byte, 0, 32)
	for _, c := range []byte(s) {
		switch {
		case '0' <= c && c <= '9' || 'a' <= c && c <= 'f':
			digits = append(digits, c)
		case bytes.IndexByte([]byte("-{}(),. \t\r\n"), c) < 0:
			return "", false
		}
	}
	if len(digits) != 32 {
		return "", false
	}
	d := string(digits)
	return strings.Join([]string{d[:8], d[8:12], d[12:16], d[16:20], d[20:]}, "-"), true
}
