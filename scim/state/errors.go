package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// What a caller can do about an error; look for them with errors.Is.
var (
	// ErrFenced: the lease is another's by now. Nothing was written. Stop what the
	// lease was for.
	ErrFenced = errors.New("the lease is no longer held")
	// ErrReplaced: the scan was replaced by a newer one. Ask Scans again.
	ErrReplaced = errors.New("the scan was replaced by a newer one")
	// ErrBusy: others kept the store from answering. Try again.
	ErrBusy = errors.New("the state is busy")
	// ErrAway: the store cannot be reached, read or written now. Try again later, and
	// tell somebody.
	ErrAway = errors.New("the state is out of reach")
	// ErrNewer: a newer release has made the schema. Run that one, or restore a
	// backup of before.
	ErrNewer = errors.New("the state was written by a newer release")
	// ErrDamaged: what is stored cannot be read. Restore a backup, or begin anew.
	ErrDamaged = errors.New("the state is damaged")
	// ErrInUse: another process has the file for itself.
	ErrInUse = errors.New("the state is in use by another process")
	// ErrClosed: the Store was closed.
	ErrClosed = errors.New("the state is closed")
)

// failed explains an error of the database. One that this package made stays as it is.
func (s *Store) failed(ctx context.Context, what string, err error) error {
	switch {
	case err == nil:
		return nil
	case s.closed.Load():
		return fmt.Errorf("%s: %w", what, ErrClosed)
	case over(ctx) != nil:
		return fmt.Errorf("%s: %w", what, over(ctx))
	case ours(err):
		return err
	}
	if kind := kindOf(err); kind != nil {
		return fmt.Errorf("%s: %w: %w", what, kind, oneLine{err})
	}
	return fmt.Errorf("%s: %w", what, oneLine{err})
}

// over is why a context has ended. A driver can notice the deadline before the context does.
func over(ctx context.Context) error {
	if end, ok := ctx.Deadline(); ok && ctx.Err() == nil && !time.Now().Before(end) {
		return context.DeadlineExceeded
	}
	return context.Cause(ctx)
}

// oneLine is an error of a driver without its line breaks. What it wraps is hidden: a socket
// that is not there is no file that is not there.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }

func ours(err error) bool {
	for _, e := range []error{ErrFenced, ErrReplaced, ErrBusy, ErrAway, ErrNewer, ErrDamaged, ErrInUse, errText} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// kindOf is the Err value for an error of a driver, or nil if no driver or no
// trouble of the store is behind it.
func kindOf(err error) error {
	var lite *sqlite.Error
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &lite):
		return kindOfSQLite(lite.Code())
	case errors.As(err, &pg):
		return kindOfPostgres(pg.Code)
	case errors.Is(err, sql.ErrNoRows), errors.Is(err, sql.ErrTxDone):
		return nil
	}
	return ErrAway // the connection broke, or was never made
}

// kindOfSQLite knows SQLite's result codes (sqlite.org/rescode.html).
func kindOfSQLite(code int) error {
	switch code & 0xff {
	case 5, 6: // BUSY, LOCKED
		return ErrBusy
	case 11, 26: // CORRUPT, NOTADB
		return ErrDamaged
	case 8, 10, 13, 14: // READONLY, IOERR, FULL, CANTOPEN
		return ErrAway
	}
	return nil
}

// kindOfPostgres knows PostgreSQL's error codes (postgresql.org/docs, appendix A).
func kindOfPostgres(code string) error {
	switch {
	case code == "40001", code == "40P01", code == "55P03": // serialization, deadlock, lock
		return ErrBusy
	case code == "XX001", code == "XX002":
		return ErrDamaged
	case code == "25006", // a standby, after a failover
		strings.HasPrefix(code, "08"), strings.HasPrefix(code, "28"), strings.HasPrefix(code, "3D"),
		strings.HasPrefix(code, "53"), strings.HasPrefix(code, "57"), strings.HasPrefix(code, "58"):
		return ErrAway
	}
	return nil
}
