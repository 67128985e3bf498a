package tlog

import (
	"bytes"
	"slices"
	"testing"
)

// FuzzTexts holds that each text of the log has one spelling: what is read is written again as it was.
func FuzzTexts(f *testing.F) {
	s := signer(f, "auditbell.example/log", 1)
	list := recordsOf(3)
	entry := list.Entry(noonHour, 1, WhyClosed)
	note := Sign(Checkpoint{s.Key.Name, Head{1, LeafHash(entry.Entry())}}.Text(), s)
	rotation, err := RotationEntry(s, signer(f, "auditbell.example/log", 2))
	if err != nil {
		f.Fatal(err)
	}
	record, err := list.Prove(entry, list[1].ID)
	if err != nil {
		f.Fatal(err)
	}
	recordProof, err := record.Text()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{
		recordProof, entry.Entry(), list.Text(), note, rotation, append(bytes.Clone(note), "— another.example/w AAAAAAAA\n"...), Proof{Extra: []byte("x"), Hashes: []Hash{{1}}, Note: note}.Text(), Growth{1, []Hash{{2}}, note}.Text(),
		[]byte(s.Key.String()), joinEntries([][]byte{note, rotation}),
		{},
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		same := func(what string, err error, again []byte) {
			if err == nil && !bytes.Equal(again, text) {
				t.Errorf("%s: %q is written again as %q", what, text, again)
			}
		}
		h, err := ParseHour(text)
		same("hour", err, h.Entry())
		l, err := ParseRecords(text)
		same("records", err, l.Text())
		p, err := ParseProof(text)
		same("proof", err, p.Text())
		g, err := ParseGrowth(text)
		same("growth", err, g.Text())
		if r, err := ParseRecordProof(text); err == nil {
			if hour, was, err := r.Check(); err == nil && hour == entry && was != nil && !slices.Contains(list, *was) {
				t.Errorf("record %v is believed to be in the hour", was)
			}
		}
		e, err := splitEntries(text)
		same("entries", err, joinEntries(e))
		if from, to, err := ParseRotation(text); err == nil && (!from.Equal(s.Key) || to.Equal(from)) {
			t.Errorf("a rotation from %s to %s is believed", from, to)
		}
		// A line of a key that is not known is ignored, so only the text that was signed need be the same.
		if body, found, err := OpenNote(text, s.Key); err == nil && len(found) > 0 && !bytes.HasPrefix(note, []byte(body+"\n")) && !bytes.HasPrefix(rotation, []byte(body+"\n")) {
			t.Errorf("%q is signed", text)
		}
		_, _ = PeekCheckpoint(text)
		_ = Unknown(text, s.Key)
	})
}
