package state_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scim-atlassian/scim/state"
)

func open(t *testing.T, where string, o state.Options) *state.Store {
	t.Helper()
	s, err := state.Open(t.Context(), where, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// write commits n changes.
func write(t *testing.T, s *state.Store, n int) {
	t.Helper()
	for i := range n {
		c := &state.Commit{Changes: []state.Change{{Type: "User", ID: fmt.Sprint(i), Op: state.Update, Before: bytes.Repeat([]byte{1}, 500)}}}
		if _, err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

// refused opens a place that cannot be, and returns the error, which is one line.
func refused(t *testing.T, where string, o state.Options) error {
	t.Helper()
	s, err := state.Open(t.Context(), where, o)
	if err == nil {
		s.Close()
		t.Fatalf("%s was opened", where)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q is more than one line", err)
	}
	return err
}

func TestPlaces(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct{ where, want string }{
		{"", "memory, file:PATH or postgres://"},
		{"state.db", "memory, file:PATH or postgres://"},
		{"file:", "memory, file:PATH or postgres://"},
		{"mysql://u:secret@h/d", "memory, file:PATH or postgres://"},
		{"postgres://u:se cret@h:x/d", "not a PostgreSQL URL"},
		{"postgres://u:secret@127.0.0.1:1/d?connect_timeout=2", "out of reach"},
		{"file:" + dir + "/none/state.db", "memory"},
		{"file:" + dir + "/none/state.db", "volume"},
		{"file:" + dir, "memory"},
		{"file:/proc/state.db", "memory"},
	} {
		err := refused(t, tt.where, state.Options{})
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %q does not contain %q", tt.where, err, tt.want)
		}
		if strings.Contains(err.Error(), "cret") {
			t.Errorf("%s: the password is in %q", tt.where, err)
		}
	}
	if _, err := os.Stat(dir + "/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a directory was made")
	}
}

func TestWhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	for where, want := range map[string]string{"memory": "memory", "file:" + path: "SQLite file " + path} {
		if got := open(t, where, state.Options{}).Where(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestMemoryIsNotShared(t *testing.T) {
	a, b := open(t, "memory", state.Options{}), open(t, "memory", state.Options{})
	write(t, a, 1)
	if h, err := b.Head(t.Context()); err != nil || h.Seq != 0 || a.ID() == b.ID() {
		t.Errorf("the other has number %d, %v", h.Seq, err)
	}
}

// Documents are personal data: others on the machine may not read them.
func TestModes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := open(t, "file:"+path, state.Options{Exclusive: time.Second})
	write(t, s, 3)
	if err := s.Backup(t.Context(), filepath.Join(dir, "copy.db")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < 5 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o, %v", e.Name(), info.Mode().Perm(), err)
		}
	}
}

func TestExclusive(t *testing.T) {
	where := "file:" + filepath.Join(t.TempDir(), "s.db")
	first := open(t, where, state.Options{Exclusive: time.Second})
	if first.Shared() {
		t.Error("an exclusive Store says that others write")
	}
	start := time.Now()
	if err := refused(t, where, state.Options{Exclusive: 300 * time.Millisecond}); !errors.Is(err, state.ErrInUse) {
		t.Errorf("got %v, want %v", err, state.ErrInUse)
	}
	if waited := time.Since(start); waited < 300*time.Millisecond || waited > 5*time.Second {
		t.Errorf("waited %s", waited)
	}
	open(t, where, state.Options{ReadOnly: true, Exclusive: time.Second})
	time.AfterFunc(300*time.Millisecond, func() { first.Close() })
	open(t, where, state.Options{Exclusive: 20 * time.Second})
}

// What is not a sound Store of ours is left as it is.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	sound := filepath.Join(dir, "sound.db")
	s := open(t, "file:"+sound, state.Options{})
	write(t, s, 200)
	s.Close()
	data, err := os.ReadFile(sound)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func([]byte) []byte{
		"text":      func([]byte) []byte { return bytes.Repeat([]byte("not a database\n"), 100) },
		"cut":       func(b []byte) []byte { return b[:len(b)/2] },
		"header":    func(b []byte) []byte { copy(b, "SQLite format 9\x00"); return b },
		"first":     func(b []byte) []byte { clear(b[100:4096]); return b },
		"a page":    func(b []byte) []byte { clear(b[len(b)-8192 : len(b)-4096]); return b },
		"another's": func(b []byte) []byte { copy(b[68:72], "abcd"); return b },
	} {
		path := filepath.Join(dir, name)
		spoilt := spoil(bytes.Clone(data))
		if err := os.WriteFile(path, spoilt, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := refused(t, "file:"+path, state.Options{}); !errors.Is(err, state.ErrDamaged) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v, want %v", name, err, state.ErrDamaged)
		}
		if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, spoilt) {
			t.Errorf("%s: the file was changed, %v", name, err)
		}
	}
}

// A file from before SQLite wrote to it, as a volume may hold it, is as good as none.
func TestEmptyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := refused(t, "file:"+path, state.Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read only: got %v", err)
	}
	write(t, open(t, "file:"+path, state.Options{}), 1)
}

// A copy goes on with what it has, and under another id.
func TestBackup(t *testing.T) {
	dir := t.TempDir()
	s := open(t, "file:"+filepath.Join(dir, "s.db"), state.Options{Exclusive: time.Second})
	write(t, s, 5)
	beside := open(t, "file:"+filepath.Join(dir, "s.db"), state.Options{ReadOnly: true})
	copied := filepath.Join(dir, "copy ?#%41.db")
	if err := beside.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if err := beside.Backup(t.Context(), copied); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another file: got %v", err)
	}
	write(t, s, 1)
	restored := open(t, "file:"+copied, state.Options{})
	if h, err := restored.Head(t.Context()); err != nil || h.Seq != 5 || restored.ID() == s.ID() || restored.ID() == "" {
		t.Errorf("head %d, id %q and %q, %v", h.Seq, restored.ID(), s.ID(), err)
	}
	id := restored.ID()
	restored.Close()
	if again := open(t, "file:"+copied, state.Options{}); again.ID() != id {
		t.Error("the id of the copy does not stay")
	}
	if err := open(t, "memory", state.Options{}).Backup(t.Context(), filepath.Join(dir, "m.db")); err == nil {
		t.Error("memory was copied")
	}
}

// A disk that is full loses nothing of what was acknowledged, and writing goes on when there is room.
func TestFull(t *testing.T) {
	s := open(t, "file:"+filepath.Join(t.TempDir(), "s.db"), state.Options{})
	write(t, s, 10)
	if err := s.Exec(t.Context(), `PRAGMA max_page_count = 60`); err != nil {
		t.Fatal(err)
	}
	done := int64(10)
	for {
		seq, err := s.Commit(t.Context(), &state.Commit{Changes: []state.Change{{Type: "User", ID: "u", Op: state.Update, Before: make([]byte, 9000)}}})
		if err == nil {
			done = seq
			continue
		}
		if !errors.Is(err, state.ErrAway) {
			t.Errorf("full: got %v, want %v", err, state.ErrAway)
		}
		break
	}
	if h, err := s.Head(t.Context()); err != nil || h.Seq != done {
		t.Errorf("head %d, %v; want %d", h.Seq, err, done)
	}
	if err := s.Exec(t.Context(), `PRAGMA max_page_count = 1000`); err != nil {
		t.Fatal(err)
	}
	write(t, s, 1)
}
