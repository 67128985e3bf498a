package cosmos

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Options say where a Server keeps its items and what it takes for the time. The zero value is usable.
type Options struct {
	// Dir is a folder for one SQLite file; it is made if need be. Whatever was answered is in the file, also after
	// kill -9. Empty means in memory.
	Dir string
	// Now is the clock for _ts, time to live and GetCurrentTimestamp; nil means time.Now.
	Now func() time.Time
	// Key is the account key (base64) that requests must be signed with; empty accepts every request. Microsoft
	// Entra tokens are always accepted.
	Key string
}

// Server is one Cosmos DB account. It is safe for concurrent use.
type Server struct {
	store   *store
	catalog catalog
	faults  faults
	now     func() time.Time
	key     []byte
	calls   atomic.Uint64 // numbers activity ids
	read    documents
}

var _ http.Handler = (*Server)(nil)

// Open starts a server on new or existing data.
func Open(ctx context.Context, o Options) (*Server, error) {
	s := &Server{now: o.Now}
	if s.now == nil {
		s.now = time.Now
	}
	if o.Key != "" {
		key, err := base64.StdEncoding.DecodeString(o.Key)
		if err != nil {
			return nil, fmt.Errorf("decode account key: %w", err)
		}
		s.key = key
	}
	if o.Dir != "" {
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("make data folder: %w", err)
		}
	}
	st, err := openStore(ctx, o.Dir, sweeper{now: s.now, tables: s.catalog.tables})
	if err != nil {
		return nil, err
	}
	s.store = st
	if err := s.catalog.load(ctx, st); err != nil {
		return nil, errors.Join(err, st.close())
	}
	return s, nil
}

// Close finishes what was begun and closes the file. Later requests fail.
func (s *Server) Close() error { return s.store.close() }

// ServeHTTP serves the protocol on a port. It is meant for loopback.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := s.serve(r)
	if err != nil {
		// The connection breaks without an answer: a fault asks for that, or the client has gone.
		panic(http.ErrAbortHandler)
	}
	w.Header()["Date"] = s.date()
	out.fill(w.Header(), s.activityID(r))
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body) // a client that has gone misses its answer, as everywhere
}

// Do serves one request in process, which makes a Server an azcore policy.Transporter. A broken connection is the
// error that http.Client would return.
func (s *Server) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	out, err := s.serve(r)
	if err != nil {
		return nil, &url.Error{Op: r.Method, URL: r.URL.Redacted(), Err: err}
	}
	h := make(http.Header, 8)
	h["Date"] = s.date()
	out.fill(h, s.activityID(r))
	return &http.Response{
		Status:        statusLine(out.status),
		StatusCode:    out.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        h,
		Body:          io.NopCloser(bytes.NewReader(out.body)),
		ContentLength: int64(len(out.body)),
		Request:       r,
	}, nil
}

// date is the Date header: the stand-in's clock, also where that is not the machine's. Clients may take the account's
// time from it.
func (s *Server) date() []string { return []string{s.now().UTC().Format(http.TimeFormat)} }

// activityID names a request in the answer: the client's own id, if it sent one.
func (s *Server) activityID(r *http.Request) string {
	if id := r.Header["X-Ms-Activity-Id"]; len(id) > 0 {
		return id[0]
	}
	return "00000000-0000-0000-0000-" + fmt.Sprintf("%012x", s.calls.Add(1))
}

// serve answers one request, faults included. An error means that the connection breaks.
func (s *Server) serve(r *http.Request) (reply, error) {
	fault := s.faults.match(r)
	if err := fault.wait(r.Context()); err != nil {
		return reply{}, err
	}
	if out, done, err := fault.instead(); done {
		return out, err
	}
	out, err := s.answer(r, fault.DiskFull)
	if err != nil {
		if ctx := r.Context().Err(); ctx != nil {
			return reply{}, ctx
		}
		if errors.Is(err, errClosed) {
			return reply{}, err
		}
		out = replyTo(err)
	}
	return fault.after(out)
}

// operation is what one method on one kind of resource does.
type operation func(*Server, context.Context, call) (reply, error)

