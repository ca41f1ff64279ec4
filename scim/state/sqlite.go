package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"modernc.org/sqlite"
)

// Connections that read a file beside the one that writes.
const sqliteReaders = 4

// application marks our files among SQLite's (PRAGMA application_id): "scaS".
const application = 0x73636153

func openFile(ctx context.Context, path string, o Options) (*Store, error) {
	s := &Store{dialect: &sqliteDialect, where: "SQLite file " + path, now: clock(o)}
	if err := prepareFile(path, o.ReadOnly); err != nil {
		return nil, err
	}
	if o.Exclusive > 0 && !o.ReadOnly {
		sole, err := lockFile(ctx, path, o.Exclusive)
		if err != nil {
			return nil, err
		}
		s.sole = sole
	}
	if err := s.connectFile(ctx, path, o.ReadOnly); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// prepareFile makes the file where there is none, readable by its owner alone;
// SQLite gives its helpers beside it (-wal, -shm) the same mode.
func prepareFile(path string, readOnly bool) error {
	flags := os.O_RDWR | os.O_CREATE
	if readOnly {
		flags = os.O_RDONLY
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		if readOnly {
			return fmt.Errorf("the state file cannot be read: %w", err)
		}
		return fmt.Errorf("the state file cannot be made: %w; name one in a directory that may be written, such as a mounted volume, or memory to keep nothing", err)
	}
	defer f.Close()
	if name := networkFileSystem(f); name != "" {
		return fmt.Errorf("the state file %s is on a network file system (%s), which SQLite would damage it on: name a local disk, or postgres://…", path, name)
	}
	if readOnly {
		return nil
	}
	return private(path)
}

// private takes a file, and SQLite's beside it, from others than the owner.
func private(path string) error {
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = os.Chmod(name, info.Mode().Perm()&0o700)
		}
		if err != nil {
			return fmt.Errorf("the state file cannot be kept from others: %w", err)
		}
	}
	return nil
}

func (s *Store) connectFile(ctx context.Context, path string, readOnly bool) error {
	mode, settings := "rw", []string{"busy_timeout(10000)", "synchronous(FULL)", "journal_size_limit(67108864)", "temp_store(MEMORY)"}
	if readOnly {
		mode = "ro"
	}
	var err error
	if s.write, err = sql.Open("sqlite", sqliteURI(path, mode, settings...)); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = sql.Open("sqlite", sqliteURI(path, mode, append(settings, "query_only(1)")...)); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(sqliteReaders)
	s.read.SetMaxIdleConns(sqliteReaders)
	if err := s.checkFile(ctx, readOnly); err != nil {
		return s.damage(ctx, path, err)
	}
	return nil
}

// checkFile refuses what is not a sound file of ours, and turns on the
// write-ahead log, which readers and the writer work side by side with.
func (s *Store) checkFile(ctx context.Context, readOnly bool) error {
	var id, tables int
	if err := s.one(ctx, s.write, &id, `PRAGMA application_id`); err != nil {
		return err
	}
	if err := s.one(ctx, s.write, &tables, `SELECT count(*) FROM sqlite_master`); err != nil {
		return err
	}
	if id != application && (id != 0 || tables > 0) {
		return fmt.Errorf("%w: it is a SQLite file of another program", ErrDamaged)
	}
	if readOnly {
		return nil
	}
	var journal, sound string
	if err := s.one(ctx, s.write, &journal, `PRAGMA journal_mode = WAL`); err != nil {
		return err
	}
	if journal != "wal" {
		return fmt.Errorf("the file system cannot hold a SQLite file that several connections use: name another, or postgres://…")
	}
	if err := s.one(ctx, s.write, &sound, `PRAGMA quick_check(1)`); err != nil {
		return err
	}
	if sound != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, strings.Join(strings.Fields(sound), " "))
	}
	_, err := s.write.ExecContext(ctx, fmt.Sprintf(`PRAGMA application_id = %d`, application))
	return err
}

// damage says what to do about a file that cannot be read.
func (s *Store) damage(ctx context.Context, path string, err error) error {
	err = s.failed(ctx, "open it", err)
	if errors.Is(err, ErrDamaged) {
		return fmt.Errorf("state file %s: %w; restore a backup, or move the file away to begin anew", path, err)
	}
	return fmt.Errorf("state file %s: %w", path, err)
}

// sole keeps other processes off a file. It is SQLite's own lock on an empty file
// beside it, which the operating system drops with the process: nobody has to
// wait for a lease of the dead.
type sole struct {
	db   *sql.DB
	conn *sql.Conn
}

func lockFile(ctx context.Context, path string, wait time.Duration) (*sole, error) {
	name := path + "-lock"
	if err := prepareFile(name, false); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", sqliteURI(name, "rw"))
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(ctx)
	for end := time.Now().Add(wait); err == nil; {
		if _, err = conn.ExecContext(ctx, `BEGIN EXCLUSIVE`); err == nil {
			return &sole{db, conn}, nil
		}
		if left := time.Until(end); isBusy(err) && left > 0 {
			err = pause(ctx, min(left, 100*time.Millisecond))
		}
	}
	db.Close()
	if isBusy(err) {
		return nil, fmt.Errorf("%w: another one holds %s; stop it, give this one a file of its own, or use postgres://… for several", ErrInUse, path)
	}
	return nil, fmt.Errorf("lock the state file %s: %w", path, err)
}

func (l *sole) release() {
	l.conn.Close()
	l.db.Close()
}

func isBusy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && kindOfSQLite(e.Code()) == ErrBusy
}

// pause waits, or fails when the context ends before.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
