package verify

import (
	"errors"
	"fmt"

	"github.com/auditbell/auditbell/handler/tlog"
)

// Record is what the log has of one record.
type Record struct {
	ID      string     `json:"id"`
	Hour    string     `json:"hour"`
	Version int        `json:"version"`
	Records int        `json:"records"` // of that hour
	Present bool       `json:"present"`
	Sum     *tlog.Hash `json:"sha256,omitempty"` // of the record's canonical form
	Log     *Logged    `json:"log,omitempty"`
	Checks  []Check    `json:"checks"`

	searched int  // hours, when none has it
	whole    bool // the list of its hour was read whole
}

// OK reports whether everything that was looked at is as it should be.
func (r *Record) OK() bool {
	for _, c := range r.Checks {
		if !c.OK {
			return false
		}
	}
	return true
}

// Add takes in what was found of a record.
func (r *Result) Add(record *Record) {
	r.Record = record
	r.OK = r.OK && record.OK()
	r.Proven, r.NotProven = say(r)
}

// Question asks what the log has of a record.
type Question struct {
	Proof    []byte // a tlog-proof of its hour's entry, with the way from the record to the hour's root as extra data
	Have     []byte // the record's JSON, nil when the reader has it not
	Searched int    // hours of which none has the record; 0 when only the proof's was looked at
	Whole    bool   // the list of the proof's hour was read whole: it is sorted, and has no id twice
}

// CheckRecord answers a question.
func CheckRecord(q Question, t Trust) *Record {
	r := &Record{}
	err := r.read(q.Proof, t)
	detail := ""
	switch {
	case err != nil:
	case r.Present:
		detail = fmt.Sprintf("is in our record of %s, one of %d", r.Hour, r.Records)
	case q.Searched > 0:
		detail = fmt.Sprintf("is in none of the %d hours of the period that the log has; that does not say that it did not happen", q.Searched)
	default:
		detail = fmt.Sprintf("is not in our record of %s, which has %d others; that does not say that it did not happen", r.Hour, r.Records)
	}
	r.searched, r.whole = q.Searched, q.Whole
	r.Checks = append(r.Checks, check("record "+printable(r.ID), err, detail))
	if err == nil && q.Have != nil {
		r.Checks = append(r.Checks, check("content of the record", r.compare(q.Have), "is what it was when it was logged"))
	}
	return r
}

// parseRecordProof reads the proof of a record.
func parseRecordProof(proof []byte) (p tlog.Proof, inner tlog.RecordProof, err error) {
	if p, err = tlog.ParseProof(proof); err == nil {
		inner, err = tlog.ParseRecordProof(p.Extra)
	}
	return p, inner, err
}

func (r *Record) read(proof []byte, t Trust) error {
	p, inner, err := parseRecordProof(proof)
	if err != nil {
		return err
	}
	r.ID = inner.ID
	hour, was, err := inner.Check()
	if err != nil {
		return err
	}
	r.Hour, r.Version, r.Records = hour.Hour.Format("2006-01-02T15Z"), hour.Version, hour.Records
	if was != nil {
		r.Present, r.Sum = true, &was.Sum
	}
	p.Extra = nil // it was the record's, and no history of the log's key
	r.Log, err = checkProof(p, []byte(inner.Entry), t)
	return err
}

// compare holds a record that the reader has against what was logged.
func (r *Record) compare(have []byte) error {
	var reader tlog.RecordReader
	got, err := reader.Read(have)
	switch {
	case err != nil:
		return err
	case got.ID != r.ID:
		return fmt.Errorf("the record that you gave is %s", got.ID)
	case !r.Present:
		return errors.New("was invented: there was no such record when the hour was logged")
	case got.Sum != *r.Sum:
		return fmt.Errorf("was altered: its SHA-256 is %s, when it was logged it was %s", got.Sum, *r.Sum)
	}
	return nil
}
