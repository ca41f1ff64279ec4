package state

import (
	"context"
	"database/sql"
	"strconv"
)

// This file has the statements that almost every commit consists of. SQLite parses a
// statement each time it is run, which takes longer than running these; so they are
// prepared once. pgx keeps what it has prepared by itself.

// takeNumbers takes numbers of the log.
const takeNumbers = `UPDATE sa_head SET seq = seq + $1, at = CASE WHEN at > :now THEN at ELSE :now END
	RETURNING seq, at`

// insertion is a statement that writes rows of so many columns.
type insertion struct {
	into    string
	columns int
	after   string
}

var (
	intoResources = insertion{`INSERT INTO sa_resource (type, id, seq, gone, doc) VALUES `, 5,
		` ON CONFLICT (type, id) DO UPDATE SET seq = excluded.seq, gone = excluded.gone, doc = excluded.doc`}
	intoChanges = insertion{`INSERT INTO sa_change (seq, type, id, op, source, names, txn, at, before) VALUES `, 9, ``}
)

// of is the statement for so many rows.
func (i insertion) of(rows int) string {
	statement := []byte(i.into)
	for row := range rows {
		if row > 0 {
			statement = append(statement, ", "...)
		}
		statement = placeholders(statement, row*i.columns, i.columns)
	}
	return string(append(statement, i.after...))
}

// placeholders appends ($4, $5) for two after three.
func placeholders(to []byte, after, count int) []byte {
	separator := byte('(')
	for i := range count {
		to = strconv.AppendInt(append(to, separator, '$'), int64(after+i+1), 10)
		separator = ','
	}
	return append(to, ')')
}

// prepare prepares the frequent statements on the connection that writes. Their :now is
// a parameter.
func (s *Store) prepare(ctx context.Context) error {
	if s.dialect.now != "" || s.readOnly {
		return nil
	}
	s.prepared = map[string]*sql.Stmt{}
	for _, statement := range []string{takeNumbers, intoResources.of(1), intoChanges.of(1), putValue, removeValue} {
		p, err := s.write.PrepareContext(ctx, statement)
		if err != nil {
			return s.failed(ctx, "prepare a statement", err)
		}
		s.prepared[statement] = p
	}
	return nil
}

// briefly returns the arguments of a prepared statement, with the present, and a context
// that does not end: SQLite's driver starts a goroutine for each statement with one that
// may, and these statements, for which the transaction has its lock already, do not wait.
func (t transaction) briefly(args []any) (context.Context, []any) {
	return context.WithoutCancel(t.ctx), append(args[:len(args):len(args)], sql.Named("now", micros(t.s.now())))
}
