package notify

import (
	"errors"
	"time"
)

// Kind is what a failed delivery means for the alert and for its destination. The pipeline decides on it alone.
type Kind int

// Kinds of failure. Only Unanswered and Unconfirmed messages may have reached the channel; every other one may be sent
// again freely.
const (
	// Trouble: the far end answered that it cannot take messages now (5xx, 408, 425, a mail server's 4xx).
	Trouble Kind = iota
	// NotSent: no connection, no TLS, or a connection that broke before the last byte was written.
	NotSent
	// Throttled: the channel takes fewer messages than were sent (429). Delay says for how long to stop, if it said so.
	Throttled
	// Unanswered: the request was written whole, and no complete answer came.
	Unanswered
	// Unconfirmed: a 2xx whose content is not what the service documents, such as a proxy's sign-in page. The same
	// message is never sent again.
	Unconfirmed
	// MessageRefused: the service documents that this message is at fault (invalid_blocks, 413).
	MessageRefused
	// DestinationRefused: the service documents that the token, the address or the channel is at fault (invalid_auth).
	DestinationRefused
	// Refused: any other refusal. Whether the message or the destination is at fault is found by trying.
	Refused
)

// String names the kind, for logs and traces.
func (k Kind) String() string {
	return [...]string{"trouble", "not_sent", "throttled", "unanswered", "unconfirmed", "message_refused", "destination_refused", "refused"}[k]
}

// failure is an error with its kind.
type failure struct {
	kind  Kind
	err   error
	delay time.Duration
}

func (e *failure) Error() string { return e.err.Error() }
func (e *failure) Unwrap() error { return e.err }

// Fail gives err a kind; nil stays nil. The outermost kind counts.
func Fail(kind Kind, err error) error {
	if err == nil {
		return nil
	}
	return &failure{kind: kind, err: err}
}

// KindOf returns the kind of err. An error without one is Trouble.
func KindOf(err error) Kind {
	var f *failure
	if errors.As(err, &f) {
		return f.kind
	}
	return Trouble
}

// Permanent marks err as a refusal of the message or the destination.
func Permanent(err error) error { return Fail(Refused, err) }

// IsPermanent reports whether err is a refusal: sending the same message to the same destination again cannot help
// until one of the two changes.
func IsPermanent(err error) bool {
	kind := KindOf(err)
	return err != nil && (kind == MessageRefused || kind == DestinationRefused || kind == Refused)
}

// RetryAfter adds the delay that the channel asked for.
func RetryAfter(err error, delay time.Duration) error {
	if err == nil {
		return nil
	}
	return &failure{kind: KindOf(err), err: err, delay: delay}
}

// Delay returns the delay that err carries.
func Delay(err error) (time.Duration, bool) {
	for f := (*failure)(nil); errors.As(err, &f); err = f.err {
		if f.delay > 0 {
			return f.delay, true
		}
	}
	return 0, false
}
