package verify_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/auditbell/auditbell/handler/tlog"
	"github.com/auditbell/auditbell/handler/verify"
)

// recorded are records of an hour, each "id" or "id=content", as they are given: in no order, and one twice if need be.
func recorded(t *testing.T, list ...string) (all tlog.Records) {
	t.Helper()
	var reader tlog.RecordReader
	for _, one := range list {
		id, content, _ := strings.Cut(one, "=")
		r, err := reader.Read(fmt.Appendf(nil, `{"id":%q,"operation":%q}`, id, content))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// versions logs versions of an hour, puts their lists beside the log, and returns its folder and the proof of a record of the last.
func (l *lab) versions(id string, lists ...tlog.Records) (folder string, proof []byte) {
	l.t.Helper()
	leaves := l.leaves
	var last tlog.HourEntry
	for i, list := range lists {
		last = list.Entry(made(7), i+1, map[bool]string{true: tlog.WhyClosed, false: tlog.WhyLate}[i == 0])
		leaves = append(leaves[:len(leaves):len(leaves)], last.Entry())
	}
	folder = l.logged(leaves)
	for i, list := range lists {
		if err := shelf(folder).Put(l.t.Context(), tlog.RecordsPath(last.Hour, i+1), "", list.Text()); err != nil {
			l.t.Fatal(err)
		}
	}
	inner, err := lists[len(lists)-1].Prove(last, id)
	if err != nil {
		l.t.Fatal(err)
	}
	extra, err := inner.Text()
	if err != nil {
		l.t.Fatal(err)
	}
	size := uint64(len(leaves))
	hashes, err := tlog.Inclusion(tree(leaves), size-1, size)
	if err != nil {
		l.t.Fatal(err)
	}
	return folder, tlog.Proof{Extra: extra, Index: size - 1, Hashes: hashes, Note: note(leaves, l.log)}.Text()
}

// TestAProofAloneExcludesNoTwin holds what is said of a record by its proof alone, and with the list of its hour. A party that logs a
// list which is not sorted, or has an id twice, can prove either record, and absence too: the proof alone does not show it.
func TestAProofAloneExcludesNoTwin(t *testing.T) {
	t.Parallel()
	const open, whole = "That our record of 2026-08-02T07Z is sorted and has no second record of that id", "is sorted and has no id twice: its list was read whole"
	for _, c := range []struct {
		name, id string
		lists    []tlog.Records
		wrong    string // with a copy of the log
	}{
		{"there", "b", []tlog.Records{recorded(t, "a", "b", "c")}, ""},
		{"not there", "bb", []tlog.Records{recorded(t, "a", "b", "c")}, ""},
		{"a record that came late", "b", []tlog.Records{recorded(t, "b", "c"), recorded(t, "a", "b", "c")}, ""},
		{"a twin", "b", []tlog.Records{recorded(t, "a", "b=1", "b=2", "c")}, "line 3 is not in its place, or has the id of the one before"},
		{"a twin far away", "b", []tlog.Records{recorded(t, "a", "b=1", "c", "b=2")}, "line 4 is not in its place"},
		{"an absence that is none", "b", []tlog.Records{recorded(t, "a", "c", "b")}, "line 3 is not in its place"},
		{"another record in a later version", "b", []tlog.Records{recorded(t, "a", "b=1"), recorded(t, "a", "b=2", "c")}, "was rewritten: record b is another one in version 2"},
		{"none in a later version", "b", []tlog.Records{recorded(t, "a", "b=1"), recorded(t, "a", "c")}, "was rewritten: version 2 lacks record b of the one before"},
	} {
		l := newLab(t)
		folder, proof := l.versions(c.id, c.lists...)
		q, err := verify.ProvenRecord(t.Context(), nil, proof)
		if err != nil {
			t.Fatal(err)
		}
		r := l.verify(l.trust(""))
		if r.Add(verify.CheckRecord(q, l.trust(""))); !r.OK || !strings.Contains(strings.Join(r.NotProven, "\n"), open) || strings.Contains(strings.Join(r.Proven, "\n"), whole) {
			t.Errorf("%s: by its proof alone\n%s\nproven: %v\nnot proven: %v", c.name, wrong(r), r.Proven, r.NotProven)
		}
		q, err = verify.ProvenRecord(t.Context(), os.DirFS(folder), proof)
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%s: with a copy of the log %v, want %q", c.name, err, c.wrong)
			}
			continue
		}
		r = l.verify(l.trust(""))
		if r.Add(verify.CheckRecord(q, l.trust(""))); err != nil || !r.OK || !strings.Contains(strings.Join(r.Proven, "\n"), whole) || strings.Contains(strings.Join(r.NotProven, "\n"), open) {
			t.Errorf("%s: with a copy of the log %v\n%s\nproven: %v", c.name, err, wrong(r), r.Proven)
		}
	}
	l := newLab(t)
	_, proof := l.versions("b", recorded(t, "a", "b"))
	other, _ := l.versions("b", recorded(t, "a", "b=other"))
	if _, err := verify.ProvenRecord(t.Context(), os.DirFS(other), proof); err == nil || !strings.Contains(err.Error(), "the copy of the log has no version 1 of 2026-08-02T07:00:00Z like that of the proof") {
		t.Errorf("with a copy of another log: %v", err)
	}
}
