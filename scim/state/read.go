package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

const changeColumns = `seq, type, id, op, source, names, txn, at, before`

// Changes are the log after a number, up to and with another, in its order: at
// most limit of them, and of some types only unless types is empty.
func (s *Store) Changes(ctx context.Context, after, upto int64, types []string, limit int) ([]Change, error) {
	from, args := span(after, upto, types)
	statement := `SELECT ` + changeColumns + from + fmt.Sprintf(` ORDER BY seq LIMIT $%d`, len(args)+1)
	return rows(ctx, s, "read the log", scanChange, statement, append(args, limit)...)
}

// CountChanges is how many Changes there are without a limit.
func (s *Store) CountChanges(ctx context.Context, after, upto int64, types []string) (int, error) {
	from, args := span(after, upto, types)
	return s.number(ctx, `SELECT count(*)`+from, args)
}

// NthChange is the number of the change at a place among Changes, from 1; 0 if there
// are fewer.
func (s *Store) NthChange(ctx context.Context, after, upto int64, types []string, n int) (int64, error) {
	from, args := span(after, upto, types)
	seq, err := s.number(ctx, `SELECT seq`+from+fmt.Sprintf(` ORDER BY seq LIMIT 1 OFFSET $%d`, len(args)+1), append(args, n-1))
	return int64(seq), err
}

// span is the part of a statement that selects Changes, and its arguments.
func span(after, upto int64, types []string) (from string, args []any) {
	from, args = ` FROM sa_change WHERE seq > $1 AND seq <= $2`, []any{after, upto}
	if len(types) > 0 {
		for _, t := range types {
			args = append(args, t)
		}
		from += ` AND type IN ` + string(placeholders(nil, 2, len(types)))
	}
	return from, args
}

// number reads the one number that a statement finds in the log, 0 if it finds none.
func (s *Store) number(ctx context.Context, statement string, args []any) (int, error) {
	found, err := rows(ctx, s, "read the log", func(r *sql.Rows) (n int, err error) { return n, r.Scan(&n) }, statement, args...)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0], nil
}

// ChangeAt is the newest change whose number is seq or less; false if there is none,
// or none that was not forgotten. Whoever got seq from this Store at a time finds
// a change of that time or before: a younger one means that the Store was restored
// from a backup, and that the numbers after it are of another history.
func (s *Store) ChangeAt(ctx context.Context, seq int64) (Change, bool, error) {
	found, err := rows(ctx, s, "read the log", scanChange,
		`SELECT `+changeColumns+` FROM sa_change WHERE seq <= $1 ORDER BY seq DESC LIMIT 1`, seq)
	if err != nil || len(found) == 0 {
		return Change{}, false, err
	}
	return found[0], true, nil
}

// LastChange is the newest change of one resource; false if there is none that was
// not forgotten.
func (s *Store) LastChange(ctx context.Context, typ, id string) (Change, bool, error) {
	found, err := rows(ctx, s, "read the log", scanChange,
		`SELECT `+changeColumns+` FROM sa_change WHERE type = $1 AND id = $2 ORDER BY seq DESC LIMIT 1`, typ, id)
	if err != nil || len(found) == 0 {
		return Change{}, false, err
	}
	return found[0], true, nil
}

func scanChange(r *sql.Rows) (Change, error) {
	var c Change
	var names string
	var at int64
	err := r.Scan(&c.Seq, &c.Type, &c.ID, &c.Op, &c.Source, &names, &c.Txn, &at, &c.Before)
	if names != "" {
		c.Names = strings.Split(names, "\n")
	}
	c.At = fromMicros(at)
	return c, err
}

// Resources are the point changes of a type with a number after another, in the
// order of the numbers. With 0 these are all that count more than the pages of the
// complete scan.
func (s *Store) Resources(ctx context.Context, typ string, after int64) ([]Resource, error) {
	return rows(ctx, s, "read the resources", func(r *sql.Rows) (Resource, error) {
		x := Resource{Type: typ}
		var gone int
		err := r.Scan(&x.ID, &x.Seq, &gone, &x.Doc)
		x.Gone = gone != 0
		return x, err
	}, `SELECT id, seq, gone, doc FROM sa_resource WHERE type = $1 AND seq > $2 ORDER BY seq, id`, typ, after)
}

