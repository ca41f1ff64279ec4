package state_test

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"scim-atlassian/scim/state"
	"scim-atlassian/scim/state/statetest"
)

// The database goes away and comes back; the Store does too.
func TestAway(t *testing.T) {
	server := statetest.StartPostgres(t)
	s := open(t, server.Database(t), state.Options{})
	write(t, s, 3)
	server.Stop()
	for range 12 { // more than there are connections
		if _, err := s.Head(t.Context()); !errors.Is(err, state.ErrAway) {
			t.Fatalf("away: got %v, want %v", err, state.ErrAway)
		}
	}
	server.Start(t)
	for end := time.Now().Add(10 * time.Second); ; {
		h, err := s.Head(t.Context())
		if err == nil && h.Seq == 3 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("back: head %d, %v", h.Seq, err)
		}
	}
	write(t, s, 1)
}

// A restore of a dump is another history: the numbers after it are given again.
func TestDumpHasAnotherID(t *testing.T) {
	server := statetest.SharedPostgres(t)
	where := server.Database(t)
	s := open(t, where, state.Options{})
	write(t, s, 3)
	restored := open(t, server.Dump(t, where), state.Options{})
	if h, err := restored.Head(t.Context()); err != nil || h.Seq != 3 || restored.ID() == s.ID() {
		t.Errorf("head %d, id %s and %s, %v", h.Seq, restored.ID(), s.ID(), err)
	}
	if again := open(t, where, state.Options{}); again.ID() != s.ID() {
		t.Error("the id of the first changed")
	}
}

// A pooler gives every transaction another connection, so statements must also go without
// being prepared: their parameters' types come from the values then.
func TestWithoutPreparedStatements(t *testing.T) {
	ctx := t.Context()
	s := open(t, statetest.SharedPostgres(t).Database(t)+"&default_query_exec_mode=exec", state.Options{})
	l, err := s.Acquire(ctx, "scan", "a", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	scan, err := s.Commit(ctx, &state.Commit{Guard: l, Begin: "User"})
	if err != nil {
		t.Fatal(err)
	}
	seq, err := s.Commit(ctx, &state.Commit{
		Guard:     l,
		Pages:     []state.Page{{Type: "User", Scan: scan, No: 1, Docs: []byte{0}}},
		Finish:    &state.Scan{Type: "User", ID: scan, Total: 1},
		Resources: []state.Resource{{Type: "User", ID: "u1", Gone: true}},
		Changes:   []state.Change{{Type: "User", ID: "u1", Op: state.Delete, Names: []string{"a"}, Before: []byte{0}}},
		Values:    []state.Value{{Kind: "k", Key: "a", Data: []byte{0}, Expires: time.Now().Add(time.Hour)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	changes, err := s.Changes(ctx, 0, seq, []string{"User"}, 5)
	if err != nil || len(changes) != 1 {
		t.Errorf("changes: %v, %v", changes, err)
	}
	v, there, err := s.Value(ctx, "k", "a")
	if err != nil || !there {
		t.Errorf("value: %t, %v", there, err)
	}
	if swapped, err := s.Swap(ctx, v); err != nil || !swapped {
		t.Errorf("swapped: %t, %v", swapped, err)
	}
	if err := errors.Join(s.Renew(ctx, l, time.Minute), s.Release(ctx, l), s.Trim(ctx, time.Now().Add(time.Hour))); err != nil {
		t.Error(err)
	}
}

func TestPostgresWhere(t *testing.T) {
	where := statetest.SharedPostgres(t).Database(t)
	u, err := url.Parse(where)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, strings.Replace(where, "postgres@", "postgres:secret@", 1), state.Options{})
	if want := "PostgreSQL database " + u.Query().Get("host") + " " + strings.TrimPrefix(u.Path, "/"); s.Where() != want {
		t.Errorf("got %q, want %q", s.Where(), want)
	}
}

// A sequence of PostgreSQL gives numbers that become visible in another order: a reader
// misses some. This is what the head of the log is for, and shows that eight writers
// are enough to see it.
func TestSequenceWouldMiss(t *testing.T) {
	db, err := sql.Open("pgx", statetest.SharedPostgres(t).Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE log (seq BIGSERIAL PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			for ctx.Err() == nil {
				if err := appendBySequence(ctx, db); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	read, last := 0, 0
	for missed := false; !missed && ctx.Err() == nil; {
		var n, end, there int
		if err := db.QueryRowContext(ctx, `SELECT count(*), coalesce(max(seq), $1) FROM log WHERE seq > $1`, last).Scan(&n, &end); err != nil {
			break
		}
		read, last = read+n, end
		if err := db.QueryRowContext(ctx, `SELECT count(*) FROM log WHERE seq <= $1`, last).Scan(&there); err != nil {
			break
		}
		missed = there > read
	}
	missed := ctx.Err() == nil
	stop()
	done.Wait()
	if !missed {
		t.Error("the reader missed nothing: the other tests prove nothing")
	}
}

// appendBySequence takes a number, works, and commits.
func appendBySequence(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `INSERT INTO log DEFAULT VALUES`); err != nil {
		return err
	}
	time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
	return tx.Commit()
}

// TestPasswordIsRenewed changes the password of the database while a Store is open: it gets the new one, and no other place.
func TestPasswordIsRenewed(t *testing.T) {
	place, set := statetest.SharedPostgres(t).Role(t, "renewed", "hunter1")
	s := open(t, place, state.Options{})
	put := func() error { return s.Put(t.Context(), "kind", "key", []byte("{}"), time.Now().Add(time.Hour)) }
	if err := put(); err != nil {
		t.Fatal(err)
	}
	set("hunter2")
	renew := func(where string) {
		t.Helper()
		install, err := s.Renewal(where)
		if err != nil {
			t.Fatal(err)
		}
		install()
	}
	now := strings.Replace(place, "hunter1", "hunter2", 1)
	renew(strings.Replace(now, "/renewed?", "/another?", 1))
	for range 2 { // the first finds a connection that was ended
		if err := put(); err == nil || strings.Contains(err.Error(), "hunter") {
			t.Errorf("with the old password: %v", err)
		}
	}
	renew(now)
	if err := put(); err != nil {
		t.Errorf("with the new password: %v", err)
	}
	for _, where := range []string{"memory", "file:a.db", "postgres://[", "postgres://a:b@c/d?password=e&x=y"} {
		if strings.Contains(state.Place(where), "b@") || strings.Contains(state.Place(where), "=e") {
			t.Errorf("%s has a password", state.Place(where))
		}
	}
}
