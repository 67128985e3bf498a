package source

import (
	"bytes"
	"errors"
	"io"
	"iter"
)

// readBefore is how much of an input is read before its turn; what is longer is read in its turn from where that stopped.
const readBefore = 1 << 20

// AtOnce is how many inputs are read at once: a request to storage, and opening a file of a share, take some 20 ms.
const AtOnce = 24

// Ahead yields the same inputs in the same order, of which up to n are opened, and the beginning of each read, before
// their turn, but for those that are InTurn: where each takes a round trip, n of them take one. Memory is bounded by n MiB.
// An input that is yielded must be opened or the iteration ended, or it stays open.
func Ahead(inputs iter.Seq2[Input, error], n int) iter.Seq2[Input, error] {
	return func(yield func(Input, error) bool) {
		coming, stop := make(chan upcoming, n), make(chan struct{})
		go func() {
			defer close(coming)
			slots := make(chan struct{}, n)
			for in, err := range inputs {
				next := upcoming{Input: in, err: err, begun: make(chan begun, 1)}
				if next.early() {
					select {
					case slots <- struct{}{}:
					case <-stop:
						return
					}
					go func() {
						next.begun <- begin(in)
						<-slots
					}()
				}
				select {
				case coming <- next:
				case <-stop:
					next.drop()
					return
				}
			}
		}()
		defer func() {
			close(stop)
			for next := range coming {
				next.drop()
			}
		}()
		for next := range coming {
			if !yield(next.input(), next.err) {
				return
			}
		}
	}
}

// upcoming is an input that is being opened.
type upcoming struct {
	Input
	err   error
	begun chan begun
}

// begun is an opened input, whose first bytes are read.
type begun struct {
	first []byte
	rest  io.ReadCloser // nil when there is no more
	err   error
}

// early reports whether the input is opened before its turn.
func (u *upcoming) early() bool { return u.err == nil && !u.InTurn }

func begin(in Input) begun {
	r, err := in.Open()
	if err != nil {
		return begun{err: err}
	}
	var first bytes.Buffer
	_, err = io.CopyN(&first, r, readBefore)
	if errors.Is(err, io.EOF) {
		_ = r.Close() // it was only read
		return begun{first: first.Bytes()}
	}
	rest := readCloser{r, r}
	if err != nil {
		rest.Reader = failing{err}
	}
	return begun{first: first.Bytes(), rest: rest}
}

// input opens to what was read before.
func (u *upcoming) input() Input {
	if !u.early() {
		return u.Input
	}
	return Input{Name: u.Name, Version: u.Version, Open: func() (io.ReadCloser, error) {
		b := <-u.begun
		if b.err != nil {
			return nil, b.err
		}
		if b.rest == nil {
			return io.NopCloser(bytes.NewReader(b.first)), nil
		}
		return readCloser{io.MultiReader(bytes.NewReader(b.first), b.rest), b.rest}, nil
	}}
}

// drop closes an input whose turn does not come.
func (u *upcoming) drop() {
	if !u.early() {
		return
	}
	if b := <-u.begun; b.rest != nil {
		_ = b.rest.Close()
	}
}
