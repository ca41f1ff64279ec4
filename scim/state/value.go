package state

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// Value is a small thing with a name: a hold, a plan, what is left of a budget.
type Value struct {
	Kind, Key string
	Version   int64 // grows with every write; see Swap
	Data      []byte
	Expires   time.Time // from then on it is as if it were not there; zero: never
}

// The statements of values. A new row begins with the present as its version, so that
// a version from before a Remove does not come again.
const (
	putValue = `INSERT INTO sa_value (kind, key, version, expires, data) VALUES ($1, $2, :now, $3, $4)
		ON CONFLICT (kind, key) DO UPDATE SET version = sa_value.version + 1, expires = excluded.expires, data = excluded.data`
	addValue    = putValue + ` WHERE sa_value.expires <> 0 AND sa_value.expires <= :now`
	removeValue = `DELETE FROM sa_value WHERE kind = $1 AND key = $2`
	living      = ` (expires = 0 OR expires > :now)`
)

// Value reads a value; false if it is not there.
func (s *Store) Value(ctx context.Context, kind, key string) (Value, bool, error) {
	found, err := rows(ctx, s, "read a value", scanValue(kind),
		`SELECT key, version, expires, data FROM sa_value WHERE kind = $1 AND key = $2 AND`+living, kind, key)
	if err != nil || len(found) == 0 {
		return Value{}, false, err
	}
	return found[0], true, nil
}

// Put writes a value, whatever is there.
func (s *Store) Put(ctx context.Context, kind, key string, data []byte, expires time.Time) error {
	_, err := s.change(ctx, putValue, kind, key, micros(expires), some(data))
	return err
}

// Add writes a value that is not there. It reports false, and changes nothing, if
// it is: of several who add the same, one gets true.
func (s *Store) Add(ctx context.Context, kind, key string, data []byte, expires time.Time) (bool, error) {
	return s.change(ctx, addValue, kind, key, micros(expires), some(data))
}

// Swap writes a value that is still as it was read: v has the kind, the key and the
// version of then, and the new data and end. It reports false, and changes
// nothing, if another has written or removed it since, or it has ended.
func (s *Store) Swap(ctx context.Context, v Value) (bool, error) {
	return s.change(ctx, `UPDATE sa_value SET version = version + 1, expires = $3, data = $4
		WHERE kind = $1 AND key = $2 AND version = $5 AND`+living, v.Kind, v.Key, micros(v.Expires), some(v.Data), v.Version)
}

// Remove takes a value away, if it is there.
func (s *Store) Remove(ctx context.Context, kind, key string) error {
	_, err := s.change(ctx, removeValue, kind, key)
	return err
}

// change runs a statement on the value with a kind and a key, and reports whether it
// changed anything.
func (s *Store) change(ctx context.Context, statement, kind, key string, args ...any) (bool, error) {
	if err := checkText(kind, key); err != nil {
		return false, err
	}
	result, err := s.write.ExecContext(ctx, s.sql(statement), append([]any{kind, key}, args...)...)
	if err != nil {
		return false, s.failed(ctx, "write a value", err)
	}
	n, err := result.RowsAffected()
	return n > 0, s.failed(ctx, "write a value", err)
}

// some is data that is not NULL.
func some(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}

const valuesAtOnce = 500

// Each gives the values of a kind in the order of their keys, and stops at the first
// error of yield, which it returns. Values that are written meanwhile may be left out.
func (s *Store) Each(ctx context.Context, kind string, yield func(Value) error) error {
	for after := ""; ; {
		values, err := rows(ctx, s, "read the values", scanValue(kind), `SELECT key, version, expires, data FROM sa_value
			WHERE kind = $1 AND (key > $2 OR $2 = '') AND`+living+` ORDER BY key LIMIT $3`, kind, after, valuesAtOnce)
		if err != nil {
			return err
		}
		for _, v := range values {
			if err := yield(v); err != nil {
				return err
			}
			after = v.Key
		}
		if len(values) < valuesAtOnce {
			return nil
		}
	}
}

func scanValue(kind string) func(*sql.Rows) (Value, error) {
	return func(r *sql.Rows) (Value, error) {
		v := Value{Kind: kind}
		var expires int64
		err := r.Scan(&v.Key, &v.Version, &expires, &v.Data)
		v.Expires = fromMicros(expires)
		return v, err
	}
}

// Secret is a random secret with a name: made once, and the same for everybody who
// opens this state. With ReadOnly, one that was not made is an error that wraps
// fs.ErrNotExist.
func (s *Store) Secret(ctx context.Context, name string, size int) ([]byte, error) {
	const what = "read a secret"
	secret, err := s.secret(ctx, name)
	if errors.Is(err, sql.ErrNoRows) && s.readOnly {
		return nil, fmt.Errorf("%s: %w: %s was not made yet", what, fs.ErrNotExist, name)
	}
	if errors.Is(err, sql.ErrNoRows) {
		made := make([]byte, size)
		rand.Read(made)
		if _, err := s.write.ExecContext(ctx, `INSERT INTO sa_secret (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, made); err != nil {
			return nil, s.failed(ctx, what, err)
		}
		secret, err = s.secret(ctx, name)
	}
	if err != nil {
		return nil, s.failed(ctx, what, err)
	}
	if len(secret) != size {
		return nil, fmt.Errorf("%s: %s has %d bytes, not %d", what, name, len(secret), size)
	}
	return secret, nil
}

func (s *Store) secret(ctx context.Context, name string) (value []byte, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT value FROM sa_secret WHERE name = $1`, name).Scan(&value)
	return value, err
}
