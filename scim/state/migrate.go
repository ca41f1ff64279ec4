package state

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
)

// migrations bring a schema from one version to the next; the version is how many
// were done. A migration that was released is never edited, only followed by
// another, and a program one release older must be able to work with the result:
// replicas are replaced one by one.
var migrations = []string{schema1}

// migrate brings the schema up to date, in one transaction that others wait for.
func (s *Store) migrate(ctx context.Context, steps []string) error {
	return s.inTx(ctx, "bring the state up to date", func(tx *sql.Tx) error {
		if s.dialect.lock != "" {
			if _, err := tx.ExecContext(ctx, s.dialect.lock); err != nil {
				return err
			}
		}
		version, err := s.version(ctx, tx)
		if err != nil {
			return err
		}
		if version > len(steps) {
			return newer(version, len(steps))
		}
		for ; version < len(steps); version++ {
			if _, err := tx.ExecContext(ctx, s.dialect.types.Replace(steps[version])); err != nil {
				return fmt.Errorf("schema %d: %w", version+1, err)
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE sa_head SET version = $1 WHERE version <> $1`, version); err != nil {
			return err
		}
		return s.identify(ctx, tx)
	})
}

// inspect looks whether a Store that may not be changed is as this program knows it.
func (s *Store) inspect(ctx context.Context, steps []string) error {
	version, err := s.version(ctx, s.read)
	switch {
	case err != nil:
		return s.failed(ctx, "look at the state", err)
	case version == 0:
		return fmt.Errorf("%w: there is no state in the %s yet", fs.ErrNotExist, s.where)
	case version > len(steps):
		return newer(version, len(steps))
	case version < len(steps):
		return fmt.Errorf("the state has schema %d, and this release reads schema %d: serve brings it up to date", version, len(steps))
	}
	_, err = s.Head(ctx)
	return err
}

func newer(has, knows int) error {
	return fmt.Errorf("%w: it has schema %d, and this one knows %d; run the newer release, or restore a backup from before it", ErrNewer, has, knows)
}

// version is how many migrations were done.
func (s *Store) version(ctx context.Context, from interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}) (int, error) {
	var tables, version int
	if err := s.one(ctx, from, &tables, s.dialect.tables); err != nil || tables == 0 {
		return 0, err
	}
	err := s.one(ctx, from, &version, `SELECT version FROM sa_head`)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("%w: the row that counts is missing", ErrDamaged)
	}
	return version, err
}

// identify gives the Store its ID, or a new one if it came here by a restore.
func (s *Store) identify(ctx context.Context, tx *sql.Tx) error {
	var id, mark, here string
	if err := s.one(ctx, tx, &here, `SELECT `+s.dialect.mark); err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, `SELECT store, mark FROM sa_head`).Scan(&id, &mark); err != nil {
		return err
	}
	if id == "" || mark != here {
		id = rand.Text()
		if _, err := tx.ExecContext(ctx, `UPDATE sa_head SET store = $1, mark = $2`, id, here); err != nil {
			return err
		}
	}
	s.id.Store(&id)
	return nil
}

// NewID gives the Store another ID, so that whoever kept a number of the log begins
// anew. It is for a Store that was restored by other means than Backup.
func (s *Store) NewID(ctx context.Context) (string, error) {
	id := rand.Text()
	if _, err := s.write.ExecContext(ctx, `UPDATE sa_head SET store = $1`, id); err != nil {
		return "", s.failed(ctx, "give the state a new id", err)
	}
	s.id.Store(&id)
	return id, nil
}
