//go:build unix

package statetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that makes the databases
)

// Postgres is a PostgreSQL server of a test, from Debian's package, on a socket in a
// directory of its own.
type Postgres struct {
	dir    string
	bin    string
	as     *syscall.Credential // nil: who runs the test
	names  atomic.Int64
	server *exec.Cmd
}

// StartPostgres starts a server until the end of the test; that takes a second or two. Where
// there is none the test is skipped, but fails if CI is true.
func StartPostgres(t testing.TB) *Postgres {
	t.Helper()
	p := start(t)
	t.Cleanup(p.end)
	return p
}

// shared is the server of all tests of a process.
var shared struct {
	sync.Mutex
	*Postgres
}

// SharedPostgres is a server for all tests of the process, started when the first asks for
// it, as StartPostgres does. TestMain has to end it with StopShared.
func SharedPostgres(t testing.TB) *Postgres {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.Postgres == nil {
		shared.Postgres = start(t)
	}
	return shared.Postgres
}

// StopShared ends the server of SharedPostgres, if there is one.
func StopShared() {
	if shared.Postgres != nil {
		shared.end()
	}
}

func start(t testing.TB) *Postgres {
	t.Helper()
	binaries, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(binaries) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no PostgreSQL: install Debian's package postgresql")
		}
		t.Skip("there is no PostgreSQL: install Debian's package postgresql")
	}
	slices.Sort(binaries)
	p := &Postgres{bin: binaries[len(binaries)-1], as: unprivileged(t)}
	p.dir = p.directory(t)
	p.run(t, "initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8", "-D", p.dir+"/data")
	p.Start(t)
	return p
}

func (p *Postgres) end() {
	p.Stop()
	os.RemoveAll(p.dir)
}

// unprivileged is whom the server runs as where the test runs as root, which it refuses.
func unprivileged(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.ParseUint(u.Uid, 10, 32) // Unix has numbers
			gid, _ := strconv.ParseUint(u.Gid, 10, 32)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	t.Fatal("PostgreSQL refuses to run as root, and there is no user postgres or nobody")
	return nil
}

// directory is not t.TempDir: its path is too long for a socket.
func (p *Postgres) directory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pg")
	if err == nil && p.as != nil {
		err = os.Chown(dir, int(p.as.Uid), int(p.as.Gid))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func (p *Postgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	return cmd
}

func (p *Postgres) run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := p.command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// Start starts the server again after Stop, and waits until it answers.
func (p *Postgres) Start(t testing.TB) {
	t.Helper()
	p.server = p.command("postgres", "-D", p.dir+"/data", "-k", p.dir, "-h", "", "-c", "fsync=off", "-c", "max_connections=300")
	log, err := os.OpenFile(p.dir+"/log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.server.Stdout, p.server.Stderr = log, log
	if err := p.server.Start(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", p.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if err = db.PingContext(context.Background()); err == nil {
			return
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(p.dir + "/log")
			t.Fatalf("PostgreSQL does not start: %v\n%s", err, log)
		}
	}
}

// Stop ends the server at once, as a crash does.
func (p *Postgres) Stop() {
	if p.server == nil {
		return
	}
	p.server.Process.Signal(syscall.SIGQUIT)
	p.server.Wait()
	p.server = nil
}

// Database makes an empty database and returns its place, for state.Open.
func (p *Postgres) Database(t testing.TB) string {
	t.Helper()
	db, err := sql.Open("pgx", p.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	name := fmt.Sprint("test", p.names.Add(1))
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name+" STRATEGY file_copy"); err != nil {
		t.Fatal(err)
	}
	return p.url(name)
}

// Role makes a role with a password, and an empty database of its own, and returns the place of that with the password. set
// gives the role another password, and ends its connections.
func (p *Postgres) Role(t testing.TB, name, password string) (place string, set func(password string)) {
	t.Helper()
	if err := os.WriteFile(p.dir+"/data/pg_hba.conf", []byte("local all postgres trust\nlocal all all scram-sha-256\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", p.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	do := func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	do("SELECT pg_reload_conf()")
	do("CREATE ROLE " + name + " LOGIN PASSWORD '" + password + "'")
	do("CREATE DATABASE " + name + " OWNER " + name + " STRATEGY file_copy")
	place = strings.Replace(p.url(name), "postgres@", name+":"+password+"@", 1)
	return place, func(password string) {
		t.Helper()
		do("ALTER ROLE " + name + " PASSWORD '" + password + "'")
		do("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '" + name + "'")
	}
}

func (p *Postgres) url(database string) string {
	return "postgres://postgres@/" + database + "?host=" + url.QueryEscape(p.dir)
}

// Dump copies the database at a place into a new one, as pg_dump and a restore do, and
// returns its place.
func (p *Postgres) Dump(t testing.TB, from string) string {
	t.Helper()
	to := p.Database(t)
	p.run(t, "pg_dump", "--format=custom", "--file="+p.dir+"/dump", from)
	p.run(t, "pg_restore", "--dbname="+to, p.dir+"/dump")
	return to
}
