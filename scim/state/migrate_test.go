package state_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"scim-atlassian/scim/state"
	"scim-atlassian/scim/state/statetest"
)

// engines runs a test on every engine that outlives the process. place makes a place.
func engines(t *testing.T, test func(t *testing.T, place func(*testing.T) string)) {
	t.Run("SQLite", func(t *testing.T) {
		test(t, func(t *testing.T) string { return "file:" + filepath.Join(t.TempDir(), "s.db") })
	})
	t.Run("Postgres", func(t *testing.T) {
		test(t, func(t *testing.T) string { return statetest.SharedPostgres(t).Database(t) })
	})
}

// released are the migrations of the past, by their hash: data of users was written
// with them, so they stay as they were. Add a line with every release that has one.
var released = []string{"8db2fc78845da0c2"}

func TestReleasedMigrationsStay(t *testing.T) {
	if len(state.Migrations) < len(released) {
		t.Fatalf("%d migrations, %d were released", len(state.Migrations), len(released))
	}
	for i, want := range released {
		hash := sha256.Sum256([]byte(state.Migrations[i]))
		if got := hex.EncodeToString(hash[:8]); got != want {
			t.Errorf("migration %d has the hash %s, was released as %s: undo the change and add a migration", i+1, got, want)
		}
	}
}

// Every released schema is brought up to date, with what was in it: testdata/schemaN.sql
// fills one of version N.
func TestMigrateForward(t *testing.T) {
	engines(t, func(t *testing.T, place func(*testing.T) string) {
		for version := 1; version <= len(state.Migrations); version++ {
			t.Run(strconv.Itoa(version), func(t *testing.T) {
				where := place(t)
				old, err := state.OpenWith(t.Context(), where, state.Migrations[:version])
				if err != nil {
					t.Fatal(err)
				}
				fill, err := os.ReadFile("testdata/schema" + strconv.Itoa(version) + ".sql")
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(where, "postgres") {
					fill = []byte(strings.ReplaceAll(string(fill), " x'", ` '\x`))
				}
				if err := old.Exec(t.Context(), string(fill)); err != nil {
					t.Fatal(err)
				}
				old.Close()
				checkFilled(t, open(t, where, state.Options{}))
			})
		}
	})
}

// checkFilled reads what testdata/schemaN.sql wrote, whatever N is.
func checkFilled(t *testing.T, s *state.Store) {
	t.Helper()
	ctx := t.Context()
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	head, err := s.Head(ctx)
	if diff := cmp.Diff(state.Head{Seq: 9, At: at, Floor: 3}, head); diff != "" || err != nil {
		t.Errorf("head, %v (-want +got):\n%s", err, diff)
	}
	if s.ID() != "STORE" {
		t.Errorf("id: got %s, want STORE", s.ID())
	}
	changes, err := s.Changes(ctx, 0, 99, nil, 99)
	if diff := cmp.Diff([]state.Change{{Seq: 8, Type: "User", ID: "u1", Op: state.Update, Source: "own", Names: []string{"active", "title"},
		Txn: "t1", At: at, Before: []byte("before")}}, changes); diff != "" || err != nil {
		t.Errorf("changes, %v (-want +got):\n%s", err, diff)
	}
	resources, err := s.Resources(ctx, "User", 0)
	if diff := cmp.Diff([]state.Resource{{Type: "User", ID: "u1", Seq: 8, Doc: []byte("doc")}, {Type: "User", ID: "u2", Seq: 9, Gone: true}},
		resources); diff != "" || err != nil {
		t.Errorf("resources, %v (-want +got):\n%s", err, diff)
	}
	complete, _, err := s.Scans(ctx, "User")
	if diff := cmp.Diff(&state.Scan{Type: "User", ID: 4, Began: at, Ended: at, Complete: true, Total: 2, Pages: 1}, complete); diff != "" || err != nil {
		t.Errorf("scan, %v (-want +got):\n%s", err, diff)
	}
	if v, there, err := s.Value(ctx, "hold", "h1"); !there || err != nil || string(v.Data) != "data" || v.Version != 7 {
		t.Errorf("value: got %v, %t, %v", v, there, err)
	}
	if key, err := s.Secret(ctx, "cursor", 3); err != nil || string(key) != "key" {
		t.Errorf("secret: got %q, %v", key, err)
	}
	if l, err := s.Acquire(ctx, "scan", "b", time.Minute); err != nil || l == nil || l.Fence != 6 {
		t.Errorf("lease: got %v, %v", l, err)
	}
}

// next are the migrations of a release to come.
var next = append(append([]string(nil), state.Migrations...),
	`CREATE TABLE sa_next (a {text} NOT NULL)`, `INSERT INTO sa_next (a) VALUES ('once')`)

// Replicas of a new release that start together do each migration once; older ones are
// refused from then on.
func TestMigrateTogether(t *testing.T) {
	engines(t, func(t *testing.T, place func(*testing.T) string) {
		where := place(t)
		write(t, open(t, where, state.Options{}), 3)
		var done sync.WaitGroup
		for range 4 {
			done.Go(func() {
				s, err := state.OpenWith(t.Context(), where, next)
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				write(t, s, 1)
			})
		}
		done.Wait()
		s, err := state.OpenWith(t.Context(), where, next)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Exec(t.Context(), `CREATE UNIQUE INDEX sa_next_once ON sa_next (a)`); err != nil {
			t.Errorf("a migration ran twice: %v", err)
		}
		for _, o := range []state.Options{{}, {ReadOnly: true}} {
			if err := refused(t, where, o); !errors.Is(err, state.ErrNewer) {
				t.Errorf("%+v: got %v, want %v", o, err, state.ErrNewer)
			}
		}
	})
}

// A migration that fails leaves the schema as it was.
func TestMigrationFails(t *testing.T) {
	engines(t, func(t *testing.T, place func(*testing.T) string) {
		where := place(t)
		write(t, open(t, where, state.Options{}), 3)
		broken := append(append([]string(nil), next...), `CREATE TABLE sa_next (again {text})`)
		if _, err := state.OpenWith(t.Context(), where, broken); err == nil {
			t.Fatal("the migration did not fail")
		}
		if h, err := open(t, where, state.Options{}).Head(t.Context()); err != nil || h.Seq != 3 {
			t.Errorf("head: got %d, %v", h.Seq, err)
		}
	})
}

// An older schema is not read by one who may not bring it up to date.
func TestReadOnlyOlder(t *testing.T) {
	engines(t, func(t *testing.T, place func(*testing.T) string) {
		where := place(t)
		open(t, where, state.Options{})
		s, err := state.ReadWith(t.Context(), where, next)
		if err == nil {
			s.Close()
			t.Fatal("it was opened")
		}
		if !strings.Contains(err.Error(), "serve brings it up to date") {
			t.Errorf("got %v", err)
		}
	})
}
