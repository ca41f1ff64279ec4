package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Lease is a task that one owner has for a time. Its fence grows with every change
// of the owner, so that the work of a former one, who slept through the end of its
// lease, is told from that of the present one: see Commit.Guard.
type Lease struct {
	Name, Owner string
	Fence       int64
	Until       time.Time
}

// Acquire takes a lease for an owner, or prolongs the owner's; an owner is one
// running process, so its name must not be used twice. It returns nil and no error
// while another has it. The clock is the database's in PostgreSQL.
func (s *Store) Acquire(ctx context.Context, name, owner string, d time.Duration) (*Lease, error) {
	if err := checkText(name, owner); err != nil {
		return nil, err
	}
	l := &Lease{Name: name, Owner: owner}
	var until int64
	err := s.write.QueryRowContext(ctx, s.sql(`INSERT INTO sa_lease (name, owner, fence, until) VALUES ($1, $2, 1, :now + $3)
		ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until,
			fence = sa_lease.fence + CASE WHEN sa_lease.owner = excluded.owner THEN 0 ELSE 1 END
			WHERE sa_lease.owner = excluded.owner OR sa_lease.until <= :now
		RETURNING fence, until`), name, owner, d.Microseconds()).Scan(&l.Fence, &until)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, s.failed(ctx, "take the lease "+name, err)
	}
	l.Until = fromMicros(until)
	return l, nil
}

// Renew prolongs a lease from now on and sets its Until. It fails with ErrFenced if
// the lease is another's; one that ended, but that nobody took, goes on.
func (s *Store) Renew(ctx context.Context, l *Lease, d time.Duration) error {
	var until int64
	err := s.write.QueryRowContext(ctx, s.sql(`UPDATE sa_lease SET until = :now + $1 WHERE name = $2 AND owner = $3 AND fence = $4 RETURNING until`),
		d.Microseconds(), l.Name, l.Owner, l.Fence).Scan(&until)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("lease %s: %w", l.Name, ErrFenced)
	}
	if err != nil {
		return s.failed(ctx, "renew the lease "+l.Name, err)
	}
	l.Until = fromMicros(until)
	return nil
}

// Release ends a lease, so that the next need not wait. It does nothing if the lease
// is another's.
func (s *Store) Release(ctx context.Context, l *Lease) error {
	_, err := s.write.ExecContext(ctx, `UPDATE sa_lease SET owner = '', until = 0 WHERE name = $1 AND owner = $2 AND fence = $3`, l.Name, l.Owner, l.Fence)
	return s.failed(ctx, "release the lease "+l.Name, err)
}