// Scans are the last complete scan of a type and the one that is open; nil where
// there is none.
func (s *Store) Scans(ctx context.Context, typ string) (complete, open *Scan, err error) {
	found, err := rows(ctx, s, "read the scans", func(r *sql.Rows) (*Scan, error) {
		x := &Scan{Type: typ}
		var began, ended int64
		err := r.Scan(&x.ID, &began, &ended, &x.Total, &x.Pages)
		x.Began, x.Ended, x.Complete = fromMicros(began), fromMicros(ended), ended != 0
		return x, err
	}, `SELECT id, began, ended, total, (SELECT count(*) FROM sa_page WHERE sa_page.type = sa_scan.type AND sa_page.scan = sa_scan.id)
		FROM sa_scan WHERE type = $1 ORDER BY id`, typ)
	for _, x := range found {
		if x.Complete {
			complete = x
		} else {
			open = x
		}
	}
	return complete, open, err
}

// pagesAtOnce is how many pages are in memory while Pages yields them.
const pagesAtOnce = 16

// Pages gives the pages of a scan in the order of their numbers, and stops at the
// first error of yield, which it returns. It keeps nothing locked meanwhile. If the
// scan is replaced before its last page was read, it fails with ErrReplaced.
func (s *Store) Pages(ctx context.Context, typ string, scan int64, yield func(Page) error) error {
	for after := -1; ; {
		pages, err := rows(ctx, s, "read the pages", func(r *sql.Rows) (Page, error) {
			p := Page{Type: typ, Scan: scan}
			var at int64
			err := r.Scan(&p.No, &at, &p.Total, &p.Docs)
			p.At = fromMicros(at)
			return p, err
		}, `SELECT no, at, total, docs FROM sa_page WHERE type = $1 AND scan = $2 AND no > $3 ORDER BY no LIMIT $4`, typ, scan, after, pagesAtOnce)
		if err != nil {
			return err
		}
		for _, p := range pages {
			if err := yield(p); err != nil {
				return err
			}
			after = p.No
		}
		if len(pages) < pagesAtOnce {
			return s.scanThere(ctx, typ, scan)
		}
	}
}

// scanThere fails if a scan is gone: its pages went in the same transaction.
func (s *Store) scanThere(ctx context.Context, typ string, scan int64) error {
	var id int64
	err := s.read.QueryRowContext(ctx, `SELECT id FROM sa_scan WHERE type = $1 AND id = $2`, typ, scan).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("scan %d of %s: %w", scan, typ, ErrReplaced)
	}
	return s.failed(ctx, "read the pages", err)
}

// Trim forgets what is older than a time: changes, whose numbers Head.Floor then
// names, and values past their end. What is forgotten may be less than what is
// no longer good: judge a number by its time, not by what is still here.
func (s *Store) Trim(ctx context.Context, before time.Time) error {
	const what = "forget old changes"
	if _, err := s.write.ExecContext(ctx, s.sql(`UPDATE sa_head SET floor =
		CASE WHEN (SELECT max(seq) FROM sa_change WHERE at < $1) > floor THEN (SELECT max(seq) FROM sa_change WHERE at < $1) ELSE floor END`),
		micros(before)); err != nil {
		return s.failed(ctx, what, err)
	}
	for {
		result, err := s.write.ExecContext(ctx, `DELETE FROM sa_change WHERE seq IN
			(SELECT seq FROM sa_change WHERE seq <= (SELECT floor FROM sa_head) ORDER BY seq LIMIT 5000)`)
		if err != nil {
			return s.failed(ctx, what, err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			break
		}
	}
	_, err := s.write.ExecContext(ctx, s.sql(`DELETE FROM sa_value WHERE expires <> 0 AND expires <= :now`))
	return s.failed(ctx, what, err)
}

// rows reads all rows of a query.
func rows[T any](ctx context.Context, s *Store, what string, scan func(*sql.Rows) (T, error), statement string, args ...any) ([]T, error) {
	found, err := s.read.QueryContext(ctx, s.sql(statement), args...)
	if err != nil {
		return nil, s.failed(ctx, what, err)
	}
	defer found.Close()
	var all []T
	for found.Next() {
		one, err := scan(found)
		if err != nil {
			return nil, s.failed(ctx, what, err)
		}
		all = append(all, one)
	}
	return all, s.failed(ctx, what, found.Err())
}
