package cosmos

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// Writes and reads of the file.
//
//	requests ──jobs──▶ work: BEGIN, SAVEPOINT job RELEASE, ..., COMMIT ──▶ answers
//	requests ──▶ a reading connection ──▶ answers
//
// With a folder, SQLite runs in WAL mode with synchronous=FULL: a commit is in the log and flushed before anybody hears
// of it, and readers go on from the last commit meanwhile. A process that is killed leaves the log behind, and the next
// one finds everything in it.

// fileName is the one file in Options.Dir (SQLite keeps its write-ahead log beside it).
const fileName = "cosmos.sqlite"

// errClosed answers whoever still asks after Close.
var errClosed = errors.New("cosmos stand-in is closed")

// errDiskFull is the injected fault; SQLite's own SQLITE_FULL takes the same way out.
var errDiskFull = errors.New("database or disk is full (injected)")

// store owns the SQLite connections: one that writes, and those that read.
type store struct {
	db      *sql.DB
	jobs    chan *job
	writer  *session
	readers chan *session // taken to read, put back after; in memory its only element is the writer's session
	shared  bool          // in memory: one session for everything

	closing sync.RWMutex // held for reading while a job is handed over
	closed  bool
	done    chan struct{}

	lsn      int64        // next write's sequence number; the writing goroutine owns it
	reserved int64        // sequence numbers below this one are on disk as used
	newest   atomic.Int64 // last committed sequence number, for session tokens
	sweeper  sweeper
}

// job is one atomic unit of writing. run's error undoes what run did and is what the caller gets.
type job struct {
	run     func(*session) error
	catalog bool // it changes databases, containers or offers, which are in SQLite also in memory
	err     error
	done    chan struct{}
}

// session is one SQLite connection with its prepared statements; one goroutine uses it at a time.
type session struct {
	conn     *sql.Conn
	stmts    map[string]*sql.Stmt
	inMemory bool     // items are in maps (memory.go), and only the catalog is in SQLite
	undo     []func() // how to undo what the jobs of a group did to the maps
}

// groupSize bounds how many jobs share a commit. Sharing is what makes fsync per commit affordable: alone a commit
// costs a disk flush, together 64 writers pay for one.
const groupSize = 64

// openStore opens or makes the file. In memory there is one connection for everything, because every connection to
// :memory: is a database of its own; it changes hands through the same channel as the readers of a file.
func openStore(ctx context.Context, dir string, sweeper sweeper) (*store, error) {
	const readersOnDisk = 4
	s := &store{
		jobs: make(chan *job, groupSize), done: make(chan struct{}), shared: dir == "", sweeper: sweeper,
	}
	// A cache per connection of a few megabytes, so that memory does not follow the amount of data.
	pragmas := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(5000)", "cache_size(-4000)"}}
	dsn := "file:" + (&url.URL{Path: filepath.ToSlash(filepath.Join(dir, fileName))}).EscapedPath() + "?" + pragmas.Encode()
	readers := readersOnDisk
	if s.shared {
		dsn, readers = ":memory:", 1
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open sqlite: %w", err)
	}
	s.db = db
	db.SetMaxOpenConns(readers + 1)
	if s.writer, err = newSession(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.writer.inMemory = s.shared
	s.readers = make(chan *session, readers)
	if err := s.prepare(ctx, readers); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	go s.work()
	return s, nil
}

// prepare makes the tables, opens the reading sessions and finds where sequence numbers go on.
func (s *store) prepare(ctx context.Context, readers int) error {
	if err := s.writer.script(ctx, schema); err != nil {
		return fmt.Errorf("create tables: %w", err)
	}
	row := s.writer.conn.QueryRowContext(ctx, "SELECT value FROM counters WHERE name = 'lsn'")
	if err := row.Scan(&s.lsn); err != nil {
		return fmt.Errorf("read sequence number: %w", err)
	}
	s.reserved = s.lsn
	s.newest.Store(s.lsn)
	if s.shared {
		s.readers <- s.writer
		return nil
	}
	for range readers {
		r, err := newSession(ctx, s.db)
		if err != nil {
			return err
		}
		s.readers <- r
	}
	return nil
}

// newSession takes a connection out of the pool for good, so that its prepared statements stay.
func newSession(ctx context.Context, db *sql.DB) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to sqlite: %w", err)
	}
	return &session{conn: conn, stmts: map[string]*sql.Stmt{}}, nil
}

// close waits for the jobs that were handed over and closes the file.
func (s *store) close() error {
	s.closing.Lock()
	already := s.closed
	s.closed = true
	s.closing.Unlock()
	if already {
		return nil
	}
	close(s.jobs)
	<-s.done
	for range cap(s.readers) {
		<-s.readers
	}
	return s.db.Close()
}

// write runs f on the writing connection and returns after the commit. When ctx ends first it returns at once, and
// whether f was committed is unknown to the caller, as with a real service.
func (s *store) write(ctx context.Context, f func(*session) error) error {
	return s.perform(ctx, &job{run: f, done: make(chan struct{})})
}

