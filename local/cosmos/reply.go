package cosmos

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// reply is an answer before it is either written to a socket or wrapped into an http.Response.
type reply struct {
	status       int
	substatus    int     // says more about some statuses; 0: no header
	body         []byte  // JSON, or nothing
	etag         string  // in its quotes, as the header has it
	charge       float64 // request units
	lsn          int64   // of the write, or the newest one a read can have seen; 0: metadata, no session
	continuation string  // empty on the last page
	isFeed       bool
	count        int // items in a feed
	retryAfterMS int64
}

// problem is an error that the wire protocol has an answer for.
type problem struct {
	status    int
	substatus int
	message   string  // for people; the service's own wording where it is known
	charge    float64 // refusals cost, too
}

// Error is what Provision's callers and tests see.
func (p *problem) Error() string {
	return fmt.Sprintf("%d/%d: %s", p.status, p.substatus, p.message)
}

// Substatus codes are those of
// github.com/Azure/azure-sdk-for-java/blob/main/sdk/cosmos/azure-cosmos/docs/StatusCodes.md.
const (
	substatusKeyMismatch     = 1001 // 400: partition key of the header and of the document differ
	substatusSessionNotThere = 1002 // 404: this session token is from the future
	substatusRangeGone       = 1002 // 410: no such partition key range
	substatusOwnerNotFound   = 1003 // 404: the database or container does not exist
	substatusNotServable     = 1004 // 400: cross-partition query that the gateway cannot answer

	statusRetryWith = 449 // "Retry With": concurrent writers met on one item
)

// Charges for requests that did nothing are not in the published formula. A 409 create was seen to cost 1.24
// (benperk/AzureFunctionConsumer issue 1); the others are put at the cheapest point read.
const (
	refusedCharge = 1.24
	missCharge    = 1.0
)

// badRequest is the answer to everything that is wrong with a request, and to everything that is not served.
func badRequest(message string) error {
	return &problem{status: http.StatusBadRequest, message: message, charge: missCharge}
}

// notFound is the answer when the thing asked for is not there; ownerNotFound when what it would be in is not.
func notFound() error {
	return &problem{
		status: http.StatusNotFound, charge: missCharge,
		message: "Entity with the specified id does not exist in the system.",
	}
}

func ownerNotFound() error {
	return &problem{
		status: http.StatusNotFound, substatus: substatusOwnerNotFound,
		message: "Owner resource does not exist.",
	}
}

// conflict is the answer to a create of what is there already, and to a second owner of a unique key.
func conflict(message string) error {
	return &problem{status: http.StatusConflict, message: message, charge: refusedCharge}
}

// preconditionFailed is the answer to a stale ETag.
func preconditionFailed() error {
	return &problem{
		status: http.StatusPreconditionFailed, charge: refusedCharge,
		message: "Operation cannot be performed because one of the specified precondition is not met.",
	}
}

// tooLarge is the answer beyond 2 MB.
func tooLarge() error {
	return &problem{status: http.StatusRequestEntityTooLarge, message: "Request size is too large."}
}

// replyTo turns an error into the answer the service would give. What is not a problem is a fault of the stand-in
// or of its disk; it answers 503, the service's own word for "not stored, try again".
func replyTo(err error) reply {
	var p *problem
	if !errors.As(err, &p) {
		p = &problem{status: http.StatusServiceUnavailable, message: "The stand-in could not do this: " + err.Error()}
	}
	body := value{kind: object}.
		with("code", textOf(errorCode(p.status))).
		with("message", textOf(p.message))
	return reply{status: p.status, substatus: p.substatus, charge: p.charge, body: appendJSON(nil, body)}
}

// errorCode is the "code" of an error body.
func errorCode(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "BadRequest"
	case http.StatusNotFound:
		return "NotFound"
	case http.StatusPreconditionFailed:
		return "PreconditionFailed"
	case http.StatusRequestEntityTooLarge:
		return "RequestEntityTooLarge"
	case http.StatusServiceUnavailable:
		return "ServiceUnavailable"
	case http.StatusTooManyRequests:
		return "TooManyRequests"
	case statusRetryWith:
		return "RetryWith"
	}
	return http.StatusText(status)
}

// fill puts the reply's headers into h. The names are in canonical form already, which keeps a reply cheap.
func (r reply) fill(h http.Header, activityID string) {
	set := func(name, v string) { h[name] = []string{v} }
	if len(r.body) > 0 {
		set("Content-Type", "application/json")
	}
	set("X-Ms-Activity-Id", activityID)
	set("X-Ms-Request-Charge", strconv.FormatFloat(r.charge, 'f', 2, 64))
	set("X-Ms-Version", "2020-11-05")
	if r.lsn > 0 {
		lsn := strconv.FormatInt(r.lsn, 10)
		set("Lsn", lsn)
		set("X-Ms-Session-Token", sessionPrefix+lsn)
	}
	if r.etag != "" {
		set("Etag", r.etag)
	}
	if r.isFeed {
		set("X-Ms-Item-Count", strconv.Itoa(r.count))
	}
	if r.continuation != "" {
		set("X-Ms-Continuation", r.continuation)
	}
	if r.substatus != 0 {
		set("X-Ms-Substatus", strconv.Itoa(r.substatus))
	}
	if r.retryAfterMS > 0 {
		set("X-Ms-Retry-After-Ms", strconv.FormatInt(r.retryAfterMS, 10))
	}
}

// statusLine is the text after "HTTP/1.1"; azcosmos shows it as the error code.
func statusLine(status int) string {
	if status == statusRetryWith {
		return "449 Retry With"
	}
	return strconv.Itoa(status) + " " + http.StatusText(status)
}
