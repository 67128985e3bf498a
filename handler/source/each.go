package source

import (
	"context"
	"iter"
)

// Each is a Source over whatever a Finder finds in a window: every event, read in full. It is for sources that cannot
// count for themselves.
type Each struct {
	Finder
	Window Window
}

var _ Source = Each{}

// Entries implements Source.
func (s Each) Entries(ctx context.Context, v *Vocabulary) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		for found, err := range s.Find(ctx, Filter{Window: s.Window}) {
			if err != nil {
				yield(nil, err)
				return
			}
			b := &Batch{Name: found.Name, Bytes: found.Bytes, Unreadable: found.Unreadable}
			for i := range found.Events {
				b.Entries = append(b.Entries, v.Entry(&found.Events[i]))
			}
			if !yield(b, nil) {
				return
			}
		}
	}
}
