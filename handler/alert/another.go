package alert

import (
	"errors"
	"strings"

	"github.com/auditbell/auditbell/handler/activity"
)

// ErrAnother is what a store answers to a record whose id it has from another one.
var ErrAnother = errors.New("another record has its id")

// SameRecord reports whether two records of one id may be one record, delivered twice: the same caller, from the same address, and
// with the same request. Redeliveries agree in all of that. Bodies are compared as far as stores give them back as they
// were: texts that are whole.
func SameRecord(a, b *activity.Event) bool {
	x, y := recordMarks(a), recordMarks(b)
	return !x.differs(&y)
}

// AnotherID is an id for a record whose own is another record's.
func AnotherID(e *activity.Event) string {
	m := recordMarks(e)
	return hash("another", e.ID, m.Caller, m.Object, m.App, m.Address, m.Client, m.Body)
}

func recordMarks(e *activity.Event) Marks {
	m := marksOf(e)
	m.Body = ""
	if body := e.Properties.Value("requestbody"); len(body) > 0 && body[0] == '"' {
		if text := e.Properties.Text("requestbody"); !strings.HasSuffix(text, "…") {
			m.Body = hash(text)
		}
	}
	return m
}
