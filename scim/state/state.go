// Package state keeps what the server must not forget: what was read of
// Atlassian, the log of what changed, who reads now, and small values with an
// end. It knows nothing of SCIM or of Atlassian: documents are bytes.
//
// [Open] makes a [Store] in memory, in a SQLite file, or in a PostgreSQL
// database that several replicas share. The statements are the same for all;
// a dialect holds the few differences.
//
// # The log
//
// Every change has a number. Numbers come from one row, which [Store.Commit]
// takes last and keeps until the transaction ends, so changes become visible
// in the order of their numbers: a reader that asks for what is after the last
// number it saw misses nothing. A sequence of PostgreSQL does not give that.
// Numbers have gaps: a commit without a change takes one too.
//
// # Scans and point changes
//
// A complete reading of a type is a [Scan] with its [Page]s. What was read or
// written of single resources since is in [Resource]s, which count more than
// the pages. [Store.Commit] that finishes a scan makes its pages the base.
package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options of a Store.
type Options struct {
	// ReadOnly opens what is there beside a process that writes. Nothing is made
	// or brought up to date; a file or tables that are missing are an error
	// that wraps fs.ErrNotExist.
	ReadOnly bool
	// Exclusive, if not 0, keeps other exclusive Stores off the same SQLite file
	// until Close. Open waits for it that long, then fails with ErrInUse. It says
	// nothing about Stores with ReadOnly, in memory, or in PostgreSQL.
	Exclusive time.Duration
	// Now replaces the clock: that of this machine for SQLite, that of the
	// database for PostgreSQL.
	Now func() time.Time
}

// Store is the durable state. Make it with Open, and Close it at the end. It is
// safe for concurrent use. Its errors wrap one of this package's Err values
// where the caller can do something about it, and those of a context that ended.
// After any other error than ErrFenced of a write it is unknown whether the
// write was done.
type Store struct {
	dialect    *dialect
	where      string
	credential *credential // nil: the engine has none
	write      *sql.DB     // one connection for SQLite
	read       *sql.DB     // the same as write for PostgreSQL and in memory
	sole       *sole       // nil if not Exclusive
	now        func() time.Time
	prepared   map[string]*sql.Stmt // by text; nil: none are, see prepare
	readOnly   bool
	id         atomic.Pointer[string]
	closing    sync.Once
	closed     atomic.Bool
}

// Open opens the Store at a place, one of:
//
//	memory          gone at Close, shared with nobody
//	file:PATH       a SQLite file, made with mode 0600 where there is none
//	postgres://…    a PostgreSQL database (postgresql:// too), with pgx's parameters
//
// It brings an older schema up to date, in one transaction. It fails with
// ErrNewer for the schema of a newer program, ErrDamaged for a file that is
// broken or not a Store, ErrInUse (see Options.Exclusive) and ErrAway. No error
// contains a password.
func Open(ctx context.Context, where string, o Options) (*Store, error) {
	s, err := connect(ctx, where, o)
	if err != nil {
		return nil, err
	}
	s.readOnly = o.ReadOnly
	if err := s.start(ctx, o); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func connect(ctx context.Context, where string, o Options) (*Store, error) {
	if err := Check(where); err != nil {
		return nil, err
	}
	if where == "memory" {
		return openMemory(o)
	}
	if path, ok := strings.CutPrefix(where, "file:"); ok {
		return openFile(ctx, path, o)
	}
	return openPostgres(where, o)
}

// Check refuses what is no place for Open. It touches none.
func Check(where string) error {
	path, isFile := strings.CutPrefix(where, "file:")
	switch {
	case where == "memory", isFile && path != "":
		return nil
	case strings.HasPrefix(where, "postgres://"), strings.HasPrefix(where, "postgresql://"):
		_, err := parsePostgres(where)
		return err
	}
	return fmt.Errorf("the place of the state must be memory, file:PATH or postgres://USER@HOST/DATABASE, not %q", scheme(where))
}

// scheme is as much of a wrong place as can be told: there may be a password in the rest.
func scheme(where string) string {
	if before, _, cut := strings.Cut(where, ":"); cut {
		return before + ":…"
	}
	return where
}

func (s *Store) start(ctx context.Context, o Options) error {
	if o.ReadOnly {
		return s.inspect(ctx, migrations)
	}
	if err := s.migrate(ctx, migrations); err != nil {
		return err
	}
	return s.prepare(ctx)
}

// Close ends the Store; everything after it fails with ErrClosed. What Commit
// and the others have acknowledged is kept without it.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		s.closed.Store(true)
		for _, db := range []*sql.DB{s.read, s.write} { // may be the same; Close again does nothing
			if db != nil {
				err = errors.Join(err, db.Close())
			}
		}
		if s.sole != nil {
			s.sole.release()
		}
	})
	return err
}

// ID names the history that the numbers of the log belong to. It is another one
// in a Store that was made anew or from a backup.
func (s *Store) ID() string { return *s.id.Load() }

// Where is the engine and the place, for people: "memory", "SQLite file state.db",
// "PostgreSQL database HOST/NAME".
func (s *Store) Where() string { return s.where }

// Durable reports whether the state outlives the process.
func (s *Store) Durable() bool { return s.dialect.durable }

// ReadOnly reports whether the Store was opened with Options.ReadOnly.
func (s *Store) ReadOnly() bool { return s.readOnly }

// Shared reports whether other processes may write to the state at the same time:
// those of replicas in PostgreSQL, and any to a SQLite file that is not Exclusive.
func (s *Store) Shared() bool { return s.Durable() && s.sole == nil }

// Head is the end of the log.
type Head struct {
	Seq   int64     // the last number that was taken; 0 at first
	At    time.Time // when
	Floor int64     // changes up to this number were forgotten
}

// Head tells where the log ends. It reads one row.
func (s *Store) Head(ctx context.Context) (Head, error) {
	var h Head
	var at int64
	var id string
	err := s.read.QueryRowContext(ctx, `SELECT store, seq, at, floor FROM sa_head`).Scan(&id, &h.Seq, &at, &h.Floor)
	if err != nil {
		return Head{}, s.failed(ctx, "read the end of the log", err)
	}
	s.id.Store(&id)
	h.At = fromMicros(at)
	return h, nil
}

// inTx runs f in a transaction that writes. An error of f that is not the
// database's reaches the caller as it is.
func (s *Store) inTx(ctx context.Context, what string, f func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return s.failed(ctx, what, err)
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return s.failed(ctx, what, err)
	}
	if err := tx.Commit(); err != nil {
		return s.failed(ctx, what, err)
	}
	return nil
}

// sql completes a statement: :now is the present in microseconds.
func (s *Store) sql(statement string) string {
	now := s.dialect.now
	if s.now != nil {
		now = fmt.Sprint(micros(s.now()))
	}
	return strings.ReplaceAll(statement, ":now", now)
}

// micros and fromMicros are how times are stored: microseconds since 1970, as
// exact as PostgreSQL's. 0 is the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