// operations is the whole surface. A method that is missing here is answered 405.
var operations = map[resource]map[string]operation{
	resourceAccount:    {http.MethodGet: (*Server).readAccount},
	resourceDatabases:  {http.MethodGet: (*Server).listDatabases, http.MethodPost: (*Server).postDatabases},
	resourceDatabase:   {http.MethodGet: (*Server).readDatabase, http.MethodDelete: (*Server).deleteDatabase},
	resourceContainers: {http.MethodGet: (*Server).listContainers, http.MethodPost: (*Server).postContainers},
	resourceContainer: {
		http.MethodGet: (*Server).readContainer, http.MethodPut: (*Server).replaceContainer,
		http.MethodDelete: (*Server).deleteContainer,
	},
	resourceRanges:    {http.MethodGet: (*Server).listRanges},
	resourceOffers:    {http.MethodGet: (*Server).listOffers, http.MethodPost: (*Server).listOffers},
	resourceOffer:     {http.MethodGet: (*Server).readOffer, http.MethodPut: (*Server).replaceOffer},
	resourceDocuments: {http.MethodGet: (*Server).readFeed, http.MethodPost: (*Server).postDocuments},
	resourceDocument: {
		http.MethodGet: (*Server).readDocument, http.MethodPut: (*Server).replaceDocument,
		http.MethodPatch: (*Server).patchDocument, http.MethodDelete: (*Server).deleteDocument,
	},
}

// answer does the work of one request: route, authorization, options, body, operation, in the order in which the
// service would refuse.
func (s *Server) answer(r *http.Request, diskFull bool) (reply, error) {
	to, ok := parseRoute(r.URL)
	if !ok {
		return reply{}, &problem{status: http.StatusNotFound, message: "The requested path is not served."}
	}
	if err := authorize(r, to, s.key); err != nil {
		return reply{}, err
	}
	if err := unserved(r.Header); err != nil {
		return reply{}, err
	}
	body, err := readBody(r)
	if err != nil {
		return reply{}, err
	}
	do := operations[to.kind][r.Method]
	if do == nil {
		return reply{}, &problem{status: http.StatusMethodNotAllowed, message: "This method is not served here."}
	}
	return do(s, r.Context(), call{Request: r, route: to, body: body, diskFull: diskFull})
}

// postDatabases creates or queries: a POST to a feed means either, and a header says which.
func (s *Server) postDatabases(ctx context.Context, in call) (reply, error) {
	if in.isQuery() {
		return s.listDatabases(ctx, in)
	}
	return s.createDatabase(ctx, in)
}

// postContainers creates or queries.
func (s *Server) postContainers(ctx context.Context, in call) (reply, error) {
	if in.isQuery() {
		return s.listContainers(ctx, in)
	}
	return s.createContainer(ctx, in)
}

// postDocuments creates, upserts, queries or runs a batch.
func (s *Server) postDocuments(ctx context.Context, in call) (reply, error) {
	switch {
	case in.isQuery():
		return s.queryDocuments(ctx, in)
	case in.says("X-Ms-Cosmos-Is-Batch-Request"):
		return s.executeBatch(ctx, in)
	}
	return s.createDocument(ctx, in)
}

// write runs f in the writing goroutine and waits for the commit.
func (s *Server) write(ctx context.Context, in call, f func(*session) error) error {
	return s.store.write(ctx, in.unlessFull(f))
}

// unlessFull is a job that a full disk fails after its work.
func (in call) unlessFull(f func(*session) error) func(*session) error {
	return func(w *session) error {
		if err := f(w); err != nil || !in.diskFull {
			return err
		}
		return errDiskFull
	}
}

// change is write for the catalog. It does not give up when the caller does, because what is shown afterwards must
// be what was committed.
func (s *Server) change(ctx context.Context, in call, f func(*session) error) error {
	return s.store.perform(context.WithoutCancel(ctx), &job{run: in.unlessFull(f), catalog: true, done: make(chan struct{})})
}

// Session tokens are "0:-1#lsn": partition key range, a version that says so, and the sequence number.
const sessionPrefix = "0:-1#"

// checkSession refuses to read for a session that has seen a later write than there is, which happens when a token
// outlives the data it came from.
func (s *Server) checkSession(in call) error {
	token := in.header("X-Ms-Session-Token")
	if token == "" {
		return nil
	}
	number, _ := strings.CutPrefix(token, sessionPrefix)
	lsn, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return badRequest("The session token provided '" + token + "' is invalid.")
	}
	if lsn > s.store.newest.Load() {
		return &problem{
			status: http.StatusNotFound, substatus: substatusSessionNotThere,
			message: "The read session is not available for the input session token.",
		}
	}
	return nil
}
