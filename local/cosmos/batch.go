package cosmos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// A transactional batch on the wire, as azcosmos v1.5.0 writes it:
//
//	POST /dbs/d/colls/c/docs
//	x-ms-cosmos-is-batch-request: True
//	x-ms-documentdb-partitionkey: ["g"]
//
//	[{"operationType": "Create", "resourceBody": {...}},
//	 {"operationType": "Patch", "id": "a", "ifMatch": "\"...\"", "resourceBody": {"operations": [...]}},
//	 {"operationType": "Delete", "id": "b"}]
//
// and its answer, 200 or 207:
//
//	[{"statusCode": 201, "eTag": "\"...\"", "requestCharge": 5.95, "resourceBody": {...}}, ...]
//
// A failed batch is no error for azcosmos: the caller has to look at Success.

// executeBatch runs a transactional batch (learn.microsoft.com/azure/cosmos-db/transactional-batch): up to 100
// operations on one partition key, in order, all or none. Success is 200 with one result per operation. Failure is
// 207: the operation that failed has its own status, all others 424.
func (s *Server) executeBatch(ctx context.Context, in call) (reply, error) {
	t, err := s.target(in)
	if err != nil {
		return reply{}, err
	}
	if atomic := in.header("X-Ms-Cosmos-Batch-Atomic"); atomic != "" && !in.says("X-Ms-Cosmos-Batch-Atomic") {
		return reply{}, badRequest("Only atomic batches are served.")
	}
	v, err := decodeJSON(string(in.body))
	if err != nil {
		return reply{}, err
	}
	if v.kind != array || len(v.items) == 0 || len(v.items) > maxBatchOps {
		return reply{}, badRequest("A batch has between 1 and 100 operations.")
	}
	b := batch{wantsBody: in.wantsBody()}
	for _, item := range v.items {
		op, err := s.batchStep(t, item)
		if err != nil {
			return reply{}, err
		}
		b.ops = append(b.ops, op)
	}
	err = s.write(ctx, in, func(w *session) error { return b.run(w, s.now) })
	var failed *batchFailure
	if errors.As(err, &failed) {
		return b.rolledBack(failed), nil
	}
	if err != nil {
		return reply{}, err
	}
	return b.committed(), nil
}

// batch is a batch that has been read and, after run, its results.
type batch struct {
	ops       []batchOp
	results   []outcome
	wantsBody bool // of written items
}

// batchOp is one operation. problem is set when the operation itself is wrong, which makes the batch fail at it.
type batchOp struct {
	do      step
	problem error
	reads   bool // its body is always answered
}

// batchFailure says which operation ended a batch.
type batchFailure struct {
	at    int
	cause *problem
}

// Error is for logs of tests; clients get the 207 that rolledBack makes.
func (f *batchFailure) Error() string { return fmt.Sprintf("batch operation %d: %v", f.at, f.cause) }

// batchStep reads {operationType, id, ifMatch, resourceBody}.
func (s *Server) batchStep(t target, v value) (batchOp, error) {
	id, ifMatch, body := v.member("id").str, v.member("ifMatch").str, v.member("resourceBody")
	switch kind := v.member("operationType").str; kind {
	case "Read":
		return batchOp{do: s.readStep(t, id), reads: true}, nil
	case "Delete":
		return batchOp{do: s.remove(t, id, ifMatch)}, nil
	case "Patch":
		p, err := t.newPatch(body, s.now())
		return batchOp{do: s.patch(t, id, p, ifMatch), problem: err}, nil
	case "Create", "Upsert", "Replace":
		d, err := t.newDraft(body, t.pk)
		if err != nil {
			return batchOp{problem: err}, nil
		}
		if kind == "Create" {
			return batchOp{do: s.create(t, d)}, nil
		}
		if kind == "Upsert" {
			return batchOp{do: s.upsert(t, d, ifMatch)}, nil
		}
		return batchOp{do: s.replace(t, id, d, ifMatch)}, nil
	default:
		return batchOp{}, badRequest(fmt.Sprintf("Batch operation type %q is not supported.", kind))
	}
}

// readStep is a point read inside a batch; it sees what the operations before it did.
func (s *Server) readStep(t target, id string) step {
	return func(w *session, now int64) (outcome, error) {
		r, err := t.existing(w, id, now, "")
		if err != nil {
			return outcome{}, err
		}
		return outcome{status: http.StatusOK, etag: t.etagOf(r), body: r.body, charge: readCharge(len(r.body))}, nil
	}
}

// run applies the operations in order and stops at the first that fails. Returning an error undoes all of them: the
// writing goroutine rolls the savepoint back. Errors without an answer of their own, such as a broken disk, pass
// through and fail the request as a whole.
func (b *batch) run(w *session, now func() time.Time) error {
	for i, op := range b.ops {
		err := op.problem
		var out outcome
		if err == nil {
			out, err = op.do(w, now().Unix())
		}
		var cause *problem
		if errors.As(err, &cause) {
			return &batchFailure{at: i, cause: cause}
		}
		if err != nil {
			return err
		}
		b.results = append(b.results, out)
	}
	return nil
}

// committed is the answer to a batch that went through: 200, one result per operation, charges added up.
func (b *batch) committed() reply {
	out := reply{status: http.StatusOK}
	list := value{kind: array}
	for i, r := range b.results {
		result := value{kind: object}.
			with("statusCode", numberOf(float64(r.status))).
			with("requestCharge", numberOf(r.charge))
		if r.etag != "" {
			result = result.with("eTag", textOf(r.etag))
		}
		if r.body != "" && (b.wantsBody || b.ops[i].reads) {
			result = result.with("resourceBody", value{kind: raw, str: r.body})
		}
		list.items = append(list.items, result)
		out.charge += r.charge
		out.lsn = max(out.lsn, r.lsn)
	}
	out.body = appendJSON(nil, list)
	return out
}

// rolledBack is the answer to a batch of which nothing remains: 207, one operation with its reason, 424 for the rest,
// also for those before it. The charge of a failed batch is not published; it is put at that of a refused create.
func (b *batch) rolledBack(f *batchFailure) reply {
	list := value{kind: array}
	for i := range b.ops {
		result := value{kind: object}.with("statusCode", numberOf(http.StatusFailedDependency)).with("requestCharge", numberOf(0))
		if i == f.at {
			result = value{kind: object}.
				with("statusCode", numberOf(float64(f.cause.status))).
				with("subStatusCode", numberOf(float64(f.cause.substatus))).
				with("requestCharge", numberOf(f.cause.charge))
		}
		list.items = append(list.items, result)
	}
	return reply{status: http.StatusMultiStatus, body: appendJSON(nil, list), charge: refusedCharge}
}
