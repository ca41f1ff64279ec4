package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
)

// Backup copies a SQLite file as it is at one moment, while others write, into a new
// file with mode 0600. Whoever opens the copy to write gives it an ID of its own.
// The state in memory and in PostgreSQL has no Backup: use pg_dump there.
func (s *Store) Backup(ctx context.Context, path string) error {
	if s.dialect != &sqliteDialect {
		return fmt.Errorf("%s: only a SQLite file is copied; PostgreSQL has pg_dump", s.where)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("make the backup: %w", err)
	}
	f.Close()
	if err := s.copyTo(ctx, path); err != nil {
		return errors.Join(s.failed(ctx, "copy the state to "+path, err), os.Remove(path))
	}
	return nil
}

func (s *Store) copyTo(ctx context.Context, path string) error {
	if _, err := s.write.ExecContext(ctx, `VACUUM INTO $1`, sqliteURI(path, "rw")); err != nil {
		return err
	}
	copied, err := sql.Open("sqlite", sqliteURI(path, "rw", "synchronous(FULL)"))
	if err != nil {
		return err
	}
	defer copied.Close()
	_, err = copied.ExecContext(ctx, `UPDATE sa_head SET store = ''`)
	return err
}