// perform hands a job over and waits for its commit.
func (s *store) perform(ctx context.Context, j *job) error {
	if err := s.enqueue(ctx, j); err != nil {
		return err
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enqueue hands a job over unless the store is closed; closing waits for those who are about to.
func (s *store) enqueue(ctx context.Context, j *job) error {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.closed {
		return errClosed
	}
	select {
	case s.jobs <- j:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read runs f on a connection that sees everything committed so far.
func (s *store) read(ctx context.Context, f func(*session) error) error {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.closed {
		return errClosed
	}
	select {
	case r := <-s.readers:
		defer func() { s.readers <- r }()
		return f(r)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// work is the writing goroutine.
func (s *store) work() {
	defer close(s.done)
	group := make([]*job, 0, groupSize)
	for first := range s.jobs {
		group = s.gather(append(group[:0], first))
		if s.shared {
			<-s.readers // nobody may see a group half done
		}
		s.commit(group)
		if s.shared {
			s.readers <- s.writer
		}
		for _, j := range group {
			close(j.done)
		}
	}
}

// gather adds the jobs that are already waiting.
func (s *store) gather(group []*job) []*job {
	for len(group) < groupSize {
		select {
		case j, ok := <-s.jobs:
			if !ok {
				return group
			}
			group = append(group, j)
		default:
			return group
		}
	}
	return group
}

// commit applies a group in one transaction. A job that fails is undone alone, by its savepoint; when the commit
// itself fails, everybody in the group is told.
func (s *store) commit(group []*job) {
	exec := s.transaction(group)
	err := exec("BEGIN IMMEDIATE")
	for _, j := range group {
		if err != nil {
			break
		}
		err = s.attempt(j, exec)
	}
	reserved := s.reserved
	if err == nil {
		reserved, err = s.reserve()
	}
	if err == nil {
		err = s.sweeper.sweep(s.writer)
	}
	if err == nil {
		err = exec("COMMIT")
	}
	if err == nil {
		s.reserved = reserved
		s.newest.Store(s.lsn)
		clear(s.writer.undo)
		s.writer.undo = s.writer.undo[:0]
		return
	}
	for _, j := range group {
		j.err = fmt.Errorf("commit: %w", err)
	}
	// After some failures SQLite has rolled back by itself, and this one reports that there is nothing to undo.
	_ = exec("ROLLBACK")
	s.writer.undoTo(0)
}

// transaction is how the statements around a group of jobs are run. In memory SQLite has the catalog alone: jobs that change
// items need none of them.
func (s *store) transaction(group []*job) func(text string, args ...any) error {
	if !s.shared || slices.ContainsFunc(group, func(j *job) bool { return j.catalog }) {
		return s.writer.exec
	}
	return func(string, ...any) error { return nil }
}

// attempt runs one job inside a savepoint. Its result is the connection's health; the job's own error is in j.err.
func (s *store) attempt(j *job, exec func(text string, args ...any) error) error {
	if err := exec("SAVEPOINT job"); err != nil {
		return err
	}
	before := len(s.writer.undo)
	if j.err = j.run(s.writer); j.err != nil {
		s.writer.undoTo(before)
		if err := exec("ROLLBACK TO job"); err != nil {
			return err
		}
	}
	return exec("RELEASE job")
}

// nextLSN numbers a write. Numbers only grow, also across restarts, so an ETag or a change-feed position made from
// one is never met again. Only the writing goroutine calls it.
func (s *store) nextLSN() int64 {
	s.lsn++
	return s.lsn
}

// reserve marks sequence numbers as used in blocks: after a crash the next ones start beyond the block, and a write
// does not have to update a counter row each time. It returns the end of the block.
func (s *store) reserve() (int64, error) {
	const block = 10000
	if s.lsn < s.reserved {
		return s.reserved, nil
	}
	next := s.lsn + block
	return next, s.writer.exec("UPDATE counters SET value = ? WHERE name = 'lsn'", next)
}

// stmt prepares each SQL text once per connection.
func (c *session) stmt(text string) (*sql.Stmt, error) {
	if st := c.stmts[text]; st != nil {
		return st, nil
	}
	st, err := c.conn.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, err
	}
	c.stmts[text] = st
	return st, nil
}

// exec runs a statement to its end. It takes no context on purpose: a write that was begun must be finished or
// undone as a whole, and SQLite's interrupt could do neither for the group.
func (c *session) exec(text string, args ...any) error {
	st, err := c.stmt(text)
	if err != nil {
		return err
	}
	_, err = st.ExecContext(context.Background(), args...)
	return err
}

// row runs a query for one row; found is false when there is none.
func (c *session) row(text string, args, into []any) (found bool, err error) {
	st, err := c.stmt(text)
	if err != nil {
		return false, err
	}
	err = st.QueryRowContext(context.Background(), args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// rows runs a query and calls each for every row, until each says stop.
func (c *session) rows(text string, args []any, each func(*sql.Rows) (more bool, err error)) error {
	st, err := c.stmt(text)
	if err != nil {
		return err
	}
	found, err := st.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		if more, err := each(found); err != nil || !more {
			return err
		}
	}
	return found.Err()
}

// script runs several statements that need no preparing.
func (c *session) script(ctx context.Context, text string) error {
	_, err := c.conn.ExecContext(ctx, text)
	return err
}
